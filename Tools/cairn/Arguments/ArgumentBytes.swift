internal import ArgumentParser

/// An argument as the bytes that the shell passed, which need not be UTF-8: a key, a path.
///
/// The argument parser knows only strings, and a string repairs what is no UTF-8. So every byte that is no part of
/// well-formed UTF-8 goes through it as one of 128 characters of a private plane, U+10FF80 ... U+10FFFF, and comes back as
/// the byte. Those characters themselves go the same way, byte by byte: nothing is lost and nothing is ambiguous.
struct ArgumentBytes: ExpressibleByArgument, Hashable, Sendable {
  /// The bytes.
  let bytes: [UInt8]

  /// From the string that the argument parser hands over.
  init(argument: String) {
    bytes = Self.unescape(argument)
  }

  /// The argument as one line of text, for help and messages.
  var defaultValueDescription: String { Text.visible(bytes) }

  /// The argument as the name of a file or folder.
  var path: Path { Path(bytes) }

  private static let firstEscape: UInt32 = 0x10FF80

  /// The string that stands for these bytes in the argument parser.
  static func escape(_ bytes: [UInt8]) -> String {
    var text = ""
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    var start = 0
    // The decoder reads ahead, so the position is counted from what it returns.
    while start < bytes.count {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar) where scalar.value < firstEscape:
        text.unicodeScalars.append(scalar)
        start += UTF8.width(scalar)
      case .emptyInput:
        start = bytes.count
      default:
        appendEscape(bytes[start], to: &text)
        start += 1
        iterator = Array(bytes[start...]).makeIterator()
        decoder = UTF8()
      }
    }
    return text
  }

  /// The bytes that the string stands for.
  static func unescape(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if scalar.value >= firstEscape {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value - firstEscape) | 0x80)
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
      }
    }
    return bytes
  }

  private static func appendEscape(_ byte: UInt8, to text: inout String) {
    // Only bytes from 0x80 on can be wrong in UTF-8 or begin one of the characters used here.
    guard let scalar = Unicode.Scalar(firstEscape + UInt32(byte & 0x7F)) else { return }
    text.unicodeScalars.append(scalar)
  }
}
