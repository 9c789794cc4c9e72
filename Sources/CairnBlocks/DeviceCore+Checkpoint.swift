import CairnBytes
import CairnMemory

// Writing committed blocks home and moving the tail. Under the lock.
//
// A batch takes two flushes: its images ride on the first, its home writes on the second; then its slot is free and the tail
// may pass its blocks. A memory that tears no message needs no images: its batches go home at once.

extension DeviceCore {
  /// Fills free batches with the blocks that have waited longest.
  func fillBatches(
    _ effort: Effort, imaging: inout [Int], writingHome: inout [Int], homes: inout [(batch: Int, index: Int)]
  ) {
    var quota = blockQuota(effort)
    let needsImages = layout.imageSlotCount > 0 && !isPlanted(.homeWithoutImage)
    let capacity = needsImages ? layout.imageSlotBlockCount : 128
    for index in batches.indices where batches[index].state == .free && quota > 0 {
      let filled = fillBatch(index, count: min(quota, capacity))
      if filled == 0 { break }
      quota -= filled
      if needsImages {
        batches[index].state = .imaged
        imaging.append(index)
      } else {
        batches[index].state = .written
      }
      if !needsImages || isPlanted(.homeBesideImage) {
        writingHome.append(index)
        for position in 0..<filled { homes.append((index, position)) }
      }
    }
  }

  /// How many blocks a step should take on: none before 7/16 of the ring are in use, then so many that all that are dirty now
  /// are home before 7/8 are. With changes spread evenly that comes to rest where it began. The longer a block waits, the
  /// more changes go home in one write.
  private func blockQuota(_ effort: Effort) -> Int {
    let owing = dirty.owingCount
    switch effort {
    case .forced, .draining: return owing
    case .closing: return 0
    case .riding:
      let ring = layout.ringSectorCount
      let used = head.position - superblock.tail.position
      let isPressed = owing * 8 > frames.frameCountSoft * 3
      guard used > ring * 7 / 16 || isPressed else { return 0 }
      let span = max(1, max(ring * 7 / 8, used + ring / 16) - used)
      let share = UInt64(owing) * max(1, sectorsSinceStep) / span
      return Int(min(max(share, 1), UInt64(owing))) * (isPressed ? 2 : 1)
    }
  }

  /// Puts up to `count` blocks into a batch; how many it took.
  private func fillBatch(_ index: Int, count: Int) -> Int {
    do { try options.admit(count * layout.blockByteCount) } catch {
      checkpointFailure = error
      return 0
    }
    let durable = isPlanted(.imageUndurable) ? .max - 1 : durableSequence
    var chosen: [(block: UInt64, version: BlockBytes, generation: UInt8)] = []
    var notNow: [(block: UInt64, firstChange: UInt64)] = []
    while chosen.count < count, let (block, firstChange) = dirty.popOldest() {
      guard firstChange <= durable else {
        notNow.append((block, firstChange))
        break
      }
      guard !waitsForEntry(block), dirty[block]?.isFreed != true else {
        notNow.append((block, firstChange))
        continue
      }
      do {
        let newest = try load(block, sequence: .max)
        let generation = try committedGeneration(of: block)
        if let generation, rebuilt.remove(block) != nil { lookAtHome(block, committed: generation) }
        // Loading may have found the header one ahead of the table: then its turn comes later.
        guard !waitsForEntry(block), let (version, after) = durableVersion(newest, durable: durable) else {
          notNow.append((block, firstChange))
          continue
        }
        dirty.beginBatch(block, firstChangeAfterImage: after)
        chosen.append((block, version, generation.map { $0 &+ 1 } ?? 0))
      } catch {
        // The block stays dirty and keeps the tail where it is: its changes are safe in the ring.
        checkpointFailure = error
        notNow.append((block, firstChange))
        if case .memoryBudgetExceeded = error { break }
      }
    }
    for skipped in notNow { dirty.putBack(skipped.block, firstChange: skipped.firstChange) }
    guard !chosen.isEmpty else { return 0 }
    chosen.sort { $0.block < $1.block }
    batches[index].blocks = chosen.map { $0.block }
    batches[index].generations = chosen.map { $0.generation }
    seal(chosen, into: &batches[index].images)
    return chosen.count
  }

  /// Whether a block may not go home before its table entry is changed: its home is one generation ahead, and so would be the next
  /// one, which nothing could tell from this one if it were lost. Crashes in a row inside checkpoints leave a ring without room
  /// for the entry; there the block goes home as it is, since a full ring must not wait for itself.
  private func waitsForEntry(_ block: UInt64) -> Bool {
    pendingGenerations[block] != nil && roomSectorCount >= layout.maintenanceSectorCount
  }

