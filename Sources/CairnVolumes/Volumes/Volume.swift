public import CairnBlocks
import CairnTrees

/// A volume inside one transaction: what a filesystem works with.
///
/// It has a root tree and whatever trees and data the filesystem makes beside it. It ends with its transaction.
public final class Volume {
  /// The transaction that this is part of.
  public let transaction: Transaction
  /// Its number.
  public let id: VolumeID
  /// Its filesystem.
  public let kind: VolumeKind
  /// Which of all volumes that ever were.
  package let incarnation: UInt64
  let tree: Tree
  let filesystem: any Filesystem
  let isBeingRemoved: Bool
  /// The definition when the volume was opened, before changes of this transaction.
  let openedDefinition: UInt64
  private let openedName: String

  /// What the filesystem keeps for this transaction.
  public var companion: (any VolumeCompanion)?

  /// Staged operations of earlier calls were done.
  var isReady = false
  /// Changes of the usage that are not in the catalog yet.
  var change = UsageChange()
  /// An operation is running: trees may be changed.
  private(set) var isChanging = false
  /// Data that operations inside the running one took over.
  private var innerExtents: [Extent] = []
  /// The stored usage, read when it is first needed.
  private var storedUsage: VolumeUsage?

  init(_ transaction: Transaction, _ found: CatalogVolume, _ filesystem: any Filesystem) {
    self.transaction = transaction
    self.filesystem = filesystem
    id = found.id
    kind = found.record.kind
    incarnation = found.record.incarnation
    isBeingRemoved = found.record.isBeingRemoved
    openedDefinition = found.record.definition
    openedName = found.record.name
    tree = Tree(root: found.record.root, owner: found.id.rawValue)
  }

  /// The catalog as a volume.
  init(catalogOf transaction: Transaction) {
    self.transaction = transaction
    filesystem = CatalogFilesystem.shared
    id = .catalog
    kind = filesystem.kind
    incarnation = 0
    isBeingRemoved = false
    openedDefinition = 0
    openedName = ""
    tree = transaction.core.catalog.tree
    isReady = true
  }

  // MARK: What it is

  /// Its record in the catalog, with this transaction's changes.
  private var record: VolumeRecord? { transaction.state.volume(id)?.record }

  /// Its name.
  public var name: String { record?.name ?? openedName }

  /// The version of the filesystem's format in it.
  public var formatVersion: UInt16 { record?.formatVersion ?? filesystem.formatVersion }

  /// Bytes of a block of the device.
  public var blockByteCount: Int { transaction.view.blockByteCount }

  /// A number that changes whenever the filesystem calls `changeDefinition()`, to one that it never was.
  ///
  /// What was parsed from the volume (a schema, say) may be cached under it, in any snapshot.
  public var definition: UInt64 { record?.definition ?? openedDefinition }

  /// What was parsed from the volume under its present definition; `parse` makes it when nobody has yet.
  public func parsedDefinition(
    _ parse: () throws(StorageError) -> any ParsedDefinition
  ) throws(StorageError) -> any ParsedDefinition {
    let definition = self.definition
    if let known = transaction.core.parsed(incarnation, definition) { return known }
    let parsed = try parse()
    transaction.core.setParsed(incarnation, definition, parsed)
    return parsed
  }

  /// What the principal of the transaction may do with the volume.
  public func rights() throws(StorageError) -> Rights { try transaction.rights(on: id) }

  /// Leaves nothing but rolling back: one of several operations that belong together failed.
  public func fail(_ error: StorageError) { transaction.fail(error) }

  /// Whether the transaction may change the volume, access aside.
  public var isWritable: Bool { transaction.writer != nil }

  /// What the volume takes and holds, with this transaction's changes.
  public func usage() throws(StorageError) -> VolumeUsage {
    try transaction.requireActive()
    var usage = try committedUsage()
    usage.add(change)
    return usage
  }

