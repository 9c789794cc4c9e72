import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnTrees

/// A device on the heap with trees' validation, for one test.
final class TestDevice {
  let device: BlockDevice
  let blockByteCount: Int

  init(blockByteCount: Int, byteCount: UInt64? = nil, growsByItself: Bool = true) throws {
    self.blockByteCount = blockByteCount
    let bytes = byteCount ?? UInt64(max(4 << 20, blockByteCount * 512))
    let memory = HeapMemory(pageCount: bytes / MemoryPage.byteCount)
    let random = SpinLock()
    nonisolated(unsafe) var generator = SeededGenerator(seed: 1)
    let environment = Environment(now: { 1 }, random: { random.with { unsafe generator.next() } })
    try BlockDevice.format(
      memory, options: FormatOptions(blockByteCount: blockByteCount, growsByItself: growsByItself),
      environment: environment)
    let options = OpenOptions { kind, bytes, byteCount in
      kind != .treeNode || TreeNode.isWellFormed(bytes, blockByteCount: byteCount)
    }
    device = try BlockDevice.open(memory, options: options, environment: environment)
  }

  /// Blocks that the bitmaps say are handed out.
  func usedBlockCount() throws(StorageError) -> UInt64 { try device.checkDevice().allocatedBlockCount }

  func write<Result>(
    _ body: (BlockTransaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try device.transaction(body)
  }

  func read<Result>(_ body: (BlockView) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try device.read(body)
  }
}
