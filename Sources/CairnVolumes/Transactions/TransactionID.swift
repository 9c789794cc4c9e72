/// Which multi-call transaction: 64 random bits, printed as 16 hexadecimal digits. Never 0.
public struct TransactionID: Hashable, Sendable, CustomStringConvertible {
  /// The bits.
  public let rawValue: UInt64

  /// The transaction with these bits; nil for 0, which stands for none.
  public init?(rawValue: UInt64) {
    guard rawValue != 0 else { return nil }
    self.rawValue = rawValue
  }

  /// The transaction that prints like this: exactly 16 hexadecimal digits.
  public init?(text: String) {
    var rawValue: UInt64 = 0
    var count = 0
    for character in text.utf8 {
      let digit: UInt8
      switch character {
      case 0x30...0x39: digit = character - 0x30
      case 0x61...0x66: digit = character - 0x61 + 10
      case 0x41...0x46: digit = character - 0x41 + 10
      default: return nil
      }
      count += 1
      guard count <= 16 else { return nil }
      rawValue = rawValue << 4 | UInt64(digit)
    }
    guard count == 16 else { return nil }
    self.init(rawValue: rawValue)
  }

  /// 16 lower-case hexadecimal digits.
  public var description: String {
    var bytes: [UInt8] = []
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: rawValue >> shift))
    }
    return hexadecimal(bytes)
  }
}
