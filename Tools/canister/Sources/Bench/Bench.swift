#if arch(wasm32)
  import CairnBlocks
  import CairnMaps
  import CairnMemory
  import CairnObjects
  import CairnVolumes
  import Canister

  /// The store that is measured. A message is one transaction: what a canister does with a batch.
  private final class Opened: @unchecked Sendable {
    static let current = Opened()
    var store: Store?
  }

  /// Runs a measured message: its result is the reply, eight bytes, so that the host sees that the work was done.
  func measured(_ body: (Store) throws(StorageError) -> UInt64) {
    guard let store = Opened.current.store else { Message.trap("no store") }
    do throws(StorageError) {
      let result = try body(store)
      Message.reply((0..<8).map { UInt8(truncatingIfNeeded: result >> UInt64(8 * $0)) })
    } catch {
      Message.trap("\(error)")
    }
  }

  /// Makes the store, the maps and a bucket.
  @_expose(wasm, "canister_init") @c(bench_init)
  public func initialize() {
    do throws(StorageError) {
      let memory = CanisterMemory.shared
      do { try memory.grow(by: 1024) } catch { throw .memory(error) }
      let options = StoreOptions(filesystems: [ObjectFilesystem(), MapFilesystem()], environment: .canister)
      let store = try Store.create(
        on: memory, format: FormatOptions(journalByteCount: 24 << 20, growsByItself: true), options: options)
      try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      try store.createMap("numbers", UInt64.self, UInt64.self)
      try store.createMap("blobs", [UInt8].self, [UInt8].self)
      try store.transaction { (transaction) throws(StorageError) in _ = try transaction.createBucket("b") }
      Opened.current.store = store
    } catch {
      Message.trap("\(error)")
    }
  }

  /// The nth of numbers that look random and do not repeat (SplitMix64's output function is a bijection).
  func number(_ index: UInt64) -> UInt64 {
    var z = index &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A blob that a number decides.
  func blob(_ number: UInt64, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0x5A, count: count)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * index)) }
    return bytes
  }

  let operationCount: UInt64 = 10_000
#endif
