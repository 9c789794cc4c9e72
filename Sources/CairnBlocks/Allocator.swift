/// Hands out blocks and takes them back.
///
/// The truth is on the device: the groups' bitmaps, changed by the transactions that allocate and free. This keeps the
/// working copy in memory (one bit a block, of the groups that were looked at) and knows which freed blocks may not be
/// used yet. All methods run under the device's lock.
struct Allocator {
  /// Freed by a commit, not reusable before the tails of both superblocks have passed it and no view sees the time
  /// before it.
  private struct Deferred {
    var sequence: UInt64
    var extent: Extent
  }

  private let layout: DeviceLayout
  private(set) var blockCount: UInt64
  private var groups: [UInt64: AllocationGroup] = [:]
  private var deferred: [Deferred] = []
  private var deferredStart = 0
  /// Blocks that are free but deferred.
  private(set) var deferredCount: UInt64 = 0
  /// Bytes of bitmaps that records of the ring changed before the last opening: what is free there counts as freed by
  /// `recoveredSequence`.
  private var recovered: [UInt64: [Range<Int>]] = [:]
  private let recoveredSequence: UInt64
  private var dataHint: UInt64
  private var metadataHint: UInt64

  init(
    layout: DeviceLayout, blockCount: UInt64, recovered: [UInt64: [Range<Int>]], recoveredSequence: UInt64
  ) {
    self.layout = layout
    self.blockCount = blockCount
    self.recovered = recovered
    self.recoveredSequence = recoveredSequence
    metadataHint = layout.geometryBlock
    // Metadata from the front, data from a little behind it: they do not cut each other into pieces.
    dataHint = layout.groupStart + min(layout.groupBlockCount, blockCount - layout.groupStart) / 16
  }

  var groupCount: UInt64 { layout.groupCount(blockCount: blockCount) }

  private func blockCount(ofGroup group: UInt64) -> Int {
    let start = layout.bitmapBlock(ofGroup: group)
    return Int(min(layout.groupBlockCount, blockCount - start))
  }

  /// Whether a group's bitmap was looked at.
  func isLoaded(_ group: UInt64) -> Bool { groups[group] != nil }

  /// Takes note of a group; `bitmap` is nil when it was never used.
  mutating func load(_ group: UInt64, bitmap: BlockBytes?) {
    let capacity = Int(layout.groupBlockCount)
    let count = blockCount(ofGroup: group)
    guard let bitmap else {
      groups[group] = AllocationGroup(
        capacity: capacity, blockCount: count, overhead: Int(DeviceLayout.groupOverhead))
      if let index = indexOfSuperblock(in: group) { groups[group]?.setBusy(index) }
      return
    }
    var loaded = AllocationGroup(bitmap: bitmap, capacity: capacity, blockCount: count)
    for range in recovered.removeValue(forKey: group) ?? [] {
      for byte in range where byte * 8 < count {
        for index in byte * 8..<min(byte * 8 + 8, count) where loaded.setBusy(index) {
          let block = BlockNumber(layout.bitmapBlock(ofGroup: group) + UInt64(index))
          deferred.append(Deferred(sequence: recoveredSequence, extent: Extent(start: block, count: 1)))
          deferredCount += 1
        }
      }
    }
    groups[group] = loaded
    if deferred.count > deferredStart + 1 {
      deferred.removeFirst(deferredStart)
      deferredStart = 0
      deferred.sort { $0.sequence < $1.sequence }
    }
  }

  /// The second superblock's index in a small image's group.
  func indexOfSuperblock(in group: UInt64) -> Int? {
    let start = layout.bitmapBlock(ofGroup: group)
    guard start <= DeviceLayout.superblockB, DeviceLayout.superblockB < start + layout.groupBlockCount else {
      return nil
    }
    return Int(DeviceLayout.superblockB - start)
  }

  /// Groups with bitmap bytes that recovery found in the ring and that were not looked at yet.
  var unloadedRecoveredGroups: [UInt64] { Array(recovered.keys) }

