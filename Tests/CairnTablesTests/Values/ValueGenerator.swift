import CairnTables
import CairnTestSupport
import CairnVolumes

/// Random values of each column type, with the edges of each type among them more often than chance has it.
struct ValueGenerator {
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func value(_ type: ColumnType) -> ColumnValue {
    switch type {
    case .int8: .integer(Int64(integer(Int8.self)))
    case .int16: .integer(Int64(integer(Int16.self)))
    case .int32: .integer(Int64(integer(Int32.self)))
    case .int64: .integer(integer(Int64.self))
    case .uint8: .unsigned(UInt64(integer(UInt8.self)))
    case .uint16: .unsigned(UInt64(integer(UInt16.self)))
    case .uint32: .unsigned(UInt64(integer(UInt32.self)))
    case .uint64: .unsigned(integer(UInt64.self))
    case .double: .double(double())
    case .decimal: .decimal(decimal())
    case .bool: .bool(random.below(2) == 1)
    case .string: .string(string())
    case .bytes: .bytes(bytes())
    case .date: .date(date())
    case .timestamp: .timestamp(Timestamp(nanosecondsSince1970: integer(Int64.self)))
    case .uniqueID: .uniqueID(UniqueID(high: integer(UInt64.self), low: integer(UInt64.self)))
    case .principal: principal()
    }
  }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
    let edges: [Value] = [.min, .min + 1, 0, 1, .max - 1, .max]
    guard random.below(3) > 0 else { return edges[random.below(edges.count)] }
    return Value(truncatingIfNeeded: random.next()) >> Value(random.below(Value.bitWidth - 1))
  }

  mutating func double() -> Double {
    let edges: [Double] = [
      -.nan, -.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, -0.0, 0, .leastNonzeroMagnitude, 1,
      .greatestFiniteMagnitude, .infinity, .nan,
    ]
    return random.below(2) == 0 ? edges[random.below(edges.count)] : Double(bitPattern: random.next())
  }

  /// A decimal of any number of digits; exponents near each other are common, so that orders are decided by digits.
  mutating func decimal() -> ExactDecimal {
    var magnitude: UInt128 = 0
    for _ in 0..<random.below(39) { magnitude = magnitude * 10 + UInt128(random.below(3) == 0 ? random.below(10) : 0) }
    let exponent = random.below(3) == 0 ? random.below(180) - 128 : random.below(5) - 2
    let number = try? ExactDecimal(isNegative: random.below(2) == 0, magnitude: magnitude, exponent: exponent)
    return number ?? .zero
  }

  mutating func string() -> String {
    let letters = ["\0", "\0", "a", "b", "\u{301}", "\u{E9}", "\u{FFFD}", "\u{1F600}", "\u{7F}", "\u{80}"]
    return (0..<random.below(7)).map { _ in letters[random.below(letters.count)] }.joined()
  }

  mutating func bytes() -> [UInt8] {
    let letters: [UInt8] = [0, 0, 1, 0x7F, 0xFE, 0xFF]
    return (0..<random.below(7)).map { _ in letters[random.below(letters.count)] }
  }

  mutating func date() -> CalendarDate {
    let range = CalendarDate.dayRange
    let edges: [Int32] = [range.lowerBound, range.upperBound, 0, -1, -719_528, -719_529, 11_016]
    let days = random.below(3) == 0 ? edges[random.below(edges.count)] : Int32(random.below(80_000)) - 40_000
    guard let date = CalendarDate(daysSince1970: days) else { preconditionFailure("a day in the calendar's range") }
    return date
  }

  private mutating func principal() -> ColumnValue {
    let bytes = bytes() + [UInt8(random.below(256))]
    return (try? Principal(bytes)).map { .principal($0) } ?? .null
  }
}
