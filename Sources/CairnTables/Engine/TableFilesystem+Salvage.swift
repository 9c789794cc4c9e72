public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension TableFilesystem {
  /// Whether the root tree has the header of a volume of tables, and records of tables that read.
  public func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool {
    let root = try salvage.tree(salvage.root, isRecord: { (_, _) in false }, describe: nil)
    var hasHeader = false
    var isForeign = false
    try root.scan { (key, value) throws(StorageError) -> Bool in
      if TableSalvage.isDefining(key, value) {
        hasHeader = hasHeader || key == TableRecordKey.header
      } else if key == TableRecordKey.header || TableRecordKey.kind(of: key) == nil {
        isForeign = true
      }
      return !isForeign
    }
    return hasHeader && !isForeign
  }

  /// Brings over every table whose schema is left, with all rows that verify and hold its rules. Indexes are built again
  /// from the rows. Whatever is lost is told, rows by their table and the range of their keys.
  ///
  /// A reference to a table or to rows that are lost is not kept up in the copy: the rows that refer to lost ones stay, and
  /// are told.
  public func salvage(_ salvage: VolumeSalvage) throws(StorageError) {
    try TableSalvage(salvage).run()
  }
}

extension TableRecordKey {
  /// What a key of the root tree is of, by its first byte; nil when it is none.
  fileprivate static func kind(of key: [UInt8]) -> UInt8? {
    if key == header || key == cursor { return key[0] }
    guard let (kind, _, rest) = split(key) else { return nil }
    switch kind {
    case 1, 2, 6: return rest.isEmpty ? kind : nil
    case 3: return (try? Principal(rest)) != nil ? kind : nil
    default: return rest.count == 2 ? kind : nil
    }
  }
}

/// The salvage of one volume of tables.
private final class TableSalvage {
  private let salvage: VolumeSalvage
  /// The root tree with leaves that nothing leads to any more: schemas are taken from these, too.
  private let root: SalvageTree
  /// The root tree as far as its root leads. Grants and counts are short and could be mistaken for rows, so they are taken
  /// from here alone.
  private let reached: SalvageTree
  private var header = TableHeader()
  /// The tables of the old volume whose schemas are left.
  private var tables: [TableState] = []
  /// Tables of which parts are missing.
  private var incomplete: Set<UInt32> = []
  /// The copy's schemas are not what the program opened the volume with last.
  private var isChanged = false

  /// What a schema that makes no sense is; which block it stood in is told elsewhere.
  private static let malformed = StorageError.damaged(Damage(block: BlockNumber(0), reason: .malformed))
  /// Rows and bytes of them that are put in one transaction; fewer where the new store's journal holds less.
  private static let rowCountMax = 64
  private static let byteCountMax = 32 << 10
  /// Other records that are put in one transaction.
  private static let recordCountMax = 16

  init(_ salvage: VolumeSalvage) throws(StorageError) {
    self.salvage = salvage
    root = try salvage.tree(salvage.root, isRecord: { Self.isRecord($0, $1) }) { (low, high) in
      Self.describeRoot(low, high)
    }
    reached = try salvage.tree(salvage.root, isRecord: { (_, _) in false }, describe: nil)
  }

  // MARK: The root tree

  /// Whether a record is the header, or says what a table is: these can be mistaken for nothing else.
  static func isDefining(_ key: [UInt8], _ value: [UInt8]?) -> Bool {
    guard let value else { return false }
    if key == TableRecordKey.header { return Self.header(value) != nil }
    return TableRecordKey.kind(of: key) == 1 && Self.record(value) != nil
  }

  private static func isRecord(_ key: [UInt8], _ value: [UInt8]?) -> Bool {
    isDefining(key, value) || (value != nil && key.first != 1 && TableRecordKey.kind(of: key) ?? 0 > 1)
  }

  private static func header(_ bytes: [UInt8]) -> TableHeader? {
    var reader = ByteReader(bytes)
    guard let header = try? TableHeader(decoding: &reader), reader.remaining == 0 else { return nil }
    return header
  }

  private static func record(_ bytes: [UInt8]) -> TableRecord? {
    var reader = ByteReader(bytes)
    guard let record = try? TableRecord(decoding: &reader), reader.remaining == 0 else { return nil }
    return record
  }

  /// Whether the value of a record reads: of a next number, a grant, statistics, a migration, or the place of one.
  private static func isSound(_ kind: UInt8, _ value: [UInt8]) -> Bool {
    var reader = ByteReader(value)
    do throws(ByteReader.Failure) {
      switch kind {
      case 2: _ = try reader.uint64()
      case 3: _ = try reader.uint32()
      case 5:
        _ = try reader.list(limit: 2 * SchemaLimits.keyColumnCountMax) { (reader) throws(ByteReader.Failure) in
          try reader.varint()
        }
      case 6: _ = try reader.string()
      default: return true
      }
    } catch { return false }
    return reader.remaining == 0
  }

