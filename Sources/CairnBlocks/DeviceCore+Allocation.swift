import CairnBytes
import CairnMemory
import Synchronization

// Blocks for transactions: from the allocator's memory into the bitmaps and back. Under the lock.

extension DeviceCore {
  /// What can still be taken for `isPrivileged` (deletes, and what they need) or for everybody.
  func availableBlockCount(_ changes: ChangeSet?, isPrivileged: Bool) -> UInt64 {
    let free = Int64(geometry.freeBlockCount) + (changes?.freeBlockDelta ?? 0) - Int64(reservedCount)
    let aside = isPrivileged ? 0 : Int64(geometry.reserveBlockCount)
    return UInt64(max(0, free - aside))
  }

  /// Takes a run of blocks: at least `least`, at most `wanted`. They are busy in memory, no bitmap says so yet.
  func take(
    wanted: UInt64, least: UInt64, isData: Bool, near: UInt64?
  ) throws(StorageError) -> Extent? {
    while true {
      var needed: UInt64?
      if let extent = allocator.take(wanted: wanted, least: least, isData: isData, near: near, needsGroup: &needed) {
        return extent
      }
      guard let needed else { return nil }
      try loadGroup(needed)
    }
  }

  func loadGroup(_ group: UInt64) throws(StorageError) {
    guard !allocator.isLoaded(group) else { return }
    try options.admit(Int(layout.groupBlockCount / 8))
    guard group < geometry.formattedGroupCount else {
      allocator.load(group, bitmap: nil)
      return
    }
    allocator.load(group, bitmap: try bitmap(ofGroup: group))
  }

  /// A group's bitmap, as the writer sees it.
  func bitmap(ofGroup group: UInt64) throws(StorageError) -> BlockBytes {
    let block = layout.bitmapBlock(ofGroup: group)
    let bytes = try load(block, sequence: .max)
    let kind = bytes.u8(at: BlockHeader.Layout.kind)
    guard kind == BlockKind.bitmap.rawValue else {
      throw .damaged(block, .wrongKind(found: kind, expected: BlockKind.bitmap.rawValue))
    }
    return bytes
  }

  /// Takes blocks, and when none can be reused yet, forces a checkpoint and tries again. The caller is the writer.
  func takeOrCheckpoint(
    wanted: UInt64, least: UInt64, isData: Bool, near: UInt64?
  ) throws(StorageError) -> Extent? {
    if let extent = try take(wanted: wanted, least: least, isData: isData, near: near) { return extent }
    guard try hasDeferred() else { return nil }
    try forceCheckpoint(keepingHistory: true)
    return try take(wanted: wanted, least: least, isData: isData, near: near)
  }

  private func hasDeferred() throws(StorageError) -> Bool {
    for group in allocator.unloadedRecoveredGroups { try loadGroup(group) }
    return allocator.deferredCount > 0 || !pending.freed.isEmpty
  }

  /// Sets the bits of blocks that were taken, making the bitmaps of groups that were never used.
  func setAllocated(_ extent: Extent, in changes: inout ChangeSet) throws(StorageError) {
    try changeBitmap(extent, in: &changes, isAllocated: true)
    changes.freeBlockDelta -= Int64(extent.count)
  }

  /// Clears bits; a bit that is clear already is damage.
  func setFree(_ extent: Extent, in changes: inout ChangeSet) throws(StorageError) {
    try changeBitmap(extent, in: &changes, isAllocated: false)
    changes.freeBlockDelta += Int64(extent.count)
  }

  /// Whether a transaction allocated an extent itself: its bit is clear in the committed bitmap.
  func isNew(_ extent: Extent, _ changes: ChangeSet) -> Bool {
    guard let group = layout.group(of: extent.start.rawValue) else { return false }
    let bitmapBlock = layout.bitmapBlock(ofGroup: group)
    guard let base = changes.entry(of: table.newest(bitmapBlock))?.base else { return true }
    let index = Int(extent.start.rawValue - bitmapBlock)
    return base.u8(at: BlockHeader.byteCount + index / 8) & (1 << UInt8(index % 8)) == 0
  }

