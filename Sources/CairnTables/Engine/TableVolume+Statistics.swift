public import CairnBlocks
import CairnBytes
import CairnVolumes

// What the planner knows of a table beside its number of rows: how many different values the first columns of each index have.

extension TableVolume {
  /// Counts, for the primary key and each index of a table, how many different values its first column, its first two and so on
  /// have, and keeps the numbers for the planner. Goes through the table's trees once.
  public func analyze(_ name: String) throws(StorageError) {
    guard let position = catalog.find(name) else { throw .notFound(Subject("table", name)) }
    let table = catalog.tables[position]
    try require(.read, on: table)
    let counts = try volume.withoutRecording { () throws(StorageError) -> [[UInt64]] in
      var counts = [try distinctCounts(table.layout, columnCount: table.keyColumns.count)]
      for index in table.indexes { counts.append(try distinctCounts(index.layout, columnCount: index.columns.count)) }
      return counts
    }
    let operation = TableOperation.setStatistics(table: table.id, counts)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try setStatisticsNow(position, counts)
    }
  }

  private func distinctCounts(_ layout: EntryLayout, columnCount: Int) throws(StorageError) -> [UInt64] {
    var counts = [UInt64](repeating: 0, count: columnCount)
    var last: [UInt8] = []
    var isFirst = true
    try volume.tree(at: layout.root).scan { (key, _) throws(StorageError) in
      for part in 0..<columnCount {
        guard let end = layout.key.end(ofFirst: part + 1, in: key) else { throw layout.damage }
        if !isFirst, last.count >= end, key.compare(0..<end, with: Array(last[..<end])) == 0 { continue }
        for following in part..<columnCount { counts[following] += 1 }
        break
      }
      last = BulkCopy.array(key)
      isFirst = false
      return true
    }
    return counts
  }

  func setStatisticsNow(_ position: Int, _ counts: [[UInt64]]) throws(StorageError) {
    let table = catalog.tables[position]
    knownStatistics = []
    for (index, counts) in counts.enumerated() {
      var writer = ByteWriter()
      writer.list(counts) { $1.varint($0) }
      try volume.root.put(TableRecordKey.statistics(table.id, index), writer.bytes)
    }
  }

  /// The counts of the primary key (0) or an index (its position + 1), if they were made.
  func statistics(_ table: TableState, _ index: Int) throws(StorageError) -> [UInt64]? {
    for known in knownStatistics where known.table == table.id && known.index == index { return known.counts }
    let counts = try storedStatistics(table, index)
    knownStatistics.append((table.id, index, counts))
    return counts
  }

  private func storedStatistics(_ table: TableState, _ index: Int) throws(StorageError) -> [UInt64]? {
    try volume.withoutRecording { () throws(StorageError) in
      guard let bytes = try volume.root.get(TableRecordKey.statistics(table.id, index)) else { return nil }
      return try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in
        try reader.list(limit: 2 * SchemaLimits.keyColumnCountMax) { (reader) throws(ByteReader.Failure) in
          try reader.varint()
        }
      }
    }
  }
}