  /// What a range of keys of the root tree held.
  private static func describeRoot(_ low: [UInt8], _ high: [UInt8]?) -> String {
    let names = [
      "its header", "schemas of tables", "next numbers of columns that count by themselves", "grants on tables",
      "states of indexes that are being built", "statistics", "names of migrations", "the place of a migration",
    ]
    let first = Int(low.first ?? 0)
    var last = high.flatMap { $0.first }.map(Int.init) ?? names.count - 1
    // A bound that is no more than a kind's own byte keeps that kind out.
    if let high, high.count == 1, last > first { last -= 1 }
    guard first < names.count, first <= last else { return "records of the volume" }
    return list(names[first...min(last, names.count - 1)])
  }

  // MARK: All of it

  func run() throws(StorageError) {
    try salvage.create()
    try readTables()
    try readHeader()
    try leaveOutReferences()
    try makeTables()
    try findGaps()
    for table in tables { try copyRows(of: table) }
    try leaveOutBrokenReferences()
    try putHeader()
    for stray in try salvage.strayRoots() {
      try salvage.lose("a tree of rows, or of an index, of a table whose schema is lost", block: stray)
    }
  }

  private func readTables() throws(StorageError) {
    let range = TableRecordKey.range(1)
    try root.scan(from: range.from, to: range.to) { (key, value) throws(StorageError) -> Bool in
      guard let (_, id, rest) = TableRecordKey.split(key), rest.isEmpty, let value, let record = Self.record(value),
        let table = try? TableState(id: id, record, damage: Self.malformed),
        !tables.contains(where: { $0.schema.name.utf8.elementsEqual(table.schema.name.utf8) })
      else {
        isChanged = true
        try salvage.lose("a table: its schema does not verify or makes no sense", key: key)
        return true
      }
      tables.append(table)
      return true
    }
  }

  private func readHeader() throws(StorageError) {
    let greatest = tables.map { $0.id }.max() ?? 0
    if let value = try root.value(of: TableRecordKey.header), let header = Self.header(value) {
      self.header = header
    } else {
      isChanged = true
      while try reached.value(of: TableRecordKey.migration(header.migrationCount)) != nil { header.migrationCount += 1 }
      try salvage.lose("the version of the schemas; it is 0 now")
    }
    if !root.isWhole { isChanged = true }
    header.nextTable = max(header.nextTable, greatest == .max ? .max : greatest + 1)
  }

  /// References to tables that are lost.
  private func leaveOutReferences() throws(StorageError) {
    for position in tables.indices {
      for definition in tables[position].schema.references
      where (try? ReferenceState(definition, of: position, in: tables)) == nil {
        try salvage.lose(
          "reference \(definition.name) of table \(tables[position].schema.name): table \(definition.table) is lost")
        try leaveOut([definition.name], of: position)
      }
    }
  }

  private func leaveOut(_ names: [String], of position: Int) throws(StorageError) {
    isChanged = true
    var record = tables[position].record
    record.schema.references.removeAll { reference in
      names.contains { $0.utf8.elementsEqual(reference.name.utf8) }
    }
    tables[position] = try TableState(
      id: tables[position].id, record, damage: Self.malformed)
  }

  // MARK: The new volume

  /// Makes the tables, empty, under their old numbers.
  private func makeTables() throws(StorageError) {
    for table in tables {
      try change { (volume) throws(StorageError) in
        var record = table.record
        record.root = try volume.makeTree().rootBlock.rawValue
        for index in record.indexes.indices {
          // Rows bring their entries along, so all of them are whole.
          record.indexes[index] = TableRecord.Index(root: try volume.makeTree().rootBlock.rawValue, isReady: true)
        }
        try volume.root.put(TableRecordKey.table(table.id), record.encoded)
      }
    }
    var records: [(key: [UInt8], value: [UInt8])] = []
    try reached.scan(from: TableRecordKey.range(2).from) { (key, value) throws(StorageError) -> Bool in
      guard let kind = TableRecordKey.kind(of: key) else {
        try salvage.lose("a record that is of no table", key: key)
        return true
      }
      // All indexes are built.
      if kind == 4 { return true }
      guard let value, Self.isSound(kind, value) else {
        try salvage.lose(Self.describeRoot([kind], [kind]) + ": one that does not verify", key: key)
        return true
      }
      if kind < 6, let (_, id, _) = TableRecordKey.split(key), !tables.contains(where: { $0.id == id }) { return true }
      records.append((key, value))
      if records.count == Self.recordCountMax {
        try put(records)
        records.removeAll()
      }
      return true
    }
    try put(records)
    try putHeader()
  }

