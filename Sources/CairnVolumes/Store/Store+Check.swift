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

  /// Walks one volume as of now and holds everything in it against the filesystem's rules, the bitmaps and the account. For
  /// principals that may read it.
  ///
  /// A part of the check of a whole store, for callers whose calls are bounded: volume by volume, each call by itself. What
  /// only shows between volumes (blocks that two of them claim, or none) takes the whole.
  public func check(volume name: String, deep: Bool = false) throws(StorageError) -> CheckReport {
    try read { (transaction) throws(StorageError) in
      _ = try transaction.information(of: name)
      guard let found = transaction.state.volume(named: name) else { throw .notFound(Subject("volume", name)) }
      let progress = { (_: CheckProgress) throws(StorageError) in }
      return try StoreCheck(core, transaction, isDeep: deep, progress: progress).run(only: found)
    }
  }
}
