import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows with those of another table beside them: for each row its partners are looked up, by the other table's key or an
/// index, and read one by one. Where there is neither, all rows of the other table are kept in memory by the columns that are
/// compared; those that do not fit in the budget are sorted in temporary extents, beside the rows that look for partners.
final class JoinSource: RowSource {
  private let outer: RowSource
  private let tables: TableVolume
  private let table: TableState
  private let kind: Join.Kind
  /// The columns of the rows so far, and those of the other table that must be equal to them.
  private let outerColumns: [Int]
  private let innerColumns: [Int]
  private let access: ReferenceState.Access?
  private let budget: UInt64
  private var current: [ColumnValue] = []
  private var partners = Partners.none
  private var hasPartner = false
  private var isStarted = false
  private var lookup: Lookup?

  /// The rows beside the current one that are still to come.
  private enum Partners {
    case none
    case one([ColumnValue])
    case list([[ColumnValue]], next: Int)
    /// Entries of the table's own tree, or of an index.
    case rows(VolumeCursor)
    case entries(VolumeCursor, IndexState)
    case spilled(SpilledRows)
  }

  /// The other table by the columns that are compared, where no key or index has them.
  private enum Lookup {
    case memory([[UInt8]: [[ColumnValue]]])
    case merge(MergedSides)
  }

  init(
    _ outer: RowSource, _ tables: TableVolume, _ table: TableState, _ kind: Join.Kind, outerColumns: [Int],
    innerColumns: [Int], budget: UInt64
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
    case nil: "in memory, or in sorted rows beyond the budget, because no key or index begins with the columns"
    }
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    while true {
      if let partner = try nextPartner() {
        hasPartner = true
        return current + partner
      }
      if isStarted && !hasPartner && kind == .left {
        hasPartner = true
        return current + Array(repeating: ColumnValue.null, count: table.schema.columns.count)
      }
      guard try advance() else { return nil }
    }
  }

  /// Goes to the next row and finds its partners; false behind the last.
  private func advance() throws(StorageError) -> Bool {
    partners = .none
    if access == nil, lookup == nil { lookup = try makeLookup() }
    if case .merge(let sides)? = lookup {
      guard let (row, found) = try sides.next() else {
        isStarted = false
        return false
      }
      current = row
      partners =
        switch found {
        case .memory(let rows): .list(rows, next: 0)
        case .spilled(let rows): .spilled(rows)
        }
    } else {
      guard let row = try outer.next() else {
        isStarted = false
        return false
      }
      current = row
      try findPartners()
    }
    isStarted = true
    hasPartner = false
    return true
  }

  private func nextPartner() throws(StorageError) -> [ColumnValue]? {
    switch partners {
    case .none: return nil
    case .one(let row):
      partners = .none
      return row
    case .list(let rows, let next):
      guard next < rows.count else { return nil }
      partners = .list(rows, next: next + 1)
      return rows[next]
    case .spilled(var rows):
      let row = try rows.next()
      partners = .spilled(rows)
      return row
    case .rows(var cursor):
      partners = .none
      guard try cursor.next() else { return nil }
      let row = try cursor.withKey { (key) throws(StorageError) in
        try cursor.withValue { (row) throws(StorageError) in try table.layout.values(key, row) }
      }
      partners = .rows(cursor)
      return row
    case .entries(var cursor, let index):
      partners = .none
      guard try cursor.next() else { return nil }
      let key = try cursor.withKey { (entry) throws(StorageError) in try tables.rowKey(of: entry, in: index) }
      guard let row = try tables.row(table, key) else { throw table.layout.damage }
      partners = .entries(cursor, index)
      return row
    }
  }

  private func findPartners() throws(StorageError) {
    guard let values = wanted(of: current) else { return }
    var prefix: [UInt8] = []
    switch access {
    case .primaryKey:
      for (part, value) in values.enumerated() { table.layout.key.append(value, as: part, to: &prefix) }
      guard values.count < table.keyColumns.count else {
        if let row = try tables.row(table, prefix) { partners = .one(row) }
        return
      }
      let bounds = KeyBounds(prefix: prefix)
      partners = .rows(try tables.tree(table).cursor(from: bounds.low, to: bounds.high))
    case .index(let position):
      let index = table.indexes[position]
      for (part, value) in values.enumerated() { index.layout.key.append(value, as: part, to: &prefix) }
      let bounds = KeyBounds(prefix: prefix)
      partners = .entries(try tables.tree(index).cursor(from: bounds.low, to: bounds.high), index)
    case nil:
      guard case .memory(let rows)? = lookup, let found = rows[DistinctSource.bytes(of: values)] else { return }
      partners = .list(found, next: 0)
    }
  }

  /// What the other table must have beside a row; nil when nothing can be equal to it.
  private func wanted(of row: [ColumnValue]) -> [ColumnValue]? {
    var values: [ColumnValue] = []
    for (outer, inner) in zip(outerColumns, innerColumns) {
      guard let value = table.schema.columns[inner].type.converted(row[outer]), !value.isNull else { return nil }
      values.append(value)
    }
    return values
  }

  private func makeLookup() throws(StorageError) -> Lookup {
    // One half is for the table in memory, the other for the sort of what does not fit.
    var room = MemoryBudget(budget / 2)
    var all: [[UInt8]: [[ColumnValue]]] = [:]
    var sorter: RowSorter?
    try tables.tree(table).scan { (key, row) throws(StorageError) in
      let values = try table.layout.values(key, row)
      let compared = innerColumns.map { values[$0] }
      guard !compared.contains(.null) else { return true }
      let bytes = DistinctSource.bytes(of: compared)
      if let sorter {
        try sorter.insert(bytes, values)
        return true
      }
      all[bytes, default: []].append(values)
      let byteCount = bytes.count + 64 + values.reduce(0) { $0 + MemoryBudget.byteCount(of: $1) }
      guard !room.takes(byteCount) else { return true }
      let spilling = RowSorter(budget: room.limit, tables.volume)
      for (bytes, rows) in all { for row in rows { try spilling.insert(bytes, row) } }
      all = [:]
      sorter = spilling
      return true
    }
    guard let sorter else { return .memory(all) }
    let outerSorter = RowSorter(budget: room.limit, tables.volume)
    while let row = try outer.next() {
      // A row without a partner has no key, and comes first.
      let bytes = wanted(of: row).map { DistinctSource.bytes(of: $0) } ?? []
      if !bytes.isEmpty || kind == .left { try outerSorter.insert(bytes, row) }
    }
    return .merge(MergedSides(outerSorter, sorter, budget: room.limit, tables.volume))
  }
}