  private func put(_ records: [(key: [UInt8], value: [UInt8])]) throws(StorageError) {
    guard !records.isEmpty else { return }
    try change { (volume) throws(StorageError) in
      for (key, value) in records { try volume.root.put(key, value) }
    }
  }

  /// Makes everybody read the tables again. A program that opens a changed volume compares its schemas one by one.
  private func putHeader() throws(StorageError) {
    if isChanged { header.hash = 0 }
    let header = header
    try change { (volume) throws(StorageError) in
      try volume.root.put(TableRecordKey.header, header.encoded)
      try volume.changeDefinition()
    }
  }

  /// Changes the new volume in a transaction of its own.
  private func change(_ body: (Volume) throws(StorageError) -> Void) throws(StorageError) {
    try salvage.change { (volume) throws(StorageError) in
      // Single calls stage nothing, so the operation's bytes do not matter.
      try volume.perform(operation: { [] }) { () throws(StorageError) in try body(volume) }
    }
  }

  // MARK: Rows

  /// Which tables miss rows: leaves that nothing leads to are looked for only for these. Opening the trees of the indexes, too,
  /// keeps them from being taken for trees that nobody knows.
  private func findGaps() throws(StorageError) {
    for table in tables {
      let rows = try salvage.tree(table.layout.root, isRecord: { (_, _) in false }, describe: nil)
      if !rows.isWhole { incomplete.insert(table.id) }
      for index in table.indexes {
        _ = try salvage.tree(index.layout.root, isRecord: { (_, _) in false }, describe: nil)
      }
    }
  }

  /// Whether a record can be a row of a table, and of no other one that misses rows.
  private func isRow(of table: TableState, _ key: [UInt8], _ value: [UInt8]?) -> Bool {
    guard Self.fits(table, key, value) else { return false }
    return tables.allSatisfy { other in
      other.id == table.id || !incomplete.contains(other.id) || !Self.fits(other, key, value)
    }
  }

  private static func fits(_ table: TableState, _ key: [UInt8], _ value: [UInt8]?) -> Bool {
    // A row outside of the tree that does not verify is still told by its key.
    guard let value else { return keyValues(table, key) != nil }
    return values(table, key, value) != nil
  }

  private static func keyValues(_ table: TableState, _ key: [UInt8]) -> [ColumnValue]? {
    let layout = table.layout.key
    return BulkCopy.withRawSpan(of: key) { (bytes) -> [ColumnValue]? in
      guard layout.end(ofFirst: layout.parts.count, in: bytes) == key.count else { return nil }
      var values: [ColumnValue] = []
      for part in layout.parts.indices {
        guard let range = layout.range(of: part, in: bytes),
          let value = try? layout.value(of: part, at: range, in: bytes)
        else { return nil }
        values.append(value)
      }
      return values
    }
  }

  private static func values(_ table: TableState, _ key: [UInt8], _ row: [UInt8]) -> [ColumnValue]? {
    guard keyValues(table, key) != nil else { return nil }
    let values = BulkCopy.withRawSpan(of: key) { (key) -> [ColumnValue]? in
      BulkCopy.withRawSpan(of: row) { (row) -> [ColumnValue]? in
        guard table.layout.row.isWellFormed(row) else { return nil }
        return try? table.layout.values(key, row)
      }
    }
    guard let values, table.key(of: values) == key else { return nil }
    return values
  }

  private static func list(_ texts: ArraySlice<String>) -> String {
    var list = ""
    for (index, text) in texts.enumerated() { list += index == 0 ? text : ", " + text }
    return list
  }

  /// A bound of keys as its values. It may have been cut short; then it stands for the least key that begins with it.
  private static func text(_ table: TableState, _ bound: [UInt8]) -> String {
    var reader = KeyReader(bound + [UInt8](repeating: 0, count: 32))
    var texts: [String] = []
    var length = 0
    for (part, shape) in table.layout.key.parts.enumerated() {
      guard length < bound.count, let value = try? reader.columnValue(as: shape.type, isOptional: shape.isOptional)
      else { break }
      var encoded: [UInt8] = []
      table.layout.key.append(value, as: part, to: &encoded)
      length += encoded.count
      texts.append(value.text)
    }
    return texts.isEmpty ? "key \(Hexadecimal.text(bound))" : list(texts[...])
  }

  private static func describe(_ table: TableState, _ low: [UInt8], _ high: [UInt8]?) -> String {
    let from = low.isEmpty ? "the first" : text(table, low)
    let to = high.map { "before \(text(table, $0))" } ?? "the last"
    return "rows of table \(table.schema.name) from \(from) to \(to)"
  }

