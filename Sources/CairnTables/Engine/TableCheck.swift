import CairnBlocks
import CairnBytes
import CairnVolumes

/// Walks everything that a volume of tables owns: rows and index entries must belong together both ways, and whatever is
/// counted or referred to must be there.
struct TableCheck {
  let tables: TableVolume
  let check: VolumeCheck

  private var volume: Volume { tables.volume }

  func run() throws(StorageError) {
    try checkRoot()
    var (items, bytes): (UInt64, UInt64) = (0, 0)
    for position in tables.catalog.tables.indices {
      let own = try checkTable(position)
      items += own.items
      bytes += own.bytes
    }
    check.expect(items: items, bytes: bytes)
  }

  /// Every record of the root tree is of a table that is there.
  private func checkRoot() throws(StorageError) {
    try check.tree(volume.root) { (key, _) throws(StorageError) in
      if key == TableRecordKey.header || key == TableRecordKey.cursor || key.first == 6 { return }
      guard let (_, id, _) = TableRecordKey.split(key), tables.catalog.find(id) != nil else {
        return check.report("a record of no table", key: key)
      }
    }
  }

  private func checkTable(_ position: Int) throws(StorageError) -> (items: UInt64, bytes: UInt64) {
    let table = tables.catalog.tables[position]
    let name = table.schema.name
    var (items, bytes): (UInt64, UInt64) = (0, 0)
    var expected = [UInt64](repeating: 0, count: table.indexes.count)
    var greatest: ColumnValue = .null
    try check.tree(tables.tree(table)) { (key, row) throws(StorageError) in
      items += 1
      bytes += UInt64(key.count + row.count)
      guard let values = try checkedValues(key, row, table) else { return }
      if let column = table.autoIncrement, greatest < values[column] { greatest = values[column] }
      do throws(StorageError) { try tables.requireRules(table, values) } catch {
        check.report("\(error)", key: key)
      }
      for index in table.indexes where index.includes(values) {
        let entry = tables.entry(index, key, values)
        let isThere = try tables.tree(index).contains(entry)
        if isThere { expected[index.position] += 1 }
        if !isThere && index.isReady {
          check.report(
            "row \(table.keyText(values)) of table \(name) is not in index \(index.definition.name)", key: key)
        }
      }
      for reference in tables.catalog.references[position] {
        guard let wanted = reference.values(of: values), try !tables.parentExists(reference, wanted, nil) else {
          continue
        }
        check.report(
          "row \(table.keyText(values)) of table \(name) refers by \(reference.definition.name) to no row", key: key)
      }
    }
    for index in table.indexes { try checkIndex(index, table, expected[index.position]) }
    try checkCounter(table, greatest)
    return (items, bytes)
  }

  private func checkedValues(
    _ key: [UInt8], _ row: [UInt8], _ table: TableState
  ) throws(StorageError) -> [ColumnValue]? {
    let values = BulkCopy.withRawSpan(of: key) { (key) -> [ColumnValue]? in
      BulkCopy.withRawSpan(of: row) { (row) -> [ColumnValue]? in
        guard table.layout.row.isWellFormed(row) else { return nil }
        return try? table.layout.values(key, row)
      }
    }
    guard let values, table.key(of: values) == key else {
      check.report("a row of table \(table.schema.name) makes no sense", key: key)
      return nil
    }
    return values
  }

  /// Each entry is of a row that has those values. Together with the rows' entries, which were all found, equal numbers
  /// mean that both are the same.
  private func checkIndex(_ index: IndexState, _ table: TableState, _ expected: UInt64) throws(StorageError) {
    var count: UInt64 = 0
    var last: [UInt8]?
    try check.tree(tables.tree(index)) { (entry, value) throws(StorageError) in
      count += 1
      let end = BulkCopy.withRawSpan(of: entry) { index.layout.key.end(ofFirst: index.columns.count, in: $0) }
      guard let end, value.isEmpty, let values = try tables.row(table, Array(entry[end...])),
        index.includes(values), tables.entry(index, Array(entry[end...]), values) == entry
      else {
        return check.report(
          "an entry of index \(index.definition.name) of table \(table.schema.name) is of no row", key: entry)
      }
      if index.isUnique(for: values) {
        let prefix = Array(entry[..<end])
        if last == prefix {
          check.report(
            "two rows of table \(table.schema.name) are the same in unique index \(index.definition.name)", key: entry)
        }
        last = prefix
      }
    }
    if !check.isPartial && count != expected {
      check.report(
        "index \(index.definition.name) of table \(table.schema.name) has \(count) entries for \(expected) rows")
    }
  }

  private func checkCounter(_ table: TableState, _ greatest: ColumnValue) throws(StorageError) {
    guard let column = table.autoIncrement, let bytes = try volume.root.get(TableRecordKey.counter(table.id)) else {
      return
    }
    let next = try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in try reader.uint64() }
    if ColumnValue.unsigned(next).order(to: greatest) != .behind, next != .max {
      check.report("column \(table.schema.columns[column].name) of table \(table.schema.name) counts behind its rows")
    }
  }
}
