public import CairnBlocks

// Volumes and grants, each call a commit of its own.

extension Store {
  /// Makes a volume of a registered kind, with the least id that is free unless one is given.
  @discardableResult
  public func createVolume(
    _ name: String, kind: VolumeKind, options: [UInt8] = [], quotaByteCount: UInt64? = nil,
    reservationByteCount: UInt64 = 0, id: VolumeID? = nil
  ) throws(StorageError) -> VolumeID {
    try transaction { (transaction) throws(StorageError) in
      try transaction.createVolume(
        name, kind: kind, options: options, quotaByteCount: quotaByteCount,
        reservationByteCount: reservationByteCount, id: id)
    }
  }

  /// Removes a volume and gives all its blocks back (in steps, when the options say so).
  public func removeVolume(_ name: String) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in try transaction.removeVolume(name) }
  }

  /// Gives a volume another name.
  public func renameVolume(_ name: String, to newName: String) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in try transaction.renameVolume(name, to: newName) }
  }

  /// Sets the most bytes of the device that a volume may take; nil: no limit.
  public func setQuota(of name: String, byteCount: UInt64?) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in try transaction.setQuota(of: name, byteCount: byteCount) }
  }

  /// Sets how many bytes of the device no other volume may take.
  public func setReservation(of name: String, byteCount: UInt64) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in
      try transaction.setReservation(of: name, byteCount: byteCount)
    }
  }

  /// The volumes that the principal may read.
  public func volumes() throws(StorageError) -> [VolumeInformation] {
    try read { (transaction) throws(StorageError) in try transaction.volumes() }
  }

  /// Gives a principal rights beside those that it has.
  public func grant(_ rights: Rights, to principal: Principal, on scope: GrantScope) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in
      try transaction.grant(rights, to: principal, on: scope)
    }
  }

  /// Takes all rights of a principal on a scope.
  public func revoke(from principal: Principal, on scope: GrantScope) throws(StorageError) {
    try transaction { (transaction) throws(StorageError) in try transaction.revoke(from: principal, on: scope) }
  }

  /// All grants, for administrators of the store; else the principal's own.
  public func grants() throws(StorageError) -> [Grant] {
    try read { (transaction) throws(StorageError) in try transaction.grants() }
  }
}