  /// Looks at the home of a block that was rebuilt from zeros before it is written for the first time since the opening.
  ///
  /// It may have been written before, with the generation that it would get now; were the next write lost, the old one would pass
  /// for it. Then the table entry comes first. Only the generation counts: a home that anyone wrote costs an entry and nothing
  /// else, one that does not verify is no danger. Without room for entries the block goes home as it is, since a ring
  /// that is full after a crash must not wait for itself.
  private func lookAtHome(_ block: UInt64, committed: UInt8) {
    guard hasRoomToProve, pendingGenerations[block] == nil, !isPlanted(.trustRebuiltGeneration),
      pendingGenerations.count < layout.generationsPerCommitMax / 2,
      (try? options.admit(layout.blockByteCount)) != nil
    else { return }
    var home = [UInt8](repeating: 0, count: layout.blockByteCount)
    var span = home.mutableSpan
    guard (try? readMemory(memory, at: block * UInt64(layout.blockByteCount), into: &span)) != nil,
      let header = try? BlockHeader(decoding: home.span, number: block, storeID: storeID.low),
      header.generation == committed &+ 1
    else { return }
    pendingGenerations[block] = header.generation
  }

  /// The newest durable version of a chain, and the sequence of the first committed one behind it in time.
  private func durableVersion(_ newest: BlockBytes, durable: UInt64) -> (version: BlockBytes, after: UInt64?)? {
    var version = newest
    var after: UInt64?
    while version.sequence > durable {
      if version.sequence != .max { after = version.sequence }
      guard let older = version.older else { return nil }
      version = older
    }
    return (version, after)
  }

  private func seal(
    _ chosen: [(block: UInt64, version: BlockBytes, generation: UInt8)], into images: inout [UInt8]
  ) {
    let blockByteCount = layout.blockByteCount
    images.removeAll(keepingCapacity: true)
    images.reserveCapacity(chosen.count * blockByteCount)
    for (_, version, _) in chosen {
      version.withSpan(count: blockByteCount) { BulkCopy.append($0, to: &images) }
    }
    var span = images.mutableSpan
    for (index, (block, version, generation)) in chosen.enumerated() {
      var part = span._mutatingExtracting(index * blockByteCount..<(index + 1) * blockByteCount)
      BlockHeader(
        kind: BlockKind(rawValue: version.u8(at: BlockHeader.Layout.kind)), generation: generation,
        owner: version.u8(at: BlockHeader.Layout.owner), level: version.u8(at: BlockHeader.Layout.level),
        storeID: storeID.low, number: BlockNumber(block), sequence: version.sequence
      ).seal(&part)
    }
  }

  /// Only for a planted bug: makes a batch's images anew from versions that may not be durable.
  func sealLiveVersions(_ index: Int) {
    let batch = batches[index]
    let live = zip(batch.blocks, batch.generations).compactMap { (block, generation) in
      table.newest(block).map { (block: block, version: $0, generation: generation) }
    }
    if live.count == batch.blocks.count { seal(live, into: &batches[index].images) }
  }

  /// A batch's homes are flushed: its blocks owe what changed since, their table entries follow.
  func endBatch(_ index: Int) {
    for (position, block) in batches[index].blocks.enumerated() {
      let wasFreed = dirty[block]?.isFreed == true
      let firstChange = dirty[block]?.firstChange ?? .max
      _ = dirty.endBatch(block)
      if !wasFreed && !layout.isGenerationTable(block) && !isPlanted(.forgetGeneration) {
        pendingGenerations[block] = batches[index].generations[position]
        unproven[block] = UnprovenHome(firstChange: firstChange)
      }
    }
    batches[index].state = .free
    batches[index].blocks.removeAll(keepingCapacity: true)
    batches[index].generations.removeAll(keepingCapacity: true)
  }

  /// The first commit that is still needed to rebuild some block.
  func oldestNeeded(durableAfter: UInt64) -> UInt64 {
    var oldest = min(dirty.oldestChange(), durableSequence + 1)
    for batch in batches where batch.state != .free && !(isPlanted(.tailBesideHome) && batch.state == .durable) {
      for block in batch.blocks { oldest = min(oldest, dirty[block]?.firstChange ?? .max) }
    }
    return min(oldest, oldestUnproven)
  }