  private func changeBitmap(
    _ extent: Extent, in changes: inout ChangeSet, isAllocated: Bool
  ) throws(StorageError) {
    guard extent.count > 0, extent.end <= geometry.blockCount,
      let group = layout.group(of: extent.start.rawValue), layout.group(of: extent.end - 1) == group
    else { throw .damaged(extent.start.rawValue, .outOfRange) }
    while geometry.formattedGroupCount <= group { try formatGroup(geometry.formattedGroupCount, in: &changes) }
    // The allocator must know the group as committed: what this transaction frees is not free for it yet.
    try loadGroup(group)
    let bitmapBlock = layout.bitmapBlock(ofGroup: group)
    let current = try bitmap(ofGroup: group)
    let first = Int(extent.start.rawValue - bitmapBlock)
    let own = extent.start.rawValue..<extent.end
    guard first >= Int(DeviceLayout.groupOverhead), !own.contains(layout.geometryBlock),
      !own.contains(DeviceLayout.superblockB)
    else { throw .damaged(extent.start.rawValue, .allocation) }
    // All bits are looked at before one is changed: damage leaves the transaction as it was.
    for index in first..<first + Int(extent.count) {
      let isSet = current.u8(at: BlockHeader.byteCount + index / 8) & (1 << UInt8(index % 8)) != 0
      guard isSet != isAllocated else { throw .damaged(bitmapBlock + UInt64(index), .allocation) }
    }
    let bytes = try makePrivate(bitmapBlock, in: &changes)
    for index in first..<first + Int(extent.count) {
      let offset = BlockHeader.byteCount + index / 8
      let bit: UInt8 = 1 << UInt8(index % 8)
      let old = bytes.bytes.u8(at: offset)
      bytes.store(isAllocated ? old | bit : old & ~bit, at: offset)
    }
  }

  /// Makes the bitmap and the table of a group in a transaction.
  private func formatGroup(_ group: UInt64, in changes: inout ChangeSet) throws(StorageError) {
    let start = layout.bitmapBlock(ofGroup: group)
    let owner = DeviceLimits.deviceOwner
    let bitmap = try makeCreated(start, CreatedBlock(kind: .bitmap, owner: owner, level: 0), in: &changes)
    Self.setOverheadBits(in: bitmap, layout: layout, group: group)
    for index in 1...DeviceLayout.generationBlockCount {
      _ = try makeCreated(start + index, CreatedBlock(kind: .generations, owner: owner, level: 0), in: &changes)
    }
    let block = try makePrivate(layout.geometryBlock, in: &changes)
    geometry.formattedGroupCount = group + 1
    geometry.encode(into: block)
  }

  /// The bits that are set in a new group's bitmap: its own blocks, and the second superblock where it lies in the group.
  static func setOverheadBits(in bitmap: MutableBlockBytes, layout: DeviceLayout, group: UInt64) {
    func set(_ index: Int) {
      let offset = BlockHeader.byteCount + index / 8
      bitmap.store(bitmap.bytes.u8(at: offset) | 1 << UInt8(index % 8), at: offset)
    }
    for index in 0..<Int(DeviceLayout.groupOverhead) { set(index) }
    let start = layout.bitmapBlock(ofGroup: group)
    if start <= DeviceLayout.superblockB && DeviceLayout.superblockB < start + layout.groupBlockCount {
      set(Int(DeviceLayout.superblockB - start))
    }
    if group == 0 { set(Int(layout.geometryBlock - start)) }
  }

