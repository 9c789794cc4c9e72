import CairnBlocks
import CairnBytes
import CairnTrees

// The catalog of the old store: which volumes there are, who may do what, and what became of transactions.

extension Salvage {
  /// What the catalog still says.
  private struct Contents {
    var store = StoreRecord()
    var volumes: [(id: VolumeID, record: VolumeRecord)] = []
    var grants: [Grant] = []
    var transactions: [(id: TransactionID, record: TransactionRecord)] = []
    var outcomes: [(id: TransactionID, record: OutcomeRecord)] = []
  }

  func salvageCatalog() throws(StorageError) {
    let root = try catalogRoot()
    // Without both it is an image in which there never was anything.
    if !root.isKnown, try !hasStrays() { return }
    let tree = try self.tree(root: root.block, owner: VolumeID.catalog.rawValue, isRecord: Self.isCatalogRecord)
    if tree.missingCount != 0 {
      for gap in tree.gaps {
        try lose(
          SalvageLoss(
            block: gap.block, text: "a part of the catalog: volumes, grants and outcomes of transactions (\(gap.text))")
        )
      }
    }
    let contents = try read(tree)
    try setTime(contents)
    try salvageVolumes(contents, mayMiss: tree.missingCount != 0)
    try copyGrants(contents.grants)
    try endTransactions(contents)
  }

  private func hasStrays() throws(StorageError) -> Bool {
    for owner in UInt8.min...UInt8.max where try !strays(of: owner).isEmpty { return true }
    return false
  }

  /// Where the catalog's root is: where the geometry says or, without that, at the one root of the store that begins with the
  /// store's record.
  private func catalogRoot() throws(StorageError) -> (block: BlockNumber?, isKnown: Bool) {
    do throws(StorageError) {
      if let root = try view.rootBlock() { return (root, true) }
      return (nil, false)
    } catch {
      guard error.hidesData else { throw error }
    }
    for stray in try strays(of: VolumeID.catalog.rawValue) where stray.isRoot {
      let tree = try SalvagedTree(root: stray.block, owner: stray.owner, in: view) { (_) throws(StorageError) in }
      var isCatalog = false
      try tree.scan(in: view) { (key, value) throws(StorageError) -> Bool in
        isCatalog = key == CatalogKey.store && value.map { (try? StoreRecord(decoding: $0)) != nil } ?? false
        return false
      }
      if isCatalog { return (stray.block, true) }
    }
    return (nil, true)
  }

  /// Whether a record is one of the catalog, and not of a transaction's staging tree.
  private static func isCatalogRecord(_ key: [UInt8], _ value: [UInt8]?) -> Bool {
    guard let value else { return false }
    switch key.first {
    case 1: return key.count == 1 && (try? StoreRecord(decoding: value)) != nil
    case 2: return CatalogKey.volume(key) != nil && (try? VolumeRecord(decoding: value)) != nil
    case 3: return value.count == 1 && key.count > 1
    case 4: return key.count == 2 && (try? VolumeUsage(decoding: value)) != nil
    case 5: return CatalogKey.grant(key) != nil && (try? GrantRecord(decoding: value)) != nil
    case 6: return CatalogKey.transaction(key) != nil && (try? TransactionRecord(decoding: value)) != nil
    case 7: return key.count == 9 && (try? OutcomeRecord(decoding: value)) != nil
    case 8: return CatalogKey.outcomeOrder(key) != nil && value.isEmpty
    case 9: return CatalogKey.work(key) != nil && (try? WorkRecord(decoding: value)) != nil
    default: return false
    }
  }

  private func read(_ tree: SalvagedTree) throws(StorageError) -> Contents {
    var contents = Contents()
    try tree.scan(in: view) { (key, value) throws(StorageError) -> Bool in
      guard let value else {
        try lose(SalvageLoss(key: key, text: "a record of the catalog that does not verify"))
        return true
      }
      var isSound = true
      switch key.first {
      case 1:
        if let record = try? StoreRecord(decoding: value) { contents.store = record } else { isSound = false }
      case 2:
        if let id = CatalogKey.volume(key), let record = try? VolumeRecord(decoding: value) {
          contents.volumes.append((id, record))
        } else {
          isSound = false
        }
      case 5:
        if let (principal, scope) = CatalogKey.grant(key), let record = try? GrantRecord(decoding: value) {
          contents.grants.append(Grant(principal: principal, scope: scope, rights: record.rights))
        } else {
          isSound = false
        }
      case 6:
        if let id = CatalogKey.transaction(key), let record = try? TransactionRecord(decoding: value) {
          contents.transactions.append((id, record))
        } else {
          isSound = false
        }
      case 7:
        if key.count == 9, let id = TransactionID(rawValue: bigEndian(key, at: 1)),
          let record = try? OutcomeRecord(decoding: value)
        {
          contents.outcomes.append((id, record))
        } else {
          isSound = false
        }
      // Names, usages and the order of outcomes follow from the rest. Long work is not brought over: its cursor is of the old
      // volume, and who wants it begins it again.
      case 3, 4, 8: break
      case 9:
        if let record = try? WorkRecord(decoding: value) {
          try lose(
            SalvageLoss(
              key: key,
              text: "long work on volume \(record.volume), which is broken off after \(record.stepCount) steps"))
        } else {
          isSound = false
        }
      default: isSound = false
      }
      if !isSound { try lose(SalvageLoss(key: key, text: "a record of the catalog that makes no sense")) }
      return true
    }
    return contents
  }

