/// The name of an object in its bucket: 1...1024 bytes of any kind, ordered byte by byte.
///
/// On blocks below 4096 bytes the limit is lower. It is checked when the key is used.
public struct ObjectKey: Hashable, Sendable {
  /// The bytes.
  public let bytes: [UInt8]

  /// A key of any bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// A key that is a text's UTF-8.
  public init(_ text: String) { bytes = Array(text.utf8) }
}

extension ObjectKey: ExpressibleByStringLiteral {
  /// A key that is a text's UTF-8.
  public init(stringLiteral text: String) { self.init(text) }
}

extension ObjectKey: Comparable {
  /// Byte order.
  public static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

extension ObjectKey: CustomStringConvertible {
  /// The text; where the bytes are no UTF-8 or not printable, they stand as `\xNN`, and a backslash as `\\`.
  public var description: String {
    let text = String(validating: bytes, as: UTF8.self)
    if let text, !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0x5C }) { return text }
    var escaped = ""
    for byte in bytes {
      switch byte {
      case 0x5C: escaped += "\\\\"
      case 0x20...0x7E: escaped.unicodeScalars.append(Unicode.Scalar(byte))
      default: escaped += "\\x" + Hexadecimal.text(UInt64(byte), digitCount: 2)
      }
    }
    return escaped
  }
}

/// Numbers as lowercase hexadecimal digits.
package enum Hexadecimal {
  /// The lowest `digitCount` digits of a number.
  package static func text(_ value: UInt64, digitCount: Int) -> String {
    let digits: [UInt8] = Array("0123456789abcdef".utf8)
    var text = ""
    for position in (0..<digitCount).reversed() {
      let digit = Int((value >> UInt64(4 * position)) & 0xF)
      text.unicodeScalars.append(Unicode.Scalar(digits[digit]))
    }
    return text
  }
}
