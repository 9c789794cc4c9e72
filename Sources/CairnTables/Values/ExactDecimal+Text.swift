extension ExactDecimal {
  /// From text: a sign if there is one, digits with at most one point among them, and an exponent behind `e` or `E` if there
  /// is one. nil for any other text, and for numbers that 38 digits or the exponents do not hold.
  public init?(_ text: String) {
    guard let parsed = DecimalText(text) else { return nil }
    do throws(Failure) {
      self = try ExactDecimal(isNegative: parsed.isNegative, magnitude: parsed.magnitude, exponent: parsed.exponent)
    } catch {
      return nil
    }
  }
}

extension ExactDecimal: CustomStringConvertible {
  /// Plain digits with a point where that takes no more than 40 of them, else with an exponent: `-12.5`, `0.001`, `1.5e60`.
  /// ``init(_:)`` reads it back.
  public var description: String {
    guard !isZero else { return "0" }
    let digits = DecimalDigits.characters(magnitude)
    let pointPlace = digits.count + exponent
    let zero = UInt8(ascii: "0")
    var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
    if pointPlace > 40 || pointPlace < -20 {
      text.append(digits[0])
      if digits.count > 1 {
        text.append(UInt8(ascii: "."))
        text += digits[1...]
      }
      text.append(UInt8(ascii: "e"))
      text += Array(String(pointPlace - 1).utf8)
    } else if exponent >= 0 {
      text += digits
      for _ in 0..<exponent { text.append(zero) }
    } else if pointPlace > 0 {
      text += digits[..<pointPlace]
      text.append(UInt8(ascii: "."))
      text += digits[pointPlace...]
    } else {
      text += [zero, UInt8(ascii: ".")]
      for _ in pointPlace..<0 { text.append(zero) }
      text += digits
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// The parts of a decimal number's text.
private struct DecimalText {
  var isNegative = false
  var magnitude: UInt128 = 0
  var exponent = 0

  init?(_ text: String) {
    let bytes = Array(text.utf8)
    var position = 0
    isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative || bytes.first == UInt8(ascii: "+") { position = 1 }
    guard digits(bytes, &position) else { return nil }
    guard position < bytes.count else { return }
    guard bytes[position] | 0x20 == UInt8(ascii: "e") else { return nil }
    position += 1
    guard let power = Self.power(bytes[position...]) else { return nil }
    exponent += power
  }

  /// Reads digits and a point; false when there are no digits or too many that count.
  private mutating func digits(_ bytes: [UInt8], _ position: inout Int) -> Bool {
    var hasDigits = false
    var hasPoint = false
    // Zeros wait until a digit follows them: at the end they only raise the exponent.
    var zeros = 0
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        hasDigits = true
        if hasPoint { exponent -= 1 }
        if byte == UInt8(ascii: "0") {
          zeros += 1
        } else {
          guard append(byte - UInt8(ascii: "0"), behind: zeros) else { return false }
          zeros = 0
        }
      } else {
        break
      }
      position += 1
    }
    exponent += zeros
    return hasDigits
  }

  private mutating func append(_ digit: UInt8, behind zeros: Int) -> Bool {
    if magnitude == 0 {
      magnitude = UInt128(digit)
      return true
    }
    guard DecimalDigits.count(magnitude) + zeros + 1 <= ExactDecimal.digitCountMax else { return false }
    magnitude = magnitude * DecimalDigits.power(zeros + 1) + UInt128(digit)
    return true
  }

  /// An exponent with a sign and up to four digits.
  private static func power(_ bytes: ArraySlice<UInt8>) -> Int? {
    let sign = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? 1 : 0
    let digits = bytes.dropFirst(sign)
    guard (1...4).contains(digits.count) else { return nil }
    var value = 0
    for byte in digits {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return bytes.first == UInt8(ascii: "-") ? -value : value
  }
}
