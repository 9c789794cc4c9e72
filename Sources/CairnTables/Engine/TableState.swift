import CairnBlocks
import CairnBytes

/// One table of one definition of a volume, made ready for work. Never changes.
final class TableState: Sendable {
  let id: UInt32
  let record: TableRecord
  let schema: TableSchema
  let hash: UInt64
  /// The table's own tree.
  let layout: EntryLayout
  /// The columns of the primary key, in its order.
  let keyColumns: [Int]
  let indexes: [IndexState]
  let checks: [Condition]
  let autoIncrement: Int?
  let scope: ColumnScope
  /// Whether an index is about each column.
  let isIndexed: [Bool]
  /// What each write looks at of each column, without the definition around it.
  let shapes: [Shape]

  struct Shape: Sendable {
    let type: ColumnType
    let isOptional: Bool
    let isAutoIncrement: Bool

    /// Whether a value needs no conversion and may stand in a row that is to be added.
    @inline(__always)
    func fits(_ value: ColumnValue) -> Bool {
      value.isNull ? isOptional || isAutoIncrement : type.accepts(value)
    }
  }

  init(id: UInt32, _ record: TableRecord, damage: StorageError) throws(StorageError) {
    self.id = id
    self.record = record
    let schema = record.schema
    do { try schema.requireValid() } catch { throw damage }
    self.schema = schema
    hash = schema.hash
    var keyColumns: [Int] = []
    for name in schema.primaryKey { keyColumns.append(try Self.column(name, schema, damage)) }
    self.keyColumns = keyColumns
    let keyParts = keyColumns.map { KeyLayout.Part(type: schema.columns[$0].type, isOptional: false) }
    let rowLayout = RowLayout(record.slots.map { $0.type })
    var columns: [EntryLayout.Column] = []
    for (index, column) in schema.columns.enumerated() {
      if let part = keyColumns.firstIndex(of: index) {
        columns.append(
          EntryLayout.Column(type: column.type, isOptional: false, place: .key(part), initial: .null))
        continue
      }
      guard let slot = record.slots.firstIndex(where: { $0.column.utf8.elementsEqual(column.name.utf8) }),
        record.slots[slot].type == column.type
      else { throw damage }
      let initial = record.slots[slot].initial
      guard initial.isNull || column.type.accepts(initial) else { throw damage }
      columns.append(
        EntryLayout.Column(
          type: column.type, isOptional: column.isOptional, place: .slot(slot), initial: initial))
    }
    layout = EntryLayout(columns, key: KeyLayout(keyParts), row: rowLayout, root: BlockNumber(record.root))
    var indexes: [IndexState] = []
    for (position, definition) in schema.indexes.enumerated() {
      var indexColumns: [Int] = []
      for name in definition.columns { indexColumns.append(try Self.column(name, schema, damage)) }
      var notNull: [Int] = []
      for name in definition.whereNotNull { notNull.append(try Self.column(name, schema, damage)) }
      indexes.append(
        IndexState(
          position: position, definition, columns: indexColumns, notNull: notNull, keyColumns: keyColumns, schema,
          record.indexes[position]))
    }
    self.indexes = indexes
    var isIndexed = [Bool](repeating: false, count: schema.columns.count)
    for index in indexes { for column in index.columns + index.notNull { isIndexed[column] = true } }
    self.isIndexed = isIndexed
    scope = ColumnScope(schema)
    shapes = schema.columns.map {
      Shape(type: $0.type, isOptional: $0.isOptional, isAutoIncrement: $0.isAutoIncrement)
    }
    var checks: [Condition] = []
    for check in schema.checks { checks.append(try Condition(check.predicate, scope)) }
    self.checks = checks
    autoIncrement = schema.columns.firstIndex { $0.isAutoIncrement }
  }

  private static func column(
    _ name: String, _ schema: TableSchema, _ damage: StorageError
  ) throws(StorageError) -> Int {
    guard let index = schema.columnIndex(name) else { throw damage }
    return index
  }

  // MARK: Keys

  /// The key of a row in the table's tree.
  func key(of values: [ColumnValue]) -> [UInt8] {
    var key: [UInt8] = []
    appendKey(of: values, to: &key)
    return key
  }

  @inline(__always)
  func appendKey(of values: [ColumnValue], to key: inout [UInt8]) {
    for part in keyColumns.indices { layout.key.append(values[keyColumns[part]], as: part, to: &key) }
  }

