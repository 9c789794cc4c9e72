public import CairnBlocks

// Long work: begun in a transaction, done in many.

extension Volume {
  /// Begins long work on the volume: what `Store.step(budget:)` then does piece by piece, each in a commit of its own, through
  /// `Filesystem.advance`. It begins with the commit of this transaction and goes on after a restart. The same work that is
  /// under way already is not begun again.
  ///
  /// - Parameter work: what is to be done, in bytes of the filesystem's.
  /// - Throws: `accessDenied` unless the principal may write to the volume.
  public func begin(work: [UInt8]) throws(StorageError) {
    try requireWrite()
    guard work.count <= WorkRecord.workByteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(work.count), limit: UInt64(WorkRecord.workByteCountMax))
    }
    let record = WorkRecord(
      volume: id, incarnation: incarnation, beganAt: transaction.time, principal: transaction.principal, work: work)
    try transaction.perform(.beginWork(record))
  }
}

extension Transaction {
  /// The long work that is under way, oldest first: all of it for administrators of the store, else what the principal began.
  public func works() throws(StorageError) -> [WorkInformation] {
    try requireActive()
    recorder?.note(.catalog, core.catalog.tree, CatalogKey.works)
    let isAdministrator = try rights(on: nil).contains(.admin)
    var list: [WorkInformation] = []
    for (id, record) in try core.catalog.works(in: view) where isAdministrator || record.principal == principal {
      list.append(
        WorkInformation(
          id: id, volume: record.volume, beganAt: record.beganAt, stepCount: record.stepCount,
          principal: record.principal))
    }
    return list
  }

  /// Breaks long work off: what was done stays done, and what was half done (a copy of a large object) is given back. For
  /// administrators of the store, and for who began it.
  public func cancelWork(_ id: UInt64) throws(StorageError) {
    _ = try requireWriter()
    guard let record = try core.catalog.work(id, in: view) else { throw .notFound(Subject("long work", "\(id)")) }
    if record.principal != principal { try requireStore(.admin) }
    try perform(.cancelWork(id))
  }

  /// Notes long work in the catalog, as part of an operation, unless the same is under way.
  func beginWork(_ record: WorkRecord, in catalog: Volume) throws(StorageError) {
    // A multi-call transaction may commit long after the work was begun, on another volume of the same number.
    guard let found = state.volume(record.volume), !found.record.isBeingRemoved,
      found.record.incarnation == record.incarnation
    else { throw .notFound(Subject("volume", record.volume.description)) }
    let known = try core.catalog.works(in: view)
    guard !known.contains(where: { $0.record.incarnation == record.incarnation && $0.record.work == record.work })
    else { return }
    guard known.count < Self.workCountMax else {
      throw .limitExceeded(what: "long works under way", limit: UInt64(Self.workCountMax))
    }
    // Behind all others: they are done in the order of their numbers.
    let id = max(record.beganAt, adding(1, to: known.last?.id ?? 0))
    try catalog.root.put(CatalogKey.work(id), record.encoded)
  }

  /// Takes long work out of the catalog, as part of an operation, and gives back what it left half done.
  func breakOffWork(_ id: UInt64, in catalog: Volume) throws(StorageError) {
    guard let bytes = try catalog.root.get(CatalogKey.work(id)) else { throw .notFound(Subject("long work", "\(id)")) }
    let record = try core.catalog.decode(bytes, WorkRecord.init(decoding:))
    try catalog.root.delete(CatalogKey.work(id))
    // What a call of a multi-call transaction changes is taken back at its end: its commit gives back.
    guard !record.cursor.isEmpty, !isStaging, let found = state.volume(record.volume),
      found.record.incarnation == record.incarnation, !found.record.isBeingRemoved,
      core.filesystem(found.record.kind) != nil
    else { return }
    let volume = try open(found, isAccessChecked: false)
    try volume.changing { () throws(StorageError) in
      try volume.filesystem.abandon(volume, record.work, cursor: record.cursor)
    }
  }

  /// Works that may be under way at one time.
  static let workCountMax = 1000
}

/// Long work that is under way.
public struct WorkInformation: Hashable, Sendable {
  /// Its number, for `cancelWork`.
  public let id: UInt64
  /// The volume that it works on.
  public let volume: VolumeID
  /// When it began, nanoseconds since 1970.
  public let beganAt: UInt64
  /// Steps that were done.
  public let stepCount: UInt64
  /// Who began it; nil: the owner of the store.
  public let principal: Principal?
}

extension Store {
  /// The long work that is under way, oldest first: all of it for administrators of the store, else what the principal began.
  public func works() throws(StorageError) -> [WorkInformation] {
    try read { (transaction) throws(StorageError) in try transaction.works() }
  }

  /// Breaks long work off: what was done stays done, and what was half done (a copy of a large object) is given back. For
  /// administrators of the store, and for who began it.
  public func cancelWork(_ id: UInt64) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in try transaction.cancelWork(id) }
  }
}
