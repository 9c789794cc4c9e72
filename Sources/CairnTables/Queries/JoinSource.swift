import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows with those of another table beside them: for each row its partners are looked up, by the other table's key or an
/// index, or in a table of all its rows in memory where there is neither.
final class JoinSource: RowSource {
  private let outer: RowSource
  private let tables: TableVolume
  private let table: TableState
  private let kind: Join.Kind
  /// The columns of the rows so far, and those of the other table that must be equal to them.
  private let outerColumns: [Int]
  private let innerColumns: [Int]
  private let access: ReferenceState.Access?
  private var budget: MemoryBudget
  private var current: [ColumnValue] = []
  private var partners: [[ColumnValue]] = []
  private var position = 0
  private var built: [[UInt8]: [[ColumnValue]]]?

  init(
    _ outer: RowSource, _ tables: TableVolume, _ table: TableState, _ kind: Join.Kind, outerColumns: [Int],
    innerColumns: [Int], _ budget: MemoryBudget
  ) {
    self.outer = outer
    self.tables = tables
    self.table = table
    self.kind = kind
    let found = Self.access(table, innerColumns)
    access = found?.access
    // The pairs in the order of the key that finds them.
    let order = found?.order ?? Array(innerColumns.indices)
    self.outerColumns = order.map { outerColumns[$0] }
    self.innerColumns = order.map { innerColumns[$0] }
    self.budget = budget
  }

  /// The key or index whose first columns are the wanted ones, and in which order it has them.
  static func access(_ table: TableState, _ columns: [Int]) -> (access: ReferenceState.Access, order: [Int])? {
    func order(_ key: [Int]) -> [Int]? {
      guard key.count >= columns.count else { return nil }
      var order: [Int] = []
      for column in key[..<columns.count] {
        guard let position = columns.firstIndex(of: column) else { return nil }
        order.append(position)
      }
      return order
    }
    if let order = order(table.keyColumns) { return (.primaryKey, order) }
    for index in table.indexes where index.isReady && index.notNull.allSatisfy(columns.contains) {
      if let order = order(index.columns) { return (.index(index.position), order) }
    }
    return nil
  }

  /// How partners are found, for `explain`.
  var title: String {
    switch access {
    case .primaryKey: "by its primary key"
    case .index(let position): "by index \(table.indexes[position].definition.name)"
    case nil: "in memory, because no key or index begins with the columns"
    }
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    while true {
      if position < partners.count {
        position += 1
        return current + partners[position - 1]
      }
      guard let row = try outer.next() else { return nil }
      current = row
      partners = try findPartners()
      position = 0
      if partners.isEmpty && kind == .left {
        return current + Array(repeating: ColumnValue.null, count: table.schema.columns.count)
      }
    }
  }

  private func findPartners() throws(StorageError) -> [[ColumnValue]] {
    var values: [ColumnValue] = []
    for (outer, inner) in zip(outerColumns, innerColumns) {
      guard let value = table.schema.columns[inner].type.converted(current[outer]), !value.isNull else { return [] }
      values.append(value)
    }
    guard let access else { return try lookUp(values) }
    var rows: [[ColumnValue]] = []
    try tables.forEachKey(table, access, values) { (key) throws(StorageError) in
      guard let row = try tables.row(table, key) else { throw table.layout.damage }
      rows.append(row)
      return true
    }
    return rows
  }

  private func lookUp(_ values: [ColumnValue]) throws(StorageError) -> [[ColumnValue]] {
    if built == nil {
      var all: [[UInt8]: [[ColumnValue]]] = [:]
      try tables.tree(table).scan { (key, row) throws(StorageError) in
        try budget.take(key.byteCount + row.byteCount + 64 + 40 * table.schema.columns.count)
        let values = try table.layout.values(key, row)
        let wanted = innerColumns.map { values[$0] }
        if !wanted.contains(.null) { all[DistinctSource.bytes(of: wanted), default: []].append(values) }
        return true
      }
      built = all
    }
    return built?[DistinctSource.bytes(of: values)] ?? []
  }
}
