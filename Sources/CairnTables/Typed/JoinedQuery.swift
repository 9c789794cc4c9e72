public import CairnBlocks
public import CairnBytes

/// What the right side of a join gives beside each row of the left one.
public protocol JoinedSide {
  /// The type of the table's rows.
  associatedtype Row: TableRow
  /// A row in an inner join, an optional row in a left join.
  associatedtype Value
  /// What the values of the row's columns stand for; all of them are null where a left join found no row.
  static func value(_ joined: [ColumnValue]) throws(StorageError) -> Value
}

/// The right side of an inner join: a row.
public enum InnerSide<Row: TableRow>: JoinedSide {
  /// The row.
  public static func value(_ joined: [ColumnValue]) throws(StorageError) -> Row { try Row(rowValues: joined) }
}

/// The right side of a left join: a row, or none.
public enum OuterSide<Row: TableRow>: JoinedSide {
  /// None when all are null, which no row is, since it has a primary key.
  public static func value(_ joined: [ColumnValue]) throws(StorageError) -> Row? {
    joined.allSatisfy { $0.isNull } ? nil : try Row(rowValues: joined)
  }
}

extension TypedQuery {
  /// Each row with every row of another table that it matches.
  ///
  ///     try posts.query.join(User.self) { post, user in post.author == user.id }.all()
  public func join<Other: TableRow>(
    _ other: Other.Type, on condition: (Row.Columns, Other.Columns) -> Predicate
  ) throws(StorageError) -> JoinedQuery<Row, InnerSide<Other>> {
    try JoinedQuery(self, .inner, condition)
  }

  /// Each row with the rows of another table that a reference leads to, whichever of both tables has it.
  ///
  ///     try posts.query.join(User.self, along: "author").all()
  public func join<Other: TableRow>(
    _ other: Other.Type, along reference: String
  ) -> JoinedQuery<Row, InnerSide<Other>> { JoinedQuery(self, .inner, along: reference) }

  /// Each row with the rows of another table that a reference leads to, or with nil where there is none.
  public func leftJoin<Other: TableRow>(
    _ other: Other.Type, along reference: String
  ) -> JoinedQuery<Row, OuterSide<Other>> { JoinedQuery(self, .left, along: reference) }

  /// Each row with every row of another table that it matches, or with nil where there is none.
  public func leftJoin<Other: TableRow>(
    _ other: Other.Type, on condition: (Row.Columns, Other.Columns) -> Predicate
  ) throws(StorageError) -> JoinedQuery<Row, OuterSide<Other>> {
    try JoinedQuery(self, .left, condition)
  }
}

/// A question to two tables: rows of the left one beside rows of the right one.
public struct JoinedQuery<Left: TableRow, Right: JoinedSide> {
  private let table: Table
  /// The question as the run-time interface takes it.
  public private(set) var query: Query
  private let left = Left.Columns(qualifier: Left.tableName + ".")
  private let right = Right.Row.Columns(qualifier: Right.Row.tableName + ".")

  /// Joins a table to a query that filters and sorts the left one.
  init(
    _ base: TypedQuery<Left>, _ kind: Join.Kind, _ condition: (Left.Columns, Right.Row.Columns) -> Predicate
  ) throws(StorageError) {
    table = base.table
    query = base.query
    let pairs = try Self.columnPairs(condition(left, right))
    query.joins = [Join(kind, Right.Row.tableName, on: pairs)]
  }

  /// Joins a table along a reference.
  init(_ base: TypedQuery<Left>, _ kind: Join.Kind, along reference: String) {
    table = base.table
    query = base.query
    query.joins = [Join(kind, Right.Row.tableName, reference: reference)]
  }

  /// The pairs of columns that a condition compares; anything but pairs that are equal is refused.
  private static func columnPairs(_ condition: Predicate) throws(StorageError) -> [(left: String, right: String)] {
    switch condition {
    case .compareColumns(let first, .equal, let second):
      let isLeftFirst = first.utf8.starts(with: (Left.tableName + ".").utf8)
      return [isLeftFirst ? (left: first, right: second) : (left: second, right: first)]
    case .and(let parts):
      var pairs: [(left: String, right: String)] = []
      for part in parts { pairs += try columnPairs(part) }
      return pairs
    default:
      throw .invalidArgument("tables are joined on columns that are equal; other conditions belong in a filter")
    }
  }

  /// Only pairs for which this holds, too.
  public func filter(_ condition: (Left.Columns, Right.Row.Columns) -> Predicate) -> Self {
    var result = self
    result.query.filter = TypedQuery<Left>.both(query.filter, condition(left, right))
    return result
  }

  /// Sorted by these columns; where an earlier `sorted` finds pairs equal, by these.
  public func sorted<Order: TableOrder>(_ order: (Left.Columns, Right.Row.Columns) -> Order) -> Self {
    var result = self
    result.query.order += order(left, right).orderTerms
    return result
  }

  /// At most so many pairs.
  public func limit(_ count: UInt64) -> Self {
    var result = self
    result.query.limit = count
    return result
  }

  /// Without the first so many pairs.
  public func offset(_ count: UInt64) -> Self {
    var result = self
    result.query.offset = count
    return result
  }

  /// The pairs one after the other, without holding them in memory.
  public func rows() throws(StorageError) -> JoinedRows<Left, Right> { JoinedRows(try table.select(query)) }

  /// All pairs at once.
  public func all() throws(StorageError) -> [Pair<Left, Right.Value>] {
    let rows = try rows()
    var result: [Pair<Left, Right.Value>] = []
    while let pair = try rows.next() { result.append(pair) }
    return result
  }

  /// How the pairs would be found, and why so.
  public func explain() throws(StorageError) -> QueryPlan { try table.explain(query) }
}

/// The pairs of a join, one after the other. It ends with its transaction.
public struct JoinedRows<Left: TableRow, Right: JoinedSide> {
  private let rows: Rows
  private let leftCount = Left.tableSchema.columns.count

  init(_ rows: Rows) { self.rows = rows }

  /// The next pair; nil behind the last.
  public func next() throws(StorageError) -> Pair<Left, Right.Value>? {
    guard let row = try rows.next() else { return nil }
    guard row.count >= leftCount else {
      throw .invalidArgument("a join of \(Left.tableName) gives \(row.count) columns, not \(leftCount) and more")
    }
    return Pair(try Left(rowValues: Array(row[..<leftCount])), try Right.value(Array(row[leftCount...])))
  }
}
