public import CairnBlocks
import CairnBytes
import CairnVolumes

/// What a query gives: row after row, never all of them at once. It ends with the transaction.
public final class Rows {
  /// The columns' names, `table.column` for those of a joined table.
  public let columns: [String]
  /// The columns' types.
  public let types: [ColumnType]
  private let execution: QueryExecution
  /// The columns of a whole row that are handed out; nil: all.
  private let projection: [Int]?
  private var last: [ColumnValue]?

  init(_ execution: QueryExecution, projection: [Int]?) {
    self.execution = execution
    self.projection = projection
    let base = execution.scope.columns.first?.table ?? ""
    columns = execution.scope.columns.map { $0.table.utf8.elementsEqual(base.utf8) ? $0.name : $0.fullName }
    types = execution.scope.columns.map { $0.type }
  }

  /// The next row; nil behind the last.
  public func next() throws(StorageError) -> [ColumnValue]? {
    guard let row = try execution.source.next() else { return nil }
    if execution.order != nil { last = row }
    guard let projection else { return row }
    return projection.map { row[$0] }
  }

  /// Puts the next row in the place of another one; false behind the last. Going through many rows with the same array saves
  /// one for each row.
  public func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard execution.order == nil, projection == nil else {
      guard let next = try next() else { return false }
      row = next
      return true
    }
    return try execution.source.next(into: &row)
  }

  /// The place of the row that came last, for a query that goes on behind it; nil before the first row, and for queries with
  /// joins, groups or distinct.
  public var pageToken: PageToken? {
    guard let order = execution.order, let last else { return nil }
    return PageToken(order.key(of: last))
  }

  /// All rows that are left.
  public func all() throws(StorageError) -> [[ColumnValue]] {
    var rows: [[ColumnValue]] = []
    while let row = try next() { rows.append(row) }
    return rows
  }
}

extension Table {
  /// Asks for rows. They are read while they are asked for.
  public func select(_ query: Query = Query()) throws(StorageError) -> Rows {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    let execution = try QueryExecution(tables, state, query)
    var projection: [Int]?
    if execution.isWhole, let names = query.columns {
      var columns: [Int] = []
      for name in names { columns.append(try state.scope.index(name)) }
      projection = columns
    }
    return Rows(execution, projection: projection)
  }

  /// How a query would be done, and why so.
  public func explain(_ query: Query = Query()) throws(StorageError) -> QueryPlan {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    return try QueryExecution(tables, state, query, explains: true).plan
  }

  /// Lends each row of a query of this table alone to `body`, until it returns false: the fastest way through many rows.
  /// The columns are those of the table; the query may have a filter, an order, a limit and an offset.
  public func forEach(
    _ query: Query = Query(), _ body: (RowReader) throws(StorageError) -> Bool
  ) throws(StorageError) {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    guard query.joins.isEmpty, !query.isGrouped, !query.isDistinct, query.columns == nil, query.after == nil else {
      throw .invalidArgument("forEach takes a filter, an order, a limit and an offset; use select for other queries")
    }
    var order: [(column: Int, isDescending: Bool)] = []
    for term in query.order { order.append((try state.scope.index(term.column), term.isDescending)) }
    let condition = try Condition(query.filter, state.scope, state.layout)
    let all = [Bool](repeating: true, count: state.schema.columns.count)
    let choice = try Planner(
      tables: tables, table: state, condition: condition, order: order, needed: all,
      limit: query.limit.map { $0.addingReportingOverflow(query.offset).partialValue }
    ).choose()
    guard choice.isOrdered else { return try forEachSorted(state, query, body) }
    let stream = TableStream(
      tables, state, choice.path, try condition.remade(query.filter, state, choice.path),
      limit: query.limit.map { $0.addingReportingOverflow(query.offset).partialValue })
    var skipped: UInt64 = 0
    var remaining = query.limit ?? .max
    while remaining > 0, try stream.advance() {
      if skipped < query.offset {
        skipped += 1
        continue
      }
      remaining -= 1
      guard try body(stream.reader) else { return }
    }
  }

