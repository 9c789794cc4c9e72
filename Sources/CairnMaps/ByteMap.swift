public import CairnBlocks
import CairnBytes
public import CairnVolumes

/// An ordered map from byte strings to byte strings inside a transaction, in byte order.
///
/// Keys have 1 to `maximumKeyByteCount` bytes. Values of any length up to 1 GiB or so; what does not fit a leaf lies in
/// extents of its own. Looking up, changing and seeking cost time in the height of the tree; reads lend the bytes of the
/// cache (`withValue`, `scan`, the cursor's `withKey`) or copy them (`get`).
///
/// What a closure is lent ends with it, and the closure must not change the map.
///
///     try store.transaction { (transaction) throws(StorageError) in
///       try transaction.map("ages").put(Array("ada".utf8), [36])
///     }
public struct ByteMap {
  let volume: Volume
  /// The tree with the entries.
  let entries: VolumeTree
  private let header: MapHeader

  /// The map in a volume, whatever its definition is.
  init(_ volume: Volume) throws(StorageError) {
    self.volume = volume
    // Nothing changes the header as long as the volume lives, and that it lives is looked at in any case.
    let bytes = try volume.withoutRecording { () throws(StorageError) in try volume.root.get(MapHeader.key) }
    guard let bytes else { throw .damaged(Damage(block: volume.root.rootBlock, reason: .malformed)) }
    header = try volume.decode(bytes, MapHeader.init(decoding:))
    entries = volume.tree(at: header.entries)
  }

  init(_ volume: Volume, definition: String) throws(StorageError) {
    try self.init(volume)
    guard header.definition == Array(definition.utf8) else {
      throw .wrongKind(
        volume: volume.name, found: "a map of \"\(self.definition)\"", expected: "a map of \"\(definition)\"")
    }
  }

  /// What keys and values mean, in the words of who made the map.
  public var definition: String { String(decoding: header.definition, as: UTF8.self) }

  /// Most bytes of a key: 1,040 on blocks of 4096 bytes and more.
  public var maximumKeyByteCount: Int { entries.maximumKeyByteCount }

  // MARK: Reading

  /// A copy of the value of a key, or nil.
  public func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? { try entries.get(key) }

  /// A copy of the value of a key, or nil.
  public func get(_ key: RawSpan) throws(StorageError) -> [UInt8]? { try entries.get(key) }

  /// Lends the value of a key to `body`, without a copy; nil without one.
  @inlinable
  public func withValue<Result>(
    for key: RawSpan, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try tree.withValue(for: key, body)
  }

  /// Lends the value of a key to `body`, without a copy; nil without one.
  @inlinable
  public func withValue<Result>(
    for key: [UInt8], _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try tree.withValue(for: key, body)
  }

  @usableFromInline var tree: VolumeTree { entries }

  /// Whether there is a value for a key.
  public func contains(_ key: [UInt8]) throws(StorageError) -> Bool { try entries.contains(key) }

  /// How many entries there are; kept, not counted.
  public func count() throws(StorageError) -> UInt64 { try entries.count() }

  /// A cursor over the entries from `from` to before `to`, which moves both ways.
  public func cursor(from: [UInt8]? = nil, to: [UInt8]? = nil) throws(StorageError) -> VolumeCursor {
    try entries.cursor(from: from, to: to)
  }

  /// The fastest way through the entries from `from` to before `to`: lends each to `body`, until that returns false.
  @inlinable
  public func scan(
    from: [UInt8]? = nil, to: [UInt8]? = nil,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) {
    try tree.scan(from: from, to: to, body)
  }

  // MARK: Changing

  /// Sets the value of a key, whatever it was: in a multi-call transaction it never conflicts with others' puts.
  ///
  /// - Throws: `invalidKey`, `valueTooLarge`, `full`, `quotaExceeded`; `transactionTooLarge` when the journal cannot take
  ///   what the transaction changed so far.
  public func put(_ key: RawSpan, _ value: RawSpan) throws(StorageError) {
    try volume.perform(operation: { MapOperation.put(key: BulkCopy.array(key), value: BulkCopy.array(value)).encoded })
    {
      () throws(StorageError) in try store(key, value)
    }
  }

  /// Sets the value of a key; see the one with spans.
  public func put(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
    try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try BulkCopy.withRawSpan(of: value) { (value) throws(StorageError) in try put(key, value) }
    }
  }

  /// Removes a key; false when there was none.
  @discardableResult
  public func delete(_ key: RawSpan) throws(StorageError) -> Bool {
    try volume.perform(
      recordsReads: true, releasesSpace: true, operation: { MapOperation.delete(key: BulkCopy.array(key)).encoded }
    ) { () throws(StorageError) in try drop(key) }
  }

  /// Removes a key; false when there was none.
  @discardableResult
  public func delete(_ key: [UInt8]) throws(StorageError) -> Bool {
    try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in try delete(key) }
  }

  /// Removes the entries from `from` to before `to`, at most `limit` of them, the first ones; how many there were.
  ///
  /// Time proportional to the leaves that go, not to the entries. Long work can be cut with `limit`: call it until it
  /// returns less.
  @discardableResult
  public func deleteRange(
    from: [UInt8]? = nil, to: [UInt8]? = nil, limit: UInt64? = nil
  ) throws(StorageError) -> UInt64 {
    try Self.requireAllowed(from, to)
    let operation = MapOperation.deleteRange(from: from ?? [], to: to, limit: limit)
    return try volume.perform(recordsReads: true, releasesSpace: true, operation: { operation.encoded }) {
      () throws(StorageError) in try dropRange(from: from ?? [], to: to, limit: limit)
    }
  }

  /// Throws for bounds that no operation carries.
  static func requireAllowed(_ bounds: [UInt8]?...) throws(StorageError) {
    for bound in bounds {
      guard let bound, bound.count > MapOperation.boundByteCountMax else { continue }
      throw .invalidKey(byteCount: bound.count, limit: MapOperation.boundByteCountMax)
    }
  }

  // MARK: Changes, now or again for what was staged

  func apply(_ operation: MapOperation) throws(StorageError) {
    switch operation {
    case .put(let key, let value):
      try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
        try BulkCopy.withRawSpan(of: value) { (value) throws(StorageError) in try store(key, value) }
      }
    case .delete(let key):
      try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in _ = try drop(key) }
    case .deleteRange(let from, let to, let limit):
      _ = try dropRange(from: from, to: to, limit: limit)
    }
  }

  private func store(_ key: RawSpan, _ value: RawSpan) throws(StorageError) {
    if let old = try entries.replace(key, value) {
      try volume.account(items: 0, bytes: Int64(value.byteCount - old))
    } else {
      try volume.account(items: 1, bytes: Int64(key.byteCount + value.byteCount))
    }
  }

  private func drop(_ key: RawSpan) throws(StorageError) -> Bool {
    guard let old = try entries.remove(key) else { return false }
    try volume.account(items: -1, bytes: -Int64(key.byteCount + old))
    return true
  }

  private func dropRange(from: [UInt8], to: [UInt8]?, limit: UInt64?) throws(StorageError) -> UInt64 {
    let removed = try entries.removeRange(from: from, to: to, limit: limit)
    try volume.account(items: -Int64(clamping: removed.count), bytes: -Int64(clamping: removed.byteCount))
    return removed.count
  }
}
