import CairnBytes

// The key of a decimal number. The number is written 0.d1d2d3... * 10^place with d1 not zero; digits stand two in a
// byte, an odd last one before a zero.
//
//     number     bytes
//     zero       80
//     positive   81, place + 512 (2 bytes, the most significant first), each pair of digits + 1, 00
//     negative   the bytes of the positive number, all bits flipped

extension ExactDecimal {
  /// Most bytes of a key.
  static let keyByteCountMax = 3 + digitCountMax / 2 + 1

  private static let zeroByte: UInt8 = 0x80
  private static let positiveByte: UInt8 = 0x81
  private static let placeBias = 512

  /// Appends a key that orders as the numbers do.
  func appendKey(to key: inout [UInt8]) {
    guard !isZero else {
      key.append(Self.zeroByte)
      return
    }
    let mask: UInt8 = isNegative ? 0xFF : 0
    let digits = DecimalDigits.characters(magnitude)
    let place = UInt16(digits.count + exponent + Self.placeBias)
    key.append(Self.positiveByte ^ mask)
    key.append(UInt8(place >> 8) ^ mask)
    key.append(UInt8(truncatingIfNeeded: place) ^ mask)
    for index in stride(from: 0, to: digits.count, by: 2) {
      let first = digits[index] - UInt8(ascii: "0")
      let second = index + 1 < digits.count ? digits[index + 1] - UInt8(ascii: "0") : 0
      key.append((first * 10 + second + 1) ^ mask)
    }
    key.append(mask)
  }
}

extension KeyReader {
  /// The next decimal number; only the bytes that a number's key has are accepted.
  mutating func decimal() throws(ByteReader.Failure) -> ExactDecimal {
    let head: UInt8 = try integer()
    if head == 0x80 { return .zero }
    guard head == 0x81 || head == 0x7E else { throw .malformed }
    let mask: UInt8 = head == 0x7E ? 0xFF : 0
    let placeHigh: UInt8 = try integer()
    let placeLow: UInt8 = try integer()
    let place = Int(placeHigh ^ mask) << 8 | Int(placeLow ^ mask)
    var magnitude: UInt128 = 0
    var digitCount = 0
    while true {
      let byte: UInt8 = try integer()
      let pair = byte ^ mask
      if pair == 0 { break }
      // The first digit is not zero, no pair at the end is 00, and there are no more digits than a number has.
      guard pair <= 100, digitCount > 0 || pair > 10, digitCount < ExactDecimal.digitCountMax else { throw .malformed }
      magnitude = magnitude * 100 + UInt128(pair - 1)
      digitCount += 2
    }
    guard digitCount > 0, !magnitude.isMultiple(of: 100) else { throw .malformed }
    let exponent = place - 512 - digitCount
    do throws(ExactDecimal.Failure) {
      return try ExactDecimal(isNegative: mask != 0, magnitude: magnitude, exponent: exponent)
    } catch {
      throw .malformed
    }
  }
}
