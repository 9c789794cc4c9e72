public import CairnBlocks
import CairnTrees

/// What a closure of `Store.read`, `transaction` or `resume` works with: the volumes of a store at one time.
///
/// It ends with the closure. In a read, everything that changes something throws `readOnly`.
public final class Transaction {
  /// What becomes of the changes.
  enum Mode {
    /// There are none.
    case read
    /// They are committed at the end.
    case single
    /// They are taken back at the end; the operations behind them are staged or held.
    case staging
    /// Staged operations take effect.
    case committing
  }

  let core: StoreCore
  let mode: Mode
  let view: BlockView
  let writer: BlockTransaction?
  /// Who acts; nil: the owner.
  public let principal: Principal?
  /// The multi-call transaction that this is a call of.
  public let id: TransactionID?
  /// Where that one keeps its operations.
  let staging: Tree?
  let recorder: ReadRecorder?
  /// The volumes and holds, with this transaction's own changes.
  var state: CatalogState
  /// What others hold.
  var holds: Holds?

  /// False once the closure has returned.
  private(set) var isActive = true
  /// Why nothing but rolling back is left.
  private(set) var failure: StorageError?
  /// A staged operation can not be done any more, or what was read has changed.
  var isConflicted = false
  /// An operation of some volume is running.
  var isPerforming = false
  /// The catalog's volumes changed.
  var catalogChanged = false
  /// A volume was removed, and its blocks are to be given back.
  var removedVolumes = false

  private var opened: [Volume] = []
  private var storeRights: Rights?
  /// Data extents of this call that no operation has taken over.
  private var untaken: [(extent: Extent, volume: Volume)] = []
  /// Data extents that operations of this call took over.
  private(set) var taken: [Extent] = []
  /// New operations of this call.
  private(set) var staged: [(volume: VolumeID, operation: StagedOperation)] = []
  /// Operations and bytes that the multi-call transaction has staged, this call included.
  var stagedOperationCount: UInt64 = 0
  var stagedByteCount: UInt64 = 0
  /// Root blocks of trees that only exist in this call.
  private(set) var newTrees: Set<BlockNumber> = []
  /// Of the blocks that the transaction took so far, those put to a volume's account.
  var attributedBlocks: Int64 = 0

  init(
    _ core: StoreCore, mode: Mode, view: BlockView, writer: BlockTransaction?, principal: Principal?,
    id: TransactionID? = nil, staging: Tree? = nil, recorder: ReadRecorder? = nil
  ) throws(StorageError) {
    self.core = core
    self.mode = mode
    self.view = view
    self.writer = writer
    self.principal = principal
    self.id = id
    self.staging = staging
    self.recorder = recorder
    // A running transaction's own view has no commit.
    state =
      writer == nil ? try core.state(in: view) : try core.state(try core.catalog.store(in: view), in: view)
    holds = state.holds
  }

  /// Whether nothing can be changed.
  public var isReadOnly: Bool { writer == nil }

  /// Operations are kept rather than done for good.
  var isStaging: Bool { mode == .staging }

  // MARK: Life

  /// Throws when the closure has returned.
  func requireActive() throws(StorageError) {
    guard isActive else { throw .transactionState(id?.rawValue ?? 0, state: "ended") }
  }

  /// The writer, if this transaction may change things and has not failed.
  func requireWriter() throws(StorageError) -> BlockTransaction {
    try requireActive()
    guard let writer else { throw .readOnly }
    guard failure == nil else { throw .transactionFailed }
    return writer
  }

  /// Leaves nothing but rolling back: an operation stopped half-way.
  func fail(_ error: StorageError) {
    if failure == nil { failure = error }
  }

  /// Throws what made the transaction fail.
  func requireSound() throws(StorageError) {
    if let failure { throw failure }
  }

  /// Ends the transaction: nothing of it works any more.
  func end() {
    isActive = false
    for volume in opened { volume.companion = nil }
    opened = []
    untaken = []
  }

  // MARK: Volumes

  /// A volume by its name.
  ///
  /// Throws `notFound`, `wrongKind` when it is of another kind or of a newer format, and `accessDenied`.
  public func volume(_ name: String, kind: VolumeKind) throws(StorageError) -> Volume {
    try requireActive()
    guard let found = try find(name) else { throw .notFound(Subject("volume", name)) }
    return try open(found, as: kind)
  }

  /// A volume by its id.
  public func volume(_ id: VolumeID, kind: VolumeKind) throws(StorageError) -> Volume {
    try requireActive()
    guard let found = state.volume(id), !found.record.isBeingRemoved else {
      throw .notFound(Subject("volume", id.description))
    }
    return try open(found, as: kind)
  }

  /// Whether there is a volume of this name, of whatever kind.
  public func volumeExists(_ name: String) throws(StorageError) -> Bool {
    try requireActive()
    return try find(name) != nil
  }

  /// Looks a name up in the catalog, which is a read like any other.
  func find(_ name: String) throws(StorageError) -> CatalogVolume? {
    if let recorder {
      let key = CatalogKey.name(Array(name.utf8))
      recorder.note(.catalog, core.catalog.tree, KeyRange(key: key))
    }
    return state.volume(named: name)
  }

  private func open(_ found: CatalogVolume, as kind: VolumeKind) throws(StorageError) -> Volume {
    guard found.record.kind == kind else {
      throw .wrongKind(volume: found.record.name, found: found.record.kind.description, expected: kind.description)
    }
    return try open(found)
  }