  /// Leases and outcomes are judged by a time that never runs backwards, in the copy either.
  private func setTime(_ contents: Contents) throws(StorageError) {
    let core = target.core
    try core.write { (writer) throws(StorageError) in
      writer.annotation = core.annotation(.maintenance, nil, nil, in: writer)
      try core.changeStore(in: writer) { $0.latestTime = max($0.latestTime, contents.store.latestTime) }
    }
  }

  // MARK: Volumes

  private func salvageVolumes(_ contents: Contents, mayMiss: Bool) throws(StorageError) {
    for (id, record) in contents.volumes where !record.isBeingRemoved {
      guard let filesystem = target.core.filesystem(record.kind) else {
        try lose(
          SalvageLoss(volume: record.name, text: "the whole volume: no filesystem of kind \(record.kind) is registered")
        )
        continue
      }
      guard record.formatVersion <= filesystem.formatVersion else {
        try lose(
          SalvageLoss(
            volume: record.name, text: "the whole volume: its format \(record.formatVersion) is newer than this program"
          ))
        continue
      }
      let root = record.root.rawValue == 0 ? nil : record.root
      try salvage(
        VolumeSalvage(
          self, id: id, name: record.name, root: root, kind: record.kind, owner: record.owner),
        with: filesystem)
      try setLimits(record)
    }
    guard mayMiss else { return }
    let known = Set(contents.volumes.map { $0.id })
    for number in UInt8.min..<UInt8.max {
      guard let id = VolumeID(rawValue: number), !known.contains(id), try !strays(of: number).isEmpty else { continue }
      try salvageUnnamed(id)
    }
  }

  private func salvage(_ volume: VolumeSalvage, with filesystem: any Filesystem) throws(StorageError) {
    do throws(StorageError) {
      try filesystem.salvage(volume)
    } catch {
      // The filesystem stumbled over something that verifies and makes no sense.
      guard error.hidesData else { throw error }
      try volume.lose("what had not been brought over yet: \(error.lossDescription)", block: error.damagedBlock)
    }
  }

  /// A volume of which the catalog knows nothing any more.
  private func salvageUnnamed(_ id: VolumeID) throws(StorageError) {
    let name = "recovered-\(id)"
    for root in try strays(of: id.rawValue) where root.isRoot {
      for filesystem in filesystems {
        let volume = VolumeSalvage(self, id: id, name: name, root: root.block, kind: filesystem.kind, owner: nil)
        guard try filesystem.recognizes(volume) else { continue }
        try volume.lose("its name, owner, quota and reservation; it is called \(name) now")
        return try salvage(volume, with: filesystem)
      }
    }
    try lose(SalvageLoss(volume: name, text: "the whole volume: neither its name nor its kind is known any more"))
  }

  private func setLimits(_ record: VolumeRecord) throws(StorageError) {
    guard record.quotaByteCount != nil || record.reservationByteCount > 0 else { return }
    try target.transaction { (transaction) throws(StorageError) in
      guard try transaction.volumeExists(record.name) else { return }
      if let quota = record.quotaByteCount { try transaction.setQuota(of: record.name, byteCount: quota) }
      if record.reservationByteCount > 0 {
        try transaction.setReservation(of: record.name, byteCount: record.reservationByteCount)
      }
    }
  }

  // MARK: Grants and transactions

  private func copyGrants(_ grants: [Grant]) throws(StorageError) {
    for grant in grants {
      var isPossible = true
      try target.transaction { (transaction) throws(StorageError) in
        if case .volume(let id) = grant.scope, transaction.state.volume(id) == nil {
          isPossible = false
        } else {
          try transaction.grant(grant.rights, to: grant.principal, on: grant.scope)
        }
      }
      if !isPossible {
        try lose(
          SalvageLoss(key: grant.principal.bytes, text: "a grant of \(grant.rights) on a volume that is lost"))
      }
    }
  }

  /// Outcomes are kept; what was open is rolled back, so that a late commit is told so.
  private func endTransactions(_ contents: Contents) throws(StorageError) {
    var outcomes = contents.outcomes
    for (id, record) in contents.transactions {
      try lose(
        SalvageLoss(
          text: "transaction \(id) with \(record.operationCount) staged operations: it is rolled back"))
      outcomes.append(
        (id, OutcomeRecord(outcome: .rolledBack, endedAt: contents.store.latestTime, owner: record.owner)))
    }
    let core = target.core
    for (id, record) in outcomes {
      try growing { () throws(StorageError) in
        try core.write { (writer) throws(StorageError) in
          writer.annotation = core.annotation(.maintenance, nil, nil, in: writer)
          try core.catalog.setOutcome(id, record, in: writer)
        }
      }
    }
  }
}
