public import CairnBlocks
import CairnTrees

// Changes of the catalog. In a multi-call transaction they are staged like everything else.

extension Transaction {
  /// Makes a volume of a registered kind. `options` are the filesystem's; `id` is the number that it shall have, else the
  /// least one that is free. For administrators of the store.
  @discardableResult
  public func createVolume(
    _ name: String, kind: VolumeKind, options: [UInt8] = [], quotaByteCount: UInt64? = nil,
    reservationByteCount: UInt64 = 0, id: VolumeID? = nil
  ) throws(StorageError) -> VolumeID {
    _ = try requireWriter()
    try requireStore(.admin)
    try requireAllowed(name: name)
    guard let filesystem = core.filesystem(kind) else {
      throw .invalidArgument("no filesystem of kind \(kind) is registered")
    }
    guard options.count <= CatalogOperation.optionsByteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(options.count), limit: UInt64(CatalogOperation.optionsByteCountMax))
    }
    guard try find(name) == nil else { throw .alreadyExists(Subject("volume", name)) }
    let volume = CatalogOperation.NewVolume(
      id: try unusedID(id), kind: kind, formatVersion: filesystem.formatVersion, incarnation: uniqueNumber(),
      quotaByteCount: quotaByteCount, reservationByteCount: reservationByteCount, owner: principal, name: name,
      options: options)
    try perform(.create(volume))
    return volume.id
  }

  /// Removes a volume with everything in it. Its name is free at once; its blocks come back in commits of their own behind
  /// this one.
  public func removeVolume(_ name: String) throws(StorageError) {
    _ = try requireWriter()
    let found = try administered(name)
    guard core.filesystem(found.record.kind) != nil else {
      throw .wrongKind(
        volume: name, found: found.record.kind.description, expected: "a kind that the program registered")
    }
    try perform(.remove(found.id, definition: uniqueNumber()))
  }

  /// Gives a volume another name.
  public func renameVolume(_ name: String, to newName: String) throws(StorageError) {
    _ = try requireWriter()
    let found = try administered(name)
    try requireAllowed(name: newName)
    guard try find(newName) == nil else { throw .alreadyExists(Subject("volume", newName)) }
    try perform(.rename(found.id, name: newName))
  }

  /// Sets the most bytes of the device that a volume may take; nil: no limit. For administrators of the store.
  public func setQuota(of name: String, byteCount: UInt64?) throws(StorageError) {
    _ = try requireWriter()
    try requireStore(.admin)
    try perform(.setQuota(try existing(name).id, byteCount))
  }

  /// Sets how many bytes of the device no other volume may take. For administrators of the store.
  public func setReservation(of name: String, byteCount: UInt64) throws(StorageError) {
    _ = try requireWriter()
    try requireStore(.admin)
    try perform(.setReservation(try existing(name).id, byteCount))
  }

  /// The volumes that the principal may read.
  public func volumes() throws(StorageError) -> [VolumeInformation] {
    try requireActive()
    recorder?.note(.catalog, core.catalog.tree, CatalogKey.volumes)
    var list: [VolumeInformation] = []
    for found in state.volumes where try rights(on: found.id).contains(.read) {
      list.append(try information(found))
    }
    return list
  }

  /// What the catalog says of a volume.
  public func information(of name: String) throws(StorageError) -> VolumeInformation {
    try requireActive()
    let found = try existing(name)
    try require(.read, on: found)
    return try information(found)
  }

  private func information(_ found: CatalogVolume) throws(StorageError) -> VolumeInformation {
    var usage = try core.catalog.usage(of: found.id, in: view)
    for volume in openedVolumes where volume.id == found.id { usage.add(volume.change) }
    let record = found.record
    return VolumeInformation(
      id: found.id, name: record.name, kind: record.kind, formatVersion: record.formatVersion, owner: record.owner,
      quotaByteCount: record.quotaByteCount, reservationByteCount: record.reservationByteCount,
      isBeingRemoved: record.isBeingRemoved, usage: usage)
  }

  // MARK: Grants

  /// Gives a principal rights beside those that it has. For administrators of the scope.
  public func grant(_ rights: Rights, to principal: Principal, on scope: GrantScope) throws(StorageError) {
    _ = try requireWriter()
    try requireAdministrator(of: scope)
    try perform(.grant(principal, scope, rights))
  }

  /// Takes all rights of a principal on a scope. Rights on the other scope remain.
  public func revoke(from principal: Principal, on scope: GrantScope) throws(StorageError) {
    _ = try requireWriter()
    try requireAdministrator(of: scope)
    try perform(.revoke(principal, scope))
  }

  /// All grants, for administrators of the store; else the principal's own.
  public func grants() throws(StorageError) -> [Grant] {
    try requireActive()
    recorder?.note(.catalog, core.catalog.tree, CatalogKey.grants)
    let all = try core.catalog.grants(in: view)
    if try rights(on: nil).contains(.admin) { return all }
    let principal = self.principal
    return all.filter { $0.principal == principal }
  }

  private func requireAdministrator(of scope: GrantScope) throws(StorageError) {
    switch scope {
    case .store: try requireStore(.admin)
    case .volume(let id):
      guard let found = state.volume(id), !found.record.isBeingRemoved else {
        throw .notFound(Subject("volume", id.description))
      }
      try require(.admin, on: found)
    }
  }

  // MARK: Names and ids

  private func existing(_ name: String) throws(StorageError) -> CatalogVolume {
    guard let found = try find(name) else { throw .notFound(Subject("volume", name)) }
    return found
  }

  private func administered(_ name: String) throws(StorageError) -> CatalogVolume {
    let found = try existing(name)
    try require(.admin, on: found)
    return found
  }

  private func requireAllowed(name: String) throws(StorageError) {
    guard VolumeRecord.isAllowed(name: name) else {
      throw .invalidArgument("a volume's name has 1 to 64 bytes of UTF-8 and no control characters")
    }
  }

  /// The id that is wanted, else the smallest one, that is neither used nor promised to a prepared transaction.
  private func unusedID(_ wanted: VolumeID?) throws(StorageError) -> VolumeID {
    if let wanted {
      recorder?.note(.catalog, core.catalog.tree, KeyRange(key: CatalogKey.volume(wanted)))
      guard isUnused(wanted) else { throw .alreadyExists(Subject("volume", wanted.description)) }
      return wanted
    }
    for number in UInt8.min..<UInt8.max {
      guard let id = VolumeID(rawValue: number) else { break }
      if isUnused(id) { return id }
    }
    throw .limitExceeded(what: "volumes", limit: 255)
  }

  private func isUnused(_ id: VolumeID) -> Bool {
    let range = KeyRange(key: CatalogKey.volume(id))
    return state.volume(id) == nil && holds?.refuseWrite(core.catalog.tree.root, range) != true
  }

  // MARK: Doing it

  func perform(_ operation: CatalogOperation) throws(StorageError) {
    let catalog = try catalogVolume()
    let removes: Bool
    switch operation {
    case .remove, .cancelWork: removes = true
    default: removes = false
    }
    try catalog.perform(recordsReads: true, releasesSpace: removes, operation: { operation.encoded }) {
      () throws(StorageError) in try apply(operation, in: catalog)
    }
  }

  /// Does an operation of the catalog, as part of one.
  func apply(_ operation: CatalogOperation, in catalog: Volume) throws(StorageError) {
    switch operation {
    case .create(let volume): try create(volume, in: catalog)
    case .remove(let id, let definition): try remove(id, definition: definition, in: catalog)
    case .rename(let id, let name): try rename(id, to: name, in: catalog)
    case .setQuota(let id, let quota):
      try requireVolume(id)
      try changeRecord(of: id) { $0.quotaByteCount = quota }
    case .setReservation(let id, let reservation):
      try requireVolume(id)
      try changeRecord(of: id) { $0.reservationByteCount = reservation }
    case .grant(let principal, let scope, let rights):
      let key = CatalogKey.grant(principal, scope)
      if case .volume(let id) = scope { try requireVolume(id) }
      let old = try catalog.root.get(key)
      let known = try old.map { (bytes) throws(StorageError) in
        try core.catalog.decode(bytes, GrantRecord.init(decoding:)).rights
      }
      try catalog.root.put(key, GrantRecord(rights: rights.union(known ?? [])).encoded)
    case .revoke(let principal, let scope):
      guard try catalog.root.delete(CatalogKey.grant(principal, scope)) else {
        throw .notFound(Subject("grant", principal.bytes))
      }
    case .beginWork(let record): try beginWork(record, in: catalog)
    case .cancelWork(let id): try breakOffWork(id, in: catalog)
    }
  }

  private func create(_ new: CatalogOperation.NewVolume, in catalog: Volume) throws(StorageError) {
    let nameKey = CatalogKey.name(Array(new.name.utf8))
    guard try !catalog.root.contains(nameKey) else { throw .alreadyExists(Subject("volume", new.name)) }
    guard try !catalog.root.contains(CatalogKey.volume(new.id)) else {
      throw .alreadyExists(Subject("volume", new.id.description))
    }
    guard let filesystem = core.filesystem(new.kind), new.formatVersion <= filesystem.formatVersion else {
      throw .invalidArgument("no filesystem of kind \(new.kind) and version \(new.formatVersion) is registered")
    }
    let writer = try requireWriter()
    let start = writer.blockDelta - attributedBlocks
    let tree = try Tree.create(owner: new.id.rawValue, in: writer)
    let rootBlocks = writer.blockDelta - attributedBlocks - start
    noteNewTree(tree.root)
    var record = VolumeRecord(
      kind: new.kind, formatVersion: new.formatVersion, root: tree.root, incarnation: new.incarnation, name: new.name,
      owner: new.owner)
    record.quotaByteCount = new.quotaByteCount
    record.reservationByteCount = new.reservationByteCount
    try catalog.root.put(nameKey, [new.id.rawValue])
    try catalog.root.put(CatalogKey.volume(new.id), record.encoded)
    try core.catalog.tree.put(CatalogKey.usage(new.id), VolumeUsage().encoded, in: writer)
    try reloadState()
    let volume = Volume(self, CatalogVolume(id: new.id, record: record), filesystem)
    volume.change.blocks = rootBlocks
    attributedBlocks += rootBlocks
    try volume.changing { () throws(StorageError) in try filesystem.format(volume, options: new.options) }
    enter(volume)
  }

  private func remove(_ id: VolumeID, definition: UInt64, in catalog: Volume) throws(StorageError) {
    let found = try requireVolume(id)
    guard holds?.holds(id) != true else { throw .conflict(volume: found.record.name, key: []) }
    var record = found.record
    record.isBeingRemoved = true
    record.definition = definition
    try catalog.root.delete(CatalogKey.name(Array(record.name.utf8)))
    try catalog.root.put(CatalogKey.volume(id), record.encoded)
    removedVolumes = true
    try reloadState()
  }

  private func rename(_ id: VolumeID, to name: String, in catalog: Volume) throws(StorageError) {
    var record = try requireVolume(id).record
    let nameKey = CatalogKey.name(Array(name.utf8))
    guard try !catalog.root.contains(nameKey) else { throw .alreadyExists(Subject("volume", name)) }
    try catalog.root.delete(CatalogKey.name(Array(record.name.utf8)))
    try catalog.root.put(nameKey, [id.rawValue])
    record.name = name
    try catalog.root.put(CatalogKey.volume(id), record.encoded)
    try reloadState()
  }

  /// The volume with this id, read anew: an operation may be done long after it was staged.
  @discardableResult
  private func requireVolume(_ id: VolumeID) throws(StorageError) -> CatalogVolume {
    let catalog = try catalogVolume()
    guard let bytes = try catalog.root.get(CatalogKey.volume(id)) else {
      throw .notFound(Subject("volume", id.description))
    }
    let record = try core.catalog.decode(bytes, VolumeRecord.init(decoding:))
    guard !record.isBeingRemoved else { throw .notFound(Subject("volume", record.name)) }
    return CatalogVolume(id: id, record: record)
  }

  /// Changes a volume's record in the catalog.
  func changeRecord(of id: VolumeID, _ change: (inout VolumeRecord) -> Void) throws(StorageError) {
    guard var found = state.volume(id) else { throw .notFound(Subject("volume", id.description)) }
    change(&found.record)
    let catalog = try catalogVolume()
    try catalog.changing { () throws(StorageError) in
      _ = try catalog.root.put(CatalogKey.volume(id), found.record.encoded)
    }
    try reloadState()
  }

  /// Takes the changed catalog for what this transaction sees.
  func reloadState() throws(StorageError) {
    catalogChanged = true
    let volumes = try core.catalog.volumes(in: view)
    state = CatalogState(generation: state.generation, volumes: volumes, holds: state.holds)
  }

  /// Blocks that other volumes than `id` have reserved and not taken yet.
  func blocksReserved(besides id: VolumeID) throws(StorageError) -> UInt64 {
    var reserved: UInt64 = 0
    let blockByteCount = UInt64(view.blockByteCount)
    for other in state.volumes where other.id != id && other.record.reservationByteCount > 0 {
      var usage = try core.catalog.usage(of: other.id, in: view)
      for volume in openedVolumes where volume.id == other.id { usage.add(volume.change) }
      let promised = other.record.reservationByteCount / blockByteCount
      if promised > usage.takenBlockCount { reserved = adding(promised - usage.takenBlockCount, to: reserved) }
    }
    return reserved
  }
}
