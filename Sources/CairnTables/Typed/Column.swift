/// A column of a table, in closures that say which rows are wanted: `{ $0.age >= 18 }`.
public struct Column<Value: ColumnRepresentable>: Sendable {
  /// The column's name, in joins behind the table's and a dot.
  public let name: String

  /// A column by its name.
  public init(_ name: String) { self.name = name }
}

// MARK: Comparing with a value

extension Column {
  /// Equal; `nil` asks whether the column is null.
  public static func == (column: Self, value: Value) -> Predicate {
    .compare(column.name, .equal, value.columnValue)
  }

  /// Not equal; `nil` asks whether the column is not null.
  public static func != (column: Self, value: Value) -> Predicate {
    .compare(column.name, .notEqual, value.columnValue)
  }

  /// Before the value.
  public static func < (column: Self, value: Value) -> Predicate {
    .compare(column.name, .less, value.columnValue)
  }

  /// Before the value, or equal.
  public static func <= (column: Self, value: Value) -> Predicate {
    .compare(column.name, .lessOrEqual, value.columnValue)
  }

  /// Behind the value.
  public static func > (column: Self, value: Value) -> Predicate {
    .compare(column.name, .greater, value.columnValue)
  }

  /// Behind the value, or equal.
  public static func >= (column: Self, value: Value) -> Predicate {
    .compare(column.name, .greaterOrEqual, value.columnValue)
  }

  /// From one value to another, both included.
  public func isBetween(_ lower: Value, _ upper: Value) -> Predicate {
    .between(name, lower.columnValue, upper.columnValue)
  }

  /// One of these values. A `nil` among them selects nothing.
  public func isIn(_ values: [Value]) -> Predicate {
    .isIn(name, values.map { $0.columnValue })
  }

  /// Null.
  public var isNull: Predicate { .isNull(name) }

  /// Not null.
  public var isNotNull: Predicate { .not(.isNull(name)) }
}

// MARK: Comparing with another column

extension Column {
  /// Equal in both columns.
  public static func == (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .equal, right.name)
  }

  /// Not equal.
  public static func != (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .notEqual, right.name)
  }

  /// The left one before the right one.
  public static func < (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .less, right.name)
  }

  /// The left one before the right one, or equal.
  public static func <= (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .lessOrEqual, right.name)
  }

  /// The left one behind the right one.
  public static func > (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .greater, right.name)
  }

  /// The left one behind the right one, or equal.
  public static func >= (left: Self, right: Self) -> Predicate {
    .compareColumns(left.name, .greaterOrEqual, right.name)
  }

  /// Equal to a column that may be null.
  public static func == (left: Self, right: Column<Value?>) -> Predicate {
    .compareColumns(left.name, .equal, right.name)
  }

  /// A column that may be null, equal to one that may not.
  public static func == (left: Column<Value?>, right: Self) -> Predicate {
    .compareColumns(left.name, .equal, right.name)
  }
}

// MARK: Text

extension Column where Value == String {
  /// Text that begins so, byte by byte.
  public func hasPrefix(_ prefix: String) -> Predicate { .hasPrefix(name, .string(prefix)) }

  /// Text that has this in it, byte by byte.
  public func contains(_ part: String) -> Predicate { .contains(name, .string(part)) }
}

extension Column where Value == String? {
  /// Text that begins so, byte by byte.
  public func hasPrefix(_ prefix: String) -> Predicate { .hasPrefix(name, .string(prefix)) }

  /// Text that has this in it, byte by byte.
  public func contains(_ part: String) -> Predicate { .contains(name, .string(part)) }
}

extension Column where Value == [UInt8] {
  /// Bytes that begin so.
  public func hasPrefix(_ prefix: [UInt8]) -> Predicate { .hasPrefix(name, .bytes(prefix)) }

  /// Bytes that have these in them.
  public func contains(_ part: [UInt8]) -> Predicate { .contains(name, .bytes(part)) }
}

// MARK: Joining conditions

extension Predicate {
  /// Both.
  public static func && (left: Predicate, right: Predicate) -> Predicate {
    if case .and(let parts) = left { return .and(parts + [right]) }
    return .and([left, right])
  }

  /// One of both, or both.
  public static func || (left: Predicate, right: Predicate) -> Predicate {
    if case .or(let parts) = left { return .or(parts + [right]) }
    return .or([left, right])
  }

  /// The opposite.
  public static prefix func ! (predicate: Predicate) -> Predicate { .not(predicate) }
}

// MARK: Order and assignment

/// What a closure of `sorted` may return: a column (ascending), one of its directions, or several of those.
public protocol TableOrder {
  /// The columns, the one that decides first in front.
  var orderTerms: [OrderTerm] { get }
}

extension Column: TableOrder {
  /// The column, ascending.
  public var orderTerms: [OrderTerm] { [ascending] }

  /// From the least to the greatest, null first.
  public var ascending: OrderTerm { OrderTerm(name) }

  /// From the greatest to the least, null last.
  public var descending: OrderTerm { OrderTerm(name, isDescending: true) }
}

extension OrderTerm: TableOrder {
  /// Itself.
  public var orderTerms: [OrderTerm] { [self] }
}

extension [OrderTerm]: TableOrder {
  /// Themselves.
  public var orderTerms: [OrderTerm] { self }
}

/// A column and the value that an update gives it.
public struct ColumnAssignment: Sendable {
  /// The column's name.
  public let column: String
  /// The new value.
  public let value: ColumnValue

  /// A column and its new value.
  public init(_ column: String, _ value: ColumnValue) {
    self.column = column
    self.value = value
  }
}

extension Column {
  /// Sets the column, in an update.
  public func set(_ value: Value) -> ColumnAssignment { ColumnAssignment(name, value.columnValue) }
}
