import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

/// Commits that no device wrote, under right checksums at the right place of the ring.
@Suite("Hostile journal")
struct HostileJournalTests {
  /// A crash image whose last commit changes one byte of `block`, which it says to have created or not.
  private static func image(changing block: UInt64, created: CreatedBlock?, events: Int = 1) throws -> [UInt8] {
    let (memory, device) = try TestDevice.make()
    _ = try device.add([1])
    let core = device.core
    let frame = try core.frames.allocate(block: block)
    frame.fill(0x55, at: 0, count: 512)
    var commit = EncodedCommit()
    commit.change(block: block, created: created, ranges: [40..<41], of: frame.bytes)
    commit.commit(annotation: CommitAnnotation(time: 1), external: [])
    var bytes: [UInt8] = []
    _ = commit.seal(
      epoch: core.epoch, previousEpoch: nil, sequence: core.head.sequence, flushNumber: core.head.sequence,
      previousChecksum: core.head.previousChecksum, sectorByteCount: 512, appendingTo: &bytes)
    let place = Int(core.ring.block(at: core.head.position * 512)) * 512
    return memory.durableImage.replacing(at: place, with: bytes)
  }

  static let blocks: [UInt64] = [
    0, 1, 17, 24, 25, 26, 33, 34, 35, 36, 63, 511, 512, 25 + 3840, 25 + 3840 * 1000, 1 << 32, 1 << 60, .max - 1, .max,
  ]
  static let creations: [CreatedBlock?] = [
    nil, CreatedBlock(kind: TestDevice.kind, owner: 1, level: 0), CreatedBlock(kind: .bitmap, owner: 255, level: 0),
    CreatedBlock(kind: .geometry, owner: 255, level: 0), CreatedBlock(kind: .generations, owner: 255, level: 0),
  ]

  @Test("changes of any block open to an error or to a device that can be used", arguments: blocks)
  func changes(_ block: UInt64) throws {
    for created in Self.creations {
      for isReadOnly in [true, false] {
        let memory = SimulatedMemory(image: try Self.image(changing: block, created: created))
        let error = failure { () throws(StorageError) in try Self.use(memory, isReadOnly: isReadOnly) }
        switch error {
        case nil, .full, .damaged, .transactionTooLarge: break
        default: Issue.record("\(block), \(String(describing: created)): \(String(describing: error))")
        }
      }
    }
  }

  /// The verdict "torn or corrupt" once verified each of these: 50,000 times a checksum over two megabytes, for hours.
  @Test("a ring full of forged heads is damage, at once", .timeLimit(.minutes(1)))
  func forgedHeads() throws {
    let format = TestDevice.smallFormat(ringBlockCount: 4096)
    let (memory, device) = try TestDevice.make(pageCount: 48, format: format)
    _ = try device.add([1])
    let core = device.core
    var head = [UInt8](repeating: 0, count: JournalRecord.headerByteCount)
    var span = head.mutableSpan
    _ = JournalRecord.seal(
      &span, kind: .changes, epoch: core.epoch, sequence: core.head.sequence + 5, flushNumber: core.head.sequence + 5,
      previousChecksum: 0)
    LittleEndian.store(UInt32(DeviceLimits.recordByteCountMax), in: &span, at: JournalRecord.Layout.byteCount)
    let start = Int(core.ring.block(at: core.head.position * 512)) * 512
    var image = memory.durableImage
    for offset in stride(from: start, to: start + 2_000_000, by: head.count) {
      image.replaceSubrange(offset..<offset + head.count, with: head)
    }
    let error = failure { () throws(StorageError) in _ = try TestDevice.open(image) }
    guard case .damaged(let damage) = error, case .journal = damage.reason else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Everything that looks at what the ring says of blocks.
  private static func use(_ memory: SimulatedMemory, isReadOnly: Bool) throws(StorageError) {
    let reader = try JournalReader(memory)
    while let commit = try reader.next() { _ = try reader.changes(of: commit) }
    let device = try TestDevice.open(memory, isReadOnly: isReadOnly)
    _ = try device.checkDevice()
    _ = try device.allocatedBlocks()
    for block in Self.blocks {
      _ = failure { () throws(StorageError) in _ = try device.bytes(of: BlockNumber(block), count: 1) }
    }
    guard !isReadOnly else { return }
    // Up to the last block: what the ring freed is looked for then.
    _ = failure { () throws(StorageError) in
      _ = try device.addData([UInt8](repeating: 1, count: Int(device.space.free)))
    }
    _ = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        transaction.usesReserve = true
        for _ in 0..<10 { _ = try transaction.add([1]) }
      }
    }
    try device.checkpoint()
    try device.close()
    _ = try TestDevice.open(memory).checkDevice()
  }
}
