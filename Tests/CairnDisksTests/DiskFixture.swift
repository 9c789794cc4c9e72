import CairnBlocks
import CairnMemory
import CairnVolumes

@testable import CairnDisks

/// A store with a disk `d` on a heap memory, which can be opened again and again.
final class DiskFixture {
  let memory: HeapMemory
  let options: StoreOptions
  private(set) var store: Store

  init(
    blockCount: UInt64 = 64, blockByteCount: Int = 4096, pageCount: UInt64 = 48, deviceBlockByteCount: Int = 4096
  ) throws {
    memory = HeapMemory(pageCount: pageCount)
    options = StoreOptions(filesystems: [DiskFilesystem()])
    store = try Store.create(on: memory, format: FormatOptions(blockByteCount: deviceBlockByteCount), options: options)
    try store.createDisk("d", DiskGeometry(blockCount: blockCount, blockByteCount: blockByteCount))
  }

  /// Opens the image again; unless it is closed `cleanly` first, as after a crash.
  func reopen(cleanly: Bool = true) throws {
    if cleanly { try store.close() }
    store = try Store.open(on: memory, options: options)
  }

  /// A transaction of one call on the disk.
  @discardableResult
  func change<Result>(_ body: (Disk) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try store.transaction { (transaction) throws(StorageError) in try body(try transaction.disk("d")) }
  }

  /// A call of a multi-call transaction on the disk.
  @discardableResult
  func resume<Result>(
    _ id: TransactionID, _ body: (Disk) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try store.resume(id) { (transaction) throws(StorageError) in try body(try transaction.disk("d")) }
  }

  /// A read of the disk.
  func read<Result>(_ body: (Disk) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try store.read { (transaction) throws(StorageError) in try body(try transaction.disk("d")) }
  }

  /// The contents of blocks.
  func blocks(_ block: UInt64, count: UInt64 = 1) throws(StorageError) -> [UInt8] {
    try read { (disk) throws(StorageError) in try disk.read(block, count: count) }
  }

  /// Writes blocks in a commit of their own.
  func write(_ block: UInt64, _ bytes: [UInt8]) throws(StorageError) {
    try change { (disk) throws(StorageError) in try disk.write(block, bytes) }
  }

  /// What a deep check finds, as text.
  func findings() throws(StorageError) -> [String] {
    try store.check(deep: true).findings.map { $0.description }
  }
}

/// Whole blocks of which a seed decides the contents.
func blocks(_ count: Int, of size: Int = 4096, seed: UInt8) -> [UInt8] {
  var bytes = [UInt8](repeating: seed, count: count * size)
  for index in 0..<count { bytes[index * size] = UInt8(truncatingIfNeeded: index) }
  return bytes
}
