public import CairnTables

/// A literal in an attribute of a column, where the compiler does not know the column's type yet.
public struct ColumnLiteral: Sendable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral
{
  /// The value, in the widest type of its kind.
  public let value: ColumnValue

  /// An integer.
  public init(integerLiteral value: Int64) { self.value = .integer(value) }

  /// A floating-point number.
  public init(floatLiteral value: Double) { self.value = .double(value) }

  /// Text.
  public init(stringLiteral value: String) { self.value = .string(value) }

  /// A truth value.
  public init(booleanLiteral value: Bool) { self.value = .bool(value) }

  /// Null.
  public init(nilLiteral: ()) { value = .null }

  /// Bytes.
  public init(arrayLiteral bytes: UInt8...) { value = .bytes(bytes) }
}

/// A column in the condition of `@Check`, where the compiler does not know its type yet. The condition is compiled once
/// more with the column's own type, so values of another type are errors.
public struct CheckedColumn: Sendable {
  /// The column's name.
  public let name: String

  /// A column by its name.
  public init(_ name: String) { self.name = name }

  /// Equal.
  public static func == (column: Self, value: ColumnLiteral) -> Predicate { column.compare(.equal, value.value) }
  /// Not equal.
  public static func != (column: Self, value: ColumnLiteral) -> Predicate { column.compare(.notEqual, value.value) }
  /// Before the value.
  public static func < (column: Self, value: ColumnLiteral) -> Predicate { column.compare(.less, value.value) }
  /// Before the value, or equal.
  public static func <= (column: Self, value: ColumnLiteral) -> Predicate { column.compare(.lessOrEqual, value.value) }
  /// Behind the value.
  public static func > (column: Self, value: ColumnLiteral) -> Predicate { column.compare(.greater, value.value) }
  /// Behind the value, or equal.
  public static func >= (column: Self, value: ColumnLiteral) -> Predicate {
    column.compare(.greaterOrEqual, value.value)
  }

  /// Equal.
  public static func == <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.equal, value.columnValue)
  }
  /// Not equal.
  public static func != <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.notEqual, value.columnValue)
  }
  /// Before the value.
  public static func < <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.less, value.columnValue)
  }
  /// Before the value, or equal.
  public static func <= <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.lessOrEqual, value.columnValue)
  }
  /// Behind the value.
  public static func > <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.greater, value.columnValue)
  }
  /// Behind the value, or equal.
  public static func >= <Value: ColumnRepresentable>(column: Self, value: Value) -> Predicate {
    column.compare(.greaterOrEqual, value.columnValue)
  }

  /// From one value to another, both included.
  public func isBetween(_ lower: ColumnLiteral, _ upper: ColumnLiteral) -> Predicate {
    .between(name, lower.value, upper.value)
  }
  /// One of these values.
  public func isIn(_ values: [ColumnLiteral]) -> Predicate { .isIn(name, values.map { $0.value }) }
  /// One of these values.
  public func isIn<Value: ColumnRepresentable>(_ values: [Value]) -> Predicate {
    .isIn(name, values.map { $0.columnValue })
  }
  /// Null.
  public var isNull: Predicate { .isNull(name) }
  /// Not null.
  public var isNotNull: Predicate { .not(.isNull(name)) }
  /// Text that begins so.
  public func hasPrefix(_ prefix: String) -> Predicate { .hasPrefix(name, .string(prefix)) }
  /// Text that has this in it.
  public func contains(_ part: String) -> Predicate { .contains(name, .string(part)) }

  private func compare(_ comparison: Comparison, _ value: ColumnValue) -> Predicate {
    .compare(name, comparison, value)
  }
}
