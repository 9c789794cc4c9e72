import CairnBlocks
import CairnBytes
import CairnTrees

// The open multi-call transactions: what they staged, read and hold, and the figures that are kept of it.

extension StoreCheck {
  /// What was counted over all open transactions.
  private struct OpenTransactions {
    var count: UInt32 = 0
    var preparedCount: UInt32 = 0
    var earliestExpiry = UInt64.max
    var latestBegin: UInt64 = 0
    var stagedBlocks: [VolumeID: UInt64] = [:]
  }

  func checkTransactions() throws(StorageError) {
    try part { () throws(StorageError) in
      let store = try core.catalog.store(in: view)
      var open = OpenTransactions()
      var cursor = try RangeCursor(core.catalog.tree, CatalogKey.transactions, in: view)
      while try cursor.next() {
        let value = try cursor.value()
        // What does not read was reported with the catalog.
        guard let id = CatalogKey.transaction(cursor.key), let record = try? TransactionRecord(decoding: value) else {
          setIncomplete()
          continue
        }
        countTransaction()
        open.count &+= 1
        if record.state == .prepared { open.preparedCount &+= 1 }
        open.earliestExpiry = min(open.earliestExpiry, record.expiresAt)
        open.latestBegin = max(open.latestBegin, record.beganAt)
        try part { () throws(StorageError) in try check(id, record, &open.stagedBlocks) }
      }
      try compare(store, open)
    }
  }

  private func compare(_ store: StoreRecord, _ open: OpenTransactions) throws(StorageError) {
    if store.openTransactionCount != open.count || store.preparedTransactionCount != open.preparedCount {
      find(
        .counter,
        "\(open.count) open transactions, \(open.preparedCount) of them prepared, are accounted as "
          + "\(store.openTransactionCount) and \(store.preparedTransactionCount)")
    }
    if open.earliestExpiry < store.earliestExpiry { find(.counter, "a transaction expires unnoticed") }
    if store.latestTime < open.latestBegin { find(.counter, "a transaction began after the latest time seen") }
    for found in transaction.state.volumes {
      let usage = try core.catalog.usage(of: found.id, in: view)
      let counted = open.stagedBlocks[found.id] ?? 0
      if usage.stagedBlockCount != counted {
        find(
          .counter, "\(counted) blocks are staged for it, but \(usage.stagedBlockCount) are accounted",
          volume: found.record.name)
      }
    }
  }

  /// What was counted in one staging tree.
  private struct Staged {
    var operations: UInt64 = 0
    var bytes: UInt64 = 0
    var reads: UInt64 = 0
    var holds: UInt64 = 0
  }

  private func check(
    _ id: TransactionID, _ record: TransactionRecord, _ staged: inout [VolumeID: UInt64]
  ) throws(StorageError) {
    if record.state == .open && record.holdCount > 0 {
      find(.catalog, "transaction \(id) holds ranges, and is not prepared")
    }
    guard let root = record.staging else {
      if record.operationCount > 0 || record.readCount > 0 {
        find(.catalog, "transaction \(id) has lost what it staged")
      }
      return
    }
    let tree = Tree(root: root, owner: core.catalog.tree.owner)
    guard try walk(tree) else { return }
    var counts = Staged()
    var cursor = try RangeCursor(tree, .all, in: view)
    while try cursor.next() {
      let value = try cursor.value()
      var extents: [Extent] = []
      do throws(ByteReader.Failure) {
        extents = try check(cursor.key, value, record, &counts, &staged)
      } catch {
        find(.catalog, "a record of transaction \(id) makes no sense", key: cursor.key)
      }
      for extent in extents { try mark(extent) }
    }
    if counts.operations != record.operationCount || counts.reads != record.readCount
      || counts.holds != record.holdCount
    {
      find(
        .counter,
        "transaction \(id) has \(counts.operations) operations, \(counts.reads) reads and \(counts.holds) holds, but "
          + "\(record.operationCount), \(record.readCount) and \(record.holdCount) are accounted")
    }
    if counts.bytes != record.stagedByteCount {
      find(
        .counter,
        "transaction \(id) has staged \(counts.bytes) bytes, but \(record.stagedByteCount) are accounted")
    }
  }

  /// Looks at one record of a staging tree; the data extents that it owns.
  private func check(
    _ key: [UInt8], _ value: [UInt8], _ record: TransactionRecord, _ counts: inout Staged,
    _ staged: inout [VolumeID: UInt64]
  ) throws(ByteReader.Failure) -> [Extent] {
    switch key.first {
    case 1:
      counts.operations &+= 1
      // Operations are numbered from 0 on, over all volumes; so a number below the count and a right count leave no gap
      // but for one that is there twice.
      guard let volume = StagingKey.operationVolume(key), bigEndian(key, at: 2) < record.operationCount else {
        throw .malformed
      }
      let operation = try StagedOperation(decoding: value)
      counts.bytes = adding(operation.byteCount(blockByteCount: view.blockByteCount), to: counts.bytes)
      for extent in operation.extents { staged[volume, default: 0] += UInt64(extent.count) }
      return operation.extents
    case 2:
      counts.reads &+= 1
      guard key.count == 9 else { throw .malformed }
      _ = try RecordedRead(decoding: value)
    case 3:
      guard StagingKey.useVolume(key) != nil else { throw .malformed }
      _ = try VolumeUse(decoding: value)
    case 4:
      counts.holds &+= 1
      guard key.count == 9, bigEndian(key, at: 1) < record.holdCount else { throw .malformed }
      _ = try HeldRange(decoding: value)
    default: throw .malformed
    }
    return []
  }
}
