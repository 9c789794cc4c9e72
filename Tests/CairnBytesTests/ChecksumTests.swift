import CairnBytes
import CairnTestSupport
import Testing

@Suite("CRC-32")
struct CRC32Tests {
  private static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    CRC32.checksum(bytes.span, seed: seed)
  }

  private static func portable(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    BulkCopy.withRawSpan(of: bytes) { CRC32.portableChecksum($0, seed: seed) }
  }

  /// The definition, bit by bit.
  private static func defined(_ bytes: [UInt8]) -> UInt32 {
    var state = UInt32.max
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state & 1 == 0 ? state >> 1 : state >> 1 ^ 0xEDB8_8320 }
    }
    return ~state
  }

  @Test(
    "gives the published values",
    arguments: [
      ("", 0), ("a", 0xE8B7_BE43), ("abc", 0x3524_41C2), ("123456789", 0xCBF4_3926),
      ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ] as [(String, UInt32)]
  )
  func vectors(text: String, checksum: UInt32) {
    #expect(Self.checksum(Array(text.utf8)) == checksum)
    #expect(Self.portable(Array(text.utf8)) == checksum)
  }

  @Test("is the same from the table, from the system and by definition, at every length and alignment")
  func agreement() {
    var generator = SeededGenerator(seed: 1)
    let bytes = generator.bytes(600)
    for count in 0...340 {
      for start in [0, 1, 15] {
        let part = Array(bytes[start..<start + count])
        let expected = Self.defined(part)
        #expect(Self.checksum(part) == expected)
        #expect(Self.portable(part) == expected)
        #if SystemZlib
          #expect(BulkCopy.withRawSpan(of: part) { CRC32.systemChecksum($0) } == expected)
        #endif
      }
    }
    #expect(Self.checksum(bytes) == Self.defined(bytes))
    #expect(Self.portable(bytes) == Self.defined(bytes))
  }

  @Test("goes on from a seed", arguments: TestSeeds.list(count: 20))
  func seeds(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = generator.bytes(1 + generator.below(500))
    let cut = generator.below(bytes.count + 1)
    let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
    let whole = Self.checksum(bytes)
    #expect(Self.checksum(tail, seed: Self.checksum(head)) == whole)
    #expect(Self.portable(tail, seed: Self.portable(head)) == whole)
    #expect(Self.checksum([], seed: whole) == whole)
    #expect(Self.portable([], seed: whole) == whole)
  }

  @Test("notices every flipped bit")
  func flippedBits() {
    var generator = SeededGenerator(seed: 2)
    var bytes = generator.bytes(64)
    let checksum = Self.checksum(bytes)
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      #expect(Self.checksum(bytes) != checksum)
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
  }
}

@Suite("XXH64")
struct XXHash64Tests {
  private static func digest(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    XXHash64.digest(bytes.span, seed: seed)
  }

  @Test(
    "gives the published values",
    arguments: [
      ("", 0, 0xEF46_DB37_51D8_E999), ("a", 0, 0xD24E_C4F1_A98C_6E5B), ("abc", 0, 0x44BC_2CF5_AD77_0999),
      ("", 2_654_435_761, 0xAC75_FDA2_929B_17EF),
      ("Nobody inspects the spammish repetition", 0, 0xFBCE_A83C_8A37_8BF1),
    ] as [(String, UInt64, UInt64)]
  )
  func vectors(text: String, seed: UInt64, digest: UInt64) {
    #expect(Self.digest(Array(text.utf8), seed: seed) == digest)
  }

  /// The test buffer of the reference implementation, and its values.
  @Test(
    "gives the values of the reference implementation's own check",
    arguments: [
      (1, 0, 0xE934_A84A_DB05_2768), (1, 2_654_435_761, 0x5014_6076_43A9_B4C3),
      (4, 0, 0x9136_A0DC_A574_57EE),
      (14, 0, 0x8282_DCC4_994E_35C8), (14, 2_654_435_761, 0xC3BD_6BF6_3DEB_6DF0), (222, 0, 0xB641_AE8C_B691_C174),
      (222, 2_654_435_761, 0x20CB_8AB7_AE10_C14A),
    ] as [(Int, UInt64, UInt64)]
  )
  func referenceVectors(count: Int, seed: UInt64, digest: UInt64) {
    var state: UInt64 = 2_654_435_761
    let bytes = (0..<count).map { _ in
      let byte = UInt8(truncatingIfNeeded: state >> 56)
      state = state &* 11_400_714_785_074_694_797
      return byte
    }
    #expect(Self.digest(bytes, seed: seed) == digest)
  }

