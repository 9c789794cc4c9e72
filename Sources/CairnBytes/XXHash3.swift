#if arch(x86_64)
  import CFastHash
#endif

/// XXH3 (64 bits, seed 0): the digest of data outside the journal, one for each chunk of 64 KiB.
///
/// Not a cryptographic hash: it finds what a disk does to bytes, not what an attacker does. Every load of data is verified with
/// it, so it must be faster than the copy from the system: it multiplies halves of words, many at a time in a vector, where
/// ``XXHash64`` needs two whole multiplications for each word. Long inputs are taken in by vectors of 256 bits where the
/// processor has them (x86-64 with AVX2); the digests are the same.
package enum XXHash3 {
  /// The digest of `bytes`.
  package static func digest(_ bytes: RawSpan) -> UInt64 {
    unsafe bytes.withUnsafeBytes { buffer in unsafe digest(of: buffer, accumulate: accumulate) }
  }

  /// The digest of `bytes`.
  package static func digest(_ bytes: Span<UInt8>) -> UInt64 {
    digest(unsafe bytes.bytes)
  }

  /// The digest of `bytes`, computed without the processor's own vectors.
  package static func portableDigest(_ bytes: Span<UInt8>) -> UInt64 {
    unsafe bytes.bytes.withUnsafeBytes { buffer in unsafe digest(of: buffer, accumulate: accumulatePortably) }
  }

  @inline(__always)
  private static func digest(
    of bytes: UnsafeRawBufferPointer, accumulate: (inout Lanes, UnsafeRawBufferPointer) -> Void
  ) -> UInt64 {
    switch bytes.count {
    case 0: finalMix(key(56) ^ key(64))
    case 1...3: unsafe digest(ofUpTo3: bytes)
    case 4...8: unsafe digest(ofUpTo8: bytes)
    case 9...16: unsafe digest(ofUpTo16: bytes)
    case 17...128: unsafe digest(ofUpTo128: bytes)
    case 129...240: unsafe digest(ofUpTo240: bytes)
    default:
      unsafe digest(ofLong: bytes, accumulate: accumulate)
    }
  }

  // MARK: short inputs

  private static func digest(ofUpTo3 bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    let first = unsafe UInt32(bytes[0])
    let middle = unsafe UInt32(bytes[count >> 1])
    let last = unsafe UInt32(bytes[count - 1])
    let combined = first << 16 | middle << 24 | last | UInt32(count) << 8
    return finalMix(UInt64(combined) ^ (key(0) & 0xFFFF_FFFF ^ key(0) >> 32))
  }

  private static func digest(ofUpTo8 bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    let upper = unsafe UInt64(uint32(bytes, 0))
    let lower = unsafe UInt64(uint32(bytes, count - 4))
    var hash = (lower &+ upper << 32) ^ (key(8) ^ key(16))
    hash ^= rotate(hash, 49) ^ rotate(hash, 24)
    hash = hash &* 0x9FB2_1C65_1E98_DF25
    hash ^= hash >> 35 &+ UInt64(count)
    hash = hash &* 0x9FB2_1C65_1E98_DF25
    return hash ^ hash >> 28
  }

  private static func digest(ofUpTo16 bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    let low = unsafe uint64(bytes, 0) ^ (key(24) ^ key(32))
    let high = unsafe uint64(bytes, count - 8) ^ (key(40) ^ key(48))
    return avalanche(UInt64(count) &+ low.byteSwapped &+ high &+ product(low, high))
  }

  private static func digest(ofUpTo128 bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    var hash = UInt64(count) &* prime64.0
    // From the outside inwards: 16 bytes from the front, 16 from the back.
    for pair in 0...(count - 1) / 32 {
      hash = unsafe hash &+ mixed(bytes, 16 * pair, 32 * pair)
      hash = unsafe hash &+ mixed(bytes, count - 16 * (pair + 1), 32 * pair + 16)
    }
    return avalanche(hash)
  }

  private static func digest(ofUpTo240 bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    var hash = UInt64(count) &* prime64.0
    for index in 0..<8 { hash = unsafe hash &+ mixed(bytes, 16 * index, 16 * index) }
    hash = avalanche(hash)
    for index in 8..<count / 16 { hash = unsafe hash &+ mixed(bytes, 16 * index, 16 * (index - 8) + 3) }
    hash = unsafe hash &+ mixed(bytes, count - 16, 136 - 17)
    return avalanche(hash)
  }

  /// 16 bytes at `offset`, keyed with the secret from `keyOffset` on.
  private static func mixed(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ keyOffset: Int) -> UInt64 {
    unsafe product(uint64(bytes, offset) ^ key(keyOffset), uint64(bytes, offset + 8) ^ key(keyOffset + 8))
  }

  // MARK: long inputs

  /// The eight accumulators.
  private typealias Lanes = SIMD8<UInt64>

  @inline(__always)
  private static func digest(
    ofLong bytes: UnsafeRawBufferPointer, accumulate: (inout Lanes, UnsafeRawBufferPointer) -> Void
  ) -> UInt64 {
    var lanes = Lanes(
      prime32.2, prime64.0, prime64.1, prime64.2, prime64.3, prime32.1, prime64.4, prime32.0)
    unsafe accumulate(&lanes, bytes)
    var hash = UInt64(bytes.count) &* prime64.0
    for pair in 0..<4 {
      hash = hash &+ product(lanes[2 * pair] ^ key(11 + 16 * pair), lanes[2 * pair + 1] ^ key(19 + 16 * pair))
    }
    return avalanche(hash)
  }

  private static func accumulate(_ lanes: inout Lanes, _ bytes: UnsafeRawBufferPointer) {
    #if arch(x86_64)
      if hasVectors {
        unsafe withUnsafeMutablePointer(to: &lanes) { lanes in
          unsafe withUnsafeBytes(of: secret) { secret in
            unsafe fast_hash_accumulate(lanes, bytes.baseAddress, bytes.count, secret.baseAddress)
          }
        }
        return
      }
    #endif
    unsafe accumulatePortably(&lanes, bytes)
  }

  #if arch(x86_64)
    private static let hasVectors = fast_hash_is_available() != 0
  #endif

  private static let stripe = 64
  private static let stripesPerBlock = 16

  private static func accumulatePortably(_ lanes: inout Lanes, _ bytes: UnsafeRawBufferPointer) {
    let end = bytes.count
    var sums = lanes
    var offset = 0
    while end - offset > stripe * stripesPerBlock {
      for index in 0..<stripesPerBlock {
        unsafe mix(&sums, bytes, offset, keys(8 * index))
        offset += stripe
      }
      sums ^= sums &>> 47
      sums ^= keys(128)
      sums = sums &* Lanes(repeating: prime32.0)
    }
    var index = 0
    while end - offset > stripe {
      unsafe mix(&sums, bytes, offset, keys(8 * index))
      offset += stripe
      index += 1
    }
    // The last stripe, wherever it begins, with keys that no other one has.
    unsafe mix(&sums, bytes, end - stripe, keys(121))
    lanes = sums
  }

  /// Takes in one stripe: each lane the product of the halves of its keyed word, and the word of the lane beside it.
  @inline(__always)
  private static func mix(_ lanes: inout Lanes, _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ keys: Lanes) {
    let words = unsafe Lanes(
      uint64(bytes, offset), uint64(bytes, offset + 8), uint64(bytes, offset + 16), uint64(bytes, offset + 24),
      uint64(bytes, offset + 32), uint64(bytes, offset + 40), uint64(bytes, offset + 48), uint64(bytes, offset + 56))
    let keyed = words ^ keys
    let swapped = Lanes(words[1], words[0], words[3], words[2], words[5], words[4], words[7], words[6])
    lanes = lanes &+ swapped &+ (keyed & Lanes(repeating: 0xFFFF_FFFF)) &* (keyed &>> 32)
  }

  /// Eight words of the secret from `offset` on.
  @inline(__always)
  private static func keys(_ offset: Int) -> Lanes {
    Lanes(
      key(offset), key(offset + 8), key(offset + 16), key(offset + 24), key(offset + 32), key(offset + 40),
      key(offset + 48), key(offset + 56))
  }

  // MARK: numbers

  /// The secret of the specification, 192 bytes, as little-endian words.
  private static let secret: [24 of UInt64] = [
    0xBE4B_A423_396C_FEB8, 0x1CAD_21F7_2C81_017C, 0xDB97_9083_E96D_D4DE, 0x1F67_B3B7_A4A4_4072,
    0x78E5_C0CC_4EE6_79CB, 0x2172_FFCC_7DD0_5A82, 0x8E24_43F7_7446_08B8, 0x4C26_3A81_E690_35E0,
    0xCB00_C391_BB52_283C, 0xA32E_531B_8B65_D088, 0x4EF9_0DA2_9748_6471, 0xD8AC_DEA9_46EF_1938,
    0x3F34_9CE3_3F76_FAA8, 0x1D4F_0BC7_C7BB_DCF9, 0x3159_B4CD_4BE0_518A, 0x6473_78D9_C97E_9FC8,
    0xC3EB_D334_83AC_C5EA, 0xEB63_13FA_FFA0_81C5, 0x49DA_F0B7_51DD_0D17, 0x9E68_D429_2655_16D3,
    0xFCA1_477D_58BE_162B, 0xCE31_D07A_D1B8_F88F, 0x2804_1695_8F3A_CB45, 0x7E40_4BBB_CAFB_D7AF,
  ]

  /// The eight bytes of the secret at any `offset`, as a little-endian number.
  @inline(__always)
  private static func key(_ offset: Int) -> UInt64 {
    let (index, shift) = (offset / 8, UInt64(offset % 8) * 8)
    return shift == 0 ? secret[index] : secret[index] &>> shift | secret[index + 1] &<< (64 - shift)
  }

  private static let prime32: (UInt64, UInt64, UInt64) = (0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D)
  private static let prime64: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
    0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5
  )

  /// Both halves of the product in one word.
  private static func product(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (high, low) = first.multipliedFullWidth(by: second)
    return high ^ low
  }

  private static func avalanche(_ value: UInt64) -> UInt64 {
    let hash = (value ^ value >> 37) &* 0x1656_6791_9E37_79F9
    return hash ^ hash >> 32
  }

  /// The last steps of XXH64, which the shortest inputs take.
  private static func finalMix(_ value: UInt64) -> UInt64 {
    var hash = (value ^ value >> 33) &* prime64.1
    hash = (hash ^ hash >> 29) &* prime64.2
    return hash ^ hash >> 32
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value &<< count | value &>> (64 - count)
  }

  @inline(__always)
  private static func uint64(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  private static func uint32(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
