import CairnBlocks
import CairnBytes
import CairnVolumes

/// A query made ready: its steps put together, its plan told.
struct QueryExecution {
  let source: RowSource
  /// The columns of the rows that come out.
  let scope: ColumnScope
  let plan: QueryPlan
  /// The order of the rows as keys, where pages can end: of one table, not grouped.
  let order: RowOrder?
  /// Rows come out whole, and the columns that are asked for are still to be picked.
  let isWhole: Bool

  /// What is being put together.
  private struct Assembly {
    var source: RowSource
    var scope: ColumnScope
    var steps: [String]
  }

  /// - Parameter explains: whether the plan is to say why.
  init(
    _ tables: TableVolume, _ table: TableState, _ asked: Query, explains: Bool = false
  ) throws(StorageError) {
    try Self.requireSound(asked)
    var query = asked
    if query.after != nil, query.order.isEmpty { query.order = table.schema.primaryKey.map { OrderTerm($0) } }
    let joined = try Self.joins(tables, table, query)
    let base = try Self.baseConditions(query, table, joined.scope, isJoined: !query.joins.isEmpty)
    let allNeeded = try Self.needed(query, table, joined)
    let needed = Array(allNeeded[..<table.schema.columns.count])
    // The access path can give the order only when rows stay what they are until the end.
    let isDirect = query.joins.isEmpty && !query.isGrouped
    var terms: [(column: Int, isDescending: Bool)] = []
    if isDirect {
      for term in query.order { terms.append((try table.scope.index(term.column), term.isDescending)) }
    }
    let isPaged = isDirect && !query.isDistinct
    let wanted = query.limit.map { $0.addingReportingOverflow(query.offset) }
    var planner = Planner(
      tables: tables, table: table, condition: base.condition, order: terms, needed: needed,
      limit: isDirect && !query.isDistinct ? wanted.flatMap { $0.overflow ? nil : $0.partialValue } : nil)
    planner.explains = explains
    let choice = try planner.choose()
    var path = choice.path
    let rowOrder = isDirect ? Self.order(terms, table, path) : nil
    let isOrdered = choice.isOrdered
    if let after = query.after, let rowOrder {
      // Bytes that a client made up are told from a place, also where the rows are sorted anyway.
      _ = try rowOrder.values(of: after.bytes)
      if isOrdered { path = try Self.moved(path, behind: after, rowOrder) }
    }
    let condition = try base.condition.remade(base.predicate, table, path)
    var assembly = Assembly(
      source: StreamSource(
        TableStream(tables, table, path, condition, limit: isPaged && isOrdered ? planner.limit : nil), needed: needed),
      scope: ColumnScope(table.schema), steps: [choice.reason])
    if case .constant(.yes) = condition {} else { assembly.steps.append("keep the rows for which the filter is true") }
    if let after = query.after, let rowOrder {
      assembly.source = AfterSource(assembly.source, rowOrder, after: after.bytes)
      assembly.steps.append("leave out what is not behind the page token")
    }
    for (position, join) in query.joins.enumerated() {
      try Self.add(join, joined.pairs[position], tables, query, allNeeded, &assembly)
    }
    if !query.joins.isEmpty, query.filter != .always {
      assembly.source = FilterSource(assembly.source, try Condition(query.filter, assembly.scope))
    }
    if query.isGrouped { try Self.addGroups(query, tables, &assembly) }
    try Self.finish(query, tables, &assembly, rowOrder, isOrdered: isOrdered && isDirect, isPaged: isPaged)
    source = assembly.source
    scope = assembly.scope
    isWhole = isPaged
    // Without an order rows come as the path gives them; only that of the table's own keys is one that can be gone on with.
    order = isPaged && (!query.order.isEmpty || (path.index == nil && path.branches.isEmpty)) ? rowOrder : nil
    plan = QueryPlan(
      access: choice.access, isOrdered: isOrdered && isDirect, isReversed: path.isReversed,
      estimatedRowCount: choice.estimatedRowCount, steps: assembly.steps)
  }

  private static func requireSound(_ query: Query) throws(StorageError) {
    if query.after != nil, !query.joins.isEmpty || query.isGrouped || query.isDistinct {
      throw .invalidArgument(
        "pages that end at a token are possible for queries of one table, without groups and distinct")
    }
    if query.having != .always, !query.isGrouped { throw .invalidArgument("a query without groups has no having") }
  }

