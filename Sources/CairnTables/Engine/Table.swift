public import CairnBlocks
import CairnBytes
import CairnVolumes

/// One table inside one transaction. It ends with the transaction.
///
/// A row is an array of values, one for each column of the schema in its order. Values are converted to the columns' types
/// where nothing is lost. Every call is atomic: one that throws has changed nothing, or leaves the transaction so that it can
/// only be rolled back (a call for many rows that failed behind the first).
public final class Table {
  let tables: TableVolume
  private let id: UInt32
  /// The schema as the program knows it, with its closures.
  public let schema: TableSchema
  private var known: TableState
  private var position: Int
  /// The tables among which it has that position.
  private var knownCatalog: TableCatalog?
  /// Whether any column has a sanitizer or a validator.
  private lazy var hasRules = schema.columns.contains { !$0.sanitizers.isEmpty || !$0.validators.isEmpty }

  init(_ tables: TableVolume, _ state: TableState, _ schema: TableSchema) {
    self.tables = tables
    self.schema = schema
    id = state.id
    known = state
    position = tables.catalog.find(state.id) ?? -1
  }

  /// The table as it is now, and its position among all.
  func current() throws(StorageError) -> (position: Int, state: TableState) {
    let catalog = tables.catalog
    if catalog === knownCatalog { return (position, known) }
    let all = catalog.tables
    if position >= 0, position < all.count, all[position] === known {
      knownCatalog = catalog
      return (position, known)
    }
    guard let found = catalog.find(id) else { throw .notFound(Subject("table", schema.name)) }
    guard all[found].schema.columns.count == schema.columns.count else {
      throw .schemaMismatch(
        volume: tables.volume.name, reason: "table \(schema.name) was altered: ask the transaction for it again")
    }
    known = all[found]
    position = found
    knownCatalog = catalog
    return (found, known)
  }

  // MARK: Rows by key

  /// The row with a primary key, or nil.
  public func get(_ key: [ColumnValue]) throws(StorageError) -> [ColumnValue]? {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    return try tables.row(state, try state.key(key))
  }

  /// Lends the row with a primary key; nil without one.
  @inlinable
  public func withRow<Result>(
    _ key: [ColumnValue], _ body: (RowReader) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    guard let row = try takeRow(key) else { return nil }
    defer { giveBack(row) }
    return try body(row)
  }

  /// Lends the row that has some values in a unique index; nil without one.
  @inlinable
  public func withRow<Result>(
    index name: String, _ values: [ColumnValue], _ body: (RowReader) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    guard let row = try takeRow(index: name, values) else { return nil }
    defer { giveBack(row) }
    return try body(row)
  }

  @usableFromInline
  func takeRow(_ key: [ColumnValue]) throws(StorageError) -> RowReader? {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    let reader = tables.takeReader(state.layout)
    let isFound = try reader.load(from: tables.tree(state)) { (bytes) throws(StorageError) in
      try state.appendKey(key, to: &bytes)
    }
    if isFound { return reader }
    tables.giveBack(reader)
    return nil
  }

  @usableFromInline
  func takeRow(index name: String, _ values: [ColumnValue]) throws(StorageError) -> RowReader? {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    let index = try uniqueIndex(name, in: state)
    guard let key = try tables.uniqueKey(state, index, try fitting(values, index, in: state)) else { return nil }
    let reader = tables.takeReader(state.layout)
    guard try reader.load(from: tables.tree(state), { $0 += key }) else { throw state.layout.damage }
    return reader
  }

  @usableFromInline
  func giveBack(_ row: RowReader) { tables.giveBack(row) }

  private func fitting(
    _ values: [ColumnValue], _ index: IndexState, in state: TableState
  ) throws(StorageError) -> [ColumnValue] {
    guard values.count == index.columns.count else {
      throw .invalidArgument(
        "index \(index.definition.name) of table \(schema.name) has \(index.columns.count) columns, not \(values.count)"
      )
    }
    var wanted = values
    for part in wanted.indices {
      wanted[part] = try state.fitting(values[part], index.columns[part], isNullAllowed: false)
    }
    return wanted
  }

  /// The row that has some values in a unique index, or nil.
  public func get(index name: String, _ values: [ColumnValue]) throws(StorageError) -> [ColumnValue]? {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    let index = try uniqueIndex(name, in: state)
    guard let key = try tables.uniqueKey(state, index, try fitting(values, index, in: state)) else { return nil }
    guard let row = try tables.row(state, key) else { throw state.layout.damage }
    return row
  }

