import CairnBytes
import CairnMemory
import Testing

@testable import CairnBlocks

/// The image that a canister saved was found to be changed by a program that opened it to write and was refused: recovery had begun by
/// then, and wrote a superblock.
@Suite("Images made for a memory that tears no message")
struct MessageAtomicImageTests {
  /// A heap that says that it tears, as a file does.
  private final class TearingMemory: StableMemory {
    private let heap: HeapMemory

    init(_ heap: HeapMemory) { self.heap = heap }

    var pageCount: UInt64 { heap.pageCount }
    var guarantees: MemoryGuarantees { .sectors(byteCount: 512) }
    var isWritable: Bool { true }
    func grow(by pages: UInt64) throws(MemoryError) { try heap.grow(by: pages) }
    func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
      try heap.read(at: offset, into: &bytes)
    }
    func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) { try heap.write(bytes, at: offset) }
    func flush() throws(MemoryError) {}
    func discardCache() throws(MemoryError) {}
  }

  private func bytes(of memory: HeapMemory) throws -> [UInt8] {
    var image = [UInt8](repeating: 0, count: Int(memory.byteCount))
    try BulkCopy.withMutableRawSpan(of: &image) { (bytes) throws(MemoryError) in try memory.read(at: 0, into: &bytes) }
    return image
  }

  @Test("are read, but not written to, on one that does; what is refused changes nothing")
  func refused() throws {
    let heap = HeapMemory(pageCount: 64)
    let environment = Environment(now: { 1 }, random: { 7 })
    try BlockDevice.format(heap, environment: environment)
    let device = try BlockDevice.open(heap, environment: environment)
    let block = try device.transaction { (transaction) throws(StorageError) -> BlockNumber in
      let block = try transaction.allocate(kind: BlockKind(rawValue: 0x80), owner: 1)
      try transaction.setRoot(block)
      return block
    }
    // Not closed: as after a crash, so that opening has something to do.
    let before = try bytes(of: heap)
    let tearing = TearingMemory(heap)
    #expect(throws: StorageError.self) { try BlockDevice.open(tearing, environment: environment) }
    #expect(try bytes(of: heap) == before)
    let reader = try BlockDevice.open(tearing, options: OpenOptions(isReadOnly: true), environment: environment)
    #expect(try reader.rootBlock() == block)
    #expect(try bytes(of: heap) == before)
  }
}
