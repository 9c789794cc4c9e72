public import CairnBlocks
public import CairnVolumes

extension Transaction {
  /// The table of a type's rows. Throws `notFound` when it was not made yet, `schemaMismatch` when it is not as the type
  /// declares it: `Store.openTables` makes and changes tables.
  public func table<Row: TableRow>(
    _ type: Row.Type, in volume: String = "tables"
  ) throws(StorageError) -> TypedTable<Row> {
    TypedTable(try tables(volume).table(try Row.tableDefinition.prepared()))
  }
}

extension TableVolume {
  /// The table of a type's rows, for migrations also under another name than the type's: the old rows of a table that was
  /// renamed, say. Throws `notFound`, and `schemaMismatch` when the table is not as the type declares it.
  public func table<Row: TableRow>(
    _ type: Row.Type, named name: String? = nil
  ) throws(StorageError) -> TypedTable<Row> {
    guard let name else { return TypedTable(try table(try Row.tableDefinition.prepared())) }
    return TypedTable(try table(Row.tableSchema.renamed(name)))
  }

  /// Makes the table of a type's rows, under another name if that is given. For administrators of the volume.
  public func createTable<Row: TableRow>(_ type: Row.Type, named name: String? = nil) throws(StorageError) {
    try createTable(name.map { Row.tableSchema.renamed($0) } ?? Row.tableSchema)
  }
}

extension TableSchema {
  /// The same under another name; references to itself follow.
  func renamed(_ name: String) -> TableSchema {
    var schema = self
    schema.name = name
    for index in schema.references.indices where schema.references[index].table.utf8.elementsEqual(self.name.utf8) {
      schema.references[index].table = name
    }
    return schema
  }
}

/// A table whose rows are values of a type, inside one transaction.
///
/// What ``Table`` does with arrays of values this does with rows; both can be used side by side.
public struct TypedTable<Row: TableRow> {
  /// The table as arrays of values.
  public let table: Table

  /// The typed view of a table with the type's schema.
  public init(_ table: Table) { self.table = table }

  // MARK: By key

  /// The row with a primary key, or nil.
  public func get(_ key: Row.Key) throws(StorageError) -> Row? {
    guard let values = try table.get(key.keyValues) else { return nil }
    return try Row(rowValues: values)
  }

  /// Whether there is a row with a primary key.
  public func exists(_ key: Row.Key) throws(StorageError) -> Bool { try table.exists(key.keyValues) }

  /// Adds a row. 0 in a column that counts by itself stands for the next number.
  ///
  /// - Returns: The row as it is stored: numbered and sanitized.
  /// - Throws: `constraintViolated` that names the table, the constraint and the key.
  @discardableResult
  public func insert(_ row: Row) throws(StorageError) -> Row {
    try Row(rowValues: try table.insert(row.rowValues))
  }

  /// Adds many rows, all of them or none.
  public func insert<Rows: Sequence<Row>>(contentsOf rows: Rows) throws(StorageError) {
    try table.insertMany(rows.map { $0.rowValues })
  }

  /// Adds a row, or puts it in the place of the one with the same primary key, or the same value in the unique index.
  ///
  /// - Returns: Whether it was added.
  @discardableResult
  public func upsert(_ row: Row, on index: String? = nil) throws(StorageError) -> Bool {
    try table.upsert(row.rowValues, on: index)
  }

  /// Puts a row in the place of the one with the same primary key; false: there is none.
  @discardableResult
  public func replace(_ row: Row) throws(StorageError) -> Bool { try table.replace(row.rowValues) }

  /// Changes some columns of the row with a primary key; false: there is none.
  @discardableResult
  public func update(
    _ key: Row.Key, _ assignments: (Row.Columns) -> [ColumnAssignment]
  ) throws(StorageError) -> Bool {
    try table.update(key.keyValues, assignments(Row.Columns(qualifier: "")).map { ($0.column, $0.value) })
  }

  /// Deletes the row with a primary key, and what references to it say; false: there is none.
  @discardableResult
  public func delete(_ key: Row.Key) throws(StorageError) -> Bool { try table.delete(key.keyValues) }

  // MARK: Queries

  /// All rows, as a query.
  public var query: TypedQuery<Row> { TypedQuery(table, Query()) }

  /// The rows for which a condition holds.
  public func filter(_ condition: (Row.Columns) -> Predicate) -> TypedQuery<Row> { query.filter(condition) }

  /// The rows in an order.
  public func sorted<Order: TableOrder>(_ order: (Row.Columns) -> Order) -> TypedQuery<Row> { query.sorted(order) }

  /// So many rows at most.
  public func limit(_ count: UInt64) -> TypedQuery<Row> { query.limit(count) }

  /// All rows.
  public func all() throws(StorageError) -> [Row] { try query.all() }

  /// How many rows there are.
  public func count() throws(StorageError) -> UInt64 { try query.count() }
}
