public import CairnBlocks
public import CairnMemory

// What concerns the device as a whole.

extension Store {
  /// How the device's bytes are used.
  public var space: SpaceFigures { core.device.space }

  /// The store's 128-bit id.
  public var storeID: (low: UInt64, high: UInt64) { core.device.storeID }

  /// Makes the device larger. For administrators.
  public func grow(byByteCount byteCount: UInt64) throws(StorageError) {
    try require(.admin)
    try core.requireNotWriting()
    try core.device.grow(byBytes: byteCount)
  }

  /// Brings everything home from the journal. Not needed for safety: it happens by itself.
  public func checkpoint() throws(StorageError) {
    try require(.admin)
    try core.requireNotWriting()
    try core.device.checkpoint()
  }

  /// Copies the store as it is now to another memory, which becomes an image of its own: whole, clean, with an empty
  /// journal. The store stays in use meanwhile. For principals that may read the store.
  ///
  /// - Parameters:
  ///   - memory: Whatever it holds is lost. It is grown if it is too small.
  ///   - progress: called now and then; false breaks the copy off.
  public func backup(
    to memory: any StableMemory, progress: (_ done: UInt64, _ all: UInt64) -> Bool = { _, _ in true }
  ) throws(StorageError) {
    try require(.read)
    let snapshot = try core.device.snapshot()
    defer { snapshot.end() }
    let byteCount = snapshot.view.blockCount * UInt64(snapshot.view.blockByteCount)
    let pages = (byteCount + MemoryPage.byteCount - 1) / MemoryPage.byteCount
    if memory.pageCount < pages {
      let missing = pages - memory.pageCount
      do throws(MemoryError) { try memory.grow(by: missing) } catch { throw .memory(error) }
    }
    try core.device.copy(snapshot, to: memory, progress: progress)
  }

  /// The commits that the journal still shows, oldest first. For principals that may read the store.
  public func journal() throws(StorageError) -> JournalReader {
    try require(.read)
    return try core.device.journalReader()
  }

  /// Damage of the journal that opening for reading found; the store then shows the last commit before it.
  public var journalDamage: Damage? { core.device.journalDamage }

  /// Goes on with long work that was begun: first volumes that were removed, then what was begun as work to be done in steps
  /// (ranges of maps and disks, objects by their prefix, indexes), oldest first. One commit; about `budget` blocks, entries or rows of it.
  ///
  /// An error changes nothing, and the same piece comes again; `cancelWork` breaks off what can not be done.
  ///
  /// - Returns: Whether nothing was left to be done.
  @discardableResult
  public func step(budget: Int) throws(StorageError) -> Bool {
    guard try core.removeStep(budget: budget) else { return false }
    return try core.workStep(budget: budget)
  }

  /// Takes room for data outside of any transaction, so that a long upload does not keep others from committing.
  /// `Volume.claim` makes it part of one.
  public func reserveData(byteCount: UInt64) throws(StorageError) -> ExtentReservation {
    try core.device.read { (view) throws(StorageError) in try core.requireAnyRights(principal, in: view) }
    let blocks = DataExtent.blockCount(of: byteCount, blockByteCount: core.device.space.blockByteCount)
    return try core.device.reserveExtents(blockCount: blocks)
  }

  /// Throws unless the principal has a right on the whole store.
  func require(_ rights: Rights) throws(StorageError) {
    try read { (transaction) throws(StorageError) in try transaction.requireStore(rights) }
  }
}