/// Two sorted sides of a join, walked beside each other.
final class MergedSides {
  /// The rows of the other side with the same key.
  enum Found {
    case memory([[ColumnValue]])
    case spilled(SpilledRows)
  }

  private let outer: RowSorter
  private let inner: RowSorter
  private let budget: UInt64
  private let volume: Volume
  private var key: [UInt8]?
  private var found = Found.memory([])
  private var pending: RowSorter.Entry?
  private var isAtEnd = false

  init(_ outer: RowSorter, _ inner: RowSorter, budget: UInt64, _ volume: Volume) {
    self.outer = outer
    self.inner = inner
    self.budget = budget
    self.volume = volume
  }

  /// The next row of the outer side and what belongs to it; nil behind the last.
  func next() throws(StorageError) -> (row: [ColumnValue], found: Found)? {
    guard let entry = try outer.next() else { return nil }
    if key != entry.key {
      key = entry.key
      found = try group(entry.key)
    }
    return (entry.row, found)
  }

  /// The inner rows with a key, in memory or, when they are too many, laid aside to be read again for each outer row.
  private func group(_ key: [UInt8]) throws(StorageError) -> Found {
    try step(from: nil)
    while let entry = pending, entry.key.lexicographicallyPrecedes(key) { try step(from: entry) }
    var rows: [[ColumnValue]] = []
    var room = MemoryBudget(budget)
    var writer: SpilledRows.Writer?
    while let entry = pending, entry.key == key {
      if writer == nil, !room.takes(entry.row.reduce(64) { $0 + MemoryBudget.byteCount(of: $1) }) {
        var spilling = SpilledRows.Writer(volume, budget: budget)
        for row in rows { try spilling.append([], row) }
        rows = []
        writer = spilling
      }
      if writer == nil { rows.append(entry.row) } else { try writer?.append([], entry.row) }
      try step(from: entry)
    }
    guard var writer else { return .memory(rows) }
    return .spilled(try writer.finish())
  }

  /// Goes on behind an entry; at first, to the first one.
  private func step(from entry: RowSorter.Entry?) throws(StorageError) {
    guard !isAtEnd, entry != nil || pending == nil else { return }
    pending = try inner.next()
    isAtEnd = pending == nil
  }
}
