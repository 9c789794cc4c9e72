import CairnBlocks
import CairnTrees

// Doing staged operations again, and holding what was read against what is there.

extension Transaction {
  /// Throws a conflict when the volume is not the one any more that earlier calls of the transaction used.
  func requireSameLife(of volume: Volume, in staging: Tree) throws(StorageError) {
    guard let bytes = try staging.get(StagingKey.use(volume.id), in: view) else { return }
    let use = try core.catalog.decode(bytes, VolumeUse.init(decoding:))
    guard use == VolumeUse(incarnation: volume.incarnation, definition: volume.definition) else {
      isConflicted = true
      throw .conflict(volume: volume.name, key: [])
    }
  }

  /// Does the staged operations of one volume on the state that is current now.
  func reapply(_ volume: Volume, from staging: Tree) throws(StorageError) {
    var range = StagingKey.operations(of: volume.id)
    while true {
      // A few at a time: applying changes trees, and there may be a million of them.
      var batch: [StagedOperation] = []
      var cursor = try RangeCursor(staging, range, in: view)
      while batch.count < 128, try cursor.next() {
        batch.append(try core.catalog.decode(cursor.value(), StagedOperation.init(decoding:)))
        range.low = KeyRange.successor(of: cursor.key)
      }
      if batch.isEmpty { return }
      for operation in batch { try reapply(operation, to: volume) }
    }
  }

  private func reapply(_ operation: StagedOperation, to volume: Volume) throws(StorageError) {
    let writer = try requireWriter()
    writer.usesReserve = operation.releasesSpace
    // What an operation looks at for itself is not a read of the call.
    let reads = recorder?.beginOperation() ?? 0
    defer { recorder?.endOperation(reads, keepsReads: false) }
    do {
      try volume.changing { () throws(StorageError) in try volume.filesystem.apply(operation.operation, to: volume) }
    } catch {
      guard Self.dependsOnState(error) else { throw error }
      isConflicted = true
      throw conflict(of: volume, error)
    }
    guard mode == .committing else { return }
    var blocks: Int64 = 0
    for extent in operation.extents { blocks += Int64(extent.count) }
    volume.change.blocks += blocks
    volume.change.stagedBlocks -= blocks
  }

  /// Does every staged operation: the catalog's first, then volume by volume.
  func reapplyAll(from staging: Tree) throws(StorageError) {
    var range = StagingKey.operations
    while true {
      var cursor = try RangeCursor(staging, range, in: view)
      guard try cursor.next() else { return }
      guard let id = StagingKey.operationVolume(cursor.key) else { throw core.catalog.damage }
      let volume: Volume
      if id == .catalog {
        volume = try catalogVolume()
      } else {
        guard let found = state.volume(id), !found.record.isBeingRemoved else {
          isConflicted = true
          throw .conflict(volume: "volume \(id)", key: [])
        }
        try require(.write, on: found)
        volume = try open(found)
      }
      try reapply(volume, from: staging)
      guard let end = StagingKey.operations(of: id).high else { return }
      range.low = end
    }
  }

  /// Throws a conflict unless everything that the transaction read is still as it was.
  func validate(_ staging: Tree) throws(StorageError) {
    try validateUses(staging)
    // A tree that is gone reads as damage. It is a conflict as long as the read that led there has changed, too.
    var damage: StorageError?
    var cursor = try RangeCursor(staging, StagingKey.reads, in: view)
    while try cursor.next() {
      let read = try core.catalog.decode(cursor.value(), RecordedRead.init(decoding:))
      let range = KeyRange(low: read.low, high: read.high)
      let tree = Tree(root: read.tree, owner: read.volume)
      let digest: UInt64
      do {
        digest = try RecordedRead.digest(of: range, countsOnly: read.countsOnly, in: tree, view)
      } catch {
        guard case .damaged = error else { throw error }
        damage = error
        continue
      }
      if digest != read.digest && !isPlanted(.forgetReads) {
        isConflicted = true
        throw try conflict(VolumeID(byte: read.volume), read.tree, read.low)
      }
    }
    if let damage { throw damage }
  }

  private func validateUses(_ staging: Tree) throws(StorageError) {
    var cursor = try RangeCursor(staging, StagingKey.uses, in: view)
    while try cursor.next() {
      guard let id = StagingKey.useVolume(cursor.key) else { throw core.catalog.damage }
      let use = try core.catalog.decode(cursor.value(), VolumeUse.init(decoding:))
      let record = state.volume(id)?.record
      guard let record, !record.isBeingRemoved, record.incarnation == use.incarnation,
        record.definition == use.definition
      else {
        isConflicted = true
        throw .conflict(volume: record?.name ?? "volume \(id)", key: [])
      }
    }
  }

  /// Whether an operation that was possible when it was staged can fail like this only because the state has changed.
  private static func dependsOnState(_ error: StorageError) -> Bool {
    switch error {
    case .notFound, .alreadyExists, .notEmpty, .preconditionFailed, .conflict, .invalidRange, .wrongKind,
      .constraintViolated:
      true
    default: false
    }
  }

  /// The conflict that a failed operation is: where it looked last.
  private func conflict(of volume: Volume, _ error: StorageError) -> StorageError {
    if case .conflict = error { return error }
    guard let last = recorder?.last, last.volume == volume.id else { return .conflict(volume: volume.name, key: []) }
    return .conflict(
      volume: volume.name, key: volume.filesystem.userKey(for: last.range.low, in: last.tree.root, of: volume))
  }

  /// A conflict at a key, under the names that a user knows.
  func conflict(_ id: VolumeID, _ tree: BlockNumber, _ key: [UInt8]) throws(StorageError) -> StorageError {
    guard id != .catalog else { return .conflict(volume: "", key: Array(key.dropFirst())) }
    guard let found = state.volume(id), core.filesystem(found.record.kind) != nil else {
      return .conflict(volume: "volume \(id)", key: key)
    }
    let volume = try open(found, isAccessChecked: false)
    return .conflict(volume: found.record.name, key: volume.filesystem.userKey(for: key, in: tree, of: volume))
  }
}

extension Transaction {
  /// What a transaction that is about to be prepared relies on: what its calls read, and what its operations read and write.
  /// Throws a conflict where another prepared one will write.
  func rangesToHold(_ staging: Tree) throws(StorageError) -> [HeldRange] {
    var ranges: [HeldRange] = []
    func hold(_ volume: UInt8, _ tree: BlockNumber, _ range: KeyRange, isWrite: Bool) throws(StorageError) {
      // What only this transaction will make, others can not touch.
      guard !newTrees.contains(tree) else { return }
      if let holds, holds.refuseHold(tree, range) {
        isConflicted = true
        throw try conflict(VolumeID(byte: volume), tree, range.low)
      }
      ranges.append(HeldRange(volume: volume, tree: tree, low: range.low, high: range.high, isWrite: isWrite))
    }
    var cursor = try RangeCursor(staging, StagingKey.reads, in: view)
    while try cursor.next() {
      let read = try core.catalog.decode(cursor.value(), RecordedRead.init(decoding:))
      let range = read.countsOnly ? KeyRange.all : KeyRange(low: read.low, high: read.high)
      try hold(read.volume, read.tree, range, isWrite: false)
    }
    guard let recorder else { return ranges }
    for read in recorder.mergedReads() {
      try hold(read.volume.rawValue, read.tree.root, read.range, isWrite: false)
    }
    for write in recorder.mergedWrites() {
      try hold(write.volume.rawValue, write.tree.root, write.range, isWrite: true)
    }
    return ranges
  }
}