  /// The key of a row whose primary key has these values; throws when they do not fit.
  func key(_ values: [ColumnValue]) throws(StorageError) -> [UInt8] {
    var key: [UInt8] = []
    try appendKey(values, to: &key)
    return key
  }

  /// Appends the key of a row whose primary key has these values; throws when they do not fit.
  func appendKey(_ values: [ColumnValue], to key: inout [UInt8]) throws(StorageError) {
    guard values.count == keyColumns.count else {
      throw .invalidArgument(
        "the primary key of table \(schema.name) has \(keyColumns.count) columns, not \(values.count)")
    }
    for part in keyColumns.indices {
      layout.key.append(try fitting(values[part], keyColumns[part], isNullAllowed: false), as: part, to: &key)
    }
  }

  /// A value as one of a column; throws when it is none.
  func fitting(_ value: ColumnValue, _ column: Int, isNullAllowed: Bool = true) throws(StorageError) -> ColumnValue {
    if shapes[column].type.accepts(value) || (value.isNull && isNullAllowed) { return value }
    let definition = schema.columns[column]
    guard let converted = definition.type.converted(value), !converted.isNull else {
      throw .invalidArgument(
        "column \(definition.name) of table \(schema.name) is \(definition.type) and can not hold \(value.kindName)\(Self.shown(value))"
      )
    }
    return converted
  }

  private static func shown(_ value: ColumnValue) -> String {
    switch value {
    case .integer(let number): " \(number)"
    case .unsigned(let number): " \(number)"
    default: ""
    }
  }

  /// The row, for messages.
  func keyText(_ values: [ColumnValue]) -> String {
    var text = ""
    for column in keyColumns {
      if !text.isEmpty { text += ", " }
      text += values[column].isNull ? "(new)" : values[column].text
    }
    return text
  }

  func violation(
    _ kind: ConstraintViolation.Kind, _ name: String, _ values: [ColumnValue]
  ) -> StorageError {
    .constraintViolated(ConstraintViolation(kind, table: schema.name, name: name, key: keyText(values)))
  }
}

/// One index of a table, made ready for work.
///
/// Its tree has an entry for each row: the values of its columns, then the row's key; the value is empty.
final class IndexState: Sendable {
  let position: Int
  let definition: IndexDefinition
  let columns: [Int]
  let notNull: [Int]
  let layout: EntryLayout
  /// All rows are in it: queries may use it.
  let isReady: Bool

  init(
    position: Int, _ definition: IndexDefinition, columns: [Int], notNull: [Int], keyColumns: [Int],
    _ schema: TableSchema, _ record: TableRecord.Index
  ) {
    self.position = position
    self.definition = definition
    self.columns = columns
    self.notNull = notNull
    isReady = record.isReady
    var parts = columns.map {
      KeyLayout.Part(type: schema.columns[$0].type, isOptional: schema.columns[$0].isOptional)
    }
    parts += keyColumns.map { KeyLayout.Part(type: schema.columns[$0].type, isOptional: false) }
    let places = schema.columns.indices.map { (column) -> EntryLayout.Column in
      let place: EntryLayout.Place
      if let part = columns.firstIndex(of: column) {
        place = .key(part)
      } else if let part = keyColumns.firstIndex(of: column) {
        place = .key(columns.count + part)
      } else {
        place = .elsewhere
      }
      let definition = schema.columns[column]
      return EntryLayout.Column(
        type: definition.type, isOptional: definition.isOptional, place: place, initial: .null)
    }
    layout = EntryLayout(places, key: KeyLayout(parts), row: RowLayout([]), root: BlockNumber(record.root))
  }

  /// Whether a row is in it.
  @inline(__always)
  func includes(_ values: [ColumnValue]) -> Bool {
    for column in notNull where values[column].isNull { return false }
    return true
  }

  /// Whether a row's values must be its alone.
  func isUnique(for values: [ColumnValue]) -> Bool {
    guard definition.isUnique, includes(values) else { return false }
    for column in columns where values[column].isNull { return false }
    return true
  }

  /// The start of the keys of all rows with the same values.
  @inline(__always)
  func appendPrefix(_ values: [ColumnValue], to key: inout [UInt8]) {
    for part in columns.indices { layout.key.append(values[columns[part]], as: part, to: &key) }
  }

  /// Whether any of some columns decides about its entries.
  func isAbout(_ assigned: [Bool]) -> Bool {
    for column in columns where assigned[column] { return true }
    for column in notNull where assigned[column] { return true }
    return false
  }
}