  /// Blocks of a group that can be handed out at all.
  static func usableBlockCount(layout: DeviceLayout, blockCount: UInt64) -> UInt64 {
    var usable: UInt64 = 0
    for group in 0..<layout.groupCount(blockCount: blockCount) {
      let start = layout.bitmapBlock(ofGroup: group)
      let end = min(blockCount, start + layout.groupBlockCount)
      usable += end - start - DeviceLayout.groupOverhead
      if start <= DeviceLayout.superblockB && DeviceLayout.superblockB < end { usable -= 1 }
    }
    return usable
  }

  /// Undoes a transaction: its versions, its blocks, its figures.
  func rollBack(_ changes: inout ChangeSet, keepingReserved kept: Set<UInt64> = []) {
    for entry in changes.entries.reversed() { dropPrivate(entry) }
    for (start, count) in changes.allocated where !kept.contains(start) {
      allocator.putBack(Extent(start: BlockNumber(start), count: count))
    }
    changes = ChangeSet()
    if let block = table.find(layout.geometryBlock, sequence: .max) {
      geometry = Geometry(decoding: block)
      allocator.resize(to: geometry.blockCount)
      // No view has seen a growth that is taken back.
      blockCountSeen.store(geometry.blockCount, ordering: .releasing)
    }
  }
}

extension DeviceCore {
  /// Takes blocks for data: one run when there is one, else the first runs of at least 64 KiB, else whatever is free.
  func takeExtents(
    blockCount: UInt64, near: UInt64?, mayCheckpoint: Bool
  ) throws(StorageError) -> [Extent] {
    var extents: [Extent] = []
    var left = blockCount
    let leastAtFirst = min(blockCount, layout.groupBlockCount - DeviceLayout.groupOverhead)
    var least = leastAtFirst
    let chunkBlocks = UInt64(max(1, DeviceLimits.chunkByteCount / layout.blockByteCount))
    var didCheckpoint = !mayCheckpoint
    do {
      while left > 0 {
        least = min(least, left)
        if let extent = try take(wanted: left, least: least, isData: true, near: near) {
          extents.append(extent)
          left -= UInt64(extent.count)
        } else if least > chunkBlocks {
          least = max(chunkBlocks, least / 4)
        } else if least > 1 {
          least = 1
        } else if !didCheckpoint {
          didCheckpoint = true
          guard try hasDeferred() else { break }
          // From the beginning: what the checkpoint makes free may lie in one run.
          for extent in extents { allocator.putBack(extent) }
          extents = []
          (left, least) = (blockCount, leastAtFirst)
          try forceCheckpoint(keepingHistory: true)
        } else {
          break
        }
      }
    } catch {
      for extent in extents { allocator.putBack(extent) }
      throw error
    }
    guard left == 0 else {
      for extent in extents where !isPlanted(.leakWhenFull) { allocator.putBack(extent) }
      throw .full(requestedBlocks: blockCount, freeBlocks: blockCount - left)
    }
    return extents
  }

  /// Reserves space in memory only.
  func reserveExtents(blockCount: UInt64) throws(StorageError) -> [Extent] {
    func attempt() throws(StorageError) -> [Extent]? {
      try locked { () throws(StorageError) in
        try requireUsable()
        let available = availableBlockCount(nil, isPrivileged: false)
        guard blockCount <= available else {
          if geometry.growsByItself { return nil }
          throw StorageError.full(requestedBlocks: blockCount, freeBlocks: available)
        }
        do throws(StorageError) {
          let extents = try takeExtents(blockCount: blockCount, near: nil, mayCheckpoint: false)
          reservedCount += blockCount
          return extents
        } catch {
          if case .full = error { return nil }
          throw error
        }
      }
    }
    if let extents = try attempt() { return extents }
    // What is free is deferred, and a checkpoint makes it usable; or the device may grow. Both are the writer's business.
    _ = try write { transaction throws(StorageError) in
      transaction.annotation.event = .maintenance
      try locked { () throws(StorageError) in
        try requireAvailable(blockCount, isPrivileged: false, in: &transaction.changes)
        try forceCheckpoint(keepingHistory: true)
      }
    }
    if let extents = try attempt() { return extents }
    throw .full(requestedBlocks: blockCount, freeBlocks: 0)
  }

