import CairnBytes
import CairnMemory
import Synchronization

// The leader's work: one flush makes the pending group durable, and carries a checkpoint step with it.

extension DeviceCore {
  /// Waits until a commit is durable, leading a flush when nobody else does. Under the lock, which is released meanwhile.
  func waitUntilDurable(_ sequence: UInt64) throws(StorageError) {
    while durableSequence < sequence {
      if isPoisoned { throw .poisoned }
      if isFlushing || isGathering {
        committersOf(turn: sequence <= flushingSequence ? flushTurn : 1 - flushTurn).wait(for: lock)
      } else {
        gather()
        try flushGroup(.riding)
      }
    }
  }

  /// Lets those commit whom the last flush made durable, so that the next one takes them along. Without this, half of the
  /// threads that commit without pause would share one flush and the other half the next. No longer than it takes them to
  /// run; where they do not come, it is not tried again for a while. Under the lock, which is released meanwhile.
  private func gather() {
    guard waitingCount < gatherGoal else { return }
    if gatherPause > 0 {
      gatherPause -= 1
      return
    }
    isGathering = true
    var turns = 0
    while waitingCount < gatherGoal && turns < Self.gatherTurnsMax && !isPoisoned {
      lock.unlock()
      CurrentThread.yield()
      lock.lock()
      turns += 1
    }
    isGathering = false
    if waitingCount < gatherGoal { gatherPause = Self.gatherPauseLength }
    // Who flushes otherwise (a checkpoint, the end) waits for this.
    flushed.broadcast()
  }

  /// Commits that wait for a flush which has not begun.
  private var waitingCount: UInt64 { head.sequence - 1 - max(durableSequence, flushingSequence) }
  /// How often the leader lets others run before it flushes without them.
  private static var gatherTurnsMax: Int { 100 }
  /// Flushes that are not waited with after one that waited in vain.
  private static var gatherPauseLength: Int { 32 }

  private func committersOf(turn: Int) -> Condition { turn == 0 ? committers.0 : committers.1 }

  /// How much checkpointing a flush carries.
  enum Effort {
    /// A share that keeps pace with what is appended.
    case riding
    /// As much as fits, and a superblock that gives up history.
    case forced
    /// As much as fits, and a superblock.
    case draining
    /// The superblock of a clean close.
    case closing
  }

  /// What one flush writes beside the records, prepared under the lock.
  private struct Plan {
    var group = PendingGroup()
    var imaging: [Int] = []
    var writingHome: [Int] = []
    var homes: [(batch: Int, index: Int)] = []
    var superblock: Superblock?
  }

  /// Writes and flushes everything pending. The caller holds the lock; it is released during the I/O. On any failure the
  /// device is poisoned.
  func flushGroup(_ effort: Effort) throws(StorageError) {
    while isFlushing || isGathering { flushed.wait(for: lock) }
    try requireUsable()
    isFlushing = true
    var plan = makePlan(effort)
    flushTurn = 1 - flushTurn
    flushingSequence = plan.group.lastSequence
    if isPlanted(.publishBeforeFlush), !plan.group.isEmpty {
      slots.durable.store(plan.group.lastSequence, ordering: .sequentiallyConsistent)
    }
    var failure: StorageError?
    lock.unlock()
    do { try perform(plan) } catch { failure = error }
    lock.lock()
    isFlushing = false
    if let failure {
      if !isPlanted(.goOnAfterFailure) { poison() }
      throw failure
    }
    finish(plan)
    var served: [UInt8] = []
    swap(&served, &plan.group.bytes)
    spareBuffers.give(served)
    flushed.broadcast()
    committersOf(turn: flushTurn).broadcast()
    committersOf(turn: 1 - flushTurn).signal()
  }

  private func makePlan(_ effort: Effort) -> Plan {
    var plan = Plan()
    // Homes first: the images of this step are not durable before this flush has returned. None beside the superblock of a
    // clean close: it says that no home needs mending.
    for index in batches.indices
    where batches[index].state == .durable && (effort != .closing || isPlanted(.homesBesideClose)) {
      if isPlanted(.homeFromLiveVersion) { sealLiveVersions(index) }
      plan.writingHome.append(index)
      for (position, block) in batches[index].blocks.enumerated() {
        // A freed block's home is not written: its place may belong to another soon, and it owes nothing.
        if dirty[block]?.isFreed != true { plan.homes.append((index, position)) }
      }
    }
    fillBatches(effort, imaging: &plan.imaging, writingHome: &plan.writingHome, homes: &plan.homes)

    swap(&plan.group, &pending)
    pending.bytes = spareBuffers.take()
    plan.superblock = nextSuperblock(effort, carriesRecords: !plan.group.isEmpty, durableAfter: plan.group.lastSequence)
    sectorsSinceStep = 0
    return plan
  }

