import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Changes of a block")
struct BlockChangeTests {
  /// Block 144, created as kind 0x80 of owner 7 and level 2; three bytes four behind the header, one byte two further on.
  private static let golden = hex("90 01  01  80 07 02  02   04 03 01 02 03   02 01 FF")

  private static func decode(
    _ bytes: [UInt8], blockByteCount: Int = 512
  ) throws(ByteReader.Failure) -> (head: BlockChangeHead, ranges: [ByteRangeChange]) {
    var reader = ByteReader(bytes)
    let head = try BlockChangeHead(decoding: &reader)
    var ranges: [ByteRangeChange] = []
    try decodeRanges(head, blockByteCount: blockByteCount, from: &reader) {
      ranges.append(ByteRangeChange(offset: $0, bytes: $1))
    }
    try reader.finish()
    #expect(try Self.skip(bytes, blockByteCount: blockByteCount) == bytes.count)
    return (head, ranges)
  }

  /// Where stepping over the ranges ends.
  private static func skip(_ bytes: [UInt8], blockByteCount: Int = 512) throws(ByteReader.Failure) -> Int {
    var reader = ByteReader(bytes)
    try skipRanges(try BlockChangeHead(decoding: &reader), blockByteCount: blockByteCount, from: &reader)
    return reader.offset
  }

  @Test("have the bytes of their table")
  func golden() throws {
    let (head, ranges) = try Self.decode(Self.golden)
    #expect(
      head
        == BlockChangeHead(
          block: 144, created: CreatedBlock(kind: BlockKind(rawValue: 0x80), owner: 7, level: 2), rangeCount: 2))
    #expect(
      ranges == [ByteRangeChange(offset: 36, bytes: [1, 2, 3]), ByteRangeChange(offset: 41, bytes: [0xFF])])
    var writer = ByteWriter()
    head.encode(into: &writer)
    #expect(writer.bytes == Array(Self.golden[..<7]))
  }

  @Test("of a block that exists have no kind")
  func existing() throws {
    let (head, ranges) = try Self.decode(hex("05 00 01 00 01 07"))
    #expect(head == BlockChangeHead(block: 5, created: nil, rangeCount: 1))
    #expect(ranges == [ByteRangeChange(offset: 32, bytes: [7])])
  }

  @Test("reject every truncation")
  func truncations() {
    for count in 0..<Self.golden.count {
      #expect(throws: ByteReader.Failure.self) { _ = try Self.decode(Array(Self.golden[..<count])) }
    }
  }

  @Test("with a flipped bit are never taken for the original")
  func flippedBits() throws {
    // The checksum over these bytes is the record's: here a flip must only never trap, and never read as the original.
    let original = try Self.decode(Self.golden)
    for bit in 0..<Self.golden.count * 8 {
      guard let found = try? Self.decode(Self.golden.flipping(bit: bit)) else { continue }
      #expect(found.head != original.head || found.ranges != original.ranges, "bit \(bit)")
    }
  }

  @Test(
    "reject what leaves the block",
    arguments: [
      // Unknown flags.
      "05 02 00", "05 FF 00",
      // A block number in more bytes than it needs.
      "8500 00 00",
      // More ranges than the block has bytes; 2^64 - 1 of them.
      "05 00 8104", "05 00 FFFFFFFFFFFFFFFFFF01",
      // An empty range.
      "05 00 01 00 00",
      // One byte behind the end, reached by the gap, by the length, and by two ranges that fill the block.
      "05 00 01 E103 01 00", "05 00 01 DF03 02 00 00",
      // Gaps and lengths that wrap when they are added.
      "05 00 01 FFFFFFFFFFFFFFFFFF01 01 00", "05 00 01 00 FFFFFFFFFFFFFFFFFF01 00",
      "05 00 02 00 01 00 FFFFFFFFFFFFFFFFFF01 01 00",
    ])
  func hostile(_ text: String) {
    #expect(throws: ByteReader.Failure.self) { _ = try Self.decode(hex(text)) }
    #expect(throws: ByteReader.Failure.self) { _ = try Self.skip(hex(text)) }
  }

  @Test("reach the last byte of the block")
  func lastByte() throws {
    let (_, ranges) = try Self.decode(hex("05 00 01 DF03 01 09"))
    #expect(ranges == [ByteRangeChange(offset: 511, bytes: [9])])
  }

  /// What `forEachDifference` must achieve, whatever it joins: applied to the base, the ranges give the block, and they
  /// begin and end with bytes that differ.
  @Test("are found between any two blocks", arguments: TestSeeds.list(count: 200))
  func differences(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let (base, block) = (try frames.allocate(block: 1), try frames.allocate(block: 1))
    let hasBase = random.below(4) != 0
    var before = hasBase ? random.bytes(512) : [UInt8](repeating: 0, count: 512)
    var after = before
    for _ in 0..<random.below(12) {
      let start = random.below(512)
      for offset in start..<min(512, start + 1 + random.below(40)) { after[offset] = UInt8(random.below(256)) }
    }
    base.copy(before.span, to: 0)
    block.copy(after.span, to: 0)
    var end = BlockHeader.byteCount
    forEachDifference(from: hasBase ? base.bytes : nil, to: block.bytes, byteCount: 512) { range in
      #expect(range.lowerBound >= end && range.upperBound <= 512 && !range.isEmpty)
      #expect(before[range.lowerBound] != after[range.lowerBound], "seed \(seed)")
      #expect(before[range.upperBound - 1] != after[range.upperBound - 1], "seed \(seed)")
      before.replaceSubrange(range, with: after[range])
      end = range.upperBound
    }
    #expect(before[32...] == after[32...], "seed \(seed)")
  }

  /// Looking at the lines alone that were written to finds what looking at the whole block finds.
  @Test("are found in the lines that were written to", arguments: TestSeeds.list(count: 200))
  func notedLines(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let byteCount = [512, 4096, 65_536][random.below(3)]
    let frames = FrameStore(blockByteCount: byteCount, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let (base, block) = (try frames.allocate(block: 1), try frames.allocate(block: 1))
    base.copy(random.bytes(byteCount).span, to: 0)
    block.copyBlock(base.bytes, count: byteCount)
    #expect(block.bytes.notedLines.bits == 0)
    for _ in 0..<random.below(6) {
      let offset = 32 + random.below(byteCount - 32)
      let count = min(byteCount - offset, random.below(200))
      switch random.below(7) {
      case 0: block.store(UInt8(random.below(256)), at: offset)
      case 1: block.store(UInt16(random.below(65_536)), at: min(offset, byteCount - 2))
      case 2: block.store(UInt32(random.below(65_536)), at: min(offset, byteCount - 4))
      case 3: block.store(random.next(), at: min(offset, byteCount - 8))
      case 4: block.copy(random.bytes(count).span, to: offset)
      case 5: block.fill(0, at: offset, count: count)
      default: block.move(from: 32 + random.below(byteCount - 32 - count + 1), to: offset, count: count)
      }
    }
    var noted: [Range<Int>] = []
    let lines = block.bytes.notedLines
    forEachDifference(from: base.bytes, to: block.bytes, byteCount: byteCount, in: lines) { noted.append($0) }
    var all: [Range<Int>] = []
    forEachDifference(from: base.bytes, to: block.bytes, byteCount: byteCount) { all.append($0) }
    #expect(noted == all, "seed \(seed)")
  }
}

