extension ExactDecimal {
  /// The exact sum.
  public func adding(_ other: ExactDecimal) throws(Failure) -> ExactDecimal {
    if isZero { return other }
    if other.isZero { return self }
    let common = min(exponent, other.exponent)
    let left = try magnitude(at: common)
    let right = try other.magnitude(at: common)
    if isNegative == other.isNegative {
      let (sum, overflow) = left.addingReportingOverflow(right)
      guard !overflow else { throw .tooManyDigits }
      return try ExactDecimal(isNegative: isNegative, magnitude: sum, exponent: common)
    }
    let isLeftLarger = left >= right
    let difference = isLeftLarger ? left - right : right - left
    return try ExactDecimal(
      isNegative: isLeftLarger ? isNegative : other.isNegative, magnitude: difference, exponent: common)
  }

  /// The exact difference.
  public func subtracting(_ other: ExactDecimal) throws(Failure) -> ExactDecimal {
    try adding(other.negated)
  }

  /// The magnitude as a multiple of 10^`exponent`, which is not above this number's own exponent.
  ///
  /// It overflows only beyond 3.4 * 10^38. The other operand ends in a digit other than zero at that place, so such a sum
  /// or difference has more than 38 digits, whatever is added.
  private func magnitude(at exponent: Int) throws(Failure) -> UInt128 {
    let shift = self.exponent - exponent
    guard shift <= Self.digitCountMax else { throw .tooManyDigits }
    let (product, overflow) = magnitude.multipliedReportingOverflow(by: DecimalDigits.power(shift))
    guard !overflow else { throw .tooManyDigits }
    return product
  }

  /// The exact product.
  public func multiplied(by other: ExactDecimal) throws(Failure) -> ExactDecimal {
    var exponent = exponent + other.exponent
    var product = WideMagnitude(magnitude, times: other.magnitude)
    // Digits that only make the number longer: 2 * 5 ends in a zero that neither factor had.
    while product.high != 0 {
      guard product.dividesByTen() else { throw .tooManyDigits }
      exponent += 1
    }
    return try ExactDecimal(
      isNegative: isNegative != other.isNegative, magnitude: product.low, exponent: exponent)
  }

  /// The quotient, rounded half to even at `fractionDigits` digits behind the point (0...128).
  public func divided(by other: ExactDecimal, fractionDigits: Int) throws(Failure) -> ExactDecimal {
    guard !other.isZero else { throw .divisionByZero }
    guard (0...(-Self.exponentRange.lowerBound)).contains(fractionDigits) else { throw .outOfRange }
    if isZero { return .zero }
    // The quotient of the magnitudes is wanted in units of 10^-fractionDigits: shifted by so many digits.
    let shift = exponent - other.exponent + fractionDigits
    let isNegative = isNegative != other.isNegative
    if shift < 0 {
      // Less than a unit for each digit of the divisor beyond the dividend's: the divisor grows instead.
      guard -shift <= Self.digitCountMax else { return .zero }
      let (divisor, overflow) = other.magnitude.multipliedReportingOverflow(by: DecimalDigits.power(-shift))
      // The dividend has 38 digits, so it is below half of such a divisor only when that has more.
      guard !overflow else { return .zero }
      let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: divisor)
      let rounded = Self.rounded(quotient, remainder: remainder, divisor: divisor)
      return try ExactDecimal(isNegative: isNegative, magnitude: rounded, exponent: -fractionDigits)
    }
    var (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: other.magnitude)
    for _ in 0..<shift {
      let digit = Self.nextDigit(&remainder, other.magnitude)
      let (tens, overflow) = quotient.multipliedReportingOverflow(by: 10)
      guard !overflow, tens <= UInt128.max - digit else { throw .tooManyDigits }
      quotient = tens + digit
    }
    let rounded = Self.rounded(quotient, remainder: remainder, divisor: other.magnitude)
    return try ExactDecimal(isNegative: isNegative, magnitude: rounded, exponent: -fractionDigits)
  }

  /// The number rounded half to even at `fractionDigits` digits behind the point (0...128).
  public func rounded(fractionDigits: Int) throws(Failure) -> ExactDecimal {
    if exponent >= -fractionDigits { return self }
    return try divided(by: ExactDecimal(Int64(1)), fractionDigits: fractionDigits)
  }

  /// The next digit of a long division; the remainder stays below the divisor.
  private static func nextDigit(_ remainder: inout UInt128, _ divisor: UInt128) -> UInt128 {
    let product = WideMagnitude(remainder, times: 10)
    let (digit, rest) = divisor.dividingFullWidth((product.high, product.low))
    remainder = rest
    return digit
  }

  /// Half to even; the quotient is far below the largest number, or it is refused later.
  private static func rounded(_ quotient: UInt128, remainder: UInt128, divisor: UInt128) -> UInt128 {
    let rest = divisor - remainder
    let isUp = remainder > rest || (remainder == rest && !quotient.isMultiple(of: 2))
    return isUp ? quotient.addingReportingOverflow(1).partialValue : quotient
  }
}

/// A whole number of 256 bits.
private struct WideMagnitude {
  var high: UInt128
  var low: UInt128

  init(_ left: UInt128, times right: UInt128) {
    (high, low) = left.multipliedFullWidth(by: right)
  }

  /// Divides by ten, if nothing is left over.
  mutating func dividesByTen() -> Bool {
    let (highQuotient, highRest) = high.quotientAndRemainder(dividingBy: 10)
    let (lowQuotient, rest) = UInt128(10).dividingFullWidth((highRest, low))
    guard rest == 0 else { return false }
    (high, low) = (highQuotient, lowQuotient)
    return true
  }
}
