public import CairnTables
public import Foundation

// Foundation's types as columns.

extension Date: ColumnRepresentable {
  /// `timestamp`.
  public static var columnType: ColumnType { .timestamp }

  /// The nearest nanosecond that a timestamp has: a date far before 1678 or behind 2261 becomes the first or the last.
  public var columnValue: ColumnValue {
    let nanoseconds = (timeIntervalSince1970 * 1e9).rounded()
    let value = Int64(exactly: nanoseconds) ?? (nanoseconds < 0 ? .min : .max)
    return .timestamp(Timestamp(nanosecondsSince1970: value))
  }

  /// From a timestamp; a date has 53 bits, so microseconds come out right and nanoseconds nearly so.
  public init?(columnValue: ColumnValue) {
    guard case .timestamp(let value) = columnValue else { return nil }
    self.init(timeIntervalSince1970: Double(value.nanosecondsSince1970) / 1e9)
  }
}

extension UUID: ColumnRepresentable {
  /// `uniqueID`.
  public static var columnType: ColumnType { .uniqueID }

  /// The same 16 bytes.
  public var columnValue: ColumnValue {
    let bytes = [
      uuid.0, uuid.1, uuid.2, uuid.3, uuid.4, uuid.5, uuid.6, uuid.7, uuid.8, uuid.9, uuid.10, uuid.11, uuid.12,
      uuid.13, uuid.14, uuid.15,
    ]
    let halves = [bytes[..<8], bytes[8...]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    return .uniqueID(UniqueID(high: halves[0], low: halves[1]))
  }

  /// From an identifier.
  public init?(columnValue: ColumnValue) {
    guard case .uniqueID(let value) = columnValue else { return nil }
    self.init(uuidString: value.description)
  }
}

extension Data: ColumnRepresentable {
  /// `bytes`.
  public static var columnType: ColumnType { .bytes }

  /// The bytes.
  public var columnValue: ColumnValue { .bytes([UInt8](self)) }

  /// From bytes.
  public init?(columnValue: ColumnValue) {
    guard case .bytes(let value) = columnValue else { return nil }
    self.init(value)
  }
}

extension Decimal: ColumnRepresentable {
  /// `decimal`.
  public static var columnType: ColumnType { .decimal }

  /// The same number; 0 for one that is not a number. Digits beyond the 38 that a column holds are rounded away.
  public var columnValue: ColumnValue {
    .decimal(ExactDecimal(self) ?? .zero)
  }

  /// From a decimal number; nil for exponents beyond those of Foundation's type.
  public init?(columnValue: ColumnValue) {
    guard case .decimal(let value) = columnValue, let number = Decimal(string: value.description) else { return nil }
    self = number
  }
}

extension ExactDecimal {
  /// The number of Foundation's type; nil for one that is not a number. That type may have 39 digits, one more than a
  /// column: the last one is rounded, half to even.
  public init?(_ number: Decimal) {
    guard number.isFinite else { return nil }
    let text = number.description
    if let value = ExactDecimal(text) {
      self = value
      return
    }
    let fraction = text.split(separator: ".", omittingEmptySubsequences: false).dropFirst().first?.count ?? 0
    guard let magnitude = UInt128(text.filter(\.isNumber)) else { return nil }
    let (tens, last) = magnitude.quotientAndRemainder(dividingBy: 10)
    let isUp = last > 5 || (last == 5 && !tens.isMultiple(of: 2))
    let value = try? ExactDecimal(
      isNegative: number < 0, magnitude: isUp ? tens + 1 : tens, exponent: 1 - fraction)
    guard let value else { return nil }
    self = value
  }
}
