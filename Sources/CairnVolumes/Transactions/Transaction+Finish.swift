import CairnBlocks
import CairnTrees

// The end of a call: what goes into the catalog beside the volumes' own changes.

extension Transaction {
  /// Completes a commit: data that nobody took over go back, and the catalog learns what the volumes take.
  func finish(_ writer: BlockTransaction) throws(StorageError) {
    try requireSound()
    try completeVolumes()
    try freeUntaken(writer)
    // What is left is bookkeeping of a few bytes; a delete on a full store must not fail for it.
    writer.usesReserve = true
    for volume in openedVolumes where volume.id != .catalog && !volume.change.isNone {
      try core.changeUsage(of: volume.id, volume.change, in: writer)
      volume.change = UsageChange()
    }
    if catalogChanged { try core.changeStore(in: writer) { $0.generation &+= 1 } }
  }

  /// Lets filesystems look at what was left for the end.
  func completeVolumes() throws(StorageError) {
    for volume in openedVolumes where volume.id != .catalog && !volume.isBeingRemoved {
      try volume.changing { () throws(StorageError) in try volume.filesystem.complete(volume) }
    }
  }

  /// Keeps what a call staged and read with its multi-call transaction. The changes were taken back before, so that the
  /// digests are those of the committed state. False when there is nothing to keep.
  func keep(
    with id: TransactionID, _ record: inout TransactionRecord, _ writer: BlockTransaction, now: UInt64
  ) throws(StorageError) -> Bool {
    guard recorder?.isOverflowing != true else {
      throw .limitExceeded(what: "ranges that one transaction reads", limit: core.limits.readCount)
    }
    let reads = (recorder?.mergedReads() ?? []).filter { !newTrees.contains($0.tree.root) }
    guard !reads.isEmpty || !staged.isEmpty else { return false }
    // Deletes must be possible on a full store, so staging them is, too.
    writer.usesReserve = staged.allSatisfy { $0.operation.releasesSpace }
    let catalog = core.catalog
    let tree: Tree
    if let known = staging {
      tree = known
    } else {
      tree = try Tree.create(owner: VolumeID.catalog.rawValue, in: writer)
      record.staging = tree.root
    }
    try keep(reads, in: tree, &record, writer)
    for volume in openedVolumes where volume.id != .catalog && !newTrees.contains(volume.tree.root) {
      let key = StagingKey.use(volume.id)
      if try !tree.contains(key, in: writer.view) {
        let use = VolumeUse(incarnation: volume.incarnation, definition: volume.openedDefinition)
        try tree.put(key, use.encoded, in: writer)
      }
    }
    if !staged.isEmpty { try retainOfVolumes(writer) }
    for (volume, operation) in staged where !isPlanted(.forgetStagedOperations) {
      try tree.put(StagingKey.operation(volume, record.operationCount), operation.encoded, in: writer)
      record.operationCount = adding(1, to: record.operationCount)
      record.stagedByteCount = adding(
        operation.byteCount(blockByteCount: writer.view.blockByteCount), to: record.stagedByteCount)
      var blocks: UInt64 = 0
      for extent in operation.extents { blocks += UInt64(extent.count) }
      if blocks > 0, try catalog.volume(volume, in: writer.view) != nil {
        try core.changeUsage(of: volume, UsageChange(stagedBlocks: Int64(blocks)), in: writer)
      }
    }
    return true
  }

  /// Lets filesystems write what stays of the call whatever becomes of the transaction.
  private func retainOfVolumes(_ writer: BlockTransaction) throws(StorageError) {
    for volume in openedVolumes
    where volume.id != .catalog && !volume.isBeingRemoved && !newTrees.contains(volume.tree.root) {
      // What the operations took was taken back with them.
      volume.change = UsageChange()
      try volume.withoutRecording { () throws(StorageError) in
        try volume.changing { () throws(StorageError) in try volume.filesystem.retain(volume) }
      }
      guard !volume.change.isNone else { continue }
      try core.changeUsage(of: volume.id, volume.change, in: writer)
      volume.change = UsageChange()
    }
  }

  private func keep(
    _ reads: [ReadEntry], in tree: Tree, _ record: inout TransactionRecord, _ writer: BlockTransaction
  ) throws(StorageError) {
    for read in reads {
      let digest = try RecordedRead.digest(
        of: read.range, countsOnly: read.countsOnly, in: read.tree, writer.view)
      let recorded = RecordedRead(
        volume: read.volume.rawValue, tree: read.tree.root, low: read.range.low, high: read.range.high,
        countsOnly: read.countsOnly, digest: digest)
      guard let key = try unusedKey(for: recorded, in: tree, writer) else { continue }
      guard record.readCount < core.limits.readCount else {
        throw .limitExceeded(what: "ranges that one transaction reads", limit: core.limits.readCount)
      }
      try tree.put(key, recorded.encoded, in: writer)
      record.readCount += 1
    }
  }

  /// The key for a read; nil when it was recorded before. The same range with another digest is another read: what was seen
  /// at two times can not both be there at commit, and that is a conflict.
  private func unusedKey(
    for read: RecordedRead, in tree: Tree, _ writer: BlockTransaction
  ) throws(StorageError) -> [UInt8]? {
    var identity = read.identity
    while true {
      let key = StagingKey.read(identity)
      guard let bytes = try tree.get(key, in: writer.view) else { return key }
      if try core.catalog.decode(bytes, RecordedRead.init(decoding:)) == read { return nil }
      identity &+= 1
    }
  }
}
