public import CairnBlocks
public import CairnMemory
import CairnTrees

/// A store on one memory: volumes of several kinds that share blocks, transactions and a journal.
///
/// All calls block until they are done and may come from any thread. One call changes the store at a time; reads go on
/// beside it, each on the state that was committed when it began. A call must not begin another one that changes the store
/// from within its closure: it would wait for itself.
public final class Store: Sendable {
  let core: StoreCore
  /// Who the store acts as; nil: the owner.
  public let principal: Principal?

  private init(_ core: StoreCore, as principal: Principal?) {
    self.core = core
    self.principal = principal
  }

  // MARK: Life

  /// Makes a new store on a memory and opens it.
  public static func create(
    on memory: any StableMemory, format: FormatOptions = FormatOptions(), options: StoreOptions
  ) throws(StorageError) -> Store {
    try requireKindsDiffer(options)
    try BlockDevice.format(memory, options: format, environment: options.environment)
    return try open(on: memory, options: options, mayBeNew: true)
  }

  /// Opens the store on a memory, after whatever happened to it. Read-only when `options.device` says so.
  public static func open(on memory: any StableMemory, options: StoreOptions) throws(StorageError) -> Store {
    try requireKindsDiffer(options)
    return try open(on: memory, options: options, mayBeNew: false)
  }

  private static func open(
    on memory: any StableMemory, options: StoreOptions, mayBeNew: Bool
  ) throws(StorageError) -> Store {
    let device = try BlockDevice.open(memory, options: deviceOptions(options), environment: options.environment)
    do {
      return try open(on: device, options: options, mayBeNew: mayBeNew)
    } catch {
      // The first error tells why; closing only gives the memory free.
      try? device.close()
      throw error
    }
  }

  private static func open(
    on device: BlockDevice, options: StoreOptions, mayBeNew: Bool
  ) throws(StorageError) -> Store {
    var root = try device.read { (view) throws(StorageError) in try view.rootBlock() }
    if root == nil {
      // A crash right after formatting leaves an image without a catalog; it is as new as one.
      guard mayBeNew || !options.device.isReadOnly else {
        throw .invalidArgument("making this image was cut short before anything was in it; open it for writing once")
      }
      root = try device.transaction { (writer) throws(StorageError) in
        writer.annotation = CommitAnnotation(event: .maintenance, time: options.environment.now())
        let tree = try Tree.create(owner: VolumeID.catalog.rawValue, in: writer)
        try Catalog(root: tree.root).setStore(StoreRecord(), in: writer)
        try writer.setRoot(tree.root)
        return tree.root
      }
    }
    guard let root else { throw .damaged(0, .malformed) }
    let core = StoreCore(device: device, catalog: Catalog(root: root), options: options)
    let stored = try device.read { (view) throws(StorageError) in try core.catalog.store(in: view) }
    _ = core.time(atLeast: stored.latestTime)
    let store = Store(core, as: options.principal)
    if !core.isReadOnly {
      _ = try core.sweep()
      core.removeAfterCommit()
    }
    return store
  }

  private static func requireKindsDiffer(_ options: StoreOptions) throws(StorageError) {
    for (index, filesystem) in options.filesystems.enumerated() {
      let kind = filesystem.kind
      guard kind != CatalogFilesystem.shared.kind else {
        throw .invalidArgument("the kind \(kind) belongs to the store itself")
      }
      for other in options.filesystems[..<index] where other.kind == kind {
        throw .invalidArgument("two filesystems of kind \(kind) are registered")
      }
    }
  }

  /// The caller's options, with the check that tree nodes pass before anything looks into them.
  static func deviceOptions(_ options: StoreOptions) -> OpenOptions {
    var device = options.device
    let other = device.validator
    device.validator = { kind, block, byteCount in
      guard kind == .treeNode else { return other(kind, block, byteCount) }
      return TreeNode.isWellFormed(block, blockByteCount: byteCount)
    }
    return device
  }

  /// Closes the store and gives the memory free. Every handle of it ends.
  public func close() throws(StorageError) {
    try core.requireNotWriting()
    defer { core.whenClosed?() }
    try core.device.close()
  }

  /// The same store for another principal. A store that acts as a principal does not give the owner's rights back: nil
  /// leaves it as it is.
  public func acting(as principal: Principal?) -> Store {
    Store(core, as: principal ?? self.principal)
  }

  /// Whether the store was opened for reading.
  public var isReadOnly: Bool { core.isReadOnly }

  // MARK: One call

  /// Reads the store as it is now; what others commit meanwhile is not seen.
  public func read<Result>(
    _ body: (Transaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try core.device.read { (view) throws(StorageError) in
      let transaction = try Transaction(core, mode: .read, view: view, writer: nil, principal: principal)
      defer { transaction.end() }
      return try body(transaction)
    }
  }

  /// A read that outlives a closure. It keeps blocks from being reused until it ends.
  public func snapshot() throws(StorageError) -> StoreSnapshot {
    try StoreSnapshot(core, principal: principal)
  }

  /// Changes the store in one call: committed when `body` returns, rolled back when it throws.
  ///
  /// Whatever volumes it touches, it is one commit: after a crash all of it is there, or nothing.
  @discardableResult
  public func transaction<Result>(
    _ body: (Transaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    var removedVolumes = false
    let result = try core.write { (writer) throws(StorageError) in
      writer.annotation = core.annotation(.auto, nil, principal, in: writer)
      let transaction = try Transaction(core, mode: .single, view: writer.view, writer: writer, principal: principal)
      defer { transaction.end() }
      let result = try body(transaction)
      try transaction.finish(writer)
      removedVolumes = transaction.removedVolumes
      return result
    }
    if removedVolumes { core.removeAfterCommit() }
    return result
  }
}

/// The store as it was at one moment, for as long as it is wanted.
public final class StoreSnapshot {
  /// What to read with.
  public let transaction: Transaction
  private let snapshot: Snapshot

  init(_ core: StoreCore, principal: Principal?) throws(StorageError) {
    let snapshot = try core.device.snapshot()
    do {
      transaction = try Transaction(core, mode: .read, view: snapshot.view, writer: nil, principal: principal)
    } catch {
      snapshot.end()
      throw error
    }
    self.snapshot = snapshot
  }

  /// Ends it: the blocks that only it still saw can be reused.
  public func end() {
    transaction.end()
    snapshot.end()
  }

  deinit { end() }
}
