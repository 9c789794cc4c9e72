import CairnBlocks

/// The ranges that prepared transactions hold, ready to be asked about.
///
/// Others may not write where a prepared transaction reads or writes: its commit would no longer do what was promised.
/// A transaction that is about to be prepared may not rely on what another prepared one will write.
struct Holds: Sendable {
  /// A held range and who holds it.
  struct Entry: Sendable {
    let transaction: TransactionID
    let range: HeldRange
  }

  private let entries: [Entry]
  private let trees: [BlockNumber: HeldTree]
  private let volumes: Set<UInt8>

  init(_ entries: [Entry]) {
    self.entries = entries
    var byTree: [BlockNumber: [HeldRange]] = [:]
    var volumes: Set<UInt8> = []
    for entry in entries {
      byTree[entry.range.tree, default: []].append(entry.range)
      volumes.insert(entry.range.volume)
    }
    var trees: [BlockNumber: HeldTree] = [:]
    for (tree, ranges) in byTree { trees[tree] = HeldTree(ranges) }
    self.trees = trees
    self.volumes = volumes
  }

  /// The ranges that others than `transaction` hold.
  func excluding(_ transaction: TransactionID) -> Holds {
    Holds(entries.filter { $0.transaction != transaction })
  }

  /// Whether a write into the range would break a promise.
  func refuseWrite(_ tree: BlockNumber, _ range: KeyRange) -> Bool {
    trees[tree]?.all.overlaps(range) ?? false
  }

  /// Whether a prepared transaction will write into the range.
  func refuseHold(_ tree: BlockNumber, _ range: KeyRange) -> Bool {
    trees[tree]?.writes.overlaps(range) ?? false
  }

  /// Whether anything of a volume is held.
  func holds(_ volume: VolumeID) -> Bool { volumes.contains(volume.rawValue) }
}

/// The held ranges of one tree.
private struct HeldTree: Sendable {
  let all: RangeIndex
  let writes: RangeIndex

  init(_ ranges: [HeldRange]) {
    all = RangeIndex(ranges.map { KeyRange(low: $0.low, high: $0.high) })
    writes = RangeIndex(ranges.filter { $0.isWrite }.map { KeyRange(low: $0.low, high: $0.high) })
  }
}

/// Ranges by their first key, merged where they touch, so that one search tells whether any overlaps a given one.
private struct RangeIndex: Sendable {
  private let ranges: [KeyRange]

  init(_ unordered: [KeyRange]) { ranges = KeyRange.merged(unordered) }

  func overlaps(_ range: KeyRange) -> Bool {
    // The last one that begins before the end of `range`; the ones before it end before it begins.
    var lower = 0
    var upper = ranges.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if KeyRange.isBelow(ranges[middle].low, end: range.high) { lower = middle + 1 } else { upper = middle }
    }
    return lower > 0 && ranges[lower - 1].overlaps(range)
  }
}

extension KeyRange {
  /// The same keys in disjoint ranges, ascending.
  static func merged(_ unordered: [KeyRange]) -> [KeyRange] {
    let ordered = unordered.sorted { $0.low.lexicographicallyPrecedes($1.low) }
    var merged: [KeyRange] = []
    for range in ordered {
      if let last = merged.last, last.overlaps(range) {
        merged[merged.count - 1].high = laterEnd(last.high, range.high)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