  private func committedUsage() throws(StorageError) -> VolumeUsage {
    if let storedUsage { return storedUsage }
    let usage = try transaction.core.catalog.usage(of: id, in: transaction.view)
    storedUsage = usage
    return usage
  }

  // MARK: Trees

  /// The tree that every volume has.
  public var root: VolumeTree { VolumeTree(volume: self, tree: tree) }

  /// A tree that the filesystem made earlier, by the block of its root.
  public func tree(at root: BlockNumber) -> VolumeTree {
    VolumeTree(volume: self, tree: Tree(root: root, owner: id.rawValue))
  }

  /// Makes a tree. Its root's block number never changes; the filesystem keeps it, in the root tree say.
  public func makeTree() throws(StorageError) -> VolumeTree {
    let writer = try requireChanging()
    let tree = try Tree.create(owner: id.rawValue, in: writer)
    transaction.noteNewTree(tree.root)
    return VolumeTree(volume: self, tree: tree)
  }

  // MARK: Operations

  /// Throws unless the transaction may change the volume, so that long preparations are not made in vain.
  public func requireWrite() throws(StorageError) {
    _ = try transaction.requireWriter()
    try requireWriteAccess()
  }

  private var hasWriteAccess = false

  private func requireWriteAccess() throws(StorageError) {
    if hasWriteAccess { return }
    if id != .catalog {
      guard let found = transaction.state.volume(id), !found.record.isBeingRemoved else {
        throw .notFound(Subject("volume", name))
      }
      try transaction.require(.write, on: found)
    }
    hasWriteAccess = true
  }

  /// Changes the volume. Every change goes through here.
  ///
  /// `body` does it now. In a multi-call transaction the bytes that `operation` makes are staged, and
  /// `Filesystem.apply` does it again in later calls and at commit; otherwise they are never made.
  ///
  /// - Parameters:
  ///   - extents: data that were written in this transaction and that the operation takes over.
  ///   - recordsReads: the result tells the caller what was there before. What `body` reads then counts as read by the
  ///     transaction; otherwise only when it throws.
  ///   - releasesSpace: the operation deletes something and may use the blocks that are set aside for that.
  ///   - operation: the bytes for `Filesystem.apply`.
  ///   - body: the change itself. When it throws after it changed something, the whole transaction fails.
  public func perform<Result>(
    taking extents: [Extent] = [], recordsReads: Bool = false, releasesSpace: Bool = false,
    operation: () -> [UInt8], _ body: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let writer = try transaction.requireWriter()
    // An operation that is part of another one is not staged for itself.
    if isChanging {
      try transaction.take(extents)
      innerExtents += extents
      return try body()
    }
    guard !transaction.isPerforming else {
      throw .invalidArgument("an operation of one volume can not contain one of another: they would be staged twice")
    }
    transaction.isPerforming = true
    defer { transaction.isPerforming = false }
    if !innerExtents.isEmpty { innerExtents = [] }
    try requireWriteAccess()
    writer.usesReserve = releasesSpace
    let mark = writer.changeCount
    let reads = transaction.recorder?.beginOperation() ?? 0
    var keepsReads = true
    defer { transaction.recorder?.endOperation(reads, keepsReads: keepsReads) }
    do {
      let result = try changing(writer, body)
      try requireQuota(releasesSpace: releasesSpace)
      if !extents.isEmpty { try transaction.take(extents) }
      if transaction.isStaging {
        let extents = extents + innerExtents
        try stage(StagedOperation(operation: operation(), extents: extents, releasesSpace: releasesSpace))
      }
      keepsReads = recordsReads
      return result
    } catch {
      if writer.changeCount != mark { transaction.fail(error) }
      throw error
    }
  }

  private func stage(_ operation: StagedOperation) throws(StorageError) {
    let limit = transaction.core.limits.operationByteCount
    guard UInt64(operation.operation.count) <= limit else {
      throw .limitExceeded(what: "bytes of one staged operation", limit: limit)
    }
    try transaction.stage(id, operation)
  }

