/// What is asked of a table: a value that a program builds at run time.
public struct Query: Sendable {
  /// Which rows.
  public var filter: Predicate
  /// In which order; what the terms leave open the primary key decides, in the direction of the last one. Without terms rows
  /// come in whatever order is cheapest.
  public var order: [OrderTerm]
  /// The most rows.
  public var limit: UInt64?
  /// How many rows to leave out at the beginning.
  public var offset: UInt64
  /// Goes on behind the row that a page ended with.
  public var after: PageToken?
  /// Which columns of a row, and in which order; nil: all.
  public var columns: [String]?
  /// Rows that are the same, column by column, once.
  public var isDistinct: Bool
  /// Rows of other tables beside each row.
  public var joins: [Join]
  /// Rows with the same values here become one.
  public var groupBy: [String]
  /// What is said of each group, or of all rows when nothing is grouped.
  public var aggregates: [Aggregate]
  /// Which groups; its names are those of grouped columns and of aggregates.
  public var having: Predicate
  /// Bytes of memory for each step that sorts, groups, joins without an index or tells rows apart. A step that needs more lays
  /// rows aside in temporary extents; in a store that is open for reading it throws `memoryBudgetExceeded`.
  public var memoryBudget: UInt64

  /// Everything of a table.
  public init(
    _ filter: Predicate = .always, order: [OrderTerm] = [], limit: UInt64? = nil, offset: UInt64 = 0,
    after: PageToken? = nil, columns: [String]? = nil, isDistinct: Bool = false, joins: [Join] = [],
    groupBy: [String] = [], aggregates: [Aggregate] = [], having: Predicate = .always,
    memoryBudget: UInt64 = 32 << 20
  ) {
    self.filter = filter
    self.order = order
    self.limit = limit
    self.offset = offset
    self.after = after
    self.columns = columns
    self.isDistinct = isDistinct
    self.joins = joins
    self.groupBy = groupBy
    self.aggregates = aggregates
    self.having = having
    self.memoryBudget = memoryBudget
  }

  /// Whether rows become groups.
  var isGrouped: Bool { !groupBy.isEmpty || !aggregates.isEmpty }
}

/// One column to order by.
public struct OrderTerm: Hashable, Sendable {
  /// The column. Nulls come first.
  public var column: String
  /// The other way round.
  public var isDescending: Bool

  /// A column to order by.
  public init(_ column: String, isDescending: Bool = false) {
    self.column = column
    self.isDescending = isDescending
  }
}

/// Where a page of a query ended: the place of its last row in the order, not its number, so that rows that come or go
/// meanwhile move nothing. Good for the same filter and order.
public struct PageToken: Hashable, Sendable {
  /// The place: bytes that a program may keep or hand to a client.
  public let bytes: [UInt8]

  /// A place that an earlier query gave.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// Rows of another table beside each row.
public struct Join: Hashable, Sendable {
  /// What becomes of rows without a partner.
  public enum Kind: Hashable, Sendable {
    /// They are left out.
    case inner
    /// The columns of the other table are null.
    case left
  }

  /// How the other table's rows are found.
  public enum Condition: Hashable, Sendable {
    /// Columns that are equal: one of the tables before, one of this table.
    case columns([(left: String, right: String)])
    /// A reference of the first table to this one, or of this one to the first, by its name.
    case reference(String)

    /// Whether two conditions are the same.
    public static func == (left: Self, right: Self) -> Bool {
      switch (left, right) {
      case (.columns(let a), .columns(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0.left == $1.left && $0.right == $1.right }
      case (.reference(let a), .reference(let b)): a == b
      default: false
      }
    }

    /// Hashes the condition.
    public func hash(into hasher: inout Hasher) {
      switch self {
      case .columns(let pairs):
        for pair in pairs {
          hasher.combine(pair.left)
          hasher.combine(pair.right)
        }
      case .reference(let name): hasher.combine(name)
      }
    }
  }

  /// What becomes of rows without a partner.
  public var kind: Kind
  /// The other table.
  public var table: String
  /// Its name in this query; nil: its own.
  public var alias: String?
  /// How its rows are found.
  public var condition: Condition

  /// Rows of a table, found by columns that are equal.
  public init(_ kind: Kind, _ table: String, as alias: String? = nil, on pairs: [(left: String, right: String)]) {
    self.kind = kind
    self.table = table
    self.alias = alias
    condition = .columns(pairs)
  }

  /// Rows of a table, found along a reference.
  public init(_ kind: Kind, _ table: String, as alias: String? = nil, reference: String) {
    self.kind = kind
    self.table = table
    self.alias = alias
    condition = .reference(reference)
  }
}

/// Something that is said of many rows.
public struct Aggregate: Hashable, Sendable {
  /// What is said.
  public enum Function: String, Hashable, Sendable {
    /// How many rows; with a column, how many in which it is not null.
    case count
    /// Their sum: of integers an integer, of decimals a decimal, of doubles a double; null without any.
    case sum
    /// The least; null without any.
    case minimum
    /// The greatest; null without any.
    case maximum
    /// Their average: of decimals a decimal with six digits more behind the point, else a double; null without any.
    case average
  }

  /// What is said.
  public var function: Function
  /// Of which column.
  public var column: String?
  /// What the result is called.
  public var name: String

  /// Something that is said of many rows.
  public init(_ function: Function, _ column: String? = nil, as name: String? = nil) {
    self.function = function
    self.column = column
    self.name = name ?? function.rawValue + (column.map { "_" + $0 } ?? "")
  }
}
