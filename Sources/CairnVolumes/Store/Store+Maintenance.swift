public import CairnBlocks

// What concerns the device as a whole.

extension Store {
  /// How the device's bytes are used.
  public var space: SpaceFigures { core.device.space }

  /// The store's 128-bit id.
  public var storeID: (low: UInt64, high: UInt64) { core.device.storeID }

  /// Makes the device larger. For administrators.
  public func grow(byByteCount byteCount: UInt64) throws(StorageError) {
    try require(.admin)
    try core.device.grow(byBytes: byteCount)
  }

  /// Brings everything home from the journal. Not needed for safety: it happens by itself.
  public func checkpoint() throws(StorageError) {
    try require(.admin)
    try core.device.checkpoint()
  }

  /// Goes on with long work that was begun (volumes that were removed), about `budget` blocks of it.
  ///
  /// - Returns: Whether nothing is left.
  public func step(budget: Int) throws(StorageError) -> Bool {
    try core.removeStep(budget: budget)
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
