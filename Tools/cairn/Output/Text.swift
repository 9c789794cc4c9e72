/// Names made visible: one line, nothing in it that a terminal would obey.
enum Text {
  /// The bytes as text in one line: control characters and what is no UTF-8 become `\n`, `\t` or `\xHH`.
  static func visible(_ bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while !rest.isEmpty {
      let (character, length) = firstScalar(of: rest)
      if let character, !isControl(character) {
        text.unicodeScalars.append(character)
      } else {
        for byte in rest.prefix(length) { text += escape(byte) }
      }
      rest = rest.dropFirst(length)
    }
    return text
  }

  /// The same for a string.
  static func visible(_ string: String) -> String {
    visible(Array(string.utf8))
  }

  /// The bytes as text, if they are UTF-8.
  static func exact(_ bytes: [UInt8]) -> String? {
    String(validating: bytes, as: UTF8.self)
  }

  /// Pads on the right to a column's width.
  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Pads on the left to a column's width.
  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// Two hexadecimal digits for each byte.
  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.reduce(into: "") { $0 += pair($1) }
  }

  private static func pair(_ byte: UInt8) -> String {
    (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
  }

  private static func escape(_ byte: UInt8) -> String {
    switch byte {
    case 0x0A: "\\n"
    case 0x09: "\\t"
    case 0x0D: "\\r"
    default: "\\x" + pair(byte)
    }
  }

  /// C0, delete, C1, and the marks that reorder a line or end it.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func firstScalar(of bytes: ArraySlice<UInt8>) -> (Unicode.Scalar?, Int) {
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    switch decoder.decode(&iterator) {
    case .scalarValue(let scalar): return (scalar, UTF8.width(scalar))
    default: return (nil, 1)
    }
  }
}
