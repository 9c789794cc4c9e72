import CairnBlocks
import CairnBytes
import CairnVolumes

// What operations on rows do: at once, and again when they were staged. Each looks at everything that can refuse it before
// it changes anything.

extension TableVolume {
  // MARK: Rules

  /// Throws when a row breaks a rule of its own table that needs no other row.
  func requireRules(_ table: TableState, _ values: [ColumnValue]) throws(StorageError) {
    for column in table.shapes.indices where values[column].isNull && !table.shapes[column].isOptional {
      throw table.violation(.notNull, table.schema.columns[column].name, values)
    }
    for (position, check) in table.checks.enumerated() where check.truth(values) == .no {
      throw table.violation(.check, table.schema.checks[position].name, values)
    }
  }

  /// What a column gets in a row that does not say.
  func defaultValue(of table: TableState, _ column: Int) throws(StorageError) -> ColumnValue {
    switch table.schema.columns[column].defaultValue {
    case nil: return .null
    case .value(let value): return value
    case .now:
      return .timestamp(Timestamp(nanosecondsSince1970: Int64(clamping: volume.transaction.time)))
    case .randomID:
      return .uniqueID(UniqueID(high: volume.transaction.randomNumber(), low: volume.transaction.randomNumber()))
    }
  }

  /// Throws unless a row has a value for each column, of its type: staged ones come from the device.
  private func requireShape(_ table: TableState, _ values: [ColumnValue]) throws(StorageError) {
    guard values.count == table.schema.columns.count else { throw damage }
    for (column, definition) in table.schema.columns.enumerated() {
      guard values[column].isNull || definition.type.accepts(values[column]) else { throw damage }
    }
  }

  // MARK: Insert

  /// Adds a row.
  func insertNow(_ position: Int, _ values: [ColumnValue]) throws(StorageError) {
    let table = catalog.tables[position]
    try requireRules(table, values)
    let key = table.key(of: values)
    let stored = try stored(table, key, values)
    if try tree(table).contains(key) { throw table.violation(.primaryKey, "the primary key", values) }
    for index in table.indexes where index.isUnique(for: values) {
      guard let entry = stored.entries[index.position] else { continue }
      if try isTaken(table, index, entry, keyByteCount: key.count, values) {
        throw table.violation(.unique, index.definition.name, values)
      }
    }
    for reference in catalog.references[position] {
      guard let wanted = reference.values(of: values) else { continue }
      if reference.definition.isDeferred {
        try deferred.insert(table, reference, wanted)
        continue
      }
      if reference.parent == position, reference.parentValues(of: values) == wanted { continue }
      guard try parentExists(reference, wanted, nil) else {
        throw table.violation(.reference, reference.definition.name, values)
      }
    }
    try put(table, stored, values)
  }

  // MARK: Change

  /// Makes a row another one.
  func replaceNow(
    _ position: Int, _ key: [UInt8], _ old: [ColumnValue], _ new: [ColumnValue]
  ) throws(StorageError) {
    let plan = ChangePlan(self)
    try plan.update(position, key, old, new)
    try plan.follow()
    try plan.validate()
    try plan.apply()
  }

  /// Changes some columns of rows; how many of them there were.
  func updateNow(
    _ position: Int, _ keys: [[UInt8]], _ assignments: [TableOperation.Assignment]
  ) throws(StorageError) -> UInt64 {
    if isDirect(position, keys, assignments) { return try updateDirectly(position, keys[0], assignments) ? 1 : 0 }
    let table = catalog.tables[position]
    let plan = ChangePlan(self)
    var count: UInt64 = 0
    for key in keys {
      guard let old = try row(table, key) else { continue }
      var new = old
      for assignment in assignments { new[assignment.column] = assignment.value }
      try plan.update(position, key, old, new)
      count += 1
    }
    try plan.follow()
    try plan.validate()
    try plan.apply()
    return count
  }

  /// Adds a row, or puts its values in the place of those of the row that has the same key or, with an index, the same values
  /// there; that one keeps its primary key then. True: it was added.
  func upsertNow(_ position: Int, index: Int?, _ values: [ColumnValue]) throws(StorageError) -> Bool {
    let table = catalog.tables[position]
    var key: [UInt8]? = table.key(of: values)
    if let index {
      let state = table.indexes[index]
      key = state.isUnique(for: values) ? try uniqueKey(table, state, state.columns.map { values[$0] }) : nil
    }
    guard let key, let old = try row(table, key) else {
      try insertNow(position, values)
      return true
    }
    var new = values
    for column in table.keyColumns { new[column] = old[column] }
    try require(.update, on: table)
    try replaceNow(position, key, old, new)
    return false
  }

  // MARK: Delete

  /// Takes rows away; how many of them there were.
  func deleteNow(_ position: Int, _ keys: [[UInt8]]) throws(StorageError) -> UInt64 {
    let table = catalog.tables[position]
    var count: UInt64 = 0
    if catalog.incoming[position].isEmpty {
      for key in keys where try removeDirectly(table, key) { count += 1 }
      return count
    }
    let plan = ChangePlan(self)
    for key in keys {
      guard let old = try row(table, key) else { continue }
      try plan.delete(position, key, old)
      count += 1
    }
    try plan.follow()
    try plan.validate()
    try plan.apply()
    return count
  }

  // MARK: Staged operations

  /// Does a staged operation again.
  func apply(_ operation: TableOperation) throws(StorageError) {
    switch operation {
    case .insert(let id, let values):
      let position = try staged(id, .insert)
      try requireShape(catalog.tables[position], values)
      try insertNow(position, values)
    case .upsert(let id, let index, let values):
      let position = try staged(id, .insert)
      try requireShape(catalog.tables[position], values)
      if let index, index >= catalog.tables[position].indexes.count { throw damage }
      _ = try upsertNow(position, index: index, values)
    case .update(let id, let keys, let assignments):
      let position = try staged(id, .update)
      for assignment in assignments {
        guard assignment.column < catalog.tables[position].schema.columns.count,
          assignment.value.isNull
            || catalog.tables[position].schema.columns[assignment.column].type.accepts(assignment.value)
        else { throw damage }
      }
      _ = try updateNow(position, keys, assignments)
    case .delete(let id, let keys): _ = try deleteNow(try staged(id, .delete), keys)
    case .create(let schemas):
      try requireAdmin()
      for schema in schemas { do { try schema.requireValid() } catch { throw damage } }
      try createNow(schemas)
    case .drop(let id): try dropNow(try staged(id, .admin))
    case .alter(let id, let schema, let initial):
      try alterNow(try staged(id, .admin), schema, initial: initial)
    case .buildIndex(let id, let index, let rowCount):
      _ = try buildNow(try staged(id, .admin), index, rowCount: rowCount)
    case .setVersion(let version, let hash): try setVersionNow(version, hash: hash)
    case .rename(let id, let name): try renameNow(try staged(id, .admin), name)
    case .setCursor(let cursor): try setCursorNow(cursor)
    case .addMigration(let name): try addMigrationNow(name)
    case .grant(let id, let principal, let rights):
      try grantNow(try staged(id, .admin), principal, rights)
    case .restrict(let id, let isRestricted): try restrictNow(try staged(id, .admin), isRestricted)
    case .setStatistics(let id, let counts): try setStatisticsNow(try staged(id, .read), counts)
    }
  }

  /// The position of the table of a staged operation, on which its principal must still have a right.
  private func staged(_ id: UInt32, _ right: TableRights) throws(StorageError) -> Int {
    guard let position = catalog.find(id) else { throw .notFound(Subject("table", "number \(id)")) }
    try require(right, on: catalog.tables[position])
    return position
  }
}
