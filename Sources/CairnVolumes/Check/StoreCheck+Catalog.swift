import CairnBlocks
import CairnBytes
import CairnTrees

// The catalog and the open transactions: every record reads, and they agree with each other.

extension StoreCheck {
  func checkCatalog() throws(StorageError) {
    guard try walk(core.catalog.tree) else { return }
    var names = 0
    var outcomes = 0
    var orders = 0
    try core.catalog.tree.scan(in: view) { (key, value) throws(StorageError) -> Bool in
      let key = BulkCopy.array(key)
      let value = BulkCopy.array(value)
      switch key.first {
      case CatalogKey.store.first:
        try self.reads(key) { () throws(ByteReader.Failure) in _ = try StoreRecord(decoding: value) }
      case 2:
        try self.reads(key) { () throws(ByteReader.Failure) in
          guard CatalogKey.volume(key) != nil else { throw .malformed }
          _ = try VolumeRecord(decoding: value)
        }
      case 3:
        names += 1
        self.checkName(key, value)
      case 4:
        try self.reads(key) { () throws(ByteReader.Failure) in
          _ = try VolumeUsage(decoding: value)
          guard key.count == 2, let id = VolumeID(rawValue: key[1]), transaction.state.volume(id) != nil else {
            throw .malformed
          }
        }
      case 5:
        try self.reads(key) { () throws(ByteReader.Failure) in
          _ = try GrantRecord(decoding: value)
          guard let (_, scope) = CatalogKey.grant(key) else { throw .malformed }
          if case .volume(let id) = scope, transaction.state.volume(id) == nil { throw .malformed }
        }
      case 6:
        try self.reads(key) { () throws(ByteReader.Failure) in
          guard CatalogKey.transaction(key) != nil else { throw .malformed }
          _ = try TransactionRecord(decoding: value)
        }
      case 7:
        outcomes += 1
        try self.checkOutcome(key, value)
      case 8: orders += 1
      default: self.find(.catalog, "an entry of no known meaning", key: key)
      }
      return true
    }
    let named = transaction.state.volumes.filter { !$0.record.isBeingRemoved }.count
    if named != names { find(.catalog, "\(names) names for \(named) volumes") }
    if outcomes != orders {
      find(.catalog, "\(outcomes) outcomes, but \(orders) in the order in which they are forgotten")
    }
  }

  private func reads(_ key: [UInt8], _ body: () throws(ByteReader.Failure) -> Void) throws(StorageError) {
    do { try body() } catch { find(.catalog, "a record that makes no sense", key: key) }
  }

  private func checkName(_ key: [UInt8], _ value: [UInt8]) {
    let name = Array(key.dropFirst())
    let id = value.count == 1 ? VolumeID(rawValue: value[0]) : nil
    guard let id, let found = transaction.state.volume(id), !found.record.isBeingRemoved,
      Array(found.record.name.utf8) == name
    else { return find(.catalog, "a name that belongs to no volume", key: name) }
  }

  private func checkOutcome(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
    guard key.count == 9, let id = TransactionID(rawValue: bigEndian(key, at: 1)) else {
      return find(.catalog, "a record that makes no sense", key: key)
    }
    let outcome: OutcomeRecord
    do throws(ByteReader.Failure) { outcome = try OutcomeRecord(decoding: value) } catch {
      return find(.catalog, "a record that makes no sense", key: key)
    }
    if try !core.catalog.tree.contains(CatalogKey.outcomeOrder(outcome.endedAt, id), in: view) {
      find(.catalog, "the outcome of transaction \(id) would never be forgotten")
    }
  }

  func checkTransactions() throws(StorageError) {
    try part { () throws(StorageError) in
      let store = try core.catalog.store(in: view)
      var prepared: UInt32 = 0
      var earliest = UInt64.max
      var staged: [VolumeID: UInt64] = [:]
      let open = try core.catalog.transactions(in: view)
      for (id, record) in open {
        countTransaction()
        if record.state == .prepared { prepared += 1 }
        earliest = min(earliest, record.expiresAt)
        try part { () throws(StorageError) in try check(id, record, &staged) }
      }
      if store.openTransactionCount != UInt32(open.count) || store.preparedTransactionCount != prepared {
        find(
          .counter,
          "\(open.count) open transactions, \(prepared) of them prepared, are accounted as "
            + "\(store.openTransactionCount) and \(store.preparedTransactionCount)")
      }
      if earliest < store.earliestExpiry { find(.counter, "a transaction expires unnoticed") }
      for found in transaction.state.volumes {
        let usage = try core.catalog.usage(of: found.id, in: view)
        let counted = staged[found.id] ?? 0
        if usage.stagedBlockCount != counted {
          find(
            .counter, "\(counted) blocks are staged for it, but \(usage.stagedBlockCount) are accounted",
            volume: found.record.name)
        }
      }
    }
  }

  private func check(
    _ id: TransactionID, _ record: TransactionRecord, _ staged: inout [VolumeID: UInt64]
  ) throws(StorageError) {
    guard let root = record.staging else {
      if record.operationCount > 0 || record.readCount > 0 {
        find(.catalog, "transaction \(id) has lost what it staged")
      }
      return
    }
    let tree = Tree(root: root, owner: core.catalog.tree.owner)
    guard try walk(tree) else { return }
    var counts = (operations: UInt64(0), reads: UInt64(0), holds: UInt64(0))
    var cursor = try RangeCursor(tree, .all, in: view)
    while try cursor.next() {
      let key = cursor.key
      let value = try cursor.value()
      var extents: [Extent] = []
      do throws(ByteReader.Failure) {
        switch key.first {
        case 1:
          counts.operations += 1
          guard let volume = StagingKey.operationVolume(key) else { throw .malformed }
          extents = try StagedOperation(decoding: value).extents
          for extent in extents { staged[volume, default: 0] += UInt64(extent.count) }
        case 2:
          counts.reads += 1
          _ = try RecordedRead(decoding: value)
        case 3: _ = try VolumeUse(decoding: value)
        case 4:
          counts.holds += 1
          _ = try HeldRange(decoding: value)
        default: throw .malformed
        }
      } catch {
        find(.catalog, "a record of transaction \(id) makes no sense", key: key)
      }
      for extent in extents { try mark(extent) }
    }
    if counts.operations != record.operationCount || counts.reads != record.readCount
      || counts.holds != record.holdCount
    {
      find(
        .counter,
        "transaction \(id) has \(counts.operations) operations and \(counts.reads) reads, but "
          + "\(record.operationCount) and \(record.readCount) are accounted")
    }
  }
}
