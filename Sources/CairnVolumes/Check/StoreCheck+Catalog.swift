import CairnBlocks
import CairnBytes
import CairnTrees

// The catalog: every record reads, and they agree with each other.

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
      case 9:
        try self.reads(key) { () throws(ByteReader.Failure) in
          guard CatalogKey.work(key) != nil else { throw .malformed }
          _ = try WorkRecord(decoding: value)
        }
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
    if try core.catalog.tree.contains(CatalogKey.transaction(id), in: view) {
      find(.catalog, "transaction \(id) is open, and has an outcome")
    }
  }
}
