import CairnBlocks
import CairnTrees

/// One range that a transaction looked at. A cursor extends the one that it began.
final class ReadEntry {
  let volume: VolumeID
  let tree: Tree
  var range: KeyRange
  let countsOnly: Bool

  init(volume: VolumeID, tree: Tree, range: KeyRange, countsOnly: Bool) {
    self.volume = volume
    self.tree = tree
    self.range = range
    self.countsOnly = countsOnly
  }
}

/// Notes what a call of a multi-call transaction reads and, where ranges will be held, writes.
final class ReadRecorder {
  /// What the notes are for.
  enum Purpose {
    /// The reads of a call, kept with the transaction.
    case call
    /// Only the last read: when an operation fails at commit, that is where the state was not as expected.
    case commit
    /// Everything that the staged operations read and write, to be held.
    case prepare
  }

  let purpose: Purpose
  private(set) var reads: [ReadEntry] = []
  private(set) var writes: [ReadEntry] = []
  /// The read that came last, tentative ones included.
  private(set) var last: ReadEntry?
  private var isSuspended = false
  /// Operations that are running: their reads may be dropped again.
  private var depth = 0
  /// How many ranges may be kept.
  private let limit: Int
  /// More ranges were read than may be kept; nothing is noted any more, and the call fails.
  private(set) var isOverflowing = false
  private var compactionThreshold: Int

  init(_ purpose: Purpose, limit: UInt64 = .max) {
    self.purpose = purpose
    self.limit = Int(min(limit, UInt64(Int.max / 4)))
    compactionThreshold = self.limit &+ 4096
  }

  /// Notes a read; the entry may be extended later.
  @discardableResult
  func note(_ volume: VolumeID, _ tree: Tree, _ range: KeyRange, countsOnly: Bool = false) -> ReadEntry {
    let entry = ReadEntry(volume: volume, tree: tree, range: range, countsOnly: countsOnly)
    guard !isSuspended else { return entry }
    last = entry
    if purpose != .commit {
      if purpose == .call, depth == 0, reads.count >= compactionThreshold { compact() }
      reads.append(entry)
    }
    return entry
  }

  /// Notes a write. What it found there (a value was replaced, a key was not there) is a read of the call.
  func noteWrite(_ volume: VolumeID, _ tree: Tree, _ range: KeyRange) {
    guard !isSuspended else { return }
    let entry = ReadEntry(volume: volume, tree: tree, range: range, countsOnly: false)
    switch purpose {
    case .call: reads.append(entry)
    case .prepare: writes.append(entry)
    case .commit: break
    }
  }

  /// An operation begins; the result goes to `endOperation`.
  func beginOperation() -> Int {
    depth += 1
    return reads.count
  }

  /// An operation has ended. What it read for itself is not a read of the call, unless it is to be kept.
  func endOperation(_ mark: Int, keepsReads: Bool) {
    depth -= 1
    guard !keepsReads, purpose == .call else { return }
    reads.removeLast(reads.count - mark)
  }

  /// Joins what can be joined, so that a call that reads much of the same does not fill the memory with it. Ranges that a
  /// cursor still extends stay as they are.
  private func compact() {
    var done: [ReadEntry] = []
    var growing: [ReadEntry] = []
    var all: [ReadEntry] = []
    swap(&all, &reads)
    for index in all.indices {
      if isKnownUniquelyReferenced(&all[index]) { done.append(all[index]) } else { growing.append(all[index]) }
    }
    reads = Self.merged(done) + growing
    compactionThreshold = max(compactionThreshold, 2 &* reads.count)
    if reads.count > limit {
      isOverflowing = true
      isSuspended = true
      reads = []
    }
  }

  /// Runs `body` without noting anything.
  func suspended<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
    let before = isSuspended
    isSuspended = true
    defer { isSuspended = before }
    return try body()
  }

  /// The reads, overlapping ones joined.
  func mergedReads() -> [ReadEntry] { Self.merged(reads) }

  /// The writes, overlapping ones joined.
  func mergedWrites() -> [ReadEntry] { Self.merged(writes) }

  private static func merged(_ entries: [ReadEntry]) -> [ReadEntry] {
    var groups: [ReadGroup: [KeyRange]] = [:]
    var order: [ReadGroup] = []
    for entry in entries {
      let group = ReadGroup(volume: entry.volume, tree: entry.tree, countsOnly: entry.countsOnly)
      if groups[group] == nil { order.append(group) }
      groups[group, default: []].append(entry.range)
    }
    var merged: [ReadEntry] = []
    for group in order {
      for range in KeyRange.merged(groups[group] ?? []) {
        merged.append(
          ReadEntry(volume: group.volume, tree: group.tree, range: range, countsOnly: group.countsOnly))
      }
    }
    return merged
  }
}

private struct ReadGroup: Hashable {
  let volume: VolumeID
  let tree: Tree
  let countsOnly: Bool
}
