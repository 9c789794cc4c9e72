internal import CairnBlocks
internal import CairnMemory
internal import CairnVolumes
internal import Foundation

/// A Cairn store in a file, as both of its engines use it.
final class CairnFile {
  private let path: String
  private let byteCount: UInt64
  private var store: Store?

  init(folder: String, scale: Scale) {
    path = folder + "/store.cairn"
    byteCount = UInt64(scale.imageByteCount)
  }

  /// Opens the store, or makes it and fills it with what shall be there.
  func open(
    _ storeOptions: StoreOptions, _ fill: (Transaction) throws(StorageError) -> Void
  ) throws {
    var options = storeOptions
    let isNew = !FileManager.default.fileExists(atPath: path)
    let memory =
      isNew
      ? try FileMemory.create(path: path, byteCount: byteCount, isZeroFilled: true)
      : try FileMemory.open(path: path, mode: .readWrite)
    options.whenClosed = { memory.close() }
    guard isNew else {
      store = try Store.open(on: memory, options: options)
      return
    }
    let format = FormatOptions(journalByteCount: UInt64(EngineKind.journalByteCount))
    let store = try Store.create(on: memory, format: format, options: options)
    try store.transaction(fill)
    self.store = store
  }

  func close() throws {
    try store?.close()
    store = nil
  }

  func opened() throws -> Store {
    guard let store else { throw EngineFailure(description: "the store is not open") }
    return store
  }

  /// One transaction of whatever may throw.
  func transaction(_ body: (Transaction) throws -> Void) throws {
    var failure: (any Error)?
    do {
      try opened().transaction { (transaction) throws(StorageError) in try Self.run(body, transaction, &failure) }
    } catch { throw failure ?? error }
  }

  /// One read of whatever may throw.
  func read(_ body: (Transaction) throws -> Void) throws {
    var failure: (any Error)?
    do {
      try opened().read { (transaction) throws(StorageError) in try Self.run(body, transaction, &failure) }
    } catch { throw failure ?? error }
  }

  /// The store passes on its own errors alone: others are kept until it has let go.
  private static func run(
    _ body: (Transaction) throws -> Void, _ transaction: Transaction, _ failure: inout (any Error)?
  ) throws(StorageError) {
    do { try body(transaction) } catch {
      failure = error
      throw .transactionFailed
    }
  }
}
