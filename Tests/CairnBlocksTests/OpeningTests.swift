import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Opening")
struct OpeningTests {
  /// An image with blocks at home and in the ring, closed or as a crash left it, and the blocks.
  private static func image(closed: Bool) throws -> (bytes: [UInt8], blocks: [BlockNumber]) {
    let (memory, device) = try TestDevice.make()
    var blocks = try (0..<3).map { try device.add([UInt8($0), 1]) }
    try device.checkpoint()
    blocks.append(try device.add([3, 1]))
    try device.set(blocks[0], [0, 1])
    if closed { try device.close() }
    return (memory.durableImage, blocks)
  }

  private static func expectContents(_ device: BlockDevice, _ blocks: [BlockNumber]) throws {
    for (index, block) in blocks.enumerated() {
      #expect(try device.bytes(of: block, count: 2) == [UInt8(index), 1])
    }
    #expect(try device.allocatedBlocks() == blocks.map { $0.rawValue }.sorted())
  }

  /// The list of segments in the superblock has room for eight lives of the journal; crashes in a row filled it, and the image could
  /// only be read.
  @Test("goes on whatever the number of lives in the ring", arguments: [true, false])
  func manyLives(closed: Bool) throws {
    let format = TestDevice.smallFormat(ringBlockCount: 256)
    var (memory, device) = try TestDevice.make(format: format)
    let block = try device.add([0])
    for life in UInt8(1)...40 {
      try device.set(block, [life])
      if closed { try device.close() }
      memory = SimulatedMemory(image: memory.durableImage)
      #expect(try TestDevice.open(memory, isReadOnly: true).bytes(of: block, count: 1) == [life])
      device = try TestDevice.open(memory, seed: 100 + UInt64(life))
      #expect(try device.bytes(of: block, count: 1) == [life])
      #expect(device.durableSequence == UInt64(life) + 1)
    }
    #expect(try device.checkDevice().findings == [])
    try device.checkpoint()
    #expect(try TestDevice.open(memory.durableImage).bytes(of: block, count: 1) == [40])
  }