  /// A run of free blocks: the first at or behind the hint that is `least` long, up to `wanted`. It is busy from now on.
  /// Groups that are not loaded are asked for through `needsGroup`.
  mutating func take(
    wanted: UInt64, least: UInt64, isData: Bool, near: UInt64?, needsGroup: inout UInt64?
  ) -> Extent? {
    needsGroup = nil
    let count = groupCount
    guard count > 0 else { return nil }
    let hint = min(max(near ?? (isData ? dataHint : metadataHint), layout.groupStart), blockCount - 1)
    let first = min(layout.group(of: hint) ?? 0, count - 1)
    // The hint's group is looked at twice: from the hint on, and at last from its start.
    for step in 0...count {
      let group = (first + step) % count
      guard let state = groups[group] else {
        needsGroup = group
        return nil
      }
      guard state.freeCount > 0 else { continue }
      let base = layout.bitmapBlock(ofGroup: group)
      let lower = step == 0 && hint >= base ? Int(min(hint - base, layout.groupBlockCount - 1)) : 0
      let wantedHere = Int(min(wanted, layout.groupBlockCount))
      guard let run = state.run(from: lower, wanted: wantedHere, least: Int(min(least, UInt64(Int32.max)))) else {
        continue
      }
      for index in run { groups[group]?.setBusy(index) }
      let extent = Extent(start: BlockNumber(base + UInt64(run.lowerBound)), count: UInt32(run.count))
      if near == nil {
        if isData { dataHint = extent.end } else { metadataHint = extent.end }
      }
      return extent
    }
    return nil
  }

  /// Gives back blocks that no commit ever showed.
  mutating func putBack(_ extent: Extent) {
    guard let group = layout.group(of: extent.start.rawValue) else { return }
    let base = layout.bitmapBlock(ofGroup: group)
    for block in extent.start.rawValue..<extent.end { groups[group]?.setFree(Int(block - base)) }
  }

  /// Takes blocks that were just put back.
  mutating func takeBack(_ extent: Extent) {
    guard let group = layout.group(of: extent.start.rawValue) else { return }
    let base = layout.bitmapBlock(ofGroup: group)
    for block in extent.start.rawValue..<extent.end { groups[group]?.setBusy(Int(block - base)) }
  }

  /// A commit freed blocks; they become usable through `release`.
  mutating func postpone(_ extent: Extent, sequence: UInt64) {
    deferred.append(Deferred(sequence: sequence, extent: extent))
    deferredCount += UInt64(extent.count)
  }

  /// Makes deferred blocks of commits before `sequence` usable, unless `isHeld` says that something still holds one.
  mutating func release(before sequence: UInt64, isHeld: (Extent) -> Bool) {
    var index = deferredStart
    var held: [Deferred] = []
    while index < deferred.count, deferred[index].sequence < sequence {
      let entry = deferred[index]
      index += 1
      if isHeld(entry.extent) {
        held.append(entry)
        continue
      }
      deferredCount -= UInt64(entry.extent.count)
      putBack(entry.extent)
    }
    deferredStart = index
    if !held.isEmpty {
      deferredStart -= held.count
      for (offset, entry) in held.enumerated() { deferred[deferredStart + offset] = entry }
    }
    if deferredStart > 1024 && deferredStart * 2 > deferred.count {
      deferred.removeFirst(deferredStart)
      deferredStart = 0
    }
  }

  /// The device became larger, or a transaction that had made it larger was rolled back.
  mutating func resize(to newBlockCount: UInt64) {
    guard newBlockCount != blockCount else { return }
    let (smaller, larger) = (min(blockCount, newBlockCount), max(blockCount, newBlockCount))
    let isGrowing = newBlockCount > blockCount
    let lastGroup = layout.group(of: smaller - 1) ?? 0
    let base = layout.bitmapBlock(ofGroup: lastGroup)
    let lower = Int(min(smaller - base, layout.groupBlockCount))
    let upper = Int(min(larger - base, layout.groupBlockCount))
    if isGrowing {
      groups[lastGroup]?.extend(from: lower, to: upper)
    } else {
      groups[lastGroup]?.cut(from: lower, to: upper)
    }
    blockCount = newBlockCount
    if !isGrowing {
      // A last group that has become too short to count goes too: it is made anew when the device grows again.
      for group in Array(groups.keys) where group >= groupCount { groups[group] = nil }
    }
  }
}
