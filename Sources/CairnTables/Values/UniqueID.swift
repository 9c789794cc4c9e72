/// An identifier of 128 bits, as RFC 9562 writes them: `018f3c1e-7b2a-7c4d-9e5f-0123456789ab`.
public struct UniqueID: Hashable, Sendable {
  /// The first 8 bytes, the most significant first.
  public let high: UInt64
  /// The last 8 bytes, the most significant first.
  public let low: UInt64

  /// An identifier by its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A random identifier: version 4 of RFC 9562, 122 random bits.
  public static func random<Generator: RandomNumberGenerator>(using generator: inout Generator) -> UniqueID {
    let version: UInt64 = 0x4000
    let variant: UInt64 = 1 << 63
    let high: UInt64 = generator.next()
    let low: UInt64 = generator.next()
    return UniqueID(high: high & ~0xF000 | version, low: low & ~(3 << 62) | variant)
  }

  /// From text with hyphens in the standard places, in either case; nil for any other text.
  public init?(_ text: String) {
    let hyphens = [8, 13, 18, 23]
    var halves: [UInt64] = [0, 0]
    var digits = 0
    var position = 0
    for byte in text.utf8 {
      if hyphens.contains(position) {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        guard digits < 32, let digit = Hexadecimal.value(byte) else { return nil }
        halves[digits / 16] = halves[digits / 16] << 4 | UInt64(digit)
        digits += 1
      }
      position += 1
    }
    guard digits == 32, position == 36 else { return nil }
    self.init(high: halves[0], low: halves[1])
  }
}

extension UniqueID: Comparable {
  /// By the bytes.
  public static func < (left: Self, right: Self) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}

extension UniqueID: CustomStringConvertible {
  /// 32 lower-case digits and the hyphens.
  public var description: String {
    var digits: [UInt8] = []
    for half in [high, low] {
      for place in 0..<16 {
        digits.append(Hexadecimal.digit(UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * place) & 15)))
      }
    }
    for place in [20, 16, 12, 8] { digits.insert(UInt8(ascii: "-"), at: place) }
    return String(decoding: digits, as: UTF8.self)
  }
}
