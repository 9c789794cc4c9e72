import CairnBlocks
import CairnBytes
import Testing

@Suite("Block header")
struct BlockHeaderTests {
  private static let storeID: UInt64 = 0x1122_3344_5566_7788
  private static let header = BlockHeader(
    kind: BlockKind(rawValue: 0x80), generation: 7, owner: 3, level: 2, storeID: storeID, number: BlockNumber(200),
    sequence: 77)

  /// A block of 512 bytes whose payload counts in sevens.
  private static let golden =
    hex(
      """
      24 A8 D4 C3  80 07 03 02  88 77 66 55 44 33 22 11
      C8 00 00 00 00 00 00 00  4D 00 00 00 00 00 00 00
      """) + (0..<480).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }

  private static func decode(
    _ bytes: [UInt8], number: UInt64 = 200, storeID: UInt64 = storeID
  ) throws(StorageError) -> BlockHeader {
    try BlockHeader(decoding: bytes.span, number: number, storeID: storeID)
  }

  @Test("has the bytes of its table")
  func golden() throws {
    var bytes = Self.golden
    for index in 0..<32 { bytes[index] = 0xEE }
    var span = bytes.mutableSpan
    Self.header.seal(&span)
    #expect(bytes == Self.golden)
    #expect(try Self.decode(Self.golden) == Self.header)
  }

  @Test("in blocks of every size", arguments: [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
  func sizes(_ blockByteCount: Int) throws {
    var bytes = (0..<blockByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var span = bytes.mutableSpan
    Self.header.seal(&span)
    #expect(try Self.decode(bytes) == Self.header)
    for bit in [0, 31, 32, 40, 255, 256, blockByteCount * 4, blockByteCount * 8 - 1] {
      #expect(damage { () throws(StorageError) in _ = try Self.decode(bytes.flipping(bit: bit)) }?.reason == .checksum)
    }
  }

  @Test("rejects every single flipped bit of the block")
  func flippedBits() {
    for bit in 0..<Self.golden.count * 8 {
      let found = damage { () throws(StorageError) in _ = try Self.decode(Self.golden.flipping(bit: bit)) }
      #expect(found == Damage(block: BlockNumber(200), reason: .checksum), "bit \(bit)")
    }
  }

  @Test("rejects every truncation that leaves a header")
  func truncations() {
    for count in BlockHeader.byteCount..<Self.golden.count {
      let found = damage { () throws(StorageError) in _ = try Self.decode(Array(Self.golden[..<count])) }
      #expect(found?.reason == .checksum)
    }
  }

  @Test("tells a block of another place, and one of another store")
  func elsewhere() {
    #expect(
      damage { () throws(StorageError) in _ = try Self.decode(Self.golden, number: 201) }
        == Damage(block: BlockNumber(201), reason: .misdirected(found: 200)))
    #expect(
      damage { () throws(StorageError) in _ = try Self.decode(Self.golden, storeID: 1) }
        == Damage(block: BlockNumber(200), reason: .foreignStore))
  }

  @Test("zeros are no block")
  func zeros() {
    let zeros = [UInt8](repeating: 0, count: 512)
    #expect(
      damage { () throws(StorageError) in _ = try Self.decode(zeros, number: 0, storeID: 0) }?.reason == .checksum)
  }
}
