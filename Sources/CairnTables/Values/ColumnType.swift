/// What a column holds. The raw value stands in stored schemas.
///
/// Enumerations are stored as their raw type, nested values as bytes. Whether a column may be null is a property of the
/// column, not of its type.
public enum ColumnType: UInt8, CaseIterable, Sendable {
  /// A signed integer of 8 bits.
  case int8 = 1
  /// A signed integer of 16 bits.
  case int16 = 2
  /// A signed integer of 32 bits.
  case int32 = 3
  /// A signed integer of 64 bits.
  case int64 = 4
  /// An unsigned integer of 8 bits.
  case uint8 = 5
  /// An unsigned integer of 16 bits.
  case uint16 = 6
  /// An unsigned integer of 32 bits.
  case uint32 = 7
  /// An unsigned integer of 64 bits.
  case uint64 = 8
  /// A floating-point number of 64 bits, in IEEE 754's total order.
  case double = 9
  /// An ``ExactDecimal``: up to 38 digits.
  case decimal = 10
  /// A truth value.
  case bool = 11
  /// Text, compared by its UTF-8 bytes.
  case string = 12
  /// Bytes, compared as unsigned numbers.
  case bytes = 13
  /// A ``CalendarDate``.
  case date = 14
  /// A ``Timestamp``: nanoseconds.
  case timestamp = 15
  /// A ``UniqueID``: 16 bytes.
  case uniqueID = 16
  /// A principal: 1...64 bytes.
  case principal = 17
}

extension ColumnType {
  /// The name in schemas that people read: `int32`, `string`, `uniqueID`.
  public var name: String {
    switch self {
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .double: "double"
    case .decimal: "decimal"
    case .bool: "bool"
    case .string: "string"
    case .bytes: "bytes"
    case .date: "date"
    case .timestamp: "timestamp"
    case .uniqueID: "uniqueID"
    case .principal: "principal"
    }
  }

  /// The type with a name; nil when there is none.
  public init?(name: String) {
    for type in Self.allCases where type.name.utf8.elementsEqual(name.utf8) {
      self = type
      return
    }
    return nil
  }

  /// Bytes of a value in a row; nil for the types of variable length.
  public var fixedByteCount: Int? {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .date: 4
    case .int64, .uint64, .double, .timestamp: 8
    case .uniqueID: 16
    case .decimal, .string, .bytes, .principal: nil
    }
  }

  /// Whether the type is a signed or unsigned integer.
  public var isInteger: Bool { integerRange != nil || self == .uint64 }

  /// Whether the type is a number: an integer, a double or a decimal.
  public var isNumber: Bool { isInteger || self == .double || self == .decimal }

  /// The least and the greatest integer, for the integers that fit in an `Int64`.
  var integerRange: ClosedRange<Int64>? {
    switch self {
    case .int8: Int64(Int8.min)...Int64(Int8.max)
    case .int16: Int64(Int16.min)...Int64(Int16.max)
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .int64: Int64.min...Int64.max
    case .uint8: 0...Int64(UInt8.max)
    case .uint16: 0...Int64(UInt16.max)
    case .uint32: 0...Int64(UInt32.max)
    default: nil
    }
  }

  /// Whether a value is of this type and within its range. Null is of no type.
  public func accepts(_ value: ColumnValue) -> Bool {
    switch (self, value) {
    case (.int8, .integer(let number)), (.int16, .integer(let number)), (.int32, .integer(let number)):
      integerRange?.contains(number) ?? false
    case (.int64, .integer), (.uint64, .unsigned): true
    case (.uint8, .unsigned(let number)): number <= UInt64(UInt8.max)
    case (.uint16, .unsigned(let number)): number <= UInt64(UInt16.max)
    case (.uint32, .unsigned(let number)): number <= UInt64(UInt32.max)
    case (.double, .double), (.decimal, .decimal), (.bool, .bool), (.string, .string), (.bytes, .bytes),
      (.date, .date), (.timestamp, .timestamp), (.uniqueID, .uniqueID), (.principal, .principal):
      true
    default: false
    }
  }

  /// A value as one of this type, where nothing is lost: an integer as one of the other sign or as a decimal or double.
  /// nil when the type cannot hold it. Null stays null.
  public func converted(_ value: ColumnValue) -> ColumnValue? {
    if accepts(value) { return value }
    switch (self, value) {
    case (_, .null): return .null
    case (.double, .integer(let number)): return Double(exactly: number).map { .double($0) }
    case (.double, .unsigned(let number)): return Double(exactly: number).map { .double($0) }
    case (.decimal, .integer(let number)): return .decimal(ExactDecimal(number))
    case (.decimal, .unsigned(let number)): return .decimal(ExactDecimal(number))
    case (_, .integer(let number)):
      guard let unsigned = UInt64(exactly: number), accepts(.unsigned(unsigned)) else { return nil }
      return .unsigned(unsigned)
    case (_, .unsigned(let number)):
      guard let signed = Int64(exactly: number), accepts(.integer(signed)) else { return nil }
      return .integer(signed)
    default: return nil
    }
  }
}

extension ColumnType: CustomStringConvertible {
  /// The name.
  public var description: String { name }
}
