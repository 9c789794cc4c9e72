internal import ArgumentParser

/// An identity: the bytes of the text, or, after `0x`, bytes in hexadecimal. At most 64 bytes.
struct PrincipalArgument: ExpressibleByArgument, Hashable, Sendable {
  /// The longest principal.
  static let byteCountMax = 64

  /// The bytes.
  let bytes: [UInt8]

  /// From text; nil when it is empty, too long, or not hexadecimal after `0x`.
  init?(argument: String) {
    guard let bytes = argument.hasPrefix("0x") ? Self.decode(argument.dropFirst(2)) : ArgumentBytes.unescape(argument)
    else { return nil }
    guard (1...Self.byteCountMax).contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  /// The text that names a principal, the inverse of the argument; the owner, who has no bytes, is `owner`.
  static func text(_ bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "owner" }
    let printable = Text.visible(bytes)
    // Text that is not its own visible form, or that looks like another way of writing, is written in hexadecimal.
    let isPlain = Array(printable.utf8) == bytes && !printable.hasPrefix("0x") && !printable.contains(" ")
    return isPlain && printable != "owner" ? printable : "0x" + Text.hexadecimal(bytes)
  }

  private static func decode(_ digits: Substring) -> [UInt8]? {
    let digits = Array(digits.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }
}
