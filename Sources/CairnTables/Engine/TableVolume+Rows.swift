import CairnBlocks
import CairnBytes
import CairnVolumes

// Rows and index entries in their trees. What is allowed was looked at before.

extension TableVolume {
  // MARK: Finding

  /// The values of a row.
  func row(_ table: TableState, _ key: [UInt8]) throws(StorageError) -> [ColumnValue]? {
    try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try tree(table).withValue(for: key) { (row) throws(StorageError) in try table.layout.values(key, row) }
    }
  }

  /// Calls `body` with the keys of the rows that have some values in the first columns of a key or an index, until it returns
  /// false.
  func forEachKey(
    _ table: TableState, _ access: ReferenceState.Access, _ values: [ColumnValue],
    _ body: (_ key: [UInt8]) throws(StorageError) -> Bool
  ) throws(StorageError) {
    var prefix: [UInt8] = []
    switch access {
    case .primaryKey:
      for (part, value) in values.enumerated() { table.layout.key.append(value, as: part, to: &prefix) }
      let bounds = KeyBounds(prefix: prefix)
      try tree(table).scan(from: bounds.low, to: bounds.high) { (key, _) throws(StorageError) in
        try body(BulkCopy.array(key))
      }
    case .index(let position):
      let index = table.indexes[position]
      // Until it is built the rows are found without it.
      guard index.isReady else { return try forEachKey(table, index.columns, values, body) }
      for (part, value) in values.enumerated() { index.layout.key.append(value, as: part, to: &prefix) }
      let bounds = KeyBounds(prefix: prefix)
      try tree(index).scan(from: bounds.low, to: bounds.high) { (entry, _) throws(StorageError) in
        try body(try rowKey(of: entry, in: index))
      }
    }
  }

  /// Goes through the whole table for the rows that have some values in some columns.
  private func forEachKey(
    _ table: TableState, _ columns: [Int], _ values: [ColumnValue],
    _ body: (_ key: [UInt8]) throws(StorageError) -> Bool
  ) throws(StorageError) {
    try tree(table).scan { (key, row) throws(StorageError) in
      for (column, value) in zip(columns, values) where try table.layout.value(column, key, row) != value {
        return true
      }
      return try body(BulkCopy.array(key))
    }
  }

  /// The key of the row that an index entry is of.
  func rowKey(of entry: RawSpan, in index: IndexState) throws(StorageError) -> [UInt8] {
    guard let end = index.layout.key.end(ofFirst: index.columns.count, in: entry) else { throw index.layout.damage }
    return entry.array(end..<entry.byteCount)
  }

  /// The key of the row that has some values in a unique index; nil without one.
  func uniqueKey(
    _ table: TableState, _ index: IndexState, _ values: [ColumnValue]
  ) throws(StorageError) -> [UInt8]? {
    guard index.isReady else {
      var found: [UInt8]?
      try forEachKey(table, index.columns, values) { (key) throws(StorageError) in
        found = key
        return false
      }
      return found
    }
    var prefix: [UInt8] = []
    prefix.reserveCapacity(64)
    for part in values.indices { index.layout.key.append(values[part], as: part, to: &prefix) }
    // The entry of a row is its values, then its key.
    return try BulkCopy.withRawSpan(of: prefix) { (prefix) throws(StorageError) in
      try tree(index).withFirstTail(of: prefix) { (key) in BulkCopy.array(key) }
    }
  }

  /// Whether a row has the values of an entry in a unique index. The entry is one as the tree would hold it, the last bytes of
  /// it the row's key.
  func isTaken(
    _ table: TableState, _ index: IndexState, _ entry: [UInt8], keyByteCount: Int, _ values: [ColumnValue]
  ) throws(StorageError) -> Bool {
    guard index.isReady else { return try uniqueKey(table, index, index.columns.map { values[$0] }) != nil }
    return try BulkCopy.withRawSpan(of: entry) { (entry) throws(StorageError) in
      try tree(index).withFirstTail(of: entry.extracting(0..<entry.byteCount - keyByteCount)) { _ in true }
    } ?? false
  }

  // MARK: Changing

  /// A row as its trees will hold it.
  struct StoredRow {
    let key: [UInt8]
    let row: [UInt8]
    /// Its entry in each index; nil where it has none.
    let entries: [[UInt8]?]
  }

  /// A row as its trees will hold it. Throws when a key or the row is too long.
  func stored(_ table: TableState, _ key: [UInt8], _ values: [ColumnValue]) throws(StorageError) -> StoredRow {
    let limit = volume.root.maximumKeyByteCount
    guard key.count <= limit else { throw .invalidKey(byteCount: key.count, limit: limit) }
    var entries: [[UInt8]?] = []
    entries.reserveCapacity(table.indexes.count)
    for index in table.indexes {
      guard index.includes(values) else {
        entries.append(nil)
        continue
      }
      let entry = entry(index, key, values)
      guard entry.count <= limit else { throw .invalidKey(byteCount: entry.count, limit: limit) }
      entries.append(entry)
    }
    return StoredRow(key: key, row: try encodedRow(table, values), entries: entries)
  }

  /// Puts a row, which must not be there, and its index entries.
  func put(_ table: TableState, _ stored: StoredRow, _ values: [ColumnValue]) throws(StorageError) {
    try tree(table).put(stored.key, stored.row)
    for position in stored.entries.indices {
      if let entry = stored.entries[position] { try tree(table.indexes[position]).put(entry, []) }
    }
    try volume.account(items: 1, bytes: Int64(stored.key.count + stored.row.count))
    if let column = table.autoIncrement { try raiseCounter(of: table, above: values[column]) }
  }

  /// Takes a row, which must be there, and its index entries away.
  func remove(_ table: TableState, _ key: [UInt8], _ values: [ColumnValue]) throws(StorageError) {
    let removed = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in try tree(table).remove(key) }
    guard let byteCount = removed else { throw table.layout.damage }
    for index in table.indexes where index.includes(values) {
      try tree(index).delete(entry(index, key, values))
    }
    try volume.account(items: -1, bytes: -Int64(key.count + byteCount))
  }

  /// Puts other values in the place of a row's, under the same key.
  func replace(
    _ table: TableState, _ stored: StoredRow, _ old: [ColumnValue], _ new: [ColumnValue]
  ) throws(StorageError) {
    let byteCount = try overwrite(table, stored.key, stored.row)
    for index in table.indexes {
      let before = index.includes(old) ? entry(index, stored.key, old) : nil
      let after = stored.entries[index.position]
      guard before != after else { continue }
      if let before { try tree(index).delete(before) }
      if let after { try tree(index).put(after, []) }
    }
    try volume.account(items: 0, bytes: Int64(stored.row.count) - Int64(byteCount))
    if let column = table.autoIncrement { try raiseCounter(of: table, above: new[column]) }
  }

  /// Puts other bytes in the place of a row's, which must be there; how many there were.
  func overwrite(_ table: TableState, _ key: [UInt8], _ row: [UInt8]) throws(StorageError) -> Int {
    let replaced = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try BulkCopy.withRawSpan(of: row) { (row) throws(StorageError) in try tree(table).replace(key, row) }
    }
    guard let replaced else { throw table.layout.damage }
    return replaced
  }

  /// A row as it is stored beside its key.
  func encodedRow(_ table: TableState, _ values: [ColumnValue]) throws(StorageError) -> [UInt8] {
    var row: [UInt8] = []
    row.reserveCapacity(64)
    table.layout.row.append(values, at: table.layout.slotColumns, to: &row)
    guard row.count <= RowLayout.byteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(row.count), limit: UInt64(RowLayout.byteCountMax))
    }
    return row
  }

  /// An index entry.
  func entry(_ index: IndexState, _ key: [UInt8], _ values: [ColumnValue]) -> [UInt8] {
    var entry: [UInt8] = []
    entry.reserveCapacity(key.count + 16 * index.columns.count)
    index.appendPrefix(values, to: &entry)
    entry += key
    return entry
  }
}
