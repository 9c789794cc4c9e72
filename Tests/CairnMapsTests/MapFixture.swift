import CairnBlocks
import CairnMemory
import CairnVolumes

@testable import CairnMaps

/// A store with a map `m` on a heap memory, which can be opened again and again.
final class MapFixture {
  let memory: HeapMemory
  let options: StoreOptions
  private(set) var store: Store

  init(pageCount: UInt64 = 48, blockByteCount: Int = 4096, definition: String = "") throws {
    memory = HeapMemory(pageCount: pageCount)
    options = StoreOptions(filesystems: [MapFilesystem()])
    store = try Store.create(on: memory, format: FormatOptions(blockByteCount: blockByteCount), options: options)
    try store.createMap("m", definition: definition)
  }

  /// Opens the image again; unless it is closed `cleanly` first, as after a crash.
  func reopen(cleanly: Bool = true) throws {
    if cleanly { try store.close() }
    store = try Store.open(on: memory, options: options)
  }

  /// A transaction of one call on the map.
  @discardableResult
  func change<Result>(_ body: (ByteMap) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try store.transaction { (transaction) throws(StorageError) in try body(try transaction.map("m")) }
  }

  /// A call of a multi-call transaction on the map.
  @discardableResult
  func resume<Result>(
    _ id: TransactionID, _ body: (ByteMap) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try store.resume(id) { (transaction) throws(StorageError) in try body(try transaction.map("m")) }
  }

  /// A read of the map.
  func read<Result>(_ body: (ByteMap) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try store.read { (transaction) throws(StorageError) in try body(try transaction.map("m")) }
  }

  /// What a deep check finds, as text.
  func findings() throws(StorageError) -> [String] {
    try store.check(deep: true).findings.map { "\($0)" }
  }
}