  // MARK: The table's own rows

  /// What of the filter is about the first table alone.
  private static func baseConditions(
    _ query: Query, _ table: TableState, _ scope: ColumnScope, isJoined: Bool
  ) throws(StorageError) -> (predicate: Predicate, condition: Condition) {
    var predicate = query.filter
    if isJoined {
      // The whole must make sense before a part of it is taken.
      let parts: [Predicate]
      if case .and(let list) = query.filter { parts = list } else { parts = [query.filter] }
      var own: [Predicate] = []
      for part in parts {
        var columns = [Bool](repeating: false, count: scope.columns.count)
        try Condition(part, scope).collectColumns(into: &columns)
        if !columns[table.schema.columns.count...].contains(true) { own.append(part) }
      }
      predicate = own.isEmpty ? .always : own.count == 1 ? own[0] : .and(own)
    }
    return (predicate, try Condition(predicate, table.scope, table.layout))
  }

  /// The columns of all tables that the query looks at.
  private static func needed(
    _ query: Query, _ table: TableState, _ joined: Joined
  ) throws(StorageError) -> [Bool] {
    let count = joined.scope.columns.count
    if query.columns == nil && !query.isGrouped { return Array(repeating: true, count: count) }
    var columns = [Bool](repeating: false, count: count)
    try Condition(query.filter, joined.scope).collectColumns(into: &columns)
    var names = query.groupBy
    for aggregate in query.aggregates { if let column = aggregate.column { names.append(column) } }
    if !query.isGrouped { names += (query.columns ?? []) + query.order.map { $0.column } }
    for name in names { columns[try joined.scope.index(name)] = true }
    for pairs in joined.pairs { for pair in pairs { columns[pair.outer] = true } }
    // The primary key decides what an order leaves open, and is in every tree anyway.
    for column in table.keyColumns { columns[column] = true }
    return columns
  }

  /// The order of rows of one table, down to the primary key.
  private static func order(
    _ terms: [(column: Int, isDescending: Bool)], _ table: TableState, _ path: AccessPath
  ) -> RowOrder {
    func term(_ column: Int, _ isDescending: Bool) -> RowOrder.Term {
      let definition = table.schema.columns[column]
      return RowOrder.Term(
        column: column, type: definition.type, isOptional: definition.isOptional, isDescending: isDescending)
    }
    var all: [RowOrder.Term] = []
    for (column, isDescending) in terms where !all.contains(where: { $0.column == column }) {
      all.append(term(column, isDescending))
    }
    let isDescending = terms.last?.isDescending ?? false
    for column in table.keyColumns where !all.contains(where: { $0.column == column }) {
      all.append(term(column, isDescending))
    }
    return RowOrder(terms: all)
  }

  /// A path that gives an order, begun behind a place in that order.
  private static func moved(
    _ path: AccessPath, behind token: PageToken, _ order: RowOrder
  ) throws(StorageError) -> AccessPath {
    let values = try order.values(of: token.bytes)
    guard let first = path.ranges.first else { return path }
    let layout = path.layout
    guard
      var key = BulkCopy.withRawSpan(
        of: first.low,
        { low -> [UInt8]? in
          layout.key.end(ofFirst: path.fixedColumnCount, in: low).map { low.array(0..<$0) }
        })
    else { return path }
    for part in path.fixedColumnCount..<layout.key.parts.count {
      guard let column = layout.columns.firstIndex(where: { $0.place == .key(part) }),
        let value = values.first(where: { $0.column == column })?.value
      else { return path }
      layout.key.append(value, as: part, to: &key)
    }
    var ranges: [KeyBounds] = []
    for var range in path.ranges {
      if path.isReversed {
        if range.high.map({ key.lexicographicallyPrecedes($0) }) ?? true { range.high = key }
      } else if range.low.lexicographicallyPrecedes(key) {
        range.low = key
      }
      if !range.isEmpty { ranges.append(range) }
    }
    return AccessPath(
      index: path.index, ranges: ranges, isReversed: path.isReversed, isIndexOnly: path.isIndexOnly,
      fixedColumnCount: path.fixedColumnCount, layout: layout)
  }

  // MARK: Joins

  /// The columns of all tables, and for each join the pairs of columns that are equal.
  private struct Joined {
    var scope: ColumnScope
    var pairs: [[(outer: Int, inner: Int)]] = []
  }

