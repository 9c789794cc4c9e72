import CairnTables
import CairnTestSupport
import Testing

@Suite("Exact decimals")
struct ExactDecimalTests {
  private static func number(_ text: String) throws -> ExactDecimal { try #require(ExactDecimal(text), "\(text)") }

  @Test("equal numbers are equal, however they are written")
  func normalForm() throws {
    for text in ["1.50", "1.5", "+1.5", "15e-1", "0.0015e3", "1.500000000000000000000000000000000000000000000000"] {
      #expect(try Self.number(text) == Self.number("1.5"), "\(text)")
    }
    #expect(try Self.number("-0.000") == .zero)
    #expect(try !Self.number("-0").isNegative)
  }

  @Test(
    "prints digits, or an exponent for numbers that would be too long",
    arguments: [
      ("0", "0"), ("-12.50", "-12.5"), ("0.001", "0.001"), ("1200", "1200"),
      ("1e39", "1" + String(repeating: "0", count: 39)),
      ("1.5e60", "1.5e60"), ("-1e-40", "-1e-40"),
      ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"),
    ])
  func description(text: String, printed: String) throws {
    #expect(try Self.number(text).description == printed)
  }

  @Test("holds 38 digits and no more")
  func limits() throws {
    let nines = String(repeating: "9", count: 38)
    let largest = try Self.number(nines)
    #expect(largest.digitCount == 38)
    #expect(ExactDecimal(nines + "9") == nil)
    #expect(ExactDecimal("0." + nines + "1") == nil)
    #expect(try largest.adding(Self.number("1")) == Self.number("1e38"))
    #expect(try Self.number("1e38").subtracting(Self.number("1")) == largest)
    #expect(throws: ExactDecimal.Failure.tooManyDigits) { try largest.adding(Self.number("2")).adding(largest) }
    #expect(throws: ExactDecimal.Failure.tooManyDigits) { try Self.number("1e60").adding(Self.number("1")) }
    #expect(throws: ExactDecimal.Failure.tooManyDigits) { try largest.multiplied(by: largest) }
    #expect(throws: ExactDecimal.Failure.outOfRange) { try Self.number("1e100").multiplied(by: Self.number("1e100")) }
    #expect(throws: ExactDecimal.Failure.outOfRange) { try Self.number("1e-100").multiplied(by: Self.number("1e-100")) }
    #expect(throws: ExactDecimal.Failure.divisionByZero) { try largest.divided(by: .zero, fractionDigits: 2) }
    #expect(throws: ExactDecimal.Failure.outOfRange) { try largest.divided(by: largest, fractionDigits: -1) }
    #expect(try Self.number("1e127").exponent == 127)
    #expect(ExactDecimal("1e128") == nil)
    #expect(ExactDecimal("1e-129") == nil)
  }

  @Test(
    "divides and rounds half to even",
    arguments: [
      ("1", "3", 4, "0.3333"), ("2", "3", 4, "0.6667"), ("1", "8", 2, "0.12"), ("3", "8", 2, "0.38"),
      ("-1", "8", 2, "-0.12"),
      ("1e20", "3e-5", 0, "3333333333333333333333333"), ("1", "1e100", 2, "0"), ("0", "7", 3, "0"), ("10", "4", 0, "2"),
      ("14", "4", 0, "4"), ("5", "1e3", 2, "0"), ("15", "1e3", 2, "0.02"),
      ("99999999999999999999999999999999999999", "1e38", 0, "1"),
    ])
  func division(left: String, right: String, digits: Int, quotient: String) throws {
    #expect(try Self.number(left).divided(by: Self.number(right), fractionDigits: digits) == Self.number(quotient))
  }

  @Test("rounds half to even")
  func rounding() throws {
    #expect(try Self.number("2.345").rounded(fractionDigits: 2) == Self.number("2.34"))
    #expect(try Self.number("2.355").rounded(fractionDigits: 2) == Self.number("2.36"))
    #expect(try Self.number("2.3").rounded(fractionDigits: 5) == Self.number("2.3"))
  }

  /// Numbers that are small multiples of a thousandth, against whole numbers.
  @Test("adds, multiplies and compares like whole numbers", arguments: TestSeeds.list(count: 4))
  func model(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let (left, right) = (Int64(random.below(2_000_001)) - 1_000_000, Int64(random.below(2_000_001)) - 1_000_000)
      func thousandths(_ value: Int64) throws -> ExactDecimal {
        try ExactDecimal(isNegative: value < 0, magnitude: UInt128(value.magnitude), exponent: -3)
      }
      let (first, second) = (try thousandths(left), try thousandths(right))
      #expect(try first.adding(second) == thousandths(left + right), "\(left) \(right), seed \(seed)")
      #expect(try first.subtracting(second) == thousandths(left - right), "\(left) \(right), seed \(seed)")
      let product = try ExactDecimal(
        isNegative: (left < 0) != (right < 0), magnitude: UInt128(left.magnitude) * UInt128(right.magnitude),
        exponent: -6)
      #expect(try first.multiplied(by: second) == product, "\(left) \(right), seed \(seed)")
      #expect((first < second) == (left < right), "\(left) \(right), seed \(seed)")
      if right != 0 {
        let whole = try first.divided(by: second, fractionDigits: 0)
        let exact = Double(left) / Double(right)
        #expect(whole.approximateDouble == exact.rounded(.toNearestOrEven), "\(left) \(right), seed \(seed)")
      }
    }
  }

  @Test("products that end in zeros still fit")
  func zerosInProducts() throws {
    let power = try Self.number("152587890625")  // 5^16
    let twos = try Self.number("65536")  // 2^16
    #expect(try power.multiplied(by: twos) == Self.number("1e16"))
    let fives = try Self.number("227373675443232059478759765625")  // 5^42
    let large = try Self.number("4398046511104")  // 2^42
    #expect(try fives.multiplied(by: large) == Self.number("1e42"))
  }

  @Test("becomes a double close by")
  func doubles() throws {
    #expect(try Self.number("0.1").approximateDouble == 0.1)
    #expect(try Self.number("-12345.678").approximateDouble == -12345.678)
    #expect(try Self.number("1e22").approximateDouble == 1e22)
    let large = try Self.number("1.5e100").approximateDouble
    #expect(abs(large / 1.5e100 - 1) < 1e-14)
  }
}