  private func uniqueIndex(_ name: String, in state: TableState) throws(StorageError) -> IndexState {
    guard let index = state.indexes.first(where: { $0.definition.name.utf8.elementsEqual(name.utf8) }) else {
      throw .notFound(Subject("index", "\(name) of table \(schema.name)"))
    }
    guard index.definition.isUnique else {
      throw .invalidArgument("index \(name) of table \(schema.name) is not unique")
    }
    return index
  }

  /// Whether there is a row with a primary key.
  public func exists(_ key: [ColumnValue]) throws(StorageError) -> Bool {
    let (_, state) = try current()
    try tables.require(.read, on: state)
    return try tables.tree(state).contains(try state.key(key))
  }

  // MARK: Adding

  /// Adds a row: a value for each column. Null in an auto-increment column stands for the next number.
  ///
  /// - Returns: The row as it is stored.
  @discardableResult
  public func insert(_ values: [ColumnValue]) throws(StorageError) -> [ColumnValue] {
    let (position, state) = try current()
    try tables.require(.insert, on: state)
    let row = try numbered(try prepared(values, state), state)
    let operation = TableOperation.insert(table: state.id, row)
    try tables.volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try tables.insertNow(position, row)
    }
    return row
  }

  /// Adds a row by the names of its columns. Columns that are not named get their defaults.
  @discardableResult
  public func insert(named values: [(String, ColumnValue)]) throws(StorageError) -> [ColumnValue] {
    try insert(try row(named: values))
  }

  /// Adds many rows. All of them are looked at by themselves before the first is stored.
  public func insertMany(_ rows: [[ColumnValue]]) throws(StorageError) {
    let (_, state) = try current()
    try tables.require(.insert, on: state)
    for row in rows { _ = try prepared(row, state) }
    for (count, row) in rows.enumerated() {
      try together(isFirst: count == 0) { () throws(StorageError) in _ = try insert(row) }
    }
  }

  /// Adds a row, or puts its values in the place of those of the row with the same primary key or, when a unique index is
  /// named, the same values there; that row keeps its primary key.
  ///
  /// - Returns: Whether it was added.
  @discardableResult
  public func upsert(_ values: [ColumnValue], on index: String? = nil) throws(StorageError) -> Bool {
    let (position, state) = try current()
    try tables.require([.insert, .update], on: state)
    let place = try index.map { (name) throws(StorageError) in try uniqueIndex(name, in: state).position }
    let row = try numbered(try prepared(values, state), state)
    let operation = TableOperation.upsert(table: state.id, index: place, row)
    return try tables.volume.perform(recordsReads: true, operation: { operation.encoded }) {
      () throws(StorageError) in try tables.upsertNow(position, index: place, row)
    }
  }

  // MARK: Changing

  /// Changes some columns of the row with a primary key; false: there is none.
  @discardableResult
  public func update(
    _ key: [ColumnValue], _ assignments: [(String, ColumnValue)]
  ) throws(StorageError) -> Bool {
    let (_, state) = try current()
    try tables.require(.update, on: state)
    return try update([try state.key(key)], try prepared(assignments, state)) > 0
  }

  func update(
    _ keys: [[UInt8]], _ assignments: [TableOperation.Assignment]
  ) throws(StorageError) -> UInt64 {
    let (position, state) = try current()
    let operation = TableOperation.update(table: state.id, keys: keys, assignments)
    return try tables.volume.perform(recordsReads: true, operation: { operation.encoded }) {
      () throws(StorageError) in try tables.updateNow(position, keys, assignments)
    }
  }

  /// Puts a whole row in the place of the one with the same primary key; false: there is none.
  @discardableResult
  public func replace(_ values: [ColumnValue]) throws(StorageError) -> Bool {
    let (_, state) = try current()
    try tables.require(.update, on: state)
    let row = try prepared(values, state)
    var assignments: [TableOperation.Assignment] = []
    for (column, value) in row.enumerated() where !state.keyColumns.contains(column) {
      assignments.append(TableOperation.Assignment(column: column, value: value))
    }
    for column in state.keyColumns where row[column].isNull {
      throw state.violation(.notNull, state.schema.columns[column].name, row)
    }
    return try update([state.key(of: row)], assignments) > 0
  }

  /// Deletes the row with a primary key, and what its references say; false: there is none.
  @discardableResult
  public func delete(_ key: [ColumnValue]) throws(StorageError) -> Bool {
    let (_, state) = try current()
    try tables.require(.delete, on: state)
    return try delete([try state.key(key)]) > 0
  }

  func delete(_ keys: [[UInt8]]) throws(StorageError) -> UInt64 {
    let (position, state) = try current()
    let operation = TableOperation.delete(table: state.id, keys: keys)
    return try tables.volume.perform(recordsReads: true, releasesSpace: true, operation: { operation.encoded }) {
      () throws(StorageError) in try tables.deleteNow(position, keys)
    }
  }

  /// Runs one of several operations that are one call. When a later one fails, the transaction can only be rolled back.
  func together(isFirst: Bool, _ body: () throws(StorageError) -> Void) throws(StorageError) {
    do throws(StorageError) { try body() } catch {
      if !isFirst { tables.volume.fail(error) }
      throw error
    }
  }

  // MARK: Preparing

  /// A row by the names of its columns, with defaults for the others.
  func row(named values: [(String, ColumnValue)]) throws(StorageError) -> [ColumnValue] {
    let (_, state) = try current()
    var row: [ColumnValue?] = Array(repeating: nil, count: state.schema.columns.count)
    for (name, value) in values {
      let column = try state.scope.index(name)
      guard row[column] == nil else { throw .invalidArgument("column \(name) is given twice") }
      row[column] = value
    }
    var whole: [ColumnValue] = []
    for (column, value) in row.enumerated() {
      if let value { whole.append(value) } else { whole.append(try tables.defaultValue(of: state, column)) }
    }
    return whole
  }

  /// A row whose values fit their columns, sanitized and validated.
  private func prepared(_ values: [ColumnValue], _ state: TableState) throws(StorageError) -> [ColumnValue] {
    guard values.count == state.schema.columns.count else {
      throw .invalidArgument(
        "table \(schema.name) has \(state.schema.columns.count) columns; the row has \(values.count)")
    }
    if !hasRules {
      var isFitting = true
      for column in values.indices where !state.shapes[column].fits(values[column]) { isFitting = false }
      if isFitting { return values }
    }
    var row = values
    for column in row.indices { row[column] = try sanitized(row[column], column, state) }
    for column in row.indices { try validate(row[column], column, state, row) }
    for (column, definition) in state.schema.columns.enumerated()
    where row[column].isNull && !definition.isOptional && !definition.isAutoIncrement {
      throw state.violation(.notNull, definition.name, row)
    }
    return row
  }

  private func prepared(
    _ assignments: [(String, ColumnValue)], _ state: TableState
  ) throws(StorageError) -> [TableOperation.Assignment] {
    var prepared: [TableOperation.Assignment] = []
    var row = [ColumnValue](repeating: .null, count: state.schema.columns.count)
    for (name, value) in assignments {
      let column = try state.scope.index(name)
      guard !prepared.contains(where: { $0.column == column }) else {
        throw .invalidArgument("column \(name) is given twice")
      }
      let value = try sanitized(value, column, state)
      row[column] = value
      try validate(value, column, state, row)
      if value.isNull && !state.schema.columns[column].isOptional {
        throw state.violation(.notNull, name, row)
      }
      prepared.append(TableOperation.Assignment(column: column, value: value))
    }
    return prepared
  }

  /// The assignments of an update of many rows.
  func assignments(
    _ assignments: [(String, ColumnValue)]
  ) throws(StorageError) -> [TableOperation.Assignment] {
    let (_, state) = try current()
    return try prepared(assignments, state)
  }

  private func sanitized(
    _ value: ColumnValue, _ column: Int, _ state: TableState
  ) throws(StorageError) -> ColumnValue {
    var value = try state.fitting(value, column)
    guard !value.isNull else { return value }
    for sanitizer in schema.columns[column].sanitizers {
      guard let changed = sanitizer.applied(to: value) else { throw missing(sanitizer.name, column) }
      value = try state.fitting(changed, column)
    }
    return value
  }

  private func validate(
    _ value: ColumnValue, _ column: Int, _ state: TableState, _ row: [ColumnValue]
  ) throws(StorageError) {
    guard !value.isNull else { return }
    for validator in schema.columns[column].validators {
      guard let isAccepted = validator.accepts(value) else { throw missing(validator.name, column) }
      guard isAccepted else {
        throw state.violation(.validator, "\(validator.name) of \(schema.columns[column].name)", row)
      }
    }
  }

  private func missing(_ rule: String, _ column: Int) -> StorageError {
    .schemaMismatch(
      volume: tables.volume.name,
      reason:
        "column \(schema.columns[column].name) of table \(schema.name) is written through \(rule), which only the program that defined it has"
    )
  }

  /// A row with the next number where it is asked for.
  private func numbered(_ row: [ColumnValue], _ state: TableState) throws(StorageError) -> [ColumnValue] {
    guard let column = state.autoIncrement, row[column].isNull else { return row }
    var row = row
    row[column] = try tables.nextNumber(of: state, column)
    return row
  }
}
