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

  /// A piece of the check of one volume, for volumes that are too large for one call: looks at about `budget` entries and blocks
  /// of data from `cursor` on. For principals that may read it.
  ///
  /// Every block that it reads verifies, every entry decodes and stands in order, and data are where the bitmaps say that they
  /// are used; with `deep` their digests are compared. What only shows over a whole volume (accounts, what two entries share) takes
  /// `check(volume:deep:)`. The volume may change between the pieces.
  ///
  /// - Parameter cursor: what the piece before returned; nil: from the start.
  /// - Returns: What is wrong, and where to go on; nil: this was the last piece.
  /// - Throws: `invalidArgument` for a cursor of another volume.
  public func check(
    volume name: String, deep: Bool = false, after cursor: CheckCursor?, budget: Int
  ) throws(StorageError) -> (report: CheckReport, next: CheckCursor?) {
    try read { (transaction) throws(StorageError) in
      _ = try transaction.information(of: name)
      guard let found = transaction.state.volume(named: name) else { throw .notFound(Subject("volume", name)) }
      let incarnation = found.record.incarnation
      var start = CheckCursor.Place()
      if let cursor {
        guard let place = cursor.place(incarnation: incarnation) else {
          throw .invalidArgument("the check of volume \(name) can not go on there: begin it again")
        }
        start = place
      }
      let window = CheckWindow(from: start, budget: budget)
      let progress = { (_: CheckProgress) throws(StorageError) in }
      let check = try StoreCheck(core, transaction, isDeep: deep, window: window, progress: progress)
      let report = try check.run(only: found)
      return (report, window.next.map { CheckCursor($0, incarnation: incarnation) })
    }
  }
}