  /// The superblock that this flush should carry, if any.
  func nextSuperblock(_ effort: Effort, carriesRecords: Bool, durableAfter: UInt64) -> Superblock? {
    let ringSectors = layout.ringSectorCount
    let isTight = roomSectorCount < ringSectors / 4 + layout.maintenanceSectorCount
    let isRiding = effort == .riding
    if isRiding && !isTight && !(owesSecondSuperblock && carriesRecords) {
      let tail = min(dirty.oldestChange(), durableSequence + 1)
      guard let place = places[tail], place.position - superblock.tail.position > ringSectors / 8 else { return nil }
    }
    var next = superblock
    next = next.next
    next.closedHead = effort == .closing ? head : nil
    // The second copy repeats the first, unless there is need to go on.
    if !(isRiding && owesSecondSuperblock && !isTight) {
      let needed = max(oldestNeeded(durableAfter: durableAfter), superblock.tail.sequence)
      next.tail = places[needed] ?? (needed == head.sequence ? head : superblock.tail)
      if next.tail.sequence > superblock.tail.sequence {
        while next.segments.count > 1 && next.segments[1].sequence <= next.tail.sequence { next.segments.removeFirst() }
        next.segments[0].position = next.tail.position
        next.segments[0].sequence = next.tail.sequence
      }
      next.oldest = nextOldest(tail: next.tail, keepsHistory: effort != .forced)
    }
    if isRiding && next.tail == superblock.tail && next.oldest == superblock.oldest && !owesSecondSuperblock {
      return nil
    }
    return next
  }

  /// How far history is kept: half of the ring behind the head, less when space is needed.
  private func nextOldest(tail: JournalPlace, keepsHistory: Bool) -> JournalPlace {
    let current = superblock.oldest
    let half = layout.ringSectorCount / 2
    guard keepsHistory else { return tail }
    let wanted = head.position > half ? head.position - half : 0
    if current.position >= wanted { return current }
    guard let place = places.first(from: wanted), place.position <= tail.position else { return tail }
    return place
  }

  /// Brings blocks home until nothing is dirty (or there is room), with flushes of its own. The caller is the writer and
  /// holds the lock.
  ///
  /// History behind the tail is kept unless its space is needed.
  func forceCheckpoint(untilRoom sectors: UInt64? = nil, keepingHistory: Bool = false) throws(StorageError) {
    let effort: Effort = keepingHistory ? .draining : .forced
    var idleRounds = 0
    while true {
      while isFlushing { flushed.wait(for: lock) }
      try requireUsable()
      if let sectors, roomSectorCount >= sectors { return }
      let isIdle = batches.allSatisfy { $0.state == .free }
      if dirty.owingCount == 0 && unproven.isEmpty && isIdle && pending.isEmpty && !owesSecondSuperblock
        && superblock.tail.sequence == head.sequence
        && (keepingHistory || superblock.oldest.position == head.position)
      {
        // With nothing to flush, a view that has ended since the last flush still gives its blocks back.
        releaseFreed(views: slots.activeSequences())
        return
      }
      let before = (dirty.owingCount, superblock.tail.sequence, older.tailSequence, superblock.oldest.position)
      if isIdle && needsMaintenance && roomSectorCount >= layout.maintenanceSectorCount {
        try appendMaintenanceCommit()
      }
      try flushGroup(effort)
      let after = (dirty.owingCount, superblock.tail.sequence, older.tailSequence, superblock.oldest.position)
      idleRounds = before == after ? idleRounds + 1 : 0
      // Nothing moves: a block that cannot be read keeps the tail.
      if idleRounds > 8 {
        if let checkpointFailure { throw checkpointFailure }
        return
      }
    }
  }

  /// Whether dirty blocks wait for their table entries, or the tail waits for nothing but table entries.
  private var needsMaintenance: Bool {
    let oldest = dirty.oldestChange()
    let mayProve = hasRoomToProve
    return pendingGenerations.keys.contains { block in
      if owesWriteHome(block) { return true }
      guard mayProve, let home = unproven[block] else { return false }
      return home.loggedBy == nil && home.firstChange < oldest
    }
  }

  /// Whether table entries that nothing but the tail waits for may be logged: the room that every commit leaves is for those
  /// without which a dirty block cannot go home.
  private var hasRoomToProve: Bool { roomSectorCount >= 2 * layout.maintenanceSectorCount }

  /// The first change that a home write holds which the generation table does not vouch for; `.max` when there is none, or
  /// no room to change the table: then a full ring would wait for itself.
  private var oldestUnproven: UInt64 {
    guard pendingGenerations.isEmpty || hasRoomToProve else { return .max }
    return unproven.values.reduce(.max) { min($0, $1.firstChange) }
  }

  /// Commits up to `sequence` are durable, and with them the table entries that they changed.
  func proveHomes(upTo sequence: UInt64) {
    guard !unproven.isEmpty else { return }
    unproven = unproven.filter { $0.value.loggedBy.map { $0 > sequence } ?? true }
  }

  /// Whether a block has committed changes that are not home.
  func owesWriteHome(_ block: UInt64) -> Bool {
    guard let state = dirty[block] else { return false }
    return state.firstChange != .max
  }
}
