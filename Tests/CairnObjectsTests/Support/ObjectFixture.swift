import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes

@testable import CairnObjects

/// A clock that a test turns, and numbers that a seed decides.
final class TestWorld: @unchecked Sendable {
  private let lock = SpinLock()
  private var time: UInt64 = 1_000_000_000_000
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  var environment: Environment {
    Environment(now: { [self] in lock.with { time } }, random: { [self] in lock.with { generator.next() } })
  }

  var now: UInt64 {
    get { lock.with { time } }
    set { lock.with { time = newValue } }
  }
}

/// A store with a volume `objects` on a heap memory, which can be opened again and again.
final class ObjectFixture {
  let world: TestWorld
  let memory: HeapMemory
  let options: StoreOptions
  private(set) var store: Store

  /// A store of `pageCount` pages of 64 KiB. `bucket` is made unless it is nil.
  init(
    seed: UInt64 = 1, pageCount: UInt64 = 64, blockByteCount: Int = 4096, bucket: String? = "b"
  ) throws {
    world = TestWorld(seed: seed)
    memory = HeapMemory(pageCount: pageCount)
    options = StoreOptions(filesystems: [ObjectFilesystem()], environment: world.environment)
    store = try Store.create(on: memory, format: FormatOptions(blockByteCount: blockByteCount), options: options)
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    if let bucket { try change { try $0.createBucket(bucket) } }
  }

  /// Opens the image again; unless it is closed `cleanly` first, as after a crash.
  func reopen(cleanly: Bool = true) throws(StorageError) {
    if cleanly { try store.close() }
    store = try Store.open(on: memory, options: options)
  }

  /// A transaction of one call on the volume.
  @discardableResult
  func change<Result>(_ body: (ObjectVolume) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try store.transaction { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    } catch {
      throw cause ?? error
    }
  }

  /// A call of a multi-call transaction on the volume.
  @discardableResult
  func resume<Result>(_ id: TransactionID, _ body: (ObjectVolume) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try store.resume(id) { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    } catch {
      throw cause ?? error
    }
  }

  /// A read of the volume.
  @discardableResult
  func read<Result>(_ body: (ObjectVolume) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try store.read { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    } catch {
      throw cause ?? error
    }
  }

  /// Takes any error of a closure through a call that only knows the store's own.
  private static func run<Result>(
    _ body: (ObjectVolume) throws -> Result, on transaction: Transaction, _ cause: inout (any Error)?
  ) throws(StorageError) -> Result {
    do {
      return try body(try transaction.objects())
    } catch let error as StorageError {
      throw error
    } catch {
      cause = error
      throw .transactionFailed
    }
  }

  /// Puts an object into the bucket `b` in a commit of its own.
  @discardableResult
  func put(
    _ key: ObjectKey, _ bytes: [UInt8], _ options: ObjectOptions = ObjectOptions(),
    if conditions: ObjectConditions = .none
  ) throws -> ObjectInfo {
    try change { try $0.bucket("b").put(key, bytes, options, if: conditions) }
  }

  /// Reads an object of the bucket `b`.
  func get(_ key: ObjectKey, range: ObjectRange? = nil) throws -> [UInt8] {
    try read { try $0.bucket("b").get(key, range: range) }
  }

  /// Lists the bucket `b`.
  func list(_ query: ObjectQuery = ObjectQuery()) throws -> ObjectListing {
    try read { try $0.bucket("b").list(query) }
  }

  /// What a deep check finds, as text.
  func findings() throws(StorageError) -> [String] {
    try store.check(deep: true).findings.map { $0.description }
  }
}

/// Bytes of which a seed decides the contents; quick to make in a debug build.
func contents(_ count: Int, seed: UInt8 = 7) -> [UInt8] {
  var bytes = [UInt8](repeating: seed, count: count)
  var index = 0
  while index < count {
    bytes[index] = UInt8(truncatingIfNeeded: index / 97 &* 31 &+ Int(seed))
    index += 97
  }
  return bytes
}