@Suite("Geometry")
struct GeometryTests {
  private static let sample = Geometry(
    blockCount: 0x0102, freeBlockCount: 0x0304, formattedGroupCount: 5, root: 0x0607, growsByItself: true)

  @Test("has the bytes of its table")
  func golden() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let frame = try frames.allocate(block: 1)
    frame.fill(0, at: 0, count: 512)
    Self.sample.encode(into: frame)
    let bytes = frame.withSpan(count: 512) { BulkCopy.array($0) }
    let expected = hex(
      """
      02 01 00 00 00 00 00 00  04 03 00 00 00 00 00 00  05 00 00 00 00 00 00 00
      07 06 00 00 00 00 00 00  01 00 00 00 00 00 00 00
      """)
    #expect(bytes == ([UInt8](repeating: 0, count: 32) + expected).padded(to: 512))
    #expect(Geometry(decoding: frame.bytes) == Self.sample)
  }

  /// Its checksum is the block's; what the block can claim under a right one is this.
  @Test("is plausible only inside the device")
  func plausible() throws {
    let layout = try #require(
      DeviceLayout(blockByteCount: 512, ringBlockCount: 16, imageSlotCount: 2, imageSlotBlockCount: 4))
    func isPlausible(
      blocks: UInt64 = 512, free: UInt64 = 100, groups: UInt64 = 1, root: UInt64 = 0
    ) -> Bool {
      Geometry(blockCount: blocks, freeBlockCount: free, formattedGroupCount: groups, root: root)
        .isPlausible(layout: layout)
    }
    #expect(isPlausible())
    #expect(isPlausible(root: 511) && !isPlausible(root: 512) && !isPlausible(root: .max))
    #expect(!isPlausible(blocks: 0) && !isPlausible(blocks: 63) && !isPlausible(blocks: .max))
    #expect(!isPlausible(blocks: DeviceLimits.blockCountMax + 1))
    #expect(!isPlausible(free: 513) && !isPlausible(free: .max))
    #expect(!isPlausible(groups: 0) && !isPlausible(groups: 2) && !isPlausible(groups: .max))
  }
}

@Suite("Looking for a word")
struct FirstOffsetTests {
  @Test("finds the first one on a multiple of eight, and none that begins at the end or behind it")
  func offsets() {
    let word: UInt64 = 0x0123_4567_89AB_CDEF
    let pattern = (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    for place in [0, 8, 40, 56] {
      var bytes = [UInt8](repeating: 0, count: 64)
      bytes.replaceSubrange(place..<place + 8, with: pattern)
      #expect(bytes.span.firstOffset(of: word, from: 0, to: 57) == place)
      #expect(bytes.span.firstOffset(of: word, from: 0, to: place) == nil)
      #expect(bytes.span.firstOffset(of: word, from: place + 8, to: 57) == nil)
    }
    var odd = [UInt8](repeating: 0, count: 64)
    odd.replaceSubrange(12..<20, with: pattern)
    #expect(odd.span.firstOffset(of: word, from: 0, to: 57) == nil)
    #expect(odd.span.firstOffset(of: word, from: 4, to: 57) == 12)
  }
}