  private static func joins(
    _ tables: TableVolume, _ table: TableState, _ query: Query
  ) throws(StorageError) -> Joined {
    var joined = Joined(scope: ColumnScope(table.schema))
    for join in query.joins {
      let other = try self.table(of: join, tables)
      let alias = join.alias ?? other.schema.name
      if joined.scope.columns.contains(where: { $0.table.utf8.elementsEqual(alias.utf8) }) {
        throw .invalidArgument("two tables of the query are called \(alias): give one of them another name")
      }
      let inner = ColumnScope(other.schema, as: alias)
      var pairs: [(outer: Int, inner: Int)] = []
      switch join.condition {
      case .columns(let names):
        for (left, right) in names {
          // Either may be of either side.
          if let innerIndex = inner.find(right), let outerIndex = joined.scope.find(left) {
            pairs.append((outerIndex, innerIndex))
          } else {
            pairs.append((try joined.scope.index(right), try inner.index(left)))
          }
        }
      case .reference(let name): pairs = try Self.pairs(along: name, tables, table, other)
      }
      guard !pairs.isEmpty else { throw .invalidArgument("the join with \(alias) names no columns") }
      for pair in pairs {
        let (a, b) = (joined.scope.columns[pair.outer], inner.columns[pair.inner])
        guard a.type == b.type || (a.type.isInteger && b.type.isInteger) else {
          throw .invalidArgument("column \(a.fullName) is \(a.type), \(b.fullName) is \(b.type): they do not compare")
        }
      }
      joined.pairs.append(pairs)
      joined.scope.append(other.schema, as: alias, isOptional: join.kind == .left)
    }
    return joined
  }

  private static func table(of join: Join, _ tables: TableVolume) throws(StorageError) -> TableState {
    guard let position = tables.catalog.find(join.table) else { throw .notFound(Subject("table", join.table)) }
    let table = tables.catalog.tables[position]
    try tables.require(.read, on: table)
    return table
  }

  private static func pairs(
    along name: String, _ tables: TableVolume, _ table: TableState, _ other: TableState
  ) throws(StorageError) -> [(outer: Int, inner: Int)] {
    guard let position = tables.catalog.find(table.id), let otherPosition = tables.catalog.find(other.id) else {
      throw .notFound(Subject("table", other.schema.name))
    }
    for reference in tables.catalog.references[position]
    where reference.parent == otherPosition && reference.definition.name.utf8.elementsEqual(name.utf8) {
      return pairs(reference.columns, reference.parentColumns)
    }
    for reference in tables.catalog.references[otherPosition]
    where reference.parent == position && reference.definition.name.utf8.elementsEqual(name.utf8) {
      return pairs(reference.parentColumns, reference.columns)
    }
    throw .notFound(Subject("reference", "\(name) between \(table.schema.name) and \(other.schema.name)"))
  }

  private static func pairs(_ outer: [Int], _ inner: [Int]) -> [(outer: Int, inner: Int)] {
    zip(outer, inner).map { (outer: $0, inner: $1) }
  }

  private static func add(
    _ join: Join, _ pairs: [(outer: Int, inner: Int)], _ tables: TableVolume, _ query: Query, _ needed: [Bool],
    _ assembly: inout Assembly
  ) throws(StorageError) {
    let table = try table(of: join, tables)
    let first = assembly.scope.columns.count
    if let keyColumns = keyColumns(of: pairs, table) {
      assembly.source = KeyJoinSource(
        assembly.source, tables, table, join.kind, outerColumnCount: first, keyColumns: keyColumns,
        needed: table.shapes.indices.filter { needed[first + $0] })
      assembly.scope.append(table.schema, as: join.alias ?? table.schema.name, isOptional: join.kind == .left)
      assembly.steps.append(
        "\(join.kind == .left ? "left" : "inner") join with \(table.schema.name), looked up by its primary key")
      return
    }
    let source = JoinSource(
      assembly.source, tables, table, join.kind, outerColumns: pairs.map { $0.outer },
      innerColumns: pairs.map { $0.inner }, budget: query.memoryBudget)
    assembly.source = source
    assembly.scope.append(table.schema, as: join.alias ?? table.schema.name, isOptional: join.kind == .left)
    assembly.steps.append(
      "\(join.kind == .left ? "left" : "inner") join with \(table.schema.name), looked up \(source.title)")
  }

