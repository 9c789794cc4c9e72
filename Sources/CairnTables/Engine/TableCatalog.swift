import CairnBlocks
import CairnBytes
import CairnVolumes

/// All tables of a volume under one definition. Never changes, so all transactions that see the definition share it.
final class TableCatalog: ParsedDefinition {
  let header: TableHeader
  /// Ascending by id.
  let tables: [TableState]
  /// For each table, what its rows refer to.
  let references: [[ReferenceState]]
  /// For each table, the references to its rows.
  let incoming: [[ReferenceState]]

  init(_ header: TableHeader, _ tables: [TableState], damage: StorageError) throws(StorageError) {
    self.header = header
    self.tables = tables
    var references: [[ReferenceState]] = []
    var incoming: [[ReferenceState]] = Array(repeating: [], count: tables.count)
    for (position, table) in tables.enumerated() {
      var list: [ReferenceState] = []
      for definition in table.schema.references {
        let reference: ReferenceState
        do { reference = try ReferenceState(definition, of: position, in: tables) } catch { throw damage }
        list.append(reference)
        incoming[reference.parent].append(reference)
      }
      references.append(list)
    }
    self.references = references
    self.incoming = incoming
  }

  /// The position of a table by its name.
  func find(_ name: String) -> Int? {
    tables.firstIndex { $0.schema.name.utf8.elementsEqual(name.utf8) }
  }

  /// The position of a table by its number.
  func find(_ id: UInt32) -> Int? { tables.firstIndex { $0.id == id } }

  /// Reads the catalog of a volume.
  static func load(_ volume: Volume) throws(StorageError) -> TableCatalog {
    let damage = StorageError.damaged(Damage(block: volume.root.rootBlock, reason: .malformed))
    return try volume.withoutRecording { () throws(StorageError) in
      guard let bytes = try volume.root.get(TableRecordKey.header) else { throw damage }
      let header = try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in
        try TableHeader(decoding: &reader)
      }
      var tables: [TableState] = []
      let range = TableRecordKey.range(1)
      var cursor = try volume.root.cursor(from: range.from, to: range.to)
      while try cursor.next() {
        guard let (_, id, rest) = TableRecordKey.split(cursor.key), rest.isEmpty else { throw damage }
        let record = try volume.decode(try cursor.value()) { (reader) throws(ByteReader.Failure) in
          try TableRecord(decoding: &reader)
        }
        tables.append(try TableState(id: id, record, damage: damage))
      }
      return try TableCatalog(header, tables, damage: damage)
    }
  }
}

/// A reference between two tables, made ready for work.
struct ReferenceState: Sendable {
  /// Where rows are found by their values.
  enum Access: Sendable {
    /// In the table's tree.
    case primaryKey
    /// In an index, by its position.
    case index(Int)
  }

  let definition: ReferenceDefinition
  /// The table that refers, by its position.
  let child: Int
  let columns: [Int]
  /// Where the rows that refer are found.
  let children: Access
  /// The table that is referred to, by its position.
  let parent: Int
  let parentColumns: [Int]
  /// Where the row that is referred to is found.
  let target: Access

  /// Throws `invalidArgument` when there is no such table or key.
  init(_ definition: ReferenceDefinition, of child: Int, in tables: [TableState]) throws(StorageError) {
    self.definition = definition
    self.child = child
    let table = tables[child]
    let title = "reference \(definition.name) of table \(table.schema.name)"
    columns = definition.columns.compactMap { table.schema.columnIndex($0) }
    guard columns.count == definition.columns.count,
      let parent = tables.firstIndex(where: { $0.schema.name.utf8.elementsEqual(definition.table.utf8) })
    else { throw .invalidArgument("\(title) is to table \(definition.table), which is not there") }
    self.parent = parent
    let other = tables[parent]
    if definition.referencedColumns.isEmpty
      || TableSchema.equal(definition.referencedColumns, other.schema.primaryKey)
    {
      target = .primaryKey
      parentColumns = other.keyColumns
    } else {
      guard
        let index = other.indexes.first(where: {
          $0.definition.isUnique && $0.notNull.isEmpty
            && TableSchema.equal($0.definition.columns, definition.referencedColumns)
        })
      else {
        throw .invalidArgument(
          "\(title) is to columns that are neither the primary key nor a unique index of \(definition.table)")
      }
      target = .index(index.position)
      parentColumns = index.columns
    }
    guard parentColumns.count == columns.count else {
      throw .invalidArgument("\(title) pairs different numbers of columns")
    }
    for (column, parentColumn) in zip(columns, parentColumns)
    where table.schema.columns[column].type != other.schema.columns[parentColumn].type {
      throw .invalidArgument("\(title) pairs columns of different types")
    }
    if TableSchema.begins(table.schema.primaryKey, with: definition.columns) {
      children = .primaryKey
    } else {
      guard
        let index = table.indexes.first(where: {
          $0.notNull.isEmpty && TableSchema.begins($0.definition.columns, with: definition.columns)
        })
      else { throw .invalidArgument("\(title) has no index for its columns") }
      children = .index(index.position)
    }
  }

  /// The values that a row refers by; nil when one of them is null, so that it refers to nothing.
  func values(of child: [ColumnValue]) -> [ColumnValue]? {
    var values: [ColumnValue] = []
    for column in columns {
      guard !child[column].isNull else { return nil }
      values.append(child[column])
    }
    return values
  }

  /// The values that a row is referred to by; nil when one of them is null.
  func parentValues(of parent: [ColumnValue]) -> [ColumnValue]? {
    var values: [ColumnValue] = []
    for column in parentColumns {
      guard !parent[column].isNull else { return nil }
      values.append(parent[column])
    }
    return values
  }
}
