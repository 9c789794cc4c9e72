public import CairnBlocks
import CairnBytes
import CairnTrees

/// An ordered map of a volume: byte strings by byte strings, in byte order.
///
/// A tree of the layer below with what transactions need: in a multi-call transaction reads are recorded, changes happen
/// only inside operations, and ranges that a prepared transaction holds are refused.
public struct VolumeTree {
  let volume: Volume
  let tree: Tree

  /// The block of the root, which never changes; by it the filesystem finds the tree again.
  public var rootBlock: BlockNumber { tree.root }

  /// Most bytes of a key in this volume.
  public var maximumKeyByteCount: Int { Tree.maximumKeyByteCount(blockByteCount: volume.blockByteCount) }

  // MARK: Reading

  /// The value of a key, or nil.
  public func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
    try noteRead(key)
    return try tree.get(key, in: volume.transaction.view)
  }

  /// The value of a key, or nil.
  public func get(_ key: RawSpan) throws(StorageError) -> [UInt8]? {
    try noteRead(key)
    return try tree.get(key, in: volume.transaction.view)
  }

  /// Lends the value of a key to `body`; nil without one.
  public func withValue<Result>(
    for key: RawSpan, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try noteRead(key)
    return try tree.withValue(for: key, in: volume.transaction.view, body)
  }

  /// Lends the value of a key to `body`; nil without one.
  public func withValue<Result>(
    for key: [UInt8], _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try noteRead(key)
    return try tree.withValue(for: key, in: volume.transaction.view, body)
  }

  /// Lends the values of several keys, which lie in `keys` at some ranges, one after the other; for a key that has none
  /// `isThere` is false. Faster than asking for each alone, because their memory is waited for together.
  public func withValues(
    of keys: RawSpan, at ranges: [Range<Int>],
    _ body: (_ number: Int, _ value: RawSpan, _ isThere: Bool) throws(StorageError) -> Void
  ) throws(StorageError) {
    try volume.transaction.requireActive()
    if volume.transaction.recorder != nil {
      for range in ranges { try noteRead(BulkCopy.array(keys.extracting(range))) }
    }
    try tree.withValues(of: keys, at: ranges, in: volume.transaction.view, body)
  }

  /// How often the transaction has changed something: what was read stays true while it is the same.
  public func changeCount() throws(StorageError) -> UInt64 {
    try volume.transaction.requireActive()
    return volume.transaction.view.changeCount
  }

  /// Whether each read is recorded, so that reading ahead would be a read of the transaction.
  public var recordsReads: Bool { volume.transaction.recorder != nil }

  /// Whether there is a value for a key.
  public func contains(_ key: [UInt8]) throws(StorageError) -> Bool {
    try noteRead(key)
    return try tree.contains(key, in: volume.transaction.view)
  }

  /// Lends what stands behind `prefix` in the first key that begins with it; nil when no key does. `prefix` must not be empty.
  package func withFirstTail<Result>(
    of prefix: RawSpan, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try volume.transaction.requireActive()
    guard volume.transaction.recorder == nil else { return try recordingFirstTail(of: prefix, body) }
    return try tree.withFirstTail(of: prefix, in: volume.transaction.view, body)
  }

  private func recordingFirstTail<Result>(
    of prefix: RawSpan, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    let low = BulkCopy.array(prefix)
    var result: Result?
    try scan(from: low, to: KeyRange.end(ofPrefix: low)) { (key, _) throws(StorageError) -> Bool in
      result = try body(key.extracting(low.count..<key.byteCount))
      return false
    }
    return result
  }

  /// How many keys there are.
  public func count() throws(StorageError) -> UInt64 {
    try volume.transaction.requireActive()
    volume.transaction.recorder?.note(volume.id, tree, .all, countsOnly: true)
    return try tree.count(in: volume.transaction.view)
  }

  /// A cursor over the keys from `from` to before `to`.
  public func cursor(from: [UInt8]? = nil, to: [UInt8]? = nil) throws(StorageError) -> VolumeCursor {
    try volume.transaction.requireActive()
    return VolumeCursor(self, from: from ?? [], to: to)
  }

  /// The fastest way through the keys from `from` to before `to`: lends each entry to `body`, until that returns false.
  public func scan(
    from: [UInt8]? = nil, to: [UInt8]? = nil,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) {
    try volume.transaction.requireActive()
    guard let recorder = volume.transaction.recorder else {
      return try tree.scan(from: from, to: to, in: volume.transaction.view, body)
    }
    // Noted as read to the end first: should `body` throw, too much is noted rather than too little.
    let entry = recorder.note(volume.id, tree, KeyRange(low: from ?? [], high: to))
    try tree.scan(from: from, to: to, in: volume.transaction.view) { (key, value) throws(StorageError) -> Bool in
      if try body(key, value) { return true }
      entry.range.high = KeyRange.successor(of: BulkCopy.array(key))
      return false
    }
  }

  // MARK: Changing

  /// Sets the value of a key; true: there was one.
  @discardableResult
  public func put(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) -> Bool {
    let writer = try requireWrite(key)
    return try tree.put(key, value, in: writer)
  }

  /// Sets the value of a key; true: there was one.
  @discardableResult
  public func put(_ key: RawSpan, _ value: RawSpan) throws(StorageError) -> Bool {
    let writer = try requireWrite(key)
    return try tree.put(key, value, in: writer)
  }

  /// Sets the value of a key; how many bytes the value had that was there, or nil.
  public func replace(_ key: RawSpan, _ value: RawSpan) throws(StorageError) -> Int? {
    let writer = try requireWrite(key)
    return try tree.replace(key, value, in: writer)
  }

  /// Removes a key; false: there was none.
  @discardableResult
  public func delete(_ key: [UInt8]) throws(StorageError) -> Bool {
    let writer = try requireWrite(key)
    return try tree.delete(key, in: writer)
  }

  /// Removes a key; false: there was none.
  @discardableResult
  public func delete(_ key: RawSpan) throws(StorageError) -> Bool {
    let writer = try requireWrite(key)
    return try tree.delete(key, in: writer)
  }

  /// Removes a key; how many bytes its value had, nil when there was none.
  public func remove(_ key: RawSpan) throws(StorageError) -> Int? {
    let writer = try requireWrite(key)
    return try tree.remove(key, in: writer)
  }

  /// Removes the keys from `from` to before `to`, at most `limit` of them; how many there were.
  @discardableResult
  public func deleteRange(
    from: [UInt8]? = nil, to: [UInt8]? = nil, limit: UInt64? = nil
  ) throws(StorageError) -> UInt64 {
    try removeRange(from: from, to: to, limit: limit).count
  }

  /// Removes keys as `deleteRange` does; how many there were, and how many bytes keys and values had.
  public func removeRange(
    from: [UInt8]? = nil, to: [UInt8]? = nil, limit: UInt64? = nil
  ) throws(StorageError) -> (count: UInt64, byteCount: UInt64) {
    let writer = try volume.requireChanging()
    try requireWrite(KeyRange(low: from ?? [], high: to))
    return try tree.removeRange(from: from, to: to, limit: limit, in: writer)
  }

  // MARK: Bookkeeping

  private func noteRead(_ key: [UInt8]) throws(StorageError) {
    try volume.transaction.requireActive()
    volume.transaction.recorder?.note(volume.id, tree, KeyRange(key: key))
  }

  private func noteRead(_ key: RawSpan) throws(StorageError) {
    try volume.transaction.requireActive()
    guard let recorder = volume.transaction.recorder else { return }
    recorder.note(volume.id, tree, KeyRange(key: BulkCopy.array(key)))
  }

  private func requireWrite(_ key: [UInt8]) throws(StorageError) -> BlockTransaction {
    let writer = try volume.requireChanging()
    if volume.transaction.holds != nil || volume.transaction.recorder != nil {
      try requireWrite(KeyRange(key: key))
    }
    return writer
  }

  private func requireWrite(_ key: RawSpan) throws(StorageError) -> BlockTransaction {
    let writer = try volume.requireChanging()
    if volume.transaction.holds != nil || volume.transaction.recorder != nil {
      try requireWrite(KeyRange(key: BulkCopy.array(key)))
    }
    return writer
  }

  /// Refuses a range that a prepared transaction holds.
  func requireWrite(_ range: KeyRange) throws(StorageError) {
    let transaction = volume.transaction
    if let holds = transaction.holds, holds.refuseWrite(tree.root, range) {
      throw try transaction.conflict(volume.id, tree.root, range.low)
    }
    transaction.recorder?.noteWrite(volume.id, tree, range)
  }
}
