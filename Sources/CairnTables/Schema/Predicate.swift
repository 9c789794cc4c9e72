/// A condition on a row: an expression over its columns, which a program builds at run time.
///
/// Columns are named by `column`, in joins also by `table.column`. As in SQL, a comparison with null is neither true nor
/// false, `not` of that as well, and only rows for which the whole is true are selected. Strings and byte strings compare
/// byte by byte, doubles in their total order.
public indirect enum Predicate: Hashable, Sendable {
  /// True for every row.
  case always
  /// A column beside a value. `equal` with `.null` asks whether it is null, `notEqual` with `.null` whether it is not.
  case compare(String, Comparison, ColumnValue)
  /// A column beside another one.
  case compareColumns(String, Comparison, String)
  /// From one value to another, both included.
  case between(String, ColumnValue, ColumnValue)
  /// One of some values. Nulls among them select nothing.
  case isIn(String, [ColumnValue])
  /// Null.
  case isNull(String)
  /// A string or byte string that begins with another.
  case hasPrefix(String, ColumnValue)
  /// A string or byte string that has another in it.
  case contains(String, ColumnValue)
  /// All of them; true without any.
  case and([Predicate])
  /// One of them; false without any.
  case or([Predicate])
  /// The opposite.
  case not(Predicate)

  /// The deepest nesting of predicates, also in what is stored.
  public static let depthMax = 64
  /// The most parts of one predicate, the values of `isIn` among them.
  public static let partCountMax = 10_000
}

/// How two values stand to each other.
public enum Comparison: UInt8, CaseIterable, Sendable {
  /// The same.
  case equal = 0
  /// Not the same.
  case notEqual = 1
  /// Before.
  case less = 2
  /// Before, or the same.
  case lessOrEqual = 3
  /// Behind.
  case greater = 4
  /// Behind, or the same.
  case greaterOrEqual = 5

  /// Whether values in an order (less than, equal to or greater than zero) stand so.
  @inline(__always)
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }

  /// How it is written.
  var symbol: String {
    switch self {
    case .equal: "="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}
