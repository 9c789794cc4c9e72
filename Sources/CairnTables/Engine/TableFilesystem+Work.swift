public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Work on any number of rows that `Store.step(budget:)` does piece by piece, across restarts and upgrades.

extension TableVolume {
  /// Begins to build the indexes that are not ready, in steps; with nothing to build it does nothing. Until an index is ready
  /// every write keeps it up, and queries do without it.
  public func beginBuildingIndexes() throws(StorageError) {
    guard !catalog.tables.allSatisfy({ $0.indexes.allSatisfy { $0.isReady } }) else { return }
    try volume.begin(work: TableWork.buildIndexes.encoded)
  }
}

extension Table {
  /// Begins to delete all rows that a predicate is true for, and what references to them say, in steps. The rows are looked at
  /// in the order of their primary keys, so many in a step as its budget says; those that come in or change meanwhile may go
  /// or stay.
  ///
  /// What a reference forbids (`restrict`) is told by each step that comes to it, until that row is deleted or the work is broken
  /// off. Rows that references take along are deleted with theirs, whatever the budget.
  ///
  /// - Throws: `valueTooLarge` for a predicate of more than 16 KiB.
  public func beginDeleting(where filter: Predicate) throws(StorageError) {
    let (_, state) = try current()
    try tables.require([.read, .delete], on: state)
    _ = try Condition(filter, state.scope)
    try tables.volume.begin(work: TableWork.delete(table: state.id, filter).encoded)
  }
}

extension TypedQuery {
  /// Begins to delete the rows, and what references to them say, in steps; see `Table.beginDeleting(where:)`.
  public func beginDeleting() throws(StorageError) {
    try requireWhole("beginDeleting")
    try table.beginDeleting(where: query.filter)
  }
}

extension TableFilesystem {
  /// Builds a part of an index, or deletes some rows.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    let tables = try TableVolume.of(volume)
    switch try volume.decode(work, TableWork.init(decoding:)) {
    case .buildIndexes: return try tables.buildIndexes(rowCount: UInt32(clamping: budget)) ? nil : [1]
    case .delete(let table, let filter):
      return try tables.deleteRows(of: table, filter, after: cursor, rowCount: budget)
    }
  }
}

extension TableVolume {
  /// Deletes those of the next rows that a predicate is true for; the key that was looked at last, nil behind all of them.
  ///
  /// - Parameters:
  ///   - last: the key behind which the rows are; empty: all of them.
  ///   - rowCount: how many to look at.
  fileprivate func deleteRows(
    of id: UInt32, _ filter: Predicate, after last: [UInt8], rowCount: Int
  ) throws(StorageError) -> [UInt8]? {
    // Whoever dropped the table meanwhile did what was to be done.
    guard let position = catalog.find(id) else { return nil }
    let table = catalog.tables[position]
    let condition = try Condition(filter, table.scope)
    var keys: [[UInt8]] = []
    var last = last
    var remaining = min(rowCount, TableOperation.keyCountMax)
    var isDone = true
    try tree(table).scan(from: last.isEmpty ? nil : last + [0]) { (key, row) throws(StorageError) in
      guard remaining > 0 else {
        isDone = false
        return false
      }
      remaining -= 1
      last = BulkCopy.array(key)
      if condition.truth(try table.layout.values(key, row)) == .yes { keys.append(last) }
      return true
    }
    if !keys.isEmpty { _ = try Table(self, table, table.schema).delete(keys) }
    return isDone ? nil : last
  }
}
