import CairnBytes
import CairnMemory

// From a transaction's changes to records in the pending group. Everything here runs under the lock and as the writer.

extension DeviceCore {
  /// Sectors that `byteCount` bytes take.
  func sectorCount(_ byteCount: Int) -> UInt64 {
    UInt64((byteCount + layout.sectorByteCount - 1) / layout.sectorByteCount)
  }

  /// Sectors that can be appended without overwriting what either superblock still needs.
  var roomSectorCount: UInt64 {
    let older = isPlanted(.reuseRingAtNewestTail) ? .max : older.oldestPosition
    let oldest = min(superblock.oldest.position, older)
    let used = head.position - oldest
    return used < layout.ringSectorCount ? layout.ringSectorCount - used : 0
  }

  /// Puts a transaction's changes into the chain; its sequence. The caller then waits for the flush.
  func appendCommit(_ changes: inout ChangeSet, annotation: CommitAnnotation) throws(StorageError) -> UInt64 {
    try requireUsable()
    guard annotation.principal.count <= DeviceLimits.principalByteCountMax else {
      throw .limitExceeded(what: "bytes of a principal", limit: UInt64(DeviceLimits.principalByteCountMax))
    }
    if changes.freeBlockDelta != 0 {
      let block = try makePrivate(layout.geometryBlock, in: &changes)
      geometry.freeBlockCount = UInt64(Int64(geometry.freeBlockCount) + changes.freeBlockDelta)
      changes.freeBlockDelta = 0
      geometry.encode(into: block)
    }
    var commit = EncodedCommit(reusing: spareBuffers.take())
    for (index, entry) in changes.entries.enumerated()
    where !(isPlanted(.bitmapOutsideJournal) && layout.isBitmap(entry.block)) {
      changes.prefetch(behind: index)
      commit.change(entry, blockByteCount: layout.blockByteCount)
    }

    let external = changes.external.values.sorted { $0.start < $1.start }
    var unflushed: [ExternalData] = external
    if changes.externalByteCount > DeviceLimits.unflushedDataByteCountMax {
      if !isPlanted(.skipDataFlush) { try flushAhead() }
      unflushed = []
    }
    let unsettled = unsettledGenerations(of: changes.freedBlocks)
    let generationByteCount = min(unsettled.count + pendingGenerations.count, layout.generationsPerCommitMax) * 16
    let tail = unflushed.reduce(256) { $0 + 24 + $1.digests.count * 8 }
    let needed = sectorCount(commit.byteCount + generationByteCount + tail)
    guard needed <= layout.commitSectorCountMax else {
      throw .transactionTooLarge(
        byteCount: needed * UInt64(layout.sectorByteCount),
        limit: layout.commitSectorCountMax * UInt64(layout.sectorByteCount))
    }
    try options.admit(Int(needed) * layout.sectorByteCount)
    try makeRoom(needed + layout.maintenanceSectorCount)
    try logGenerations(in: &changes, into: &commit, unsettled: unsettled)
    commit.commit(annotation: annotation, external: unflushed)
    return enter(commit, changes)
  }

  /// Freed blocks whose homes may be one generation ahead of the table without anyone knowing, with the entry that settles it.
  ///
  /// Nobody reads these homes again. But the next block in such a place would go home with the generation that lies there, and if
  /// that write were lost, the block of the earlier life would pass for it. So the commit that frees it raises the entry.
  private func unsettledGenerations(of freed: [UInt64]) -> [(block: UInt64, generation: UInt8)] {
    if isPlanted(.trustFreedGeneration) { return [] }
    var entries: [(block: UInt64, generation: UInt8)] = []
    for block in freed where entries.count < layout.generationsPerCommitMax {
      // On its way home, or not looked at since an opening.
      guard dirty[block]?.isInBatch == true || replay[block] != nil || rebuilt.contains(block),
        pendingGenerations[block] == nil, !layout.isGenerationTable(block),
        let committed = (try? committedGeneration(of: block)) ?? nil
      else { continue }
      entries.append((block, committed &+ 1))
    }
    return entries
  }