  private func perform(_ plan: Plan) throws(StorageError) {
    let blockByteCount = layout.blockByteCount
    if isPlanted(.flushBeforeRecords) { try onMemory { () throws(MemoryError) in try memory.flush() } }
    if !plan.group.isEmpty {
      do throws(StorageError) {
        try ring.write(
          plan.group.bytes.span, at: plan.group.position * UInt64(layout.sectorByteCount))
      } catch {
        if !isPlanted(.ignoreWriteError) { throw error }
      }
    }
    for index in plan.imaging {
      let batch = batches[index]
      let place = layout.imageStart + UInt64(batch.slot * layout.imageSlotBlockCount)
      try writeMemory(memory, batch.images.span, at: place * UInt64(blockByteCount))
    }
    var index = 0
    while index < plan.homes.count {
      // Neighbours go home in one write.
      let (batch, first) = plan.homes[index]
      var count = 1
      while index + count < plan.homes.count, plan.homes[index + count].batch == batch,
        plan.homes[index + count].index == first + count,
        batches[batch].blocks[first + count] == batches[batch].blocks[first] + UInt64(count)
      { count += 1 }
      let images = batches[batch].images
      try writeMemory(
        memory, images.span.extracting(first * blockByteCount..<(first + count) * blockByteCount),
        at: batches[batch].blocks[first] * UInt64(blockByteCount))
      index += count
    }
    if let superblock = plan.superblock {
      try write(superblock)
      if isPlanted(.bothSuperblocksAtOnce) { try write(superblock.next) }
    }
    if isPlanted(.flushBeforeRecords) || isPlanted(plan.group.isEmpty ? .skipCheckpointFlush : .skipCommitFlush) {
      return
    }
    do {
      try memory.flush()
    } catch {
      if isPlanted(.retryFailedFlush) { return try onMemory { () throws(MemoryError) in try memory.flush() } }
      throw .memory(error)
    }
  }

  func write(_ superblock: Superblock) throws(StorageError) {
    var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
    var span = bytes.mutableSpan
    superblock.encode(into: &span)
    try writeMemory(memory, bytes.span, at: superblock.address.rawValue * UInt64(layout.blockByteCount))
  }

  /// What is true once the flush has returned.
  private func finish(_ plan: Plan) {
    let group = plan.group
    if !group.isEmpty {
      gatherGoal = head.sequence - 1 - durableSequence
      slots.durable.store(group.lastSequence, ordering: .sequentiallyConsistent)
      proveHomes(upTo: group.lastSequence)
    }
    for freed in group.freedBlocks {
      dirty.settleFreed(freed.block)
      freedForViews.append(freed)
    }
    erasures += group.erased
    for freed in group.freed {
      if isPlanted(.reuseFreedAtOnce) {
        allocator.putBack(freed.extent)
      } else {
        allocator.postpone(freed.extent, sequence: freed.sequence)
      }
    }

    for index in plan.imaging { batches[index].state = .durable }
    for index in plan.writingHome { endBatch(index) }

    if let written = plan.superblock {
      older = (superblock.tail.sequence, superblock.oldest.position)
      superblock = written
      if isPlanted(.checkpointOneSuperblock) { older = (written.tail.sequence, written.oldest.position) }
      owesSecondSuperblock =
        written.tail.sequence != older.tailSequence || written.oldest.position != older.oldestPosition
      places.drop(before: min(written.oldest.position, older.oldestPosition))
    }
    let views = slots.activeSequences()
    prune(group.changed, views: views)
    // Old versions go when the oldest view that they were kept for has ended.
    if views.first ?? .max > prunedForView {
      prune(Array(multiVersion), views: views)
    }
    prunedForView = views.first ?? durableSequence
    hasErased = false
    releaseFreed(views: views)
    // At once, not when the budget is used up: the next transaction's copies then go to memory that is still in the
    // processor's cache, not to pages that the system must find and clear first.
    if frames.hasRetired { frames.reclaim(before: slots.oldestPin()) }
    if isPlanted(.growAfterCommit) {
      let pages = geometry.blockCount * UInt64(layout.blockByteCount) / MemoryPage.byteCount
      if pages > memory.pageCount { try? memory.grow(by: pages - memory.pageCount) }
    }
  }

  /// Forgets freed blocks that no view sees any more, and makes deferred ones usable.
  func releaseFreed(views: [UInt64]) {
    let oldestView = views.first ?? .max
    var done = 0
    while done < freedForViews.count, freedForViews[done].sequence <= min(oldestView, durableSequence) {
      forget(freedForViews[done].block)
      done += 1
    }
    freedForViews.removeFirst(done)
    eraseFreed(oldestView: oldestView)
    let limit = min(superblock.tail.sequence, older.tailSequence)
    // A view of commit n sees what commits after n freed.
    let reusable = min(limit, oldestView == .max || isPlanted(.reuseUnderViews) ? .max : oldestView + 1)
    allocator.release(before: reusable) { extent in
      isToBeErased(extent)
        || batches.contains { batch in
          batch.state != .free
            && batch.blocks.contains { $0 >= extent.start.rawValue && $0 < extent.end }
        }
    }
  }
}