  /// Gives reserved space back. Under the lock.
  func release(_ extents: [Extent]) {
    for extent in extents {
      allocator.putBack(extent)
      reservedCount -= UInt64(extent.count)
    }
  }
}

// Growth. The memory grows first, zeroed; the geometry block says from which commit on the device uses it. What a crash or a
// rolled back transaction leaves behind the device's end is ignored, and used first the next time.
extension DeviceCore {
  /// The most that a device that grows by itself takes at one time, bytes, unless more is needed at once.
  private static var growthStepMax: UInt64 { 64 << 20 }

  /// Asks the memory for room for `blocks` more than there is, as a part of the running transaction. Whether it grew.
  func growIfAllowed(byAtLeast blocks: UInt64, in changes: inout ChangeSet) throws(StorageError) -> Bool {
    guard geometry.growsByItself else { return false }
    let blockByteCount = UInt64(layout.blockByteCount)
    let step = min(max(geometry.blockCount / 4, (1 << 20) / blockByteCount), Self.growthStepMax / blockByteCount)
    let (wanted, overflow) = blocks.addingReportingOverflow(blocks / 64 + 2 * DeviceLayout.groupOverhead)
    guard !overflow else { return false }
    return try grow(byBlocks: max(step, wanted), in: &changes)
  }

  /// Makes the device larger by at least `blocks`, as a part of the running transaction; false when the memory has no more.
  func grow(byBlocks blocks: UInt64, in changes: inout ChangeSet) throws(StorageError) -> Bool {
    let blockByteCount = UInt64(layout.blockByteCount)
    let (count, overflow) = geometry.blockCount.addingReportingOverflow(blocks)
    guard !overflow, count <= DeviceLimits.blockCountMax else {
      throw .limitExceeded(what: "blocks of a device", limit: DeviceLimits.blockCountMax)
    }
    let pages = (count * blockByteCount + MemoryPage.byteCount - 1) / MemoryPage.byteCount
    if pages > memory.pageCount && !isPlanted(.growAfterCommit) {
      do throws(MemoryError) {
        try memory.grow(by: pages - memory.pageCount)
      } catch {
        if case .full = error { return false }
        throw StorageError.memory(error)
      }
      // The larger memory must be durable before the commit that counts on it: the two could arrive in any order, and a device
      // that is larger than its memory does not open.
      try flushAhead()
    }
    let newBlockCount = pages * MemoryPage.byteCount / blockByteCount
    try options.admit(BlockTable.firstLevelByteCount(blockCount: newBlockCount))
    if let old = table.grow(blockCount: newBlockCount) { retiredTables.append(old) }
    let before = Self.usableBlockCount(layout: layout, blockCount: geometry.blockCount)
    let after = Self.usableBlockCount(layout: layout, blockCount: newBlockCount)
    let block = try makePrivate(layout.geometryBlock, in: &changes)
    geometry.blockCount = newBlockCount
    geometry.encode(into: block)
    allocator.resize(to: newBlockCount)
    blockCountSeen.store(newBlockCount, ordering: .releasing)
    changes.freeBlockDelta += Int64(after - before)
    changes.grownBlockCount += Int64(after - before)
    return true
  }

  /// Makes sure that `blocks` can be taken, growing where that is allowed.
  func requireAvailable(
    _ blocks: UInt64, isPrivileged: Bool, in changes: inout ChangeSet
  ) throws(StorageError) {
    var available = availableBlockCount(changes, isPrivileged: isPrivileged)
    if available >= blocks { return }
    if try growIfAllowed(byAtLeast: blocks - available, in: &changes) {
      available = availableBlockCount(changes, isPrivileged: isPrivileged)
      if available >= blocks { return }
    }
    throw .full(requestedBlocks: blocks, freeBlocks: available)
  }
}
