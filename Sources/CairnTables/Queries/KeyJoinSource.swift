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
  private static let rowCountMax = 64

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
    // In variables of its own: each access to a property would be checked for exclusivity while the program runs.
    var (rows, isFound, keys, ranges, owners) = (self.rows, self.isFound, self.keys, self.ranges, self.owners)
    (self.rows, self.isFound, self.keys, self.ranges, self.owners) = ([], [], [], [], [])
    defer {
      (self.rows, self.isFound, self.keys, self.ranges, self.owners) = (rows, isFound, keys, ranges, owners)
    }
    position = 0
    var count = 0
    defer { self.count = count }
    keys.removeAll(keepingCapacity: true)
    ranges.removeAll(keepingCapacity: true)
    owners.removeAll(keepingCapacity: true)
    // Rows that were read ahead would not show what the transaction changes meanwhile, and would count as read.
    let most = tables.volume.isWritable ? 1 : Self.rowCountMax
    let whole = outerColumnCount + table.shapes.count
    while count < most {
      if rows.count == count {
        rows.append([])
        isFound.append(false)
      }
      if rows[count].count != whole { rows[count] = [ColumnValue](repeating: .null, count: whole) }
      guard try outer.fill(&rows[count]) else { break }
      isFound[count] = kind == .left
      if kind == .left { for column in needed { rows[count][outerColumnCount + column] = .null } }
      let start = keys.count
      if appendKey(of: rows[count], to: &keys) {
        ranges.append(start..<keys.count)
        owners.append(count)
      } else {
        keys.removeLast(keys.count - start)
      }
      count += 1
    }
    guard count > 0 else { return false }
    let (layout, needed, first) = (table.layout, self.needed, outerColumnCount)
    try BulkCopy.withRawSpan(of: keys) { (keys) throws(StorageError) in
      try tree.withValues(of: keys, at: ranges) { (number, row, isThere) throws(StorageError) in
        guard isThere else { return }
        let owner = owners[number]
        isFound[owner] = true
        let key = keys.extracting(ranges[number])
        for column in needed { rows[owner][first + column] = try layout.value(column, key, row) }
      }
    }
    return true
  }

  /// Appends the key that a row asks for; false when nothing can be equal to it.
  private func appendKey(of row: [ColumnValue], to keys: inout [UInt8]) -> Bool {
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
