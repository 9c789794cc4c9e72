import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows with the one row of another table beside them whose whole primary key they have. In a read several are looked up
/// together.
final class KeyJoinSource: RowSource {
  private let outer: RowSource
  private let tables: TableVolume
  private let table: TableState
  private let tree: VolumeTree
  private let kind: Join.Kind
  private let outerColumnCount: Int
  /// The columns of the rows so far that are the key, in its order.
  private let keyColumns: [Int]
  /// The columns of the other table that are needed.
  private let needed: [Int]
  private var current: [ColumnValue] = []
  /// Rows that were looked up, and whether they have a partner or do without.
  private var rows: [[ColumnValue]] = []
  private var isFound: [Bool] = []
  private var position = 0
  private var count = 0
  private var keys: [UInt8] = []
  private var ranges: [Range<Int>] = []
  /// The rows that the ranges are of.
  private var owners: [Int] = []

  /// Rows that are looked up together.
  private static let rowCountMax = 16

  init(
    _ outer: RowSource, _ tables: TableVolume, _ table: TableState, _ kind: Join.Kind, outerColumnCount: Int,
    keyColumns: [Int], needed: [Int]
  ) {
    self.outer = outer
    self.tables = tables
    self.table = table
    self.kind = kind
    self.outerColumnCount = outerColumnCount
    self.keyColumns = keyColumns
    self.needed = needed
    tree = tables.tree(table)
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    var row: [ColumnValue] = []
    return try next(into: &row) ? row : nil
  }

  override func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    while true {
      while position < count {
        position += 1
        guard isFound[position - 1] else { continue }
        swap(&row, &rows[position - 1])
        return true
      }
      guard try takeRows() else { return false }
    }
  }

  /// Takes the next rows and looks up what belongs to them; false: there are none.
  private func takeRows() throws(StorageError) -> Bool {
    position = 0
    count = 0
    keys.removeAll(keepingCapacity: true)
    ranges.removeAll(keepingCapacity: true)
    owners.removeAll(keepingCapacity: true)
    // Rows that were read ahead would not show what the transaction changes meanwhile, and would count as read.
    let most = tables.volume.isWritable ? 1 : Self.rowCountMax
    while count < most {
      if rows.count == count {
        rows.append([])
        isFound.append(false)
      }
      guard try outer.next(into: &current) else { break }
      if rows[count].count != outerColumnCount + table.shapes.count {
        rows[count] = [ColumnValue](repeating: .null, count: outerColumnCount + table.shapes.count)
      }
      for column in 0..<outerColumnCount { rows[count][column] = current[column] }
      isFound[count] = kind == .left
      let start = keys.count
      if appendKey(of: current) {
        ranges.append(start..<keys.count)
        owners.append(count)
      } else {
        keys.removeLast(keys.count - start)
      }
      count += 1
    }
    guard count > 0 else { return false }
    for number in 0..<count { for column in needed { rows[number][outerColumnCount + column] = .null } }
    try BulkCopy.withRawSpan(of: keys) { (keys) throws(StorageError) in
      try tree.withValues(of: keys, at: ranges) { (number, row, isThere) throws(StorageError) in
        guard isThere else { return }
        let owner = owners[number]
        isFound[owner] = true
        let key = keys.extracting(ranges[number])
        for column in needed { rows[owner][outerColumnCount + column] = try table.layout.value(column, key, row) }
      }
    }
    return true
  }

  /// Appends the key that a row asks for; false when nothing can be equal to it.
  private func appendKey(of row: [ColumnValue]) -> Bool {
    for part in keyColumns.indices {
      let type = table.shapes[table.keyColumns[part]].type
      if type.accepts(row[keyColumns[part]]) {
        table.layout.key.append(row[keyColumns[part]], as: part, to: &keys)
        continue
      }
      guard let value = type.converted(row[keyColumns[part]]), !value.isNull else { return false }
      table.layout.key.append(value, as: part, to: &keys)
    }
    return true
  }
}
