import CairnBlocks
import CairnBytes
import CairnVolumes

/// Walks the rows of one table that a condition is true for, along an access path. Nothing is held but one row.
///
/// Of a union the branches are walked one after the other. A row comes with the first branch whose alternative is true for
/// it, so none comes twice.
final class TableStream {
  private let tables: TableVolume
  private let table: TableState
  private let isUnion: Bool
  private let branches: [AccessPath.Branch]
  private var branch = 0
  private var path: AccessPath
  private let condition: Condition
  private let isAlways: Bool
  private var tree: VolumeTree
  private let rows: VolumeTree
  private var next = 0
  private var cursor: VolumeCursor?
  /// The row that it stands on.
  let reader: RowReader

  /// - Parameter condition: made with the layout of the tree that rows are read from.
  init(_ tables: TableVolume, _ table: TableState, _ path: AccessPath, _ condition: Condition) {
    self.tables = tables
    self.table = table
    isUnion = !path.branches.isEmpty
    branches = path.branches
    let first = path.branches.first?.path ?? path
    self.path = first
    self.condition = condition
    if case .constant(.yes) = condition { isAlways = true } else { isAlways = false }
    rows = tables.tree(table)
    tree = tables.volume.tree(at: first.layout.root)
    reader = RowReader(Self.rowLayout(table, path))
  }

  /// The layout that rows are read with.
  static func rowLayout(_ table: TableState, _ path: AccessPath) -> EntryLayout {
    path.isIndexOnly ? path.layout : table.layout
  }

  /// Goes to the next row; false behind the last.
  func advance() throws(StorageError) -> Bool {
    while true {
      if cursor == nil {
        guard next < path.ranges.count else {
          guard branch + 1 < branches.count else { return false }
          branch += 1
          path = branches[branch].path
          tree = tables.volume.tree(at: path.layout.root)
          next = 0
          continue
        }
        let range = path.ranges[path.isReversed ? path.ranges.count - 1 - next : next]
        next += 1
        cursor = try tree.cursor(from: range.low, to: range.high)
      }
      guard let isFound = path.isReversed ? try cursor?.previous() : try cursor?.next(), isFound else {
        cursor = nil
        continue
      }
      if try take() { return true }
    }
  }

  /// Reads the row that the cursor stands on; false when the condition is not true for it.
  private func take() throws(StorageError) -> Bool {
    let layout = reader.layout
    guard let index = path.index.map({ table.indexes[$0] }), !path.isIndexOnly else {
      let isTaken = try cursor?.withKey { (key) throws(StorageError) -> Bool in
        try cursor?.withValue { (row) throws(StorageError) -> Bool in try take(layout, key, row) } ?? false
      }
      return isTaken ?? false
    }
    let key = try cursor?.withKey { (entry) throws(StorageError) in try tables.rowKey(of: entry, in: index) } ?? []
    let isTaken = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try rows.withValue(for: key) { (row) throws(StorageError) -> Bool in try take(layout, key, row) }
    }
    guard let isTaken else { throw path.layout.damage }
    return isTaken
  }

  @inline(__always)
  private func take(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Bool {
    if !isAlways, try condition.truth(layout, key, row) != .yes { return false }
    if isUnion, try !isOfBranch(layout, key, row) { return false }
    reader.set(layout, key, row)
    return true
  }
  /// Whether the present branch is the first whose alternative is true for a row.
  private func isOfBranch(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Bool {
    for other in branches[..<branch] {
      if try other.condition.truth(layout, key, row) == .yes { return false }
    }
    return try branches[branch].condition.truth(layout, key, row) == .yes
  }
}
