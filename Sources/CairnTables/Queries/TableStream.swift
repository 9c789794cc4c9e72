import CairnBlocks
import CairnBytes
import CairnVolumes

/// Walks the rows of one table that a condition is true for, along an access path. Nothing is held but some rows that come
/// next, taken out of the tree together; they are taken again when the transaction changes something before they are handed out.
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
  /// Rows are read one by one: backwards, and where exactly what is handed out counts as read.
  private let isSingle: Bool
  /// The range that comes next, or is under way.
  private var next = 0
  private var cursor: VolumeCursor?
  /// Where the range that is under way goes on; nil: it has not begun.
  private var start: [UInt8]?
  private var places: [RowPlace] = []
  private var position = 0
  /// The range and the start of the rows that were taken, and the changes that the transaction had made by then.
  private var taken: (range: Int, start: [UInt8], changeCount: UInt64) = (0, [], 0)
  private var batchCount: Int
  /// Entries of an index, one behind the other, and where their rows' keys stand: at the end of each.
  private var entries: [UInt8] = []
  private var keyRanges: [Range<Int>] = []
  /// The row that it stands on.
  let reader: RowReader

  private static let firstBatchCount = 16
  private static let batchCountMax = 256
  private static let batchByteCountMax = 64 << 10
  /// Bytes of an entry for which room is made before it is there.
  private static let reservedByteCount = 32

  /// - Parameters:
  ///   - condition: made with the layout of the tree that rows are read from.
  ///   - limit: how many rows are wanted, if that is known.
  init(_ tables: TableVolume, _ table: TableState, _ path: AccessPath, _ condition: Condition, limit: UInt64? = nil) {
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
    isSingle = first.isReversed || tree.recordsReads
    reader = RowReader(Self.rowLayout(table, path))
    batchCount = limit.map { Int(clamping: min($0, UInt64(Self.batchCountMax))) } ?? Self.firstBatchCount
    batchCount = max(batchCount, 1)
  }

  /// The layout that rows are read with.
  fileprivate static func rowLayout(_ table: TableState, _ path: AccessPath) -> EntryLayout {
    path.isIndexOnly ? path.layout : table.layout
  }

  /// Goes to the next row; false behind the last.
  func advance() throws(StorageError) -> Bool {
    if isSingle { return try advanceSingle() }
    while true {
      let changeCount = try tree.changeCount()
      if position < places.count, changeCount == taken.changeCount {
        reader.show(places[position])
        position += 1
        return true
      }
      if position < places.count { goBack() }
      guard try takeRows() else { return false }
    }
  }

  // MARK: Rows where they lie

  /// Whether rows can be lent where they lie: each is one entry of a tree that is walked forwards, and no read is recorded.
  var lendsRows: Bool {
    func isWhole(_ path: AccessPath) -> Bool { !path.isReversed && (path.index == nil || path.isIndexOnly) }
    return !tree.recordsReads && (isUnion ? branches.allSatisfy { isWhole($0.path) } : isWhole(path))
  }

  /// Lends the rows that are left to `body` where they lie, until it returns false; the next call goes on behind that row. False:
  /// none are left. Nothing is copied. `body` must not change anything.
  func lendRows(
    _ body: (_ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) -> Bool {
    let layout = reader.layout
    while true {
      guard next < path.ranges.count else {
        guard goToNextBranch() else { return false }
        continue
      }
      let range = path.ranges[next]
      var last: [UInt8]?
      try tree.scan(from: start ?? range.low, to: range.high) { (key, row) throws(StorageError) -> Bool in
        guard try isWanted(layout, key, row) else { return true }
        guard try !body(key, row) else { return true }
        last = BulkCopy.array(key) + [0]
        return false
      }
      start = last
      guard last == nil else { return true }
      next += 1
    }
  }

  // MARK: Rows by the batch

  /// The rows that were taken and not handed out may not be true any more: the place behind the last that was.
  private func goBack() {
    next = taken.range
    start = taken.start
    guard position > 0 else { return }
    let last = places[position - 1]
    start = Array(reader.bytes[last.entry..<last.row]) + [0]
  }

  /// Takes the next rows out of the tree; false: there are none.
  private func takeRows() throws(StorageError) -> Bool {
    reader.begin(reader.layout)
    places.removeAll(keepingCapacity: true)
    position = 0
    while places.isEmpty {
      guard next < path.ranges.count else {
        guard goToNextBranch() else { return false }
        continue
      }
      let range = path.ranges[next]
      let from = start ?? range.low
      let wanted = batchCount
      taken = (next, from, try tree.changeCount())
      let last =
        path.index == nil || path.isIndexOnly
        ? try takeEntries(from, range.high) : try takeRowsOfEntries(from, range.high)
      start = last
      if last == nil { next += 1 }
      if batchCount == wanted, batchCount < Self.batchCountMax { batchCount *= 2 }
    }
    return true
  }

  /// Takes entries of the tree as rows; where to go on, nil at the end of the range.
  private func takeEntries(_ from: [UInt8], _ end: [UInt8]?) throws(StorageError) -> [UInt8]? {
    // In variables of its own: each access to a property would be checked for exclusivity while the program runs.
    var (bytes, places) = (reader.takeBytes(), self.places)
    self.places = []
    defer {
      reader.giveBack(bytes)
      self.places = places
    }
    let (layout, wanted) = (reader.layout, batchCount)
    var last: [UInt8]?
    try tree.scan(from: from, to: end) { (key, row) throws(StorageError) -> Bool in
      guard try isWanted(layout, key, row) else { return true }
      places.append(RowReader.append(key, row, to: &bytes))
      guard places.count >= wanted || bytes.count >= Self.batchByteCountMax else { return true }
      last = BulkCopy.array(key) + [0]
      return false
    }
    return last
  }

  /// Takes entries of an index and then the rows that they are of; where to go on, nil at the end of the range.
  private func takeRowsOfEntries(_ from: [UInt8], _ end: [UInt8]?) throws(StorageError) -> [UInt8]? {
    guard let index = path.index.map({ table.indexes[$0] }) else { return nil }
    var (bytes, places, entries, keyRanges) = (reader.takeBytes(), self.places, self.entries, self.keyRanges)
    (self.places, self.entries, self.keyRanges) = ([], [], [])
    defer {
      reader.giveBack(bytes)
      (self.places, self.entries, self.keyRanges) = (places, entries, keyRanges)
    }
    var last: [UInt8]?
    let (layout, wanted) = (reader.layout, batchCount)
    entries.removeAll(keepingCapacity: true)
    keyRanges.removeAll(keepingCapacity: true)
    keyRanges.reserveCapacity(wanted)
    places.reserveCapacity(wanted)
    entries.reserveCapacity(wanted * Self.reservedByteCount)
    bytes.reserveCapacity(wanted * 2 * Self.reservedByteCount)
    try tree.scan(from: from, to: end) { (entry, _) throws(StorageError) -> Bool in
      guard let key = index.layout.key.end(ofFirst: index.columns.count, in: entry) else { throw index.layout.damage }
      let start = entries.count
      BulkCopy.append(entry, to: &entries)
      keyRanges.append(start + key..<entries.count)
      guard keyRanges.count >= wanted || entries.count >= Self.batchByteCountMax else { return true }
      last = BulkCopy.array(entry) + [0]
      return false
    }
    // Long rows: the first that has no room comes with the next batch, which is a smaller one.
    var cut: Int?
    try BulkCopy.withRawSpan(of: entries) { (entries) throws(StorageError) in
      try rows.withValues(of: entries, at: keyRanges) { (number, row, isThere) throws(StorageError) in
        guard isThere else { throw path.layout.damage }
        if number > 0, bytes.count + row.byteCount > Self.batchByteCountMax, cut == nil { cut = number }
        guard cut == nil else { return }
        let range = keyRanges[number]
        guard try isWanted(layout, entries.extracting(range), row) else { return }
        let start = number == 0 ? 0 : keyRanges[number - 1].upperBound
        let entry = entries.extracting(start..<range.upperBound)
        places.append(RowReader.append(entry, keyAt: range.lowerBound - start, row, to: &bytes))
      }
    }
    guard let cut else { return last }
    batchCount = cut
    return Array(entries[keyRanges[cut - 1].upperBound..<keyRanges[cut].upperBound])
  }

  // MARK: Rows one by one

  private func advanceSingle() throws(StorageError) -> Bool {
    while true {
      if cursor == nil {
        guard next < path.ranges.count else {
          guard goToNextBranch() else { return false }
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
    guard try isWanted(layout, key, row) else { return false }
    reader.set(layout, key, row)
    return true
  }

  // MARK: Which rows

  private func goToNextBranch() -> Bool {
    guard branch + 1 < branches.count else { return false }
    branch += 1
    path = branches[branch].path
    tree = tables.volume.tree(at: path.layout.root)
    next = 0
    return true
  }

  /// Whether the condition is true for a row, and the present branch the first whose alternative is.
  @inline(__always)
  private func isWanted(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Bool {
    if !isAlways, try condition.truth(layout, key, row) != .yes { return false }
    return try isUnion ? isOfBranch(layout, key, row) : true
  }

  private func isOfBranch(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Bool {
    for other in branches[..<branch] {
      if try other.condition.truth(layout, key, row) == .yes { return false }
    }
    return try branches[branch].condition.truth(layout, key, row) == .yes
  }
}

extension Condition {
  /// The condition for the rows of a path; this one is for those of the table's own tree, made of the same predicate.
  func remade(_ predicate: Predicate, _ table: TableState, _ path: AccessPath) throws(StorageError) -> Condition {
    path.isIndexOnly ? try Condition(predicate, table.scope, path.layout) : self
  }
}
