public import CairnBlocks
import CairnBytes
import CairnVolumes

// Building indexes for rows that are there already, a part in each transaction if need be. From the moment on that an index
// exists, every write keeps it up; building adds the rows that were there before, in the order of their keys, and notes how
// far it came. What it adds twice is the same. Queries use an index when it is ready.

extension TableVolume {
  /// Builds indexes that are not ready, looking at about `rowCount` rows in this transaction.
  ///
  /// - Returns: Whether all indexes are ready. When a unique one finds two rows with the same values it throws
  ///   `constraintViolated`, and stays as it is until one of them is changed or the index is dropped.
  public func buildIndexes(rowCount: UInt32 = 100_000) throws(StorageError) -> Bool {
    for (position, table) in catalog.tables.enumerated() {
      guard let index = table.indexes.first(where: { !$0.isReady }) else { continue }
      try require(.admin, on: table)
      // A staged build must be small enough to be made again with each call.
      let operation = TableOperation.buildIndex(table: table.id, index: index.position, rowCount: rowCount)
      try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
        try buildNow(position, index.position, rowCount: rowCount)
      }
      return catalog.tables.allSatisfy { $0.indexes.allSatisfy { $0.isReady } }
    }
    return true
  }

  /// Adds some rows to an index.
  func buildNow(_ position: Int, _ indexPosition: Int, rowCount: UInt32) throws(StorageError) {
    let table = catalog.tables[position]
    guard indexPosition < table.indexes.count else { throw damage }
    let index = table.indexes[indexPosition]
    guard !index.isReady else { return }
    let cursorKey = TableRecordKey.build(table.id, indexPosition)
    var last = try volume.root.get(cursorKey) ?? []
    var remaining = rowCount
    var isDone = false
    while remaining > 0 && !isDone {
      var batch: [(key: [UInt8], values: [ColumnValue])] = []
      let limit = Int(min(remaining, 1024))
      try tree(table).scan(from: last.isEmpty ? nil : last + [0]) { (key, row) throws(StorageError) in
        batch.append((BulkCopy.array(key), try table.layout.values(key, row)))
        return batch.count < limit
      }
      isDone = batch.count < limit
      remaining -= UInt32(batch.count)
      for (key, values) in batch where index.includes(values) {
        if index.isUnique(for: values), let other = try uniqueKey(table, index, index.columns.map { values[$0] }),
          other != key
        {
          throw table.violation(.unique, index.definition.name, values)
        }
        let entry = entry(index, key, values)
        guard entry.count <= volume.root.maximumKeyByteCount else {
          throw .invalidKey(byteCount: entry.count, limit: volume.root.maximumKeyByteCount)
        }
        try tree(index).put(entry, [])
      }
      if let end = batch.last { last = end.key }
    }
    guard isDone else {
      try volume.root.put(cursorKey, last)
      return
    }
    try volume.root.delete(cursorKey)
    var record = table.record
    record.indexes[indexPosition].isReady = true
    try volume.root.put(TableRecordKey.table(table.id), record.encoded)
    try reload()
  }
}
