public import CairnBlocks
import CairnBytes
import CairnVolumes

// Making, altering and dropping tables.

extension TableVolume {
  // MARK: What a program calls

  /// Makes a table. For administrators of the volume.
  public func createTable(_ schema: TableSchema) throws(StorageError) { try createTables([schema]) }

  /// Makes several tables, which may refer to one another. For administrators of the volume.
  public func createTables(_ schemas: [TableSchema]) throws(StorageError) {
    try requireAdmin()
    var completed: [TableSchema] = []
    for schema in schemas { completed.append(try PreparedSchema(schema).schema) }
    let operation = TableOperation.create(completed)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in try createNow(completed) }
  }

  /// Drops a table with all its rows. Throws `notEmpty` while another table refers to it.
  public func dropTable(_ name: String) throws(StorageError) {
    let position = try administered(name)
    let operation = TableOperation.drop(table: catalog.tables[position].id)
    try volume.perform(releasesSpace: true, operation: { operation.encoded }) { () throws(StorageError) in
      try dropNow(position)
    }
  }

  /// Gives a table another name. References to it follow.
  public func renameTable(_ name: String, to newName: String) throws(StorageError) {
    let position = try administered(name)
    let operation = TableOperation.rename(table: catalog.tables[position].id, newName)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in try renameNow(position, newName) }
  }

  /// Makes a table as another schema of its name says, in this transaction: columns that are optional or have a default
  /// value come, other columns go; indexes, references and checks come and go; the rows that are there are held against new
  /// rules. Throws `schemaMismatch` where that is not possible: a column with another type, or another primary key, needs a
  /// new table and a migration that copies the rows.
  ///
  /// - Parameter inSteps: leaves the building of new indexes to `Store.step(budget:)`, for a table with more rows than one
  ///   transaction takes.
  public func alterTable(_ schema: TableSchema, inSteps: Bool = false) throws(StorageError) {
    try alterTable(try PreparedSchema(schema), isAdditive: false, buildsIndexes: !inSteps)
    if inSteps { try beginBuildingIndexes() }
  }

  func alterTable(
    _ prepared: PreparedSchema, isAdditive: Bool, buildsIndexes: Bool
  ) throws(StorageError) {
    let schema = prepared.schema
    let position = try administered(schema.name)
    let table = catalog.tables[position]
    guard table.hash != prepared.hash else { return }
    let initial = try initialValues(table, schema, isAdditive: isAdditive)
    let operation = TableOperation.alter(table: table.id, schema, initial: initial)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try alterNow(position, schema, initial: initial)
    }
    if buildsIndexes {
      while try !buildIndexes(rowCount: .max) {}
    }
  }

  private func administered(_ name: String) throws(StorageError) -> Int {
    guard let position = catalog.find(name) else { throw .notFound(Subject("table", name)) }
    try require(.admin, on: catalog.tables[position])
    return position
  }

  // MARK: Looking

  /// What older rows have in the columns that a new schema adds, by their order. Throws `schemaMismatch` when the table can
  /// not become as the schema says.
  private func initialValues(
    _ table: TableState, _ schema: TableSchema, isAdditive: Bool
  ) throws(StorageError) -> [ColumnValue] {
    let name = schema.name
    func mismatch(_ text: String) -> StorageError {
      .schemaMismatch(volume: volume.name, reason: "table \(name): \(text); that needs a migration")
    }
    guard TableSchema.equal(table.schema.primaryKey, schema.primaryKey) else { throw mismatch("another primary key") }
    var initial: [ColumnValue] = []
    for column in schema.columns {
      guard let old = table.schema.columnIndex(column.name).map({ table.schema.columns[$0] }) else {
        guard column.isOptional || column.defaultValue != nil, column.defaultValue != .randomID,
          !column.isAutoIncrement
        else { throw mismatch("the new column \(column.name) is not optional and has no default value") }
        switch column.defaultValue {
        case .value(let value): initial.append(value)
        case .now:
          initial.append(.timestamp(Timestamp(nanosecondsSince1970: Int64(clamping: volume.transaction.time))))
        case .randomID, nil: initial.append(.null)
        }
        continue
      }
      guard old.type == column.type else {
        throw mismatch("column \(column.name) is \(old.type), not \(column.type)")
      }
      guard old.isOptional == column.isOptional else {
        throw mismatch("column \(column.name) \(old.isOptional ? "may be" : "is not") null so far")
      }
      guard old.isAutoIncrement || !column.isAutoIncrement else {
        throw mismatch("column \(column.name) does not count by itself so far")
      }
    }
    if isAdditive {
      for column in table.schema.columns where schema.columnIndex(column.name) == nil {
        throw mismatch("column \(column.name) is gone")
      }
    }
    return initial
  }

  // MARK: Doing

  func createNow(_ schemas: [TableSchema]) throws(StorageError) {
    var header = catalog.header
    guard catalog.tables.count + schemas.count <= DatabaseSchema.tableCountMax else {
      throw .limitExceeded(what: "tables of a volume", limit: UInt64(DatabaseSchema.tableCountMax))
    }
    var states = catalog.tables
    var records: [(id: UInt32, record: TableRecord)] = []
    for schema in schemas {
      guard !states.contains(where: { $0.schema.name.utf8.elementsEqual(schema.name.utf8) }) else {
        throw .alreadyExists(Subject("table", schema.name))
      }
      let record = Self.newRecord(schema)
      states.append(try TableState(id: header.nextTable, record, damage: damage))
      records.append((header.nextTable, record))
      guard header.nextTable < .max else { throw .limitExceeded(what: "tables ever made in a volume", limit: 1 << 32) }
      header.nextTable += 1
    }
    // The references must find what they refer to, before anything is made.
    for (position, table) in states.enumerated() {
      for reference in table.schema.references { _ = try ReferenceState(reference, of: position, in: states) }
    }
    for (id, record) in records {
      var record = record
      record.root = try volume.makeTree().rootBlock.rawValue
      for index in record.indexes.indices { record.indexes[index].root = try volume.makeTree().rootBlock.rawValue }
      try volume.root.put(TableRecordKey.table(id), record.encoded)
    }
    try volume.root.put(TableRecordKey.header, header.encoded)
    try reload()
  }

  private static func newRecord(_ schema: TableSchema) -> TableRecord {
    var slots: [TableRecord.Slot] = []
    for column in schema.columns where !schema.primaryKey.contains(where: { $0.utf8.elementsEqual(column.name.utf8) }) {
      slots.append(TableRecord.Slot(type: column.type, initial: .null, column: column.name))
    }
    return TableRecord(
      isRestricted: false, root: 0, schema: schema, slots: slots,
      indexes: schema.indexes.map { _ in TableRecord.Index(root: 0, isReady: true) })
  }

  func dropNow(_ position: Int) throws(StorageError) {
    let table = catalog.tables[position]
    for reference in catalog.incoming[position] where reference.child != position {
      throw .notEmpty(
        Subject("table", "\(table.schema.name), to which \(catalog.tables[reference.child].schema.name) refers"))
    }
    var (count, byteCount): (Int64, Int64) = (0, 0)
    try tree(table).scan { (key, row) in
      count += 1
      byteCount += Int64(key.byteCount + row.byteCount)
      return true
    }
    try volume.destroy(tree(table))
    for index in table.indexes { try volume.destroy(tree(index)) }
    try volume.root.delete(TableRecordKey.table(table.id))
    try volume.root.delete(TableRecordKey.counter(table.id))
    counters.removeAll { $0.table == table.id }
    for kind in [UInt8(3), 4, 5] {
      let range = TableRecordKey.range(kind, of: table.id)
      try volume.root.deleteRange(from: range.from, to: range.to)
    }
    try volume.account(items: -count, bytes: -byteCount)
    try reload()
  }

  func renameNow(_ position: Int, _ name: String) throws(StorageError) {
    let table = catalog.tables[position]
    guard catalog.find(name) == nil else { throw .alreadyExists(Subject("table", name)) }
    let old = Array(table.schema.name.utf8)
    for other in catalog.tables {
      var record = other.record
      if other.id == table.id { record.schema.name = name }
      var isChanged = other.id == table.id
      for index in record.schema.references.indices
      where record.schema.references[index].table.utf8.elementsEqual(old) {
        record.schema.references[index].table = name
        isChanged = true
      }
      guard isChanged else { continue }
      try record.schema.requireValid()
      try volume.root.put(TableRecordKey.table(other.id), record.encoded)
    }
    try reload()
  }

  func alterNow(_ position: Int, _ schema: TableSchema, initial: [ColumnValue]) throws(StorageError) {
    let table = catalog.tables[position]
    var record = table.record
    record.schema = schema
    for slot in record.slots.indices where schema.columnIndex(record.slots[slot].column) == nil {
      record.slots[slot].column = ""
    }
    var added = initial[...]
    for column in schema.columns where table.schema.columnIndex(column.name) == nil {
      guard let value = added.popFirst() else { throw damage }
      guard record.slots.count < TableRecord.slotCountMax else {
        throw .limitExceeded(what: "columns ever made in a table", limit: UInt64(TableRecord.slotCountMax))
      }
      record.slots.append(TableRecord.Slot(type: column.type, initial: value, column: column.name))
    }
    // Indexes that stay keep their trees.
    var kept: Set<Int> = []
    record.indexes = []
    let isEmpty = try volume.withoutRecording { () throws(StorageError) in try tree(table).count() } == 0
    for definition in schema.indexes {
      if let old = table.indexes.first(where: { $0.definition == definition }) {
        kept.insert(old.position)
        record.indexes.append(table.record.indexes[old.position])
      } else {
        record.indexes.append(TableRecord.Index(root: 0, isReady: isEmpty))
      }
    }
    // Everything that can refuse it is looked at before anything changes.
    var states = catalog.tables
    states[position] = try TableState(id: table.id, record, damage: damage)
    for (other, state) in states.enumerated() {
      for reference in state.schema.references { _ = try ReferenceState(reference, of: other, in: states) }
    }
    try requireNewRules(position, states)
    for index in table.indexes where !kept.contains(index.position) { try volume.destroy(tree(index)) }
    for index in record.indexes.indices where record.indexes[index].root == 0 {
      record.indexes[index].root = try volume.makeTree().rootBlock.rawValue
    }
    for kind in [UInt8(4), 5] {
      let range = TableRecordKey.range(kind, of: table.id)
      try volume.root.deleteRange(from: range.from, to: range.to)
    }
    try volume.root.put(TableRecordKey.table(table.id), record.encoded)
    try reload()
  }

  /// Holds the rows that are there against checks and references that are new.
  private func requireNewRules(_ position: Int, _ states: [TableState]) throws(StorageError) {
    let (old, new) = (catalog.tables[position], states[position])
    let checks = new.schema.checks.indices.filter { !old.schema.checks.contains(new.schema.checks[$0]) }
    var references: [ReferenceState] = []
    for definition in new.schema.references where !old.schema.references.contains(definition) {
      references.append(try ReferenceState(definition, of: position, in: states))
    }
    guard !checks.isEmpty || !references.isEmpty else { return }
    try tree(old).scan { (key, row) throws(StorageError) in
      let values = try new.layout.values(key, row)
      for check in checks where new.checks[check].truth(values) == .no {
        throw new.violation(.check, new.schema.checks[check].name, values)
      }
      for reference in references {
        guard let wanted = reference.values(of: values) else { continue }
        guard try parentExists(reference, wanted, nil) else {
          throw new.violation(.reference, reference.definition.name, values)
        }
      }
      return true
    }
  }
}