  /// Lives of one or two commits each left their checkpoints half done, until the ring had no room for what would have let its
  /// tail go on, and refused commits for good.
  @Test("empties a ring that several lives have filled", arguments: [1, 2, 3])
  func fullRing(commitsOfALife: Int) throws {
    var (memory, device) = try TestDevice.make(format: TestDevice.smallFormat(ringBlockCount: 32))
    let block = try device.add([0])
    var fullest = 0
    for life in UInt8(1)...60 {
      for _ in 0..<commitsOfALife { try device.set(block, [UInt8](repeating: life, count: 200)) }
      fullest = max(fullest, Int(device.core.layout.ringSectorCount - device.core.roomSectorCount))
      memory.killProcess()
      memory = SimulatedMemory(image: memory.durableImage)
      device = try TestDevice.open(memory, seed: 100 + UInt64(life))
      let core = device.core
      #expect(
        core.superblock.segments.count < DeviceLimits.segmentCountMax / 2
          || core.roomSectorCount >= core.layout.ringSectorCount / 2)
      #expect(try device.bytes(of: block, count: 1) == [life])
    }
    #expect(fullest > 16, "the rings of the test do get full")
    #expect(try device.checkDevice().findings == [])
  }

  @Test("tells damage in each of the lives that share a segment of the list")
  func damagedLives() throws {
    let (memory, first) = try TestDevice.make(format: TestDevice.smallFormat(ringBlockCount: 256))
    let block = try first.add([0])
    for life in UInt8(1)...20 { try TestDevice.open(memory, seed: 100 + UInt64(life)).set(block, [life]) }
    _ = try TestDevice.open(memory, seed: 99)
    let reader = try JournalReader(memory)
    var commits = 0
    while let commit = try reader.next() {
      commits += 1
      let image = memory.durableImage.flipping(bit: Int(commit.block.rawValue) * 512 * 8 + 400)
      let told = damage { () throws(StorageError) in _ = try TestDevice.open(image) }
      guard case .journal = told?.reason else {
        Issue.record("commit \(commit.sequence): \(String(describing: told))")
        continue
      }
    }
    #expect(commits == 21)
  }

  @Test("tells a memory without an image")
  func notCairn() {
    var random = SeededGenerator(seed: 1)
    for image in [[], [UInt8](repeating: 0, count: 65536), random.bytes(65536)] {
      #expect(failure { () throws(StorageError) in _ = try TestDevice.open(image) } == .notCairn)
      #expect(
        failure { () throws(StorageError) in _ = try JournalReader(SimulatedMemory(image: image)) } == .notCairn)
    }
  }

  @Test("tells newer versions and unknown features", arguments: [true, false])
  func newer(isReadOnly: Bool) throws {
    let (image, _) = try Self.image(closed: true)
    for block in [UInt64(0), 63] {
      let newer = image.forgingSuperblock(at: block, field: 12, 2)
      #expect(
        failure { () throws(StorageError) in _ = try TestDevice.open(newer, isReadOnly: isReadOnly) }
          == .unsupportedVersion(found: 2, supported: 1))
      let featured = image.forgingSuperblock(at: block, field: 24, 4)
      #expect(
        failure { () throws(StorageError) in _ = try TestDevice.open(featured, isReadOnly: isReadOnly) }
          == .unsupportedFeatures(4))
    }
  }

  @Test("with unknown features that forbid writing, reads")
  func readOnlyFeatures() throws {
    let (image, blocks) = try Self.image(closed: true)
    let featured = image.forgingSuperblock(at: 0, field: 20, 8).forgingSuperblock(at: 63, field: 20, 8)
    #expect(failure { () throws(StorageError) in _ = try TestDevice.open(featured) } == .unsupportedFeatures(8))
    try Self.expectContents(try TestDevice.open(featured, isReadOnly: true), blocks)
  }

  @Test("keeps unknown features that allow writing")
  func compatibleFeatures() throws {
    let (image, blocks) = try Self.image(closed: true)
    let memory = SimulatedMemory(
      image: image.forgingSuperblock(at: 0, field: 16, 0x10).forgingSuperblock(at: 63, field: 16, 0x10))
    let device = try TestDevice.open(memory)
    try Self.expectContents(device, blocks)
    try device.set(blocks[1], [1, 1])
    try device.close()
    for start in [0, 63 * 512] { #expect(Array(memory.durableImage[start + 16..<start + 20]) == [0x10, 0, 0, 0]) }
  }

  @Test("with one superblock damaged goes by the other", arguments: [0, 63] as [UInt64], [true, false])
  func oneSuperblock(_ block: UInt64, closed: Bool) throws {
    let (image, blocks) = try Self.image(closed: closed)
    for damaged in [
      image.flipping(bit: Int(block) * 4096 + 700),
      image.replacing(block: block, with: [UInt8](repeating: 0, count: 512)),
    ] {
      let readOnly = try TestDevice.open(damaged, isReadOnly: true)
      try Self.expectContents(readOnly, blocks)
      #expect(try readOnly.checkDevice().findings.map { $0.block } == [BlockNumber(block)])
      let memory = SimulatedMemory(image: damaged)
      let device = try TestDevice.open(memory)
      try Self.expectContents(device, blocks)
      // Two commits later both copies stand again.
      for _ in 0..<2 { try device.set(blocks[0], [0, 1]) }
      try device.close()
      #expect(try TestDevice.open(memory, isReadOnly: true).checkDevice().findings == [])
    }
  }

  @Test("with both superblocks damaged says so and writes nothing")
  func bothSuperblocks() throws {
    let (image, _) = try Self.image(closed: false)
    let damaged = image.flipping(bit: 700).flipping(bit: 63 * 4096 + 700)
    let memory = SimulatedMemory(image: damaged)
    memory.recordsEvents = true
    #expect(
      failure { () throws(StorageError) in _ = try TestDevice.open(memory) } == .damaged(0, .superblocks))
    #expect(memory.visibleImage == damaged && memory.events.allSatisfy { $0 == .flush })
  }

  @Test("refuses copies of two stores")
  func twoStores() throws {
    let (image, _) = try Self.image(closed: true)
    let (other, device) = try TestDevice.make(seed: 77)
    try device.close()
    for block in [UInt64(0), 63] {
      let mixed = image.replacing(block: block, with: other.durableImage.block(block))
      let memory = SimulatedMemory(image: mixed)
      #expect(
        failure { () throws(StorageError) in _ = try TestDevice.open(memory) } == .damaged(63, .superblocks))
      #expect(memory.visibleImage == mixed)
    }
  }

  @Test("tells an image that was cut short")
  func truncated() throws {
    let (image, _) = try Self.image(closed: true)
    for pageCount in 1..<4 {
      let cut = Array(image[..<(pageCount * 65536)])
      #expect(
        failure { () throws(StorageError) in _ = try TestDevice.open(cut) }
          == .truncated(expectedByteCount: 4 * 65536, foundByteCount: UInt64(pageCount * 65536)))
    }
    // Long enough for group 0, and too short for the second superblock: opening for writing once said that it had written
    // outside of the memory.
    let large = SimulatedMemory(pageCount: 4)
    try BlockDevice.format(
      large, options: TestDevice.smallFormat(blockByteCount: 4096), environment: TestDevice.environment())
    for pageCount in 2..<4 {
      let error = failure { () throws(StorageError) in
        _ = try TestDevice.open(Array(large.visibleImage[..<(pageCount * 65536)]))
      }
      guard case .truncated = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
    // Shorter than even the ring says.
    let memory = SimulatedMemory(pageCount: 8)
    try BlockDevice.format(
      memory, options: TestDevice.smallFormat(ringBlockCount: 400), environment: TestDevice.environment())
    let cut = Array(memory.visibleImage[..<65536])
    guard case .truncated = failure({ () throws(StorageError) in _ = try TestDevice.open(cut) }),
      case .truncated = failure({ () throws(StorageError) in _ = try JournalReader(SimulatedMemory(image: cut)) })
    else { return #expect(Bool(false), "the cut goes unnoticed") }
  }

  @Test("ignores bytes behind the device")
  func extended() throws {
    let (image, blocks) = try Self.image(closed: false)
    var random = SeededGenerator(seed: 3)
    let device = try TestDevice.open(image + random.bytes(65536))
    try Self.expectContents(device, blocks)
    #expect(device.space.capacity == 4 * 65536)
  }

  @Test("for reading writes nothing", arguments: [true, false])
  func readOnly(closed: Bool) throws {
    let (image, blocks) = try Self.image(closed: closed)
    let memory = SimulatedMemory(image: image)
    memory.recordsEvents = true
    memory.isWritable = false
    let device = try TestDevice.open(memory, isReadOnly: true)
    try Self.expectContents(device, blocks)
    let snapshot = try device.snapshot()
    #expect(try snapshot.view.allocatedBlocks().count == blocks.count)
    snapshot.end()
    _ = try device.checkDevice()
    #expect(try device.journalReader().next()?.isValid == true)
    let refusals: [StorageError?] = [
      failure { () throws(StorageError) in try device.set(blocks[0], [1]) },
      failure { () throws(StorageError) in try device.checkpoint() },
      failure { () throws(StorageError) in try device.grow(byBytes: 65536) },
      failure { () throws(StorageError) in _ = try device.reserveExtents(blockCount: 1) },
    ]
    #expect(refusals.allSatisfy { $0 == .readOnly })
    try device.close()
    #expect(memory.events == [] && memory.visibleImage == image)
    #expect(failure { () throws(StorageError) in _ = try TestDevice.open(memory) } == .readOnly)
  }

  @Test("for reading after a torn home write takes its image, without mending it")
  func readOnlyTornHome() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1, 1])
    var image = memory.visibleImage
    memory.recordsEvents = true
    try device.checkpoint()
    // Everything up to the write of the block's home, in which the power fails.
    let home = Int(block.rawValue) * 512
    var isTorn = false
    for case .write(let offset, let bytes) in memory.events where !isTorn {
      isTorn = (offset..<offset + bytes.count).contains(home)
      image = image.replacing(at: offset, with: isTorn ? [UInt8](repeating: 0xEE, count: bytes.count) : bytes)
    }
    #expect(isTorn)
    let torn = SimulatedMemory(image: image)
    torn.recordsEvents = true
    #expect(try TestDevice.open(torn, isReadOnly: true).bytes(of: block, count: 2) == [1, 1])
    #expect(torn.events == [])
    #expect(try TestDevice.open(torn).bytes(of: block, count: 2) == [1, 1])
  }

  @Test("an image made for a memory that tears nothing is not written to on one that does")
  func otherGuarantees() throws {
    let memory = SimulatedMemory(pageCount: 4, isMessageAtomic: true)
    try BlockDevice.format(memory, options: TestDevice.smallFormat(), environment: TestDevice.environment())
    let device = try TestDevice.open(memory)
    let block = try device.add([5])
    try device.close()
    let moved = SimulatedMemory(image: memory.visibleImage)
    guard case .invalidArgument = failure({ () throws(StorageError) in _ = try TestDevice.open(moved) }) else {
      return #expect(Bool(false), "it opened")
    }
    #expect(try TestDevice.open(moved, isReadOnly: true).bytes(of: block, count: 1) == [5])
  }

  @Test("works on memory of every kind")
  func kinds() throws {
    let heap = HeapMemory(pageCount: 4)
    try BlockDevice.format(heap, options: TestDevice.smallFormat(), environment: TestDevice.environment())
    let device = try TestDevice.open(heap)
    let block = try device.add([4, 2])
    try device.close()
    #expect(try TestDevice.open(heap).bytes(of: block, count: 2) == [4, 2])

    let path = "/tmp/cairn-blocks-\(UInt64.random(in: 0 ... .max)).cairn"
    let file = try FileMemory.create(path: path, byteCount: 8 << 20)
    defer { TestFiles.remove(path) }
    try BlockDevice.format(file, environment: .system)
    let onFile = try BlockDevice.open(file, environment: .system)
    let first = try onFile.add([4, 3])
    let data = try onFile.addData([UInt8](repeating: 7, count: 200_000))
    try onFile.close()
    file.close()
    let again = try FileMemory.open(path: path, mode: .readOnly)
    let reopened = try BlockDevice.open(again, options: OpenOptions(isReadOnly: true), environment: .system)
    #expect(try reopened.bytes(of: first, count: 2) == [4, 3] && reopened.bytes(of: data) == data.bytes)
    #expect(try reopened.checkDevice().findings == [])
    again.close()
  }

  @Test("a closed device takes no calls")
  func closed() throws {
    let (_, device) = try TestDevice.make()
    let block = try device.add([1])
    let snapshot = try device.snapshot()
    try device.close()
    try device.close()
    #expect(failure { () throws(StorageError) in try device.set(block, [1]) } == .closed)
    #expect(failure { () throws(StorageError) in _ = try device.snapshot() } == .closed)
    #expect(failure { () throws(StorageError) in try device.checkpoint() } == .closed)
    #expect(failure { () throws(StorageError) in _ = try device.reserveExtents(blockCount: 1) } == .closed)
    snapshot.end()
  }
}
