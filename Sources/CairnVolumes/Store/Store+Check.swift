public import CairnBlocks

extension Store {
  /// Walks the whole store as of now and holds everything against everything else: device, catalog, volumes, open
  /// transactions, bitmaps. Writes nothing. For principals that may read the store.
  ///
  /// Damage becomes a finding; only errors that say nothing about the store (I/O, memory) are thrown.
  ///
  /// - Parameters:
  ///   - deep: compares the digests of all data, too.
  ///   - progress: called now and then; what it throws breaks the check off.
  public func check(
    deep: Bool = false,
    progress: @escaping (CheckProgress) throws(StorageError) -> Void = { (_) throws(StorageError) in }
  ) throws(StorageError) -> CheckReport {
    try read { (transaction) throws(StorageError) in
      try transaction.requireStore(.read)
      return try StoreCheck(core, transaction, isDeep: deep, progress: progress).run()
    }
  }
}