  /// Changes the table entries of blocks whose home write is flushed: no more than a maintenance commit holds, those
  /// first that wait for it to go home again; and of freed blocks, which come before all.
  private func logGenerations(
    in changes: inout ChangeSet, into commit: inout EncodedCommit,
    unsettled: [(block: UInt64, generation: UInt8)] = []
  ) throws(StorageError) {
    guard !pendingGenerations.isEmpty || !unsettled.isEmpty else { return }
    var blocks = Array(pendingGenerations.keys)
    if blocks.count + unsettled.count > layout.generationsPerCommitMax {
      var waiting: [UInt64] = []
      var others: [UInt64] = []
      for block in blocks {
        if owesWriteHome(block) { waiting.append(block) } else { others.append(block) }
      }
      waiting.sort()
      others.sort()
      blocks = Array((waiting + others).prefix(layout.generationsPerCommitMax - unsettled.count))
    }
    var tables: Set<UInt64> = []
    for (block, generation) in unsettled {
      guard let place = layout.generationPlace(of: block) else { continue }
      try makePrivate(place.block, in: &changes).store(generation, at: place.offset)
      tables.insert(place.block)
    }
    for block in blocks {
      guard let place = layout.generationPlace(of: block), let generation = pendingGenerations[block] else { continue }
      try makePrivate(place.block, in: &changes).store(generation, at: place.offset)
      tables.insert(place.block)
    }
    for table in tables.sorted() {
      if let entry = changes.entry(of: self.table.newest(table)) {
        commit.change(entry, blockByteCount: layout.blockByteCount)
      }
    }
    for block in blocks {
      pendingGenerations[block] = nil
      unproven[block]?.loggedBy = head.sequence
    }
  }

  /// Seals a commit, appends it to the pending group and makes its versions committed.
  private func enter(_ commit: consuming EncodedCommit, _ changes: ChangeSet) -> UInt64 {
    let sequence = head.sequence
    if pending.isEmpty {
      pending.position = head.position
      pending.firstSequence = isPlanted(.numberOfFlushBefore) ? durableSequence : sequence
    } else if isPlanted(.numberWithinGroup) {
      pending.firstSequence = sequence
    }
    places.append(head)
    let before = pending.bytes.count
    let (checksum, buffer) = commit.seal(
      epoch: epoch, previousEpoch: head.epoch == epoch ? nil : head.epoch, sequence: sequence,
      flushNumber: pending.firstSequence, previousChecksum: head.previousChecksum,
      sectorByteCount: layout.sectorByteCount,
      appendingTo: &pending.bytes)
    spareBuffers.give(buffer)
    let sectors = UInt64((pending.bytes.count - before) / layout.sectorByteCount)
    head = JournalPlace(
      position: head.position + sectors, sequence: sequence + 1, previousChecksum: checksum, epoch: epoch)
    sectorsSinceStep += sectors
    pending.lastSequence = sequence

    for entry in changes.entries { entry.version.setSequence(sequence) }
    dirty.change(changes.entries, sequence: sequence)
    pending.append(changes.entries)
    for block in changes.freedBlocks {
      dirty.markFreed(block)
      if isPlanted(.settleFreedAtOnce) { dirty.settleFreed(block) }
      pending.freedBlocks.append((sequence, block))
      pending.freed.append((sequence, Extent(start: BlockNumber(block), count: 1)))
    }
    for extent in changes.freedExtents { pending.freed.append((sequence, extent)) }
    for extent in changes.erased { pending.erased.append((sequence, extent)) }
    return sequence
  }

  /// A commit of the device's own: only generations. Under the lock; the running transaction has changed no table block
  /// that exists on the device.
  func appendMaintenanceCommit() throws(StorageError) {
    guard !pendingGenerations.isEmpty else { return }
    var commit = EncodedCommit()
    var changes = ChangeSet()
    do {
      try logGenerations(in: &changes, into: &commit)
    } catch {
      // A private version that nobody knows would swallow the next changes of its block.
      for entry in changes.entries.reversed() { dropPrivate(entry) }
      throw error
    }
    commit.commit(annotation: CommitAnnotation(event: .maintenance, time: environment.now()), external: [])
    _ = enter(commit, changes)
  }

  /// Makes sure that `sectors` can be appended: by flushing, and at last by a forced checkpoint.
  func makeRoom(_ sectors: UInt64) throws(StorageError) {
    if roomSectorCount >= sectors { return }
    try forceCheckpoint(untilRoom: sectors)
    guard roomSectorCount >= sectors else {
      if let checkpointFailure { throw checkpointFailure }
      throw .transactionTooLarge(
        byteCount: sectors * UInt64(layout.sectorByteCount), limit: roomSectorCount * UInt64(layout.sectorByteCount))
    }
  }

  /// Flushes what must be durable before the commit that points to it: much new data, a larger memory. Releases the lock
  /// meanwhile.
  func flushAhead() throws(StorageError) {
    lock.unlock()
    var failure: MemoryError?
    do { try memory.flush() } catch { failure = error }
    lock.lock()
    if let failure {
      poison()
      throw .memory(failure)
    }
  }

  func poison() {
    isPoisoned = true
    flushed.broadcast()
    committers.0.broadcast()
    committers.1.broadcast()
  }
}
