// How the standard types and Cairn's own stand in columns.

public import CairnVolumes

extension Int8: ColumnRepresentable {
  /// `int8`.
  public static var columnType: ColumnType { .int8 }

  /// An integer.
  public var columnValue: ColumnValue { .integer(Int64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .integer(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension Int16: ColumnRepresentable {
  /// `int16`.
  public static var columnType: ColumnType { .int16 }

  /// An integer.
  public var columnValue: ColumnValue { .integer(Int64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .integer(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension Int32: ColumnRepresentable {
  /// `int32`.
  public static var columnType: ColumnType { .int32 }

  /// An integer.
  public var columnValue: ColumnValue { .integer(Int64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .integer(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension Int64: ColumnRepresentable {
  /// `int64`.
  public static var columnType: ColumnType { .int64 }

  /// An integer.
  public var columnValue: ColumnValue { .integer(Int64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .integer(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension UInt8: ColumnRepresentable {
  /// `uint8`.
  public static var columnType: ColumnType { .uint8 }

  /// An integer.
  public var columnValue: ColumnValue { .unsigned(UInt64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .unsigned(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension UInt16: ColumnRepresentable {
  /// `uint16`.
  public static var columnType: ColumnType { .uint16 }

  /// An integer.
  public var columnValue: ColumnValue { .unsigned(UInt64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .unsigned(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension UInt32: ColumnRepresentable {
  /// `uint32`.
  public static var columnType: ColumnType { .uint32 }

  /// An integer.
  public var columnValue: ColumnValue { .unsigned(UInt64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .unsigned(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension UInt64: ColumnRepresentable {
  /// `uint64`.
  public static var columnType: ColumnType { .uint64 }

  /// An integer.
  public var columnValue: ColumnValue { .unsigned(UInt64(self)) }

  /// From an integer in range.
  public init?(columnValue: ColumnValue) {
    guard case .unsigned(let value) = columnValue else { return nil }
    self.init(exactly: value)
  }
}

extension Double: ColumnRepresentable {
  /// `double`.
  public static var columnType: ColumnType { .double }

  /// A double.
  public var columnValue: ColumnValue { .double(self) }

  /// From a double.
  public init?(columnValue: ColumnValue) {
    guard case .double(let value) = columnValue else { return nil }
    self = value
  }
}

extension ExactDecimal: ColumnRepresentable {
  /// `decimal`.
  public static var columnType: ColumnType { .decimal }

  /// A decimal.
  public var columnValue: ColumnValue { .decimal(self) }

  /// From a decimal.
  public init?(columnValue: ColumnValue) {
    guard case .decimal(let value) = columnValue else { return nil }
    self = value
  }
}

extension Bool: ColumnRepresentable {
  /// `bool`.
  public static var columnType: ColumnType { .bool }

  /// A truth value.
  public var columnValue: ColumnValue { .bool(self) }

  /// From a truth value.
  public init?(columnValue: ColumnValue) {
    guard case .bool(let value) = columnValue else { return nil }
    self = value
  }
}

extension String: ColumnRepresentable {
  /// `string`.
  public static var columnType: ColumnType { .string }

  /// A string.
  public var columnValue: ColumnValue { .string(self) }

  /// From a string.
  public init?(columnValue: ColumnValue) {
    guard case .string(let value) = columnValue else { return nil }
    self = value
  }
}

extension CalendarDate: ColumnRepresentable {
  /// `date`.
  public static var columnType: ColumnType { .date }

  /// A date.
  public var columnValue: ColumnValue { .date(self) }

  /// From a date.
  public init?(columnValue: ColumnValue) {
    guard case .date(let value) = columnValue else { return nil }
    self = value
  }
}

extension Timestamp: ColumnRepresentable {
  /// `timestamp`.
  public static var columnType: ColumnType { .timestamp }

  /// A timestamp.
  public var columnValue: ColumnValue { .timestamp(self) }

  /// From a timestamp.
  public init?(columnValue: ColumnValue) {
    guard case .timestamp(let value) = columnValue else { return nil }
    self = value
  }
}

extension UniqueID: ColumnRepresentable {
  /// `uniqueID`.
  public static var columnType: ColumnType { .uniqueID }

  /// An identifier.
  public var columnValue: ColumnValue { .uniqueID(self) }

  /// From an identifier.
  public init?(columnValue: ColumnValue) {
    guard case .uniqueID(let value) = columnValue else { return nil }
    self = value
  }
}

extension Principal: ColumnRepresentable {
  /// `principal`.
  public static var columnType: ColumnType { .principal }

  /// A principal.
  public var columnValue: ColumnValue { .principal(self) }

  /// From a principal.
  public init?(columnValue: ColumnValue) {
    guard case .principal(let value) = columnValue else { return nil }
    self = value
  }
}

extension [UInt8]: TableKey, ColumnRepresentable {
  /// `bytes`.
  public static var columnType: ColumnType { .bytes }

  /// Bytes.
  public var columnValue: ColumnValue { .bytes(self) }

  /// From bytes.
  public init?(columnValue: ColumnValue) {
    guard case .bytes(let value) = columnValue else { return nil }
    self = value
  }
}
