import CairnBlocks
import CairnBytes
import CairnTrees

/// The store's own tree: volumes, grants, multi-call transactions and their outcomes. Its root is the device's root.
struct Catalog: Sendable {
  let tree: Tree

  init(root: BlockNumber) {
    tree = Tree(root: root, owner: VolumeID.catalog.rawValue)
  }

  /// Reads a record; one that does not decode is damage of the catalog.
  func decode<Record>(
    _ bytes: [UInt8], _ decoder: ([UInt8]) throws(ByteReader.Failure) -> Record
  ) throws(StorageError) -> Record {
    do { return try decoder(bytes) } catch { throw damage }
  }

  /// What is said of a record that makes no sense.
  var damage: StorageError { .damaged(tree.root.rawValue, .malformed) }

  // MARK: The store

  func store(in view: BlockView) throws(StorageError) -> StoreRecord {
    guard let bytes = try tree.get(CatalogKey.store, in: view) else { throw damage }
    return try decode(bytes, StoreRecord.init(decoding:))
  }

  func setStore(_ record: StoreRecord, in writer: BlockTransaction) throws(StorageError) {
    try tree.put(CatalogKey.store, record.encoded, in: writer)
  }

  // MARK: Volumes

  func volumes(in view: BlockView) throws(StorageError) -> [CatalogVolume] {
    var found: [CatalogVolume] = []
    var cursor = try RangeCursor(tree, CatalogKey.volumes, in: view)
    while try cursor.next() {
      guard let id = CatalogKey.volume(cursor.key) else { throw damage }
      found.append(CatalogVolume(id: id, record: try decode(cursor.value(), VolumeRecord.init(decoding:))))
    }
    return found
  }

  func volume(_ id: VolumeID, in view: BlockView) throws(StorageError) -> VolumeRecord? {
    guard let bytes = try tree.get(CatalogKey.volume(id), in: view) else { return nil }
    return try decode(bytes, VolumeRecord.init(decoding:))
  }

  func usage(of id: VolumeID, in view: BlockView) throws(StorageError) -> VolumeUsage {
    guard let bytes = try tree.get(CatalogKey.usage(id), in: view) else { return VolumeUsage() }
    return try decode(bytes, VolumeUsage.init(decoding:))
  }

  // MARK: Grants

  func rights(of principal: Principal, on scope: GrantScope, in view: BlockView) throws(StorageError) -> Rights {
    guard let bytes = try tree.get(CatalogKey.grant(principal, scope), in: view) else { return [] }
    return try decode(bytes, GrantRecord.init(decoding:)).rights
  }

  func grants(in view: BlockView) throws(StorageError) -> [Grant] {
    var found: [Grant] = []
    var cursor = try RangeCursor(tree, CatalogKey.grants, in: view)
    while try cursor.next() {
      guard let (principal, scope) = CatalogKey.grant(cursor.key) else { throw damage }
      let record = try decode(cursor.value(), GrantRecord.init(decoding:))
      found.append(Grant(principal: principal, scope: scope, rights: record.rights))
    }
    return found
  }

  // MARK: Multi-call transactions

  func transaction(_ id: TransactionID, in view: BlockView) throws(StorageError) -> TransactionRecord? {
    guard let bytes = try tree.get(CatalogKey.transaction(id), in: view) else { return nil }
    return try decode(bytes, TransactionRecord.init(decoding:))
  }

  func setTransaction(
    _ id: TransactionID, _ record: TransactionRecord, in writer: BlockTransaction
  ) throws(StorageError) {
    try tree.put(CatalogKey.transaction(id), record.encoded, in: writer)
  }

  func transactions(in view: BlockView) throws(StorageError) -> [(id: TransactionID, record: TransactionRecord)] {
    var found: [(id: TransactionID, record: TransactionRecord)] = []
    var cursor = try RangeCursor(tree, CatalogKey.transactions, in: view)
    while try cursor.next() {
      guard let id = CatalogKey.transaction(cursor.key) else { throw damage }
      found.append((id, try decode(cursor.value(), TransactionRecord.init(decoding:))))
    }
    return found
  }

  func outcome(of id: TransactionID, in view: BlockView) throws(StorageError) -> OutcomeRecord? {
    guard let bytes = try tree.get(CatalogKey.outcome(id), in: view) else { return nil }
    return try decode(bytes, OutcomeRecord.init(decoding:))
  }

  func setOutcome(_ id: TransactionID, _ record: OutcomeRecord, in writer: BlockTransaction) throws(StorageError) {
    try tree.put(CatalogKey.outcome(id), record.encoded, in: writer)
    try tree.put(CatalogKey.outcomeOrder(record.endedAt, id), [], in: writer)
  }

  // MARK: Long work

  func work(_ id: UInt64, in view: BlockView) throws(StorageError) -> WorkRecord? {
    guard let bytes = try tree.get(CatalogKey.work(id), in: view) else { return nil }
    return try decode(bytes, WorkRecord.init(decoding:))
  }

  /// The long work that is under way, oldest first.
  func works(in view: BlockView) throws(StorageError) -> [(id: UInt64, record: WorkRecord)] {
    var found: [(id: UInt64, record: WorkRecord)] = []
    var cursor = try RangeCursor(tree, CatalogKey.works, in: view)
    while try cursor.next() {
      guard let id = CatalogKey.work(cursor.key) else { throw damage }
      found.append((id, try decode(cursor.value(), WorkRecord.init(decoding:))))
    }
    return found
  }

  // MARK: Outcomes

  /// Forgets up to `limit` outcomes from before `time`.
  func forgetOutcomes(before time: UInt64, limit: Int, in writer: BlockTransaction) throws(StorageError) {
    var forgotten: [[UInt8]] = []
    var cursor = try RangeCursor(tree, CatalogKey.outcomeOrder(before: time), in: writer.view)
    while forgotten.count < limit, try cursor.next() { forgotten.append(cursor.key) }
    for key in forgotten {
      guard let id = CatalogKey.outcomeOrder(key) else { throw damage }
      try tree.delete(key, in: writer)
      try tree.delete(CatalogKey.outcome(id), in: writer)
    }
  }
}

/// A volume of the catalog.
struct CatalogVolume: Equatable, Sendable {
  let id: VolumeID
  var record: VolumeRecord
}

/// Walks a range of a tree upwards; for the catalog's and the staging trees' own records.
struct RangeCursor {
  private var cursor: TreeCursor
  private let range: KeyRange
  private var isStarted = false
  private(set) var key: [UInt8] = []

  init(_ tree: Tree, _ range: KeyRange, in view: BlockView) throws(StorageError) {
    cursor = tree.cursor(in: view)
    self.range = range
  }

  /// Steps to the next entry of the range; false behind the last one.
  mutating func next() throws(StorageError) -> Bool {
    let isFound: Bool
    if isStarted {
      isFound = try cursor.next()
    } else {
      isStarted = true
      isFound = range.low.isEmpty ? try cursor.seekFirst() : try cursor.seek(to: range.low)
    }
    guard isFound else { return false }
    key = cursor.key
    return KeyRange.isBelow(key, end: range.high)
  }

  func value() throws(StorageError) -> [UInt8] { try cursor.value() }
}
