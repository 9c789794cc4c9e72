import CairnBlocks

/// The columns that the names in a query can mean.
struct ColumnScope: Sendable {
  struct Column: Sendable {
    let table: String
    let name: String
    let type: ColumnType
    let isOptional: Bool

    /// `table.name`, or the name alone where there is no table.
    var fullName: String { table.isEmpty ? name : table + "." + name }
  }

  private(set) var columns: [Column] = []

  init() {}

  /// The columns of one table.
  init(_ schema: TableSchema, as alias: String? = nil) {
    append(schema, as: alias ?? schema.name, isOptional: false)
  }

  /// Adds the columns of a table; all of them may be null when no row of it may be there.
  mutating func append(_ schema: TableSchema, as alias: String, isOptional: Bool) {
    for column in schema.columns {
      append(
        Column(table: alias, name: column.name, type: column.type, isOptional: isOptional || column.isOptional))
    }
  }

  mutating func append(_ column: Column) { columns.append(column) }

  /// The position of a column by `name` or `table.name`. A name alone means the first table that has it.
  func find(_ name: String) -> Int? {
    let byteCount = name.utf8.count
    if let index = columns.firstIndex(where: {
      $0.name.utf8.count == byteCount && $0.name.utf8.elementsEqual(name.utf8)
    }) {
      return index
    }
    let bytes = Array(name.utf8)
    guard let dot = bytes.firstIndex(of: 0x2E) else { return nil }
    return columns.firstIndex {
      $0.table.utf8.elementsEqual(bytes[..<dot]) && $0.name.utf8.elementsEqual(bytes[(dot + 1)...])
    }
  }

  /// The position of a column; throws `notFound`.
  func index(_ name: String) throws(StorageError) -> Int {
    guard let index = find(name) else {
      let table = columns.first?.table ?? ""
      throw .notFound(Subject("column", table.isEmpty ? name : "\(name) of table \(table)"))
    }
    return index
  }
}
