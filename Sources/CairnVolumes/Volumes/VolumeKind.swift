/// What filesystem a volume holds: four printable ASCII characters, such as `objs`.
public struct VolumeKind: Hashable, Sendable, CustomStringConvertible {
  /// The characters, the first in the low byte.
  public let rawValue: UInt32

  /// A kind that a program names. Anything but four printable ASCII characters is a programmer's error.
  public init(_ text: StaticString) {
    guard let kind = VolumeKind(text: text.description) else {
      preconditionFailure("a kind is four printable ASCII characters")
    }
    self = kind
  }

  /// A kind from a user's text; nil unless it is four printable ASCII characters.
  public init?(text: String) {
    let characters = Array(text.utf8)
    guard characters.count == 4 else { return nil }
    var rawValue: UInt32 = 0
    for index in 0..<4 { rawValue |= UInt32(characters[index]) << UInt32(8 * index) }
    self.init(rawValue: rawValue)
  }

  /// A kind from the device; nil unless it is four printable ASCII characters.
  init?(rawValue: UInt32) {
    for index in 0..<4 where !Self.isAllowed(UInt8(truncatingIfNeeded: rawValue >> UInt32(8 * index))) { return nil }
    self.rawValue = rawValue
  }

  private static func isAllowed(_ character: UInt8) -> Bool { character > 0x20 && character < 0x7F }

  /// The four characters.
  public var description: String {
    var text = ""
    for index in 0..<4 {
      text.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: rawValue >> UInt32(8 * index))))
    }
    return text
  }
}