  @Test("is the same in any pieces", arguments: TestSeeds.list(count: 30))
  func incremental(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = generator.bytes(generator.below(400))
    var hash = XXHash64(seed: seed)
    var offset = 0
    while offset < bytes.count {
      let count = min(bytes.count - offset, generator.below(70))
      hash.update(Array(bytes[offset..<offset + count]).span)
      offset += count
      #expect(hash.finish() == Self.digest(Array(bytes[..<offset]), seed: seed))
    }
    #expect(hash.finish() == Self.digest(bytes, seed: seed))
  }

  @Test("notices every flipped bit")
  func flippedBits() {
    var generator = SeededGenerator(seed: 3)
    var bytes = generator.bytes(100)
    let digest = Self.digest(bytes)
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      #expect(Self.digest(bytes) != digest)
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
  }
}

@Suite("XXH3")
struct XXHash3Tests {
  private static func digest(_ bytes: ArraySlice<UInt8>) -> UInt64 { XXHash3.digest(Array(bytes).span) }
  private static func portableDigest(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    XXHash3.portableDigest(Array(bytes).span)
  }

  /// The test buffer of the reference implementation.
  private static let buffer: [UInt8] = {
    var state: UInt64 = 2_654_435_761
    return (0..<65_536).map { _ in
      let byte = UInt8(truncatingIfNeeded: state >> 56)
      state = state &* 11_400_714_785_074_694_797
      return byte
    }
  }()

  /// One length at least of each way to take in bytes, and both ends of each.
  @Test(
    "gives the values of the reference implementation",
    arguments: [
      (0, 0x2D06_8005_38D3_94C2), (1, 0xC44B_DFF4_074E_ECDB), (3, 0x5424_7382_A8D6_B94D), (4, 0xE5DC_74BC_5184_8A51),
      (8, 0x24CC_C9AC_AA9F_65E4), (9, 0x14D5_001C_15DD_3F2B), (14, 0x1AC0_BBDA_2B9F_CF03),
      (16, 0x981B_17D3_6C74_98C9), (17, 0x796F_5ACD_3A60_F862), (100, 0x93CD_9543_2B7D_483F),
      (128, 0xFCFF_2412_6754_D861), (129, 0x98F1_B0A6_79A2_CA29), (222, 0xB916_3B55_8664_D356),
      (240, 0x81C3_C2B6_7F56_8CCF), (241, 0xC5A6_39EC_D203_0E5E), (1024, 0xDD85_C9B5_C110_9C5C),
      (1025, 0xD870_C0FA_1321_1C6A), (4096, 0xE912_0642_9D1F_48F9), (65_536, 0x918F_7F0F_912C_A480),
    ] as [(Int, UInt64)]
  )
  func referenceVectors(count: Int, digest: UInt64) {
    #expect(Self.digest(Self.buffer[..<count]) == digest)
    #expect(Self.portableDigest(Self.buffer[..<count]) == digest)
  }

  @Test("is the same with the processor's vectors and without, wherever the bytes lie")
  func vectors() {
    for count in Array(0...300) + Array(stride(from: 320, through: 4500, by: 61)) {
      let bytes = Self.buffer[count % 64..<count % 64 + count]
      #expect(Self.digest(bytes) == Self.portableDigest(bytes), "\(count) bytes")
    }
  }

  @Test("notices every flipped bit", arguments: [5, 12, 20, 100, 200, 2100])
  func flippedBits(count: Int) {
    var bytes = Self.buffer[..<count]
    let digest = Self.digest(bytes)
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      #expect(Self.digest(bytes) != digest, "bit \(bit)")
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
  }
}