  /// The columns of the rows so far that are a table's whole primary key, in its order; nil when the pairs are not just that.
  private static func keyColumns(of pairs: [(outer: Int, inner: Int)], _ table: TableState) -> [Int]? {
    guard pairs.count == table.keyColumns.count else { return nil }
    var columns: [Int] = []
    for column in table.keyColumns {
      guard let pair = pairs.first(where: { $0.inner == column }) else { return nil }
      columns.append(pair.outer)
    }
    return columns
  }

  // MARK: Groups

  private static func addGroups(
    _ query: Query, _ tables: TableVolume, _ assembly: inout Assembly
  ) throws(StorageError) {
    var scope = ColumnScope()
    var terms: [RowOrder.Term] = []
    for name in query.groupBy {
      let column = try assembly.scope.index(name)
      let shape = assembly.scope.columns[column]
      terms.append(RowOrder.Term(column: column, type: shape.type, isOptional: true, isDescending: false))
      scope.append(ColumnScope.Column(table: shape.table, name: shape.name, type: shape.type, isOptional: true))
    }
    var states: [AggregateState] = []
    for aggregate in query.aggregates {
      let state = try AggregateState(aggregate, assembly.scope)
      states.append(state)
      scope.append(ColumnScope.Column(table: "", name: aggregate.name, type: state.type, isOptional: true))
    }
    assembly.source = GroupSource(
      assembly.source, RowOrder(terms: terms), states, budget: query.memoryBudget, tables.volume)
    assembly.scope = scope
    assembly.steps.append(query.groupBy.isEmpty ? "aggregate all rows" : "group, in sorted parts beyond the budget")
    if query.having != .always {
      assembly.source = FilterSource(assembly.source, try Condition(query.having, scope))
      assembly.steps.append("keep the groups for which having is true")
    }
  }

  // MARK: The end

  private static func finish(
    _ query: Query, _ tables: TableVolume, _ assembly: inout Assembly, _ rowOrder: RowOrder?, isOrdered: Bool,
    isPaged: Bool
  ) throws(StorageError) {
    let budget = query.memoryBudget
    if !query.order.isEmpty && !isOrdered {
      let order: RowOrder
      if let rowOrder { order = rowOrder } else { order = try Self.order(query.order, assembly.scope) }
      var limit = query.isDistinct ? nil : query.limit
      if let known = limit {
        let (sum, isOverflow) = known.addingReportingOverflow(query.offset)
        limit = isOverflow ? nil : sum
      }
      assembly.source = SortSource(assembly.source, order, limit: limit, budget: budget, tables.volume)
      assembly.steps.append(limit == nil ? "sort" : "sort, keeping as many as are asked for")
    }
    if let names = query.columns {
      var columns: [Int] = []
      for name in names { columns.append(try assembly.scope.index(name)) }
      var scope = ColumnScope()
      for column in columns { scope.append(assembly.scope.columns[column]) }
      if query.isDistinct {
        assembly.source = DistinctSource(
          ProjectionSource(assembly.source, columns), budget: budget, tables.volume)
        assembly.steps.append("leave out what was there before")
      } else if isPaged {
        // Rows stay whole until they are handed out, because a page token is made of them.
        assembly.steps.append("hand out \(columns.count) column\(columns.count == 1 ? "" : "s")")
      } else {
        assembly.source = ProjectionSource(assembly.source, columns)
      }
      assembly.scope = scope
    } else if query.isDistinct {
      assembly.source = DistinctSource(assembly.source, budget: budget, tables.volume)
      assembly.steps.append("leave out what was there before")
    }
    if query.limit != nil || query.offset > 0 {
      assembly.source = SliceSource(assembly.source, offset: query.offset, limit: query.limit)
      assembly.steps.append("stop when enough rows are there")
    }
  }

  /// The order of rows that are joined or grouped; what the terms leave open comes in any order.
  private static func order(_ terms: [OrderTerm], _ scope: ColumnScope) throws(StorageError) -> RowOrder {
    var all: [RowOrder.Term] = []
    for term in terms {
      let column = try scope.index(term.column)
      let shape = scope.columns[column]
      all.append(
        RowOrder.Term(column: column, type: shape.type, isOptional: true, isDescending: term.isDescending))
    }
    return RowOrder(terms: all)
  }
}
