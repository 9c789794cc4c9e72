public import CairnBlocks

/// The identity that a call acts as: 1...64 bytes that mean nothing to the store.
///
/// A canister uses its caller's principal, a server whatever it authenticated. No principal at all is the owner.
public struct Principal: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bytes.
  public let bytes: [UInt8]

  /// Most bytes of a principal.
  public static let byteCountMax = 64

  /// A principal of 1...64 bytes.
  public init(_ bytes: [UInt8]) throws(StorageError) {
    guard !bytes.isEmpty, bytes.count <= Self.byteCountMax else {
      throw .invalidArgument("a principal has 1 to 64 bytes, this one \(bytes.count)")
    }
    self.bytes = bytes
  }

  /// A principal whose bytes are the UTF-8 of `text`.
  public init(_ text: String) throws(StorageError) {
    try self.init(Array(text.utf8))
  }

  /// A principal from the device, where none is an empty string of at most 64 bytes.
  init?(stored bytes: [UInt8]) {
    guard !bytes.isEmpty else { return nil }
    self.bytes = bytes
  }

  /// By their bytes.
  public static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// The bytes as text when they are printable ASCII, else in hexadecimal behind `0x`.
  public var description: String { readable(bytes) }
}

/// Bytes for a message: as text when they are printable ASCII, else in hexadecimal behind `0x`.
func readable(_ bytes: [UInt8]) -> String {
  var text = ""
  for byte in bytes {
    guard byte > 0x20, byte < 0x7F else { return "0x" + hexadecimal(bytes) }
    text.unicodeScalars.append(Unicode.Scalar(byte))
  }
  return text
}

/// Two lower-case digits for each byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits: [UInt8] = Array("0123456789abcdef".utf8)
  var text = ""
  for byte in bytes {
    text.unicodeScalars.append(Unicode.Scalar(digits[Int(byte >> 4)]))
    text.unicodeScalars.append(Unicode.Scalar(digits[Int(byte & 15)]))
  }
  return text
}
