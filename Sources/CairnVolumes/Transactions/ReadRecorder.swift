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

  init(_ purpose: Purpose) { self.purpose = purpose }

  /// Notes a read; the entry may be extended later.
  @discardableResult
  func note(_ volume: VolumeID, _ tree: Tree, _ range: KeyRange, countsOnly: Bool = false) -> ReadEntry {
    let entry = ReadEntry(volume: volume, tree: tree, range: range, countsOnly: countsOnly)
    guard !isSuspended else { return entry }
    last = entry
    if purpose != .commit { reads.append(entry) }
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

  /// Where the notes stand, to go back to.
  var mark: Int { reads.count }

  /// Drops the reads noted since `mark`.
  func drop(since mark: Int) {
    guard purpose == .call else { return }
    reads.removeLast(reads.count - mark)
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
