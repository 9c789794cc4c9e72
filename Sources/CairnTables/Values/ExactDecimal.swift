/// A decimal number with up to 38 significant digits: a whole number times a power of ten, nothing rounded.
///
/// The value is `significand * 10^exponent`, with the exponent in -128...127. Equal numbers are equal values: the
/// significand carries no zeros at its end (1.50 is 1.5), and zero has the exponent 0. There is no infinity, no NaN and no
/// negative zero.
///
/// Sums, differences and products are exact, or they throw; only division and rounding round, where they are told, half
/// to even.
public struct ExactDecimal: Hashable, Sendable {
  /// Why there is no such number.
  public enum Failure: Error, Equatable, Sendable {
    /// The exact result has more than 38 significant digits.
    case tooManyDigits
    /// The result is too large, or has a digit too far behind the point.
    case outOfRange
    /// A division by zero.
    case divisionByZero
  }

  /// Most significant digits.
  public static let digitCountMax = 38

  /// The exponents of numbers that are not zero.
  public static let exponentRange = -128...127

  /// Whether the number is below zero.
  public let isNegative: Bool
  /// The digits as a whole number below 10^38, without a zero at the end.
  public let magnitude: UInt128
  /// The power of ten that the magnitude is multiplied by.
  public let exponent: Int

  /// Zero.
  public static let zero = ExactDecimal(isNegative: false, normalMagnitude: 0, exponent: 0)

  private init(isNegative: Bool, normalMagnitude: UInt128, exponent: Int) {
    self.isNegative = isNegative
    magnitude = normalMagnitude
    self.exponent = exponent
  }

  /// A number out of a sign, a whole number and an exponent.
  ///
  /// - Throws: ``Failure/tooManyDigits`` when 38 digits do not hold the number, ``Failure/outOfRange`` when the exponent,
  ///   once zeros at the end are taken away, is not in ``exponentRange``.
  public init(isNegative: Bool, magnitude: UInt128, exponent: Int) throws(Failure) {
    guard magnitude != 0 else {
      self = .zero
      return
    }
    var magnitude = magnitude
    var exponent = exponent
    while true {
      let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: 10)
      guard remainder == 0 else { break }
      magnitude = quotient
      guard exponent < .max else { throw .outOfRange }
      exponent += 1
    }
    guard magnitude < DecimalDigits.power(Self.digitCountMax) else { throw .tooManyDigits }
    // Large numbers may carry zeros at their end in the magnitude, as long as 38 digits hold them.
    guard exponent >= Self.exponentRange.lowerBound, exponent <= Self.exponentRange.upperBound else {
      throw .outOfRange
    }
    self.init(isNegative: isNegative, normalMagnitude: magnitude, exponent: exponent)
  }

  /// A whole number.
  public init(_ value: Int64) {
    self.init(isNegative: value < 0, whole: value.magnitude)
  }

  /// A whole number.
  public init(_ value: UInt64) {
    self.init(isNegative: false, whole: value)
  }

  /// A whole number of 20 digits at most, which always fits.
  private init(isNegative: Bool, whole: UInt64) {
    var (magnitude, exponent) = (whole, 0)
    while magnitude != 0, magnitude.isMultiple(of: 10) {
      magnitude /= 10
      exponent += 1
    }
    self.init(isNegative: isNegative && whole != 0, normalMagnitude: UInt128(magnitude), exponent: exponent)
  }

  /// The number with the other sign.
  public var negated: ExactDecimal {
    ExactDecimal(isNegative: !isNegative && magnitude != 0, normalMagnitude: magnitude, exponent: exponent)
  }

  /// Whether the number is zero.
  public var isZero: Bool { magnitude == 0 }

  /// How many significant digits it has; zero has none.
  public var digitCount: Int { DecimalDigits.count(magnitude) }

  /// The nearest double, or one of its neighbours where more than 15 digits or large powers of ten take part.
  public var approximateDouble: Double {
    var value = Double(magnitude)
    // Dividing by an exact power is closer than multiplying by an inexact one.
    for _ in 0..<(abs(exponent) / 22) { value = exponent < 0 ? value / 1e22 : value * 1e22 }
    var power = 1.0
    for _ in 0..<(abs(exponent) % 22) { power *= 10 }
    value = exponent < 0 ? value / power : value * power
    return isNegative ? -value : value
  }
}

extension ExactDecimal: Comparable {
  /// By value.
  public static func < (left: Self, right: Self) -> Bool {
    guard left.isNegative == right.isNegative else { return left.isNegative }
    return left.isNegative ? right.isSmaller(than: left) : left.isSmaller(than: right)
  }

  /// Whether the magnitude, exponent included, is smaller.
  private func isSmaller(than other: ExactDecimal) -> Bool {
    if isZero || other.isZero { return isZero && !other.isZero }
    let (places, otherPlaces) = (digitCount + exponent, other.digitCount + other.exponent)
    guard places == otherPlaces else { return places < otherPlaces }
    // Both begin at the same power of ten, so they compare like their digits with zeros at the end.
    let aligned = magnitude * DecimalDigits.power(Self.digitCountMax - digitCount)
    return aligned < other.magnitude * DecimalDigits.power(Self.digitCountMax - other.digitCount)
  }
}
