public import CairnBlocks
public import CairnBytes

// Single columns instead of rows, and what is computed of many rows.

extension TypedQuery {
  // MARK: Projection

  /// The values of one column.
  public func select<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> [Value] {
    try values([column(columns).name], isDistinct: false).map { (row) throws(StorageError) in
      try Self.value(row, 0)
    }
  }

  /// The different values of one column.
  public func distinct<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> [Value] {
    try values([column(columns).name], isDistinct: true).map { (row) throws(StorageError) in
      try Self.value(row, 0)
    }
  }

  /// The values of two columns.
  public func select<First, Second>(
    _ pair: (Row.Columns) -> (Column<First>, Column<Second>)
  ) throws(StorageError) -> [Pair<First, Second>] {
    let (first, second) = pair(columns)
    return try values([first.name, second.name], isDistinct: false).map { (row) throws(StorageError) in
      Pair(try Self.value(row, 0), try Self.value(row, 1))
    }
  }

  /// The values of three columns.
  public func select<First, Second, Third>(
    _ triple: (Row.Columns) -> (Column<First>, Column<Second>, Column<Third>)
  ) throws(StorageError) -> [Triple<First, Second, Third>] {
    let (first, second, third) = triple(columns)
    return try values([first.name, second.name, third.name], isDistinct: false).map { (row) throws(StorageError) in
      Triple(try Self.value(row, 0), try Self.value(row, 1), try Self.value(row, 2))
    }
  }

  private func values(_ names: [String], isDistinct: Bool) throws(StorageError) -> [[ColumnValue]] {
    var projected = query
    projected.columns = names
    projected.isDistinct = isDistinct
    return try table.select(projected).all()
  }

  static func value<Value: ColumnRepresentable>(_ row: [ColumnValue], _ position: Int) throws(StorageError) -> Value {
    guard position < row.count, let value = Value(columnValue: row[position]) else {
      throw .invalidArgument("table \(Row.tableName) holds a value that the program's type does not know")
    }
    return value
  }

  // MARK: Aggregates

  /// The least value of a column; nil without one that is not null.
  public func minimum<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> Value? {
    try aggregate(Aggregate(.minimum, column(columns).name))
  }

  /// The greatest value of a column; nil without one that is not null.
  public func maximum<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> Value? {
    try aggregate(Aggregate(.maximum, column(columns).name))
  }

  /// The sum of a column, as wide as its kind of number has it; null without a value.
  public func sum<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> ColumnValue {
    try aggregated(Aggregate(.sum, column(columns).name))
  }

  /// The average of a column; null without a value.
  public func average<Value>(_ column: (Row.Columns) -> Column<Value>) throws(StorageError) -> ColumnValue {
    try aggregated(Aggregate(.average, column(columns).name))
  }

  private func aggregate<Value: ColumnRepresentable>(_ aggregate: Aggregate) throws(StorageError) -> Value? {
    let value = try aggregated(aggregate)
    return value.isNull ? nil : try Self.value([value], 0)
  }

  private func aggregated(_ aggregate: Aggregate) throws(StorageError) -> ColumnValue {
    var asked = query
    asked.order = []
    asked.aggregates = [aggregate]
    return try table.select(asked).next()?.first ?? .null
  }

  /// The rows in groups of the same value of a column.
  public func grouped<Value>(_ column: (Row.Columns) -> Column<Value>) -> GroupedQuery<Row, Value> {
    GroupedQuery(self, by: column(columns))
  }
}

/// Rows in groups of the same value of a column.
public struct GroupedQuery<Row: TableRow, Value: ColumnRepresentable> {
  private let grouped: TypedQuery<Row>
  private let column: Column<Value>

  init(_ grouped: TypedQuery<Row>, by column: Column<Value>) {
    self.grouped = grouped
    self.column = column
  }

  /// How many rows each group has, in the order of the groups' values.
  public func count() throws(StorageError) -> [Pair<Value, UInt64>] {
    try select { _ in [Aggregate(.count)] }.map { (group) throws(StorageError) in
      guard let value = group.second.first, case .unsigned(let count)? = ColumnType.uint64.converted(value) else {
        throw .invalidArgument("a count of table \(Row.tableName) is no number")
      }
      return Pair(group.first, count)
    }
  }

  /// What aggregates make of each group, in the order of the groups' values.
  ///
  /// - Parameters:
  ///   - aggregates: `{ [$0.age.maximum, $0.age.average] }`; named after their columns unless they say otherwise.
  ///   - having: a condition on the groups, which names the aggregates and the group's column.
  public func select(
    having: Predicate = .always, _ aggregates: (Row.Columns) -> [Aggregate]
  ) throws(StorageError) -> [Pair<Value, [ColumnValue]>] {
    var query = grouped.query
    query.groupBy = [column.name]
    query.aggregates = aggregates(grouped.columns)
    query.having = having
    if query.order.isEmpty { query.order = [column.ascending] }
    return try grouped.table.select(query).all().map { (row) throws(StorageError) in
      Pair(try TypedQuery<Row>.value(row, 0), Array(row.dropFirst()))
    }
  }
}

extension Column {
  /// How many rows of a group have a value here.
  public var count: Aggregate { Aggregate(.count, name) }
  /// The sum of a group's values.
  public var sum: Aggregate { Aggregate(.sum, name) }
  /// The least of a group's values.
  public var minimum: Aggregate { Aggregate(.minimum, name) }
  /// The greatest of a group's values.
  public var maximum: Aggregate { Aggregate(.maximum, name) }
  /// The average of a group's values.
  public var average: Aggregate { Aggregate(.average, name) }
}
