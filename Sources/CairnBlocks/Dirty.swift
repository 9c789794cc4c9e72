/// What a block owes to its home.
struct DirtyBlock {
  /// The first commit whose change is not home yet; `.max` once the block is free, when it owes nothing.
  var firstChange: UInt64
  /// The first change after the image that is on its way home; nil when there is none, or no image.
  var firstChangeAfterImage: UInt64?
  /// Whether an image of the block is in an unfinished batch.
  var isInBatch = false
  /// Whether a commit freed the block (it may not be durable yet).
  var isFreed = false
}

/// The blocks whose newest committed version is not at home, ordered by their first change.
struct DirtyBlocks {
  private var blocks = BlockDictionary<DirtyBlock>()
  private var waiting = WaitingBlocks()
  /// Blocks that owe a write home: all but the freed ones.
  private(set) var owingCount = 0

  /// Blocks that are not clean, the freed ones included.
  var count: Int { blocks.count }

  subscript(_ block: UInt64) -> DirtyBlock? { blocks[block] }

  /// A commit changed blocks.
  mutating func change(_ entries: [ChangeSet.Entry], sequence: UInt64) {
    for entry in entries { change(entry.block, sequence: sequence, isCreated: entry.created != nil) }
  }

  /// A commit changed a block.
  mutating func change(_ block: UInt64, sequence: UInt64, isCreated: Bool) {
    let known = blocks[block]
    if var dirty = known, !isCreated, dirty.firstChange != .max {
      if dirty.isInBatch && dirty.firstChangeAfterImage == nil {
        dirty.firstChangeAfterImage = sequence
        blocks[block] = dirty
        if isPlanted(.imageAgainInBatch) {
          waiting.push(WaitingBlocks.Entry(sequence: dirty.firstChange, block: block))
        }
      }
      return
    }
    if known == nil || known?.firstChange == .max { owingCount += 1 }
    blocks[block] = DirtyBlock(firstChange: sequence)
    waiting.push(WaitingBlocks.Entry(sequence: sequence, block: block))
  }

  /// A commit freed a block; what it owes stays until the commit is durable.
  mutating func markFreed(_ block: UInt64) {
    var dirty = blocks[block] ?? DirtyBlock(firstChange: .max)
    dirty.isFreed = true
    blocks[block] = dirty
  }

  /// The commit that freed the block is durable: it owes nothing. The entry stays as long as a view may need the block.
  mutating func settleFreed(_ block: UInt64) {
    guard var dirty = blocks[block], dirty.isFreed else { return }
    if dirty.firstChange != .max { owingCount -= 1 }
    dirty.firstChange = .max
    dirty.firstChangeAfterImage = nil
    blocks[block] = dirty
  }

  mutating func forget(_ block: UInt64) {
    if let dirty = blocks.remove(block), dirty.firstChange != .max { owingCount -= 1 }
  }

  /// The block with the oldest first change that is in no batch; taken off the queue, so `putBack` what is not used.
  mutating func popOldest() -> (block: UInt64, firstChange: UInt64)? {
    while let entry = waiting.popMin() {
      if let dirty = blocks[entry.block], dirty.firstChange == entry.sequence,
        !dirty.isInBatch || isPlanted(.imageAgainInBatch)
      {
        return (entry.block, entry.sequence)
      }
    }
    return nil
  }

  mutating func putBack(_ block: UInt64, firstChange: UInt64) {
    waiting.push(WaitingBlocks.Entry(sequence: firstChange, block: block))
  }

  /// An image of the block goes into a batch.
  mutating func beginBatch(_ block: UInt64, firstChangeAfterImage: UInt64?) {
    guard var dirty = blocks[block] else { return }
    dirty.isInBatch = true
    dirty.firstChangeAfterImage = firstChangeAfterImage
    blocks[block] = dirty
  }

  /// The image's bytes are at home and flushed (or the batch skipped the block). Whether the block is clean now.
  mutating func endBatch(_ block: UInt64) -> Bool {
    guard var dirty = blocks[block] else { return true }
    dirty.isInBatch = false
    if dirty.firstChange == .max {
      blocks[block] = dirty
      return false
    }
    guard let first = isPlanted(.cleanAfterHome) ? nil : dirty.firstChangeAfterImage else {
      if dirty.isFreed {
        // Free, but not durably: the entry waits for the freeing commit.
        dirty.firstChange = .max
        owingCount -= 1
        blocks[block] = dirty
        return false
      }
      blocks[block] = nil
      owingCount -= 1
      return true
    }
    dirty.firstChange = first
    dirty.firstChangeAfterImage = nil
    blocks[block] = dirty
    waiting.push(WaitingBlocks.Entry(sequence: first, block: block))
    return false
  }

  /// The first change that any block outside the batches owes; `.max` when none does.
  mutating func oldestChange() -> UInt64 {
    while let entry = waiting.min {
      if let dirty = blocks[entry.block], dirty.firstChange == entry.sequence, !dirty.isInBatch {
        return entry.sequence
      }
      _ = waiting.popMin()
    }
    return .max
  }
}

/// A queue of (sequence, block), smallest sequence first.
///
/// Nearly all come in order, with the newest commit: those stand in a row. The others, such as blocks that changed while they were
/// on their way home, are in a binary heap beside it.
private struct WaitingBlocks {
  struct Entry {
    var sequence: UInt64
    var block: UInt64
  }

  /// In order, from `start` on.
  private var row: [Entry] = []
  private var start = 0
  private var heap: [Entry] = []

  var min: Entry? {
    guard start < row.count else { return heap.first }
    guard let other = heap.first, other.sequence < row[start].sequence else { return row[start] }
    return other
  }

  mutating func push(_ entry: Entry) {
    if entry.sequence >= row.last?.sequence ?? 0 {
      row.append(entry)
    } else {
      pushToHeap(entry)
    }
  }

  mutating func popMin() -> Entry? {
    guard start < row.count else { return popHeap() }
    if let other = heap.first, other.sequence < row[start].sequence { return popHeap() }
    let entry = row[start]
    start += 1
    if start == row.count {
      row.removeAll(keepingCapacity: true)
      start = 0
    } else if start > 4096 && start * 2 > row.count {
      row.removeFirst(start)
      start = 0
    }
    return entry
  }

  private mutating func pushToHeap(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].sequence < heap[parent].sequence else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func popHeap() -> Entry? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in 2 * parent + 1...2 * parent + 2 where child < heap.count {
        if heap[child].sequence < heap[least].sequence { least = child }
      }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
