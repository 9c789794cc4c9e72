import CairnBlocks
import CairnTrees

// Changes of the catalog's own records, in the commit that they belong to.

extension StoreCore {
  /// What the journal says of a commit.
  func annotation(
    _ event: CommitAnnotation.Event, _ id: TransactionID?, _ principal: Principal?, in writer: BlockTransaction
  ) -> CommitAnnotation {
    CommitAnnotation(
      event: event, transaction: id?.rawValue ?? 0, principal: principal?.bytes ?? [], time: time(atLeast: 0))
  }

  func changeUsage(of id: VolumeID, _ change: UsageChange, in writer: BlockTransaction) throws(StorageError) {
    var usage = try catalog.usage(of: id, in: writer.view)
    usage.add(change)
    try catalog.tree.put(CatalogKey.usage(id), usage.encoded, in: writer)
  }

  func changeStore(in writer: BlockTransaction, _ change: (inout StoreRecord) -> Void) throws(StorageError) {
    var record = try catalog.store(in: writer.view)
    change(&record)
    try catalog.setStore(record, in: writer)
  }

  /// Whether a staging tree has operations of a volume that leaves nothing behind of what it deletes.
  private func erasesStaged(_ staging: Tree, in view: BlockView) throws(StorageError) -> Bool {
    var cursor = try RangeCursor(staging, StagingKey.uses, in: view)
    while try cursor.next() {
      guard let id = StagingKey.useVolume(cursor.key), let record = try catalog.volume(id, in: view) else { continue }
      if filesystem(record.kind)?.erasesFreedSpace ?? false { return true }
    }
    return false
  }

  /// Takes down an open transaction: its data go back unless it was committed, its staging tree goes, and the outcome is
  /// kept for a day.
  func end(
    _ id: TransactionID, _ record: TransactionRecord, _ outcome: OutcomeRecord.Outcome, now: UInt64,
    in writer: BlockTransaction
  ) throws(StorageError) {
    writer.usesReserve = true
    if let root = record.staging {
      let tree = Tree(root: root, owner: catalog.tree.owner)
      if outcome != .committed && !isPlanted(.leakStagedData) { try freeStagedData(of: tree, in: writer) }
      writer.erasesFreed = try erasesStaged(tree, in: writer.view)
      try tree.destroy(in: writer)
      writer.erasesFreed = false
    }
    try catalog.tree.delete(CatalogKey.transaction(id), in: writer)
    if !isPlanted(.forgetOutcome) {
      try catalog.setOutcome(id, OutcomeRecord(outcome: outcome, endedAt: now, owner: record.owner), in: writer)
    }
    try changeStore(in: writer) { store in
      store.latestTime = max(store.latestTime, now)
      store.openTransactionCount -= min(store.openTransactionCount, 1)
      if store.openTransactionCount == 0 { store.earliestExpiry = .max }
      if record.state == .prepared {
        store.preparedTransactionCount -= min(store.preparedTransactionCount, 1)
        store.generation &+= 1
      }
    }
  }

  private func freeStagedData(of tree: Tree, in writer: BlockTransaction) throws(StorageError) {
    var cursor = try RangeCursor(tree, StagingKey.operations, in: writer.view)
    var freed: [(volume: VolumeID, blocks: Int64)] = []
    while try cursor.next() {
      guard let id = StagingKey.operationVolume(cursor.key) else { throw catalog.damage }
      let operation = try catalog.decode(cursor.value(), StagedOperation.init(decoding:))
      var blocks: Int64 = 0
      for extent in operation.extents {
        try writer.free(extent)
        blocks += Int64(extent.count)
      }
      if freed.last?.volume == id { freed[freed.count - 1].blocks += blocks } else { freed.append((id, blocks)) }
    }
    // A volume that the transaction itself would have made, or one that is gone, has no account.
    for (id, blocks) in freed where blocks > 0 {
      guard try catalog.volume(id, in: writer.view) != nil else { continue }
      try changeUsage(of: id, UsageChange(stagedBlocks: -blocks), in: writer)
    }
  }
}