  /// Runs `body` as part of an operation and puts the blocks that it takes to the volume's account.
  func changing<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
    try changing(try transaction.requireWriter(), body)
  }

  private func changing<Result>(
    _ writer: BlockTransaction, _ body: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let before = (isChanging, writer.erasesFreed)
    isChanging = true
    writer.erasesFreed = filesystem.erasesFreedSpace
    defer { (isChanging, writer.erasesFreed) = before }
    return try accounting(writer, body)
  }

  /// Puts the blocks that `body` takes to the volume's account, but for those that go to another volume's.
  func accounting<Result>(
    _ writer: BlockTransaction, _ body: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let start = writer.blockDelta - transaction.attributedBlocks
    defer {
      let own = writer.blockDelta - transaction.attributedBlocks - start
      transaction.attributedBlocks += own
      change.blocks += own
    }
    return try body()
  }

  /// The writer, if an operation is running.
  func requireChanging() throws(StorageError) -> BlockTransaction {
    let writer = try transaction.requireWriter()
    guard isChanging else {
      throw .invalidArgument("a filesystem changes its volume only inside Volume.perform, format, apply and remove")
    }
    return writer
  }

  /// Adds to what the volume is said to hold. Better than a counter in a tree, which all writers would have to change.
  public func account(items: Int64, bytes: Int64) throws(StorageError) {
    _ = try requireChanging()
    change.items += items
    change.bytes += bytes
  }

  /// Says that what may be cached under `definition` has changed. Open multi-call transactions that used the volume will
  /// have a conflict.
  public func changeDefinition() throws(StorageError) {
    _ = try requireChanging()
    guard !isHeld else { throw .conflict(volume: name, key: []) }
    let definition = transaction.uniqueNumber()
    try transaction.changeRecord(of: id) { $0.definition = definition }
  }

  /// Says that the volume is now in a newer version of the filesystem's format.
  public func setFormatVersion(_ version: UInt16) throws(StorageError) {
    _ = try requireChanging()
    guard version <= filesystem.formatVersion else {
      throw .invalidArgument("format version \(version) is newer than the filesystem's \(filesystem.formatVersion)")
    }
    try changeDefinition()
    try transaction.changeRecord(of: id) { $0.formatVersion = version }
  }

  /// A prepared transaction relies on something of the volume.
  var isHeld: Bool { transaction.holds?.holds(id) ?? false }

  // MARK: Quota

  /// Throws when the volume takes more than its quota, or blocks that other volumes reserved.
  private func requireQuota(releasesSpace: Bool) throws(StorageError) {
    guard id != .catalog, !releasesSpace, change.blocks > 0 else { return }
    try requireRoom(forBlocks: 0)
  }

  /// Throws unless so many more blocks are within the volume's quota and spare what other volumes reserved.
  func requireRoom(forBlocks count: UInt64) throws(StorageError) {
    guard let record else { return }
    if let quota = record.quotaByteCount {
      let usage = try self.usage()
      let blockByteCount = UInt64(self.blockByteCount)
      let room = quota / blockByteCount
      guard usage.takenBlockCount <= room, count <= room - usage.takenBlockCount else {
        throw .quotaExceeded(volume: record.name, limit: quota)
      }
    }
    guard transaction.state.hasReservations, let writer = transaction.writer else { return }
    let reserved = try transaction.blocksReserved(besides: id)
    let free = writer.freeBlockCount
    guard free >= count, free - count >= reserved else { throw .full(requestedBlocks: count, freeBlocks: free) }
  }

  /// Data that this transaction allocates outside of an operation.
  func allocating<Result>(
    _ body: (BlockTransaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let writer = try transaction.requireWriter()
    try requireWriteAccess()
    return try accounting(writer) { () throws(StorageError) in try body(writer) }
  }
}