  private func forEachSorted(
    _ state: TableState, _ query: Query, _ body: (RowReader) throws(StorageError) -> Bool
  ) throws(StorageError) {
    let source = try QueryExecution(tables, state, query).source
    let reader = RowReader(state.layout)
    while let row = try source.next() {
      try set(reader, state, row)
      guard try body(reader) else { return }
    }
  }

  private func set(_ reader: RowReader, _ state: TableState, _ row: [ColumnValue]) throws(StorageError) {
    let bytes = try tables.encodedRow(state, row)
    BulkCopy.withRawSpan(of: state.key(of: row)) { key in
      BulkCopy.withRawSpan(of: bytes) { reader.set(state.layout, key, $0) }
    }
  }

  /// How many rows a predicate is true for.
  public func count(_ filter: Predicate = .always) throws(StorageError) -> UInt64 {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    if filter == .always { return try tables.tree(state).count() }
    let rows = try select(Query(filter, aggregates: [Aggregate(.count)]))
    guard let row = try rows.next(), case .integer(let count) = row[0] else { return 0 }
    return UInt64(count)
  }

  // MARK: Changing what is found

  /// Changes some columns of all rows that a predicate is true for; how many there were.
  ///
  /// The rows are found before the first is changed. Their keys take up to `memoryBudget` bytes of memory; the others are laid
  /// aside in temporary extents.
  @discardableResult
  public func update(
    where filter: Predicate, _ assignments: [(String, ColumnValue)], memoryBudget: UInt64 = 32 << 20
  ) throws(StorageError) -> UInt64 {
    let (_, state) = try current()
    try tables.require([.read, .update], on: state)
    let prepared = try self.assignments(assignments)
    var keys = try keys(of: state, filter, memoryBudget)
    return try inParts(&keys) { (keys) throws(StorageError) in try update(keys, prepared) }
  }

  /// Deletes all rows that a predicate is true for; how many there were, those not counted that references took along.
  ///
  /// The rows are found before the first is deleted. Their keys take up to `memoryBudget` bytes of memory; the others are laid
  /// aside in temporary extents.
  @discardableResult
  public func delete(where filter: Predicate, memoryBudget: UInt64 = 32 << 20) throws(StorageError) -> UInt64 {
    let (_, state) = try current()
    try tables.require([.read, .delete], on: state)
    var keys = try keys(of: state, filter, memoryBudget)
    return try inParts(&keys) { (keys) throws(StorageError) in try delete(keys) }
  }

  /// Changes rows in operations that are small enough to be staged. Rules are held against all rows of one operation together.
  private func inParts(
    _ keys: inout KeyQueue, _ body: ([[UInt8]]) throws(StorageError) -> UInt64
  ) throws(StorageError) -> UInt64 {
    var count: UInt64 = 0
    var isFirst = true
    while true {
      let part = try keys.next(
        count: TableOperation.keyCountMax, byteCount: TableOperation.keysByteCountMax)
      if part.isEmpty { return count }
      try together(isFirst: isFirst) { () throws(StorageError) in count += try body(part) }
      isFirst = false
    }
  }

  /// The keys of all rows that a predicate is true for. They are found before the first is changed, so that no row is
  /// found again where a change put it; what does not fit in the memory budget of a query waits in temporary extents.
  private func keys(
    of state: TableState, _ filter: Predicate, _ memoryBudget: UInt64
  ) throws(StorageError) -> KeyQueue {
    let condition = try Condition(filter, state.scope, state.layout)
    var needed = [Bool](repeating: false, count: state.schema.columns.count)
    condition.collectColumns(into: &needed)
    let choice = try Planner(
      tables: tables, table: state, condition: condition, order: [], needed: needed, limit: nil
    ).choose()
    let stream = TableStream(tables, state, choice.path, try condition.remade(filter, state, choice.path))
    var keys = KeyQueue(budget: memoryBudget, tables.volume)
    var key: [UInt8] = []
    while try stream.advance() {
      key.removeAll(keepingCapacity: true)
      for (part, column) in state.keyColumns.enumerated() {
        state.layout.key.append(try stream.reader.value(column), as: part, to: &key)
      }
      try keys.append(key)
    }
    return keys
  }
}
