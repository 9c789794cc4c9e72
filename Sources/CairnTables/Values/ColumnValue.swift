public import CairnVolumes

/// One value of a row: what the run-time interface passes around.
///
/// The case says how it is held; which width an integer has is a matter of the column (``ColumnType``). Values are equal
/// when their encodings are: strings by their UTF-8, doubles by their bits.
public enum ColumnValue: Sendable {
  /// No value.
  case null
  /// A value of a signed integer type.
  case integer(Int64)
  /// A value of an unsigned integer type.
  case unsigned(UInt64)
  /// A floating-point number.
  case double(Double)
  /// A decimal number.
  case decimal(ExactDecimal)
  /// A truth value.
  case bool(Bool)
  /// Text.
  case string(String)
  /// Bytes.
  case bytes([UInt8])
  /// A day.
  case date(CalendarDate)
  /// A point in time.
  case timestamp(Timestamp)
  /// An identifier of 16 bytes.
  case uniqueID(UniqueID)
  /// An identity.
  case principal(Principal)

  /// Whether this is ``null``.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// What kind of value it is, for messages.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .integer, .unsigned: "an integer"
    case .double: "a double"
    case .decimal: "a decimal"
    case .bool: "a bool"
    case .string: "a string"
    case .bytes: "bytes"
    case .date: "a date"
    case .timestamp: "a timestamp"
    case .uniqueID: "a uniqueID"
    case .principal: "a principal"
    }
  }
}

extension ColumnValue: Comparable {
  /// How two values stand to each other.
  package enum Order: Int8, Sendable {
    /// The first one comes first.
    case before = -1
    /// They are equal.
    case same = 0
    /// The second one comes first.
    case behind = 1
  }

  /// Compares two values: null before everything, values of one type in the order of their keys, signed and unsigned
  /// integers as numbers. Other values of different types stand in the order of the cases.
  package func order(to other: ColumnValue) -> Order {
    switch (self, other) {
    case (.null, .null): .same
    case (.integer(let left), .integer(let right)): Self.order(left, right)
    case (.unsigned(let left), .unsigned(let right)): Self.order(left, right)
    case (.integer(let left), .unsigned(let right)): left < 0 ? .before : Self.order(UInt64(left), right)
    case (.unsigned(let left), .integer(let right)): right < 0 ? .behind : Self.order(left, UInt64(right))
    case (.double(let left), .double(let right)): Self.order(Self.rank(left), Self.rank(right))
    case (.decimal(let left), .decimal(let right)): Self.order(left, right)
    case (.bool(let left), .bool(let right)): Self.order(left ? 1 : 0, right ? 1 : 0)
    case (.string(let left), .string(let right)): Self.order(left.utf8, right.utf8)
    case (.bytes(let left), .bytes(let right)): Self.order(left, right)
    case (.date(let left), .date(let right)): Self.order(left, right)
    case (.timestamp(let left), .timestamp(let right)): Self.order(left, right)
    case (.uniqueID(let left), .uniqueID(let right)): Self.order(left, right)
    case (.principal(let left), .principal(let right)): Self.order(left.bytes, right.bytes)
    default: Self.order(caseNumber, other.caseNumber)
    }
  }

  /// By ``order(to:)``.
  public static func < (left: Self, right: Self) -> Bool { left.order(to: right) == .before }

  /// By their encodings: strings by UTF-8, doubles by their bits.
  public static func == (left: Self, right: Self) -> Bool { left.order(to: right) == .same }

  private var caseNumber: Int {
    switch self {
    case .null: 0
    case .integer, .unsigned: 1
    case .double: 2
    case .decimal: 3
    case .bool: 4
    case .string: 5
    case .bytes: 6
    case .date: 7
    case .timestamp: 8
    case .uniqueID: 9
    case .principal: 10
    }
  }

  private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Order {
    left < right ? .before : left == right ? .same : .behind
  }

  private static func order<Bytes: Sequence<UInt8>>(_ left: Bytes, _ right: Bytes) -> Order {
    var (left, right) = (left.makeIterator(), right.makeIterator())
    while true {
      switch (left.next(), right.next()) {
      case (nil, nil): return .same
      case (nil, _): return .before
      case (_, nil): return .behind
      case (let first?, let second?):
        if first != second { return first < second ? .before : .behind }
      }
    }
  }

  /// A number in whose order doubles stand in IEEE 754's total order.
  private static func rank(_ value: Double) -> UInt64 {
    let sign: UInt64 = 1 << 63
    let bits = value.bitPattern
    return bits & sign == 0 ? bits | sign : ~bits
  }
}

extension ColumnValue: Hashable {
  /// Equal values have equal hashes: a signed and an unsigned integer of the same number, too.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(caseNumber)
    switch self {
    case .null: break
    case .integer(let value): hasher.combine(UInt64(bitPattern: value))
    case .unsigned(let value): hasher.combine(value)
    case .double(let value): hasher.combine(value.bitPattern)
    case .decimal(let value): hasher.combine(value)
    case .bool(let value): hasher.combine(value)
    case .string(let value):
      for byte in value.utf8 { hasher.combine(byte) }
    case .bytes(let value): hasher.combine(value)
    case .date(let value): hasher.combine(value)
    case .timestamp(let value): hasher.combine(value)
    case .uniqueID(let value): hasher.combine(value)
    case .principal(let value): hasher.combine(value.bytes)
    }
  }
}
