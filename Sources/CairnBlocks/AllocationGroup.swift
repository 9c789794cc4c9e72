import CairnBytes

/// What the allocator keeps in memory of one group: which blocks it may not hand out.
///
/// A block is busy when its bit in the bitmap is set, when it was freed by a commit that something still needs
/// (deferred), or when it is reserved in memory by a transaction or a streaming write.
struct AllocationGroup {
  /// One bit for each block, busy ones set; bits beyond the group's end are set.
  private var words: [UInt64]
  /// Blocks that are not busy.
  private(set) var freeCount: Int

  /// A group whose first `overhead` blocks are taken and which has `blockCount` blocks at all.
  init(capacity: Int, blockCount: Int, overhead: Int) {
    words = [UInt64](repeating: 0, count: (capacity + 63) / 64)
    freeCount = words.count * 64
    for index in 0..<overhead { setBusy(index) }
    setBusy(from: blockCount, to: words.count * 64)
  }

  /// A group by its bitmap block.
  init(bitmap: BlockBytes, capacity: Int, blockCount: Int) {
    words = []
    words.reserveCapacity(capacity / 64)
    freeCount = 0
    for index in 0..<(capacity + 63) / 64 {
      let word = bitmap.u64(at: BlockHeader.byteCount + index * 8)
      words.append(word)
      freeCount += (~word).nonzeroBitCount
    }
    setBusy(from: blockCount, to: words.count * 64)
  }

  func isBusy(_ index: Int) -> Bool { words[index / 64] & (1 << UInt64(index % 64)) != 0 }

  /// Marks a block; whether it was free.
  @discardableResult
  mutating func setBusy(_ index: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(index % 64)
    guard words[index / 64] & bit == 0 else { return false }
    words[index / 64] |= bit
    freeCount -= 1
    return true
  }

  private mutating func setBusy(from lower: Int, to upper: Int) {
    var index = lower
    while index < upper {
      if index % 64 == 0 && upper - index >= 64 {
        freeCount -= (~words[index / 64]).nonzeroBitCount
        words[index / 64] = .max
        index += 64
      } else {
        setBusy(index)
        index += 1
      }
    }
  }

  mutating func setFree(_ index: Int) {
    let bit: UInt64 = 1 << UInt64(index % 64)
    guard words[index / 64] & bit != 0 else { return }
    words[index / 64] &= ~bit
    freeCount += 1
  }

  /// The group became longer.
  mutating func extend(from oldBlockCount: Int, to blockCount: Int) {
    for index in oldBlockCount..<blockCount { setFree(index) }
  }

  /// The group became shorter again: nobody holds a block behind its end.
  mutating func cut(from blockCount: Int, to oldBlockCount: Int) {
    for index in blockCount..<oldBlockCount { setBusy(index) }
  }

  /// The first run of free blocks at or behind `lower`: at most `wanted` long, at least `least`; nil when there is none.
  func run(from lower: Int, wanted: Int, least: Int) -> Range<Int>? {
    var index = lower
    let end = words.count * 64
    while index < end {
      let word = words[index / 64] >> UInt64(index % 64)
      if word == .max >> UInt64(index % 64) {
        index = (index / 64 + 1) * 64
        continue
      }
      index += (~word).trailingZeroBitCount
      let start = index
      while index < end && index - start < wanted {
        let rest = words[index / 64] >> UInt64(index % 64)
        let zeros = min(rest.trailingZeroBitCount, 64 - index % 64)
        index += zeros
        if index % 64 != 0 || zeros == 0 { break }
      }
      index = min(index, start + wanted)
      if index - start >= least { return start..<index }
      if index < end && !isBusy(index) { index += 1 }
    }
    return nil
  }
}