  private func copyRows(of table: TableState) throws(StorageError) {
    let rows = try salvage.tree(
      table.layout.root, isRecord: { self.isRow(of: table, $0, $1) }, describe: { Self.describe(table, $0, $1) })
    var batch: [[ColumnValue]] = []
    var byteCount = 0
    try rows.scan { (key, row) throws(StorageError) -> Bool in
      guard let row, let values = Self.values(table, key, row) else {
        let shown = Self.keyValues(table, key).map { values in Self.list(values.map { $0.text }[...]) }
        try salvage.lose(
          "a row of table \(table.schema.name) that does not verify", key: shown.map { Array($0.utf8) } ?? key)
        return true
      }
      batch.append(values)
      byteCount += key.count + row.count
      if batch.count == Self.rowCountMax || byteCount >= Self.byteCountMax {
        try put(batch, table)
        batch.removeAll(keepingCapacity: true)
        byteCount = 0
      }
      return true
    }
    if !batch.isEmpty { try put(batch, table) }
  }

  private func put(_ rows: [[ColumnValue]], _ table: TableState) throws(StorageError) {
    var refused: [(key: String, why: String)] = []
    do throws(StorageError) {
      try change { (volume) throws(StorageError) in
        refused = []
        let tables = try TableVolume.of(volume)
        guard let position = tables.catalog.find(table.id) else { throw tables.damage }
        let target = tables.catalog.tables[position]
        for values in rows {
          let stored: TableVolume.StoredRow
          do throws(StorageError) {
            if let why = try refusal(of: values, target, tables) {
              refused.append((target.keyText(values), why))
              continue
            }
            stored = try tables.stored(target, target.key(of: values), values)
          } catch {
            switch error {
            case .invalidKey, .valueTooLarge: refused.append((target.keyText(values), "is too long"))
            default: throw error
            }
            continue
          }
          try tables.put(target, stored, values)
        }
      }
    } catch {
      guard case .transactionTooLarge = error, rows.count > 1 else { throw error }
      for values in rows { try put([values], table) }
      return
    }
    for (key, why) in refused {
      try salvage.lose("a row of table \(table.schema.name) that verifies, but \(why)", key: Array(key.utf8))
    }
  }

  /// Why the new table cannot have a row; nil: it can.
  private func refusal(
    of values: [ColumnValue], _ table: TableState, _ tables: TableVolume
  ) throws(StorageError) -> String? {
    do throws(StorageError) { try tables.requireRules(table, values) } catch {
      guard case .constraintViolated = error else { throw error }
      return "breaks a rule of its table"
    }
    if try tables.tree(table).contains(table.key(of: values)) { return "there is another one with its key" }
    for index in table.indexes where index.isUnique(for: values) {
      if try tables.uniqueKey(table, index, index.columns.map { values[$0] }) != nil {
        return "there is another one with its values in index \(index.definition.name)"
      }
    }
    return nil
  }

  // MARK: References

  /// Rows that refer to lost ones stay, since what they hold verifies; the rule that they break goes.
  private func leaveOutBrokenReferences() throws(StorageError) {
    var broken: [(table: UInt32, reference: String)] = []
    try salvage.store.read { (transaction) throws(StorageError) in
      let copy = try TableVolume.of(try transaction.volume(salvage.id, kind: .tables))
      for (position, table) in copy.catalog.tables.enumerated() where !copy.catalog.references[position].isEmpty {
        try copy.tree(table).scan { (key, row) throws(StorageError) in
          let values = try table.layout.values(key, row)
          for reference in copy.catalog.references[position] {
            guard let wanted = reference.values(of: values), try !copy.parentExists(reference, wanted, nil) else {
              continue
            }
            let name = reference.definition.name
            if !broken.contains(where: { $0.table == table.id && $0.reference.utf8.elementsEqual(name.utf8) }) {
              broken.append((table.id, name))
            }
            try salvage.lose(
              "what a row of table \(table.schema.name) refers to by \(name); the row is kept, the reference's rule is not",
              key: Array(table.keyText(values).utf8))
          }
          return true
        }
      }
    }
    for position in tables.indices {
      let names = broken.filter { $0.table == tables[position].id }.map { $0.reference }
      guard !names.isEmpty else { continue }
      try leaveOut(names, of: position)
      let table = tables[position]
      try change { (volume) throws(StorageError) in
        guard let bytes = try volume.root.get(TableRecordKey.table(table.id)), var record = Self.record(bytes) else {
          throw Self.malformed
        }
        record.schema.references = table.schema.references
        try volume.root.put(TableRecordKey.table(table.id), record.encoded)
      }
    }
  }
}
