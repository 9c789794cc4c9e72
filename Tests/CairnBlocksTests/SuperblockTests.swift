import CairnBytes
import Testing

@testable import CairnBlocks

@Suite("Superblock")
struct SuperblockTests {
  private static let epochs: [UInt64] = [0x0E0E_0E0E_0E0E_0E00, 0x0E0E_0E0E_0E0E_0E01, 0x0E0E_0E0E_0E0E_0E02]

  private static func sample() throws -> Superblock {
    let layout = try #require(
      DeviceLayout(blockByteCount: 4096, ringBlockCount: 256, imageSlotCount: 4, imageSlotBlockCount: 32))
    return Superblock(
      storeID: (low: 0x1122_3344_5566_7788, high: 0x99AA_BBCC_DDEE_FF00), layout: layout, address: BlockNumber(63),
      sequence: 258,
      tail: JournalPlace(position: 10, sequence: 100, previousChecksum: 0xCAFE_BABE, epoch: epochs[1]),
      oldest: JournalPlace(position: 5, sequence: 96, previousChecksum: 0x0102_0304, epoch: epochs[0]),
      closedHead: JournalPlace(
        position: 20, sequence: 110, previousChecksum: 0xDEAD_BEEF, epoch: epochs[2]),
      segments: [
        JournalSegment(epoch: epochs[1], position: 10, sequence: 100),
        JournalSegment(epoch: epochs[2], position: 15, sequence: 105),
      ])
  }

  /// Every field with a value of its own, in the order of the byte table.
  private static let golden = hex(
    """
    43 41 49 52 4E 0D 0A 1A  03 5F 6A 14  01 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00  00 10 00 00
    88 77 66 55 44 33 22 11  00 FF EE DD CC BB AA 99
    3F 00 00 00 00 00 00 00  02 01 00 00 00 00 00 00
    00 01 00 00 00 00 00 00  04 00 00 00  20 00 00 00
    0A 00 00 00 00 00 00 00  64 00 00 00 00 00 00 00  01 0E 0E 0E 0E 0E 0E 0E  BE BA FE CA
    05 00 00 00 00 00 00 00  60 00 00 00 00 00 00 00  00 0E 0E 0E 0E 0E 0E 0E  04 03 02 01
    01 00 00 00
    14 00 00 00 00 00 00 00  6E 00 00 00 00 00 00 00  02 0E 0E 0E 0E 0E 0E 0E  EF BE AD DE
    02 00 00 00  00 00 00 00
    01 0E 0E 0E 0E 0E 0E 0E  0A 00 00 00 00 00 00 00  64 00 00 00 00 00 00 00
    02 0E 0E 0E 0E 0E 0E 0E  0F 00 00 00 00 00 00 00  69 00 00 00 00 00 00 00
    """
  ).padded(to: 512)

  private static func encode(_ superblock: Superblock) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xFF, count: Superblock.byteCount)
    var span = bytes.mutableSpan
    superblock.encode(into: &span)
    return bytes
  }

  /// The golden bytes with a field replaced and the checksum made right again.
  private static func forged(_ offset: Int, _ value: UInt64, byteCount: Int = 8) -> [UInt8] {
    var bytes = golden
    for index in 0..<byteCount { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    let checksum = CRC32.checksum(bytes.span.extracting(12..<512))
    for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index)) }
    return bytes
  }

  private static func decodingFailure(_ bytes: [UInt8], at address: UInt64 = 63) -> Superblock.DecodingFailure? {
    do {
      _ = try Superblock(decoding: bytes.span, at: address)
      return nil
    } catch { return error }
  }

  @Test("has the bytes of its table")
  func golden() throws {
    #expect(Self.encode(try Self.sample()) == Self.golden)
    #expect(try Superblock(decoding: Self.golden.span, at: 63) == Self.sample())
  }

  @Test("without a clean close the head is zeros")
  func open() throws {
    var superblock = try Self.sample()
    superblock.closedHead = nil
    let bytes = Self.encode(superblock)
    #expect(bytes[136..<168].allSatisfy { $0 == 0 })
    #expect(try Superblock(decoding: bytes.span, at: 63) == superblock)
  }

  @Test("keeps a full list of segments")
  func manySegments() throws {
    var superblock = try Self.sample()
    superblock.segments = (0..<UInt64(DeviceLimits.segmentCountMax)).map {
      JournalSegment(epoch: 77 + $0, position: 10 + $0, sequence: 100 + $0)
    }
    let bytes = Self.encode(superblock)
    #expect(try Superblock(decoding: bytes.span, at: 63) == superblock)
    #expect(bytes[368...].allSatisfy { $0 == 0 })
  }

  /// An opening that found eight segments could list no ninth. It emptied the list by a checkpoint, which may commit, and
  /// crashes in a row in there filled it for good.
  @Test("folds its two oldest segments into one")
  func foldedSegments() throws {
    var superblock = try Self.sample()
    superblock.segments = (0..<UInt64(DeviceLimits.segmentCountMax)).map {
      JournalSegment(epoch: 77 + $0, position: 10 + $0, sequence: 100 + $0)
    }
    superblock.foldOldestSegments()
    #expect(superblock.segments.count == DeviceLimits.segmentCountMax - 1)
    #expect(superblock.segments[0] == JournalSegment(epoch: 78, position: 10, sequence: 100))
    #expect(superblock.segments[1] == JournalSegment(epoch: 79, position: 12, sequence: 102))
    #expect(superblock.epoch(ofSegment: 0) == nil && superblock.epoch(ofSegment: 1) == 79)
    let bytes = Self.encode(superblock)
    #expect(try Superblock(decoding: bytes.span, at: 63) == superblock)
    superblock.segments.removeLast(superblock.segments.count - 1)
    #expect(superblock.epoch(ofSegment: 0) == 78)
  }

  @Test("rejects every single flipped bit")
  func flippedBits() {
    for bit in 0..<Superblock.byteCount * 8 {
      let expected: Superblock.DecodingFailure = bit < 64 ? .wrongMagic : .checksumMismatch
      #expect(Self.decodingFailure(Self.golden.flipping(bit: bit)) == expected, "bit \(bit)")
    }
  }

  @Test("rejects every truncation")
  func truncations() {
    for count in 0..<Superblock.byteCount {
      #expect(Self.decodingFailure(Array(Self.golden[..<count])) == .truncated)
    }
  }

  @Test("belongs to one place")
  func address() {
    #expect(Self.decodingFailure(Self.golden, at: 0) == .malformed)
  }

  @Test("knows newer versions and features for what they are")
  func versions() {
    #expect(Self.decodingFailure(Self.forged(12, 2, byteCount: 4)) == .newerVersion(2))
    #expect(Self.decodingFailure(Self.forged(12, 0, byteCount: 4)) == .malformed)
    #expect(Self.decodingFailure(Self.forged(16, 0x8000_0001, byteCount: 4)) == nil, "compatible ones are ignored")
    #expect(Self.decodingFailure(Self.forged(24, 6, byteCount: 4)) == .unknownFeatures(6))
  }

  /// Right checksums around values that no writer makes: each would wrap, overrun or divide by zero further on.
  static let hostile: [(name: String, offset: Int, value: UInt64, byteCount: Int)] = [
    ("no block size", 28, 0, 4), ("odd block size", 28, 4095, 4), ("huge block size", 28, 1 << 31, 4),
    ("no ring", 64, 0, 8), ("huge ring", 64, .max, 8), ("many slots", 72, 65, 4), ("huge slots", 76, 0xFFFF_FFFF, 4),
    ("far tail", 80, .max, 8), ("far tail sequence", 88, .max, 8),
    ("oldest behind the tail", 108, 11, 8), ("oldest sequence behind the tail", 116, 101, 8),
    ("half closed", 136, 2, 4), ("head before the tail", 140, 9, 8), ("head beyond the ring", 140, .max, 8),
    ("head sequence before the tail", 148, 99, 8), ("more commits than sectors", 148, 111, 8),
    ("no segment", 168, 0, 4), ("too many segments", 168, 9, 4),
    ("huge segment count", 168, 0xFFFF_FFFF, 4), ("first segment elsewhere", 184, 11, 8),
    ("first segment later", 192, 101, 8), ("segment before the tail", 208, 9, 8), ("segment far off", 208, .max, 8),
    ("segments out of order", 216, 100, 8), ("segment sequence far off", 216, .max, 8),
    ("last superblock", 56, .max, 8),
  ]

  @Test("rejects hostile values under a right checksum", arguments: hostile.indices)
  func hostileValues(_ index: Int) {
    let (name, offset, value, byteCount) = Self.hostile[index]
    #expect(
      Self.decodingFailure(Self.forged(offset, value, byteCount: byteCount)) == .malformed, Comment(rawValue: name))
  }
}