  /// The volume's object, made when it is asked for the first time. `isAccessChecked` is false where the store itself works.
  func open(_ found: CatalogVolume, isAccessChecked: Bool = true) throws(StorageError) -> Volume {
    for volume in opened where volume.id == found.id && volume.incarnation == found.record.incarnation {
      if isAccessChecked { try require(.read, on: found) }
      try prepareForUse(volume)
      return volume
    }
    guard let filesystem = core.filesystem(found.record.kind) else {
      throw .wrongKind(
        volume: found.record.name, found: found.record.kind.description, expected: "a kind that the program registered")
    }
    guard found.record.formatVersion <= filesystem.formatVersion else {
      throw .wrongKind(
        volume: found.record.name, found: "\(found.record.kind) \(found.record.formatVersion)",
        expected: "\(found.record.kind) \(filesystem.formatVersion) or older")
    }
    if isAccessChecked { try require(.read, on: found) }
    let volume = Volume(self, found, filesystem)
    opened.append(volume)
    try prepareForUse(volume)
    return volume
  }

  /// Enters the object of a volume that the transaction just made.
  func enter(_ volume: Volume) { opened.append(volume) }

  private func prepareForUse(_ volume: Volume) throws(StorageError) {
    guard !volume.isReady else { return }
    volume.isReady = true
    // A volume that this transaction made, or that is on its way out, is not mounted.
    if !newTrees.contains(volume.tree.root), !volume.isBeingRemoved, !core.isMounted(volume.incarnation) {
      if let recorder {
        try recorder.suspended { () throws(StorageError) in try volume.filesystem.mount(volume) }
      } else {
        try volume.filesystem.mount(volume)
      }
      core.setMounted(volume.incarnation)
    }
    if mode == .staging || mode == .committing, let staging {
      try requireSameLife(of: volume, in: staging)
      if mode == .staging && recorder?.purpose == .call { try reapply(volume, from: staging) }
    }
  }

  /// The volumes that were opened so far.
  var openedVolumes: [Volume] { opened }

  /// The store's catalog as a volume, so that changes of it are operations like any other.
  func catalogVolume() throws(StorageError) -> Volume {
    for volume in opened where volume.id == .catalog { return volume }
    let volume = Volume(catalogOf: self)
    opened.append(volume)
    return volume
  }

  // MARK: Access

  /// What the principal may do with a volume; with nil, with the store.
  func rights(on id: VolumeID?) throws(StorageError) -> Rights {
    guard let principal else { return .admin }
    if storeRights == nil { storeRights = try core.catalog.rights(of: principal, on: .store, in: view) }
    let rights = storeRights ?? []
    guard let id else { return rights }
    return rights.union(try core.catalog.rights(of: principal, on: .volume(id), in: view))
  }

  func require(_ needed: Rights, on volume: CatalogVolume) throws(StorageError) {
    guard try rights(on: volume.id).isSuperset(of: needed) else {
      throw .accessDenied(
        principal: principal?.bytes ?? [], right: needed.description, volume: volume.record.name)
    }
  }

  /// Throws unless the principal has a right on the whole store.
  func requireStore(_ needed: Rights) throws(StorageError) {
    guard try rights(on: nil).isSuperset(of: needed) else {
      throw .accessDenied(principal: principal?.bytes ?? [], right: needed.description, volume: "")
    }
  }

  // MARK: Data and operations of this call

  func noteNewTree(_ root: BlockNumber) { newTrees.insert(root) }

  func noteExtents(_ extents: [Extent], of volume: Volume) {
    for extent in extents { untaken.append((extent, volume)) }
  }

  /// Hands data of this call over to an operation.
  func take(_ extents: [Extent]) throws(StorageError) {
    for extent in extents {
      guard let index = untaken.lastIndex(where: { $0.extent == extent }) else {
        throw .invalidArgument("an operation takes over data that this transaction did not write")
      }
      untaken.remove(at: index)
      taken.append(extent)
    }
  }

  /// Forgets data that were written in this call; true if they were.
  func dropUntaken(_ extent: Extent) -> Bool {
    guard let index = untaken.lastIndex(where: { $0.extent == extent }) else { return false }
    untaken.remove(at: index)
    return true
  }

  /// Keeps an operation for the end of the call, within the bounds of one transaction.
  func stage(_ volume: VolumeID, _ operation: StagedOperation) throws(StorageError) {
    let limits = core.limits
    stagedOperationCount = adding(1, to: stagedOperationCount)
    stagedByteCount = adding(operation.byteCount(blockByteCount: view.blockByteCount), to: stagedByteCount)
    guard stagedOperationCount <= limits.operationCount else {
      throw .limitExceeded(what: "operations of one transaction", limit: limits.operationCount)
    }
    guard stagedByteCount <= limits.stagedByteCount else {
      throw .limitExceeded(what: "bytes staged by one transaction", limit: limits.stagedByteCount)
    }
    staged.append((volume, operation))
  }

  /// Forgets what a call that failed staged.
  func dropStaged() {
    staged = []
    taken = []
  }

  /// Gives back the data that no operation took over.
  func freeUntaken(_ writer: BlockTransaction) throws(StorageError) {
    for (extent, volume) in untaken {
      writer.erasesFreed = volume.filesystem.erasesFreedSpace
      defer { writer.erasesFreed = false }
      try writer.free(extent)
      volume.change.blocks -= Int64(extent.count)
      attributedBlocks -= Int64(extent.count)
    }
    untaken = []
  }
}
