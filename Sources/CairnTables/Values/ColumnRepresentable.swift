/// A type whose values a column can hold.
///
/// The standard types, ``ExactDecimal``, ``CalendarDate``, ``Timestamp``, ``UniqueID``, `Principal` and optionals of all of
/// them conform; enumerations conform through ``ColumnEnumeration``, structures of your own through ``NestedValue``.
public protocol ColumnRepresentable: TableKey {
  /// The type of a column of such values.
  static var columnType: ColumnType { get }
  /// Whether a column of such values may be null.
  static var isOptionalColumn: Bool { get }
  /// The value as a column holds it; ``columnType`` accepts it, or it is null where that is allowed.
  var columnValue: ColumnValue { get }
  /// The value that a column holds; nil when the column holds none of this type.
  init?(columnValue: ColumnValue)
}

extension ColumnRepresentable {
  /// Not null.
  public static var isOptionalColumn: Bool { false }

  /// The value, as a key of one column.
  public var keyValues: [ColumnValue] { [columnValue] }

  /// From a key of one column.
  public init?(keyValues: [ColumnValue]) {
    guard keyValues.count == 1 else { return nil }
    self.init(columnValue: keyValues[0])
  }
}

/// An enumeration with raw values, stored as those: `enum Role: String, ColumnEnumeration`.
///
/// A stored raw value that the enumeration does not know is an error when the row is read, not a case of its own.
public protocol ColumnEnumeration: ColumnRepresentable, RawRepresentable where RawValue: ColumnRepresentable {}

extension ColumnEnumeration {
  /// The raw value's.
  public static var columnType: ColumnType { RawValue.columnType }

  /// The raw value's.
  public var columnValue: ColumnValue { rawValue.columnValue }

  /// The case with the stored raw value.
  public init?(columnValue: ColumnValue) {
    guard let rawValue = RawValue(columnValue: columnValue) else { return nil }
    self.init(rawValue: rawValue)
  }
}

/// A value of your own that a column holds as bytes.
///
/// What the bytes mean is up to the type, and so is reading old ones after it changed. Columns of such values compare as
/// bytes; there is no looking inside.
public protocol NestedValue: ColumnRepresentable {
  /// The bytes.
  var nestedBytes: [UInt8] { get }
  /// The value of stored bytes; nil when they are none.
  init?(nestedBytes: [UInt8])
}

extension NestedValue {
  /// Bytes.
  public static var columnType: ColumnType { .bytes }

  /// The bytes.
  public var columnValue: ColumnValue { .bytes(nestedBytes) }

  /// The value of the stored bytes.
  public init?(columnValue: ColumnValue) {
    guard case .bytes(let bytes) = columnValue else { return nil }
    self.init(nestedBytes: bytes)
  }
}

extension Optional: TableKey, ColumnRepresentable where Wrapped: ColumnRepresentable {
  /// The wrapped type's.
  public static var columnType: ColumnType { Wrapped.columnType }

  /// May be null.
  public static var isOptionalColumn: Bool { true }

  /// Null for none.
  public var columnValue: ColumnValue { self?.columnValue ?? .null }

  /// None for null.
  public init?(columnValue: ColumnValue) {
    if columnValue.isNull {
      self = .none
      return
    }
    guard let value = Wrapped(columnValue: columnValue) else { return nil }
    self = .some(value)
  }
}
