import CairnBlocks

/// The bytes that two-digit hexadecimal numbers name; blanks and line ends are skipped.
func hex(_ text: String) -> [UInt8] {
  var digits: [UInt8] = []
  for character in text where !character.isWhitespace {
    guard let digit = character.hexDigitValue else { return [] }
    digits.append(UInt8(digit))
  }
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

extension [UInt8] {
  /// The same bytes with one bit turned over.
  func flipping(bit: Int) -> [UInt8] {
    var bytes = self
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    return bytes
  }

  /// Followed by zeros up to `count` bytes.
  func padded(to count: Int) -> [UInt8] {
    self + [UInt8](repeating: 0, count: count - self.count)
  }
}
