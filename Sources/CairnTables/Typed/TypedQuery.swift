public import CairnBlocks

/// A question to a table: which rows, in which order, how many. Nothing is read before one of the calls that throw.
///
///     let grown = try users.filter { $0.age >= 18 && $0.name.hasPrefix("A") }.sorted { $0.age }.limit(20).all()
public struct TypedQuery<Row: TableRow> {
  let table: Table
  /// The question as the run-time interface takes it.
  public private(set) var query: Query
  let columns = Row.Columns(qualifier: "")

  init(_ table: Table, _ query: Query) {
    self.table = table
    self.query = query
  }

  // MARK: Building

  /// Only rows for which this holds, too.
  public func filter(_ condition: (Row.Columns) -> Predicate) -> Self {
    var result = self
    result.query.filter = Self.both(query.filter, condition(columns))
    return result
  }

  /// Sorted by these columns; where an earlier `sorted` finds rows equal, by these.
  public func sorted<Order: TableOrder>(_ order: (Row.Columns) -> Order) -> Self {
    var result = self
    result.query.order += order(columns).orderTerms
    return result
  }

  /// At most so many rows.
  public func limit(_ count: UInt64) -> Self {
    var result = self
    result.query.limit = count
    return result
  }

  /// Without the first so many rows.
  public func offset(_ count: UInt64) -> Self {
    var result = self
    result.query.offset = count
    return result
  }

  /// Goes on behind the row that a page ended with. Rows that come or go meanwhile move nothing.
  public func after(_ token: PageToken?) -> Self {
    var result = self
    result.query.after = token
    return result
  }

  static func both(_ left: Predicate, _ right: Predicate) -> Predicate {
    if case .always = left { return right }
    return left && right
  }

  // MARK: Reading

  /// The rows one after the other, without holding them in memory.
  public func rows() throws(StorageError) -> TypedRows<Row> { TypedRows(try table.select(query)) }

  /// All rows at once.
  public func all() throws(StorageError) -> [Row] {
    let rows = try rows()
    var result: [Row] = []
    while let row = try rows.next() { result.append(row) }
    return result
  }

  /// The first row, or nil.
  public func first() throws(StorageError) -> Row? { try limit(min(query.limit ?? 1, 1)).rows().next() }

  /// The next rows of a list that is shown page by page, and where it goes on; no place: this was the last page.
  ///
  /// - Parameters:
  ///   - size: rows of a page, at least one.
  ///   - token: where the page before ended; nil: the first page.
  public func page(size: UInt64, after token: PageToken? = nil) throws(StorageError) -> (rows: [Row], next: PageToken?)
  {
    let rows = try limit(max(1, size)).after(token).rows()
    var page: [Row] = []
    while let row = try rows.next() { page.append(row) }
    return (page, UInt64(page.count) < max(1, size) ? nil : rows.pageToken)
  }

  /// How many rows there are.
  public func count() throws(StorageError) -> UInt64 {
    guard query.limit != nil || query.offset > 0 else { return try table.count(query.filter) }
    let rows = try table.select(query)
    var count: UInt64 = 0
    while try rows.next() != nil { count += 1 }
    return count
  }

  /// How the rows would be found, and why so.
  public func explain() throws(StorageError) -> QueryPlan { try table.explain(query) }

  // MARK: Changing

  /// Deletes the rows, and what references to them say.
  ///
  /// - Returns: How many rows of this table that were.
  @discardableResult
  public func delete() throws(StorageError) -> UInt64 {
    try requireWhole("delete")
    return try table.delete(where: query.filter)
  }

  /// Sets columns in all of the rows.
  ///
  /// - Returns: How many rows that were.
  @discardableResult
  public func update(_ assignments: (Row.Columns) -> [ColumnAssignment]) throws(StorageError) -> UInt64 {
    try requireWhole("update")
    return try table.update(where: query.filter, assignments(columns).map { ($0.column, $0.value) })
  }

  func requireWhole(_ what: String) throws(StorageError) {
    guard query.limit == nil, query.offset == 0 else {
      throw .invalidArgument("\(what) works on all rows of a filter: take away limit and offset")
    }
  }
}

/// The rows of a query, one after the other. It ends with its transaction.
public struct TypedRows<Row: TableRow> {
  private let rows: Rows

  init(_ rows: Rows) { self.rows = rows }

  /// The place of the row that came last, for a query that goes on behind it; nil before the first.
  public var pageToken: PageToken? { rows.pageToken }

  /// The next row; nil behind the last.
  public func next() throws(StorageError) -> Row? {
    guard let values = try rows.next() else { return nil }
    return try Row(rowValues: values)
  }
}
