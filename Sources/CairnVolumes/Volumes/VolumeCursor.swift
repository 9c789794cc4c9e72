public import CairnBlocks
import CairnTrees

/// Walks the entries of a range of a tree, both ways.
///
/// In a multi-call transaction exactly what it passes counts as read, the gaps between entries included: an entry that
/// another transaction adds there is a conflict.
public struct VolumeCursor {
  private enum Position {
    /// Nowhere yet.
    case fresh
    /// On an entry.
    case entry
    /// Before the first entry.
    case start
    /// Behind the last entry.
    case end
  }

  private let source: VolumeTree
  private let low: [UInt8]
  private let high: [UInt8]?
  private var cursor: TreeCursor
  private var position = Position.fresh
  private var read: ReadEntry?

  init(_ source: VolumeTree, from low: [UInt8], to high: [UInt8]?) {
    self.source = source
    self.low = low
    self.high = high
    cursor = source.tree.cursor(in: source.volume.transaction.view)
  }

  /// Steps to the next entry; the first time, to the first one. False behind the last.
  public mutating func next() throws(StorageError) -> Bool {
    try source.volume.transaction.requireActive()
    switch position {
    case .fresh, .start: return try seek(to: low)
    case .end: return false
    case .entry: break
    }
    var isFound = try cursor.next()
    if isFound { isFound = try isBelowEnd() }
    position = isFound ? .entry : .end
    read?.range.high = isFound ? KeyRange.successor(of: cursor.key) : high
    return isFound
  }

  /// Steps to the entry before; the first time, to the last one. False before the first.
  public mutating func previous() throws(StorageError) -> Bool {
    try source.volume.transaction.requireActive()
    switch position {
    case .fresh, .end: return try seekLast()
    case .start: return false
    case .entry: break
    }
    var isFound = try cursor.previous()
    if isFound { isFound = try isNotBelowStart() }
    position = isFound ? .entry : .start
    read?.range.low = isFound ? cursor.key : low
    return isFound
  }

  /// Goes to the first entry at or behind `key`, within the range; false when there is none.
  public mutating func seek(to key: [UInt8]) throws(StorageError) -> Bool {
    try source.volume.transaction.requireActive()
    let start = key.lexicographicallyPrecedes(low) ? low : key
    var isFound = try start.isEmpty ? cursor.seekFirst() : cursor.seek(to: start)
    if isFound { isFound = try isBelowEnd() }
    position = isFound ? .entry : .end
    note(low: start, high: high, endsAtEntry: isFound)
    return isFound
  }

  /// Goes to the last entry before `key`, within the range; false when there is none.
  public mutating func seek(before key: [UInt8]) throws(StorageError) -> Bool {
    if let high, !key.lexicographicallyPrecedes(high) { return try seekLast() }
    try source.volume.transaction.requireActive()
    var isFound = false
    if !key.isEmpty { isFound = try cursor.seek(before: key) }
    if isFound { isFound = try isNotBelowStart() }
    position = isFound ? .entry : .start
    note(low: isFound ? nil : low, high: key)
    return isFound
  }

  private mutating func seekLast() throws(StorageError) -> Bool {
    var isFound: Bool
    if let high { isFound = try cursor.seek(before: high) } else { isFound = try cursor.seekLast() }
    if isFound { isFound = try isNotBelowStart() }
    position = isFound ? .entry : .start
    note(low: isFound ? nil : low, high: high)
    return isFound
  }

  /// Begins a range that counts as read; one that ends or begins at the entry found.
  private mutating func note(low: [UInt8]?, high: [UInt8]?, endsAtEntry: Bool = false) {
    guard let recorder = source.volume.transaction.recorder else { return }
    let range = KeyRange(low: low ?? cursor.key, high: endsAtEntry ? KeyRange.successor(of: cursor.key) : high)
    read = recorder.note(source.volume.id, source.tree, range)
  }

  private func isBelowEnd() throws(StorageError) -> Bool {
    guard let high else { return true }
    return try cursor.withKey { (key) throws(StorageError) in BorrowedOrder.precedes(key, high) }
  }

  private func isNotBelowStart() throws(StorageError) -> Bool {
    guard !low.isEmpty else { return true }
    return try cursor.withKey { (key) throws(StorageError) in !BorrowedOrder.precedes(key, low) }
  }

  // MARK: The entry

  /// The key of the entry; empty when it stands on none.
  public var key: [UInt8] { position == .entry ? cursor.key : [] }

  /// The value of the entry; empty when it stands on none.
  public func value() throws(StorageError) -> [UInt8] {
    try source.volume.transaction.requireActive()
    return position == .entry ? try cursor.value() : []
  }

  /// Lends the key of the entry, on which the cursor must stand.
  public func withKey<Result>(_ body: (RawSpan) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try requireEntry()
    return try cursor.withKey(body)
  }

  /// Lends the value of the entry, on which the cursor must stand.
  public func withValue<Result>(_ body: (RawSpan) throws(StorageError) -> Result) throws(StorageError) -> Result {
    try requireEntry()
    return try cursor.withValue(body)
  }

  private func requireEntry() throws(StorageError) {
    try source.volume.transaction.requireActive()
    guard position == .entry else { throw .invalidArgument("the cursor stands on no entry") }
  }
}
