import CairnBlocks

/// The records of one or two nodes, with an edit, as one ascending sequence: what is divided over one or two nodes when
/// a node overflows, when two are merged, or when they share their records anew.
///
/// It consists of the first records of `first`, the `inserted` ones, and the last of `second`, which may be the same node.
struct RecordSequence {
  let first: TreeNode
  let firstCount: Int
  let inserted: [TreeRecord]
  let second: TreeNode
  let secondStart: Int
  /// Bounds of all keys.
  let low: BorrowedBytes
  let high: BorrowedBytes
  /// Bytes that all keys begin with, for measuring.
  let prefixByteCount: Int

  typealias Layout = TreeNode.Layout

  /// The records of a node with others added as entry `index`.
  init(_ node: TreeNode, inserting inserted: [TreeRecord], at index: Int) {
    first = node
    firstCount = index
    self.inserted = inserted
    second = node
    secondStart = index
    low = node.lowFence
    high = node.highFence
    prefixByteCount = node.prefixByteCount
  }

  /// The records of two neighbours. Between inner nodes their separator comes down and takes the right one's first child.
  init(_ left: TreeNode, _ right: TreeNode, separator: BorrowedBytes) {
    first = left
    firstCount = left.count
    inserted = left.isLeaf ? [] : [TreeRecord(separator: separator, child: right.leftmostChild.rawValue)]
    second = right
    secondStart = 0
    low = left.lowFence
    high = right.highFence
    prefixByteCount = left.lowFence.commonPrefixByteCount(right.highFence)
  }

  var count: Int { firstCount + inserted.count + second.count - secondStart }
  var isLeaf: Bool { first.isLeaf }
  var headerByteCount: Int { first.headerByteCount }
  var limits: TreeLimits { first.limits }

  /// Where a record of the sequence comes from.
  enum Source {
    case node(TreeNode, Int)
    case record(TreeRecord)
  }

  func source(_ index: Int) -> Source {
    if index < firstCount { return .node(first, index) }
    let behind = index - firstCount
    if behind < inserted.count { return .record(inserted[behind]) }
    return .node(second, secondStart + behind - inserted.count)
  }

  /// The child with a record before it, in a sequence of inner nodes' records.
  func child(_ index: Int) -> BlockNumber {
    switch source(index) {
    case .node(let node, let index): node.child(index + 1)
    case .record(let record): BlockNumber(record.header)
    }
  }

  /// Copies a record's key into the workspace.
  func copyKey(_ index: Int, to place: TreeWorkspace.KeyPlace, _ workspace: TreeWorkspace) -> BorrowedBytes {
    switch source(index) {
    case .node(let node, let index): workspace.copyKey(of: node, index, to: place)
    case .record(let record): workspace.copy(record.key, to: place)
    }
  }

  func keyByteCount(_ index: Int) -> Int {
    switch source(index) {
    case .node(let node, let index): node.prefixByteCount + node.entry(index).suffixByteCount
    case .record(let record): record.key.count
    }
  }

  /// Bytes of a record and its entry in a node with a prefix of `prefix` bytes.
  func byteCount(_ index: Int, prefixByteCount prefix: Int) -> Int {
    switch source(index) {
    case .node(let node, let index):
      let entry = node.entry(index)
      let rest = max(0, node.prefixByteCount + entry.suffixByteCount - prefix - Layout.headByteCount)
      return Layout.entryByteCount + node.recordByteCount(of: entry) - entry.restByteCount + rest
    case .record(let record):
      return Layout.entryByteCount + record.byteCount(prefixByteCount: prefix, headerByteCount: headerByteCount)
    }
  }

  /// The parts of a run of records that come from each source: entries of the first node, inserted records, and entries of
  /// the second node.
  func parts(_ range: Range<Int>) -> (first: Range<Int>, inserted: Range<Int>, second: Range<Int>) {
    let insertedEnd = firstCount + inserted.count
    let first = range.clamped(to: 0..<firstCount)
    let middle = range.clamped(to: firstCount..<insertedEnd)
    let second = range.clamped(to: insertedEnd..<max(insertedEnd, range.upperBound))
    let shift = secondStart - insertedEnd
    return (
      first, (middle.lowerBound - firstCount)..<(middle.upperBound - firstCount),
      (second.lowerBound + shift)..<(second.upperBound + shift)
    )
  }

  /// Bytes of a run of records and their entries.
  func byteCount(_ range: Range<Int>, prefixByteCount prefix: Int) -> Int {
    let parts = parts(range)
    var sum = first.byteCount(parts.first, prefixByteCount: prefix)
    for index in parts.inserted {
      sum +=
        Layout.entryByteCount + inserted[index].byteCount(prefixByteCount: prefix, headerByteCount: headerByteCount)
    }
    return sum + second.byteCount(parts.second, prefixByteCount: prefix)
  }
}

extension TreeNode {
  /// Bytes that a run of records and their entries would take in a node with a prefix of `prefix` bytes.
  fileprivate func byteCount(_ range: Range<Int>, prefixByteCount prefix: Int) -> Int {
    let isLeaf = isLeaf
    let longer = prefixByteCount &- prefix
    var sum = range.count &* (Layout.entryByteCount &+ headerByteCount)
    var index = range.lowerBound
    while index < range.upperBound {
      let entry = entry(index)
      sum &+= max(0, entry.suffixByteCount &+ longer &- Layout.headByteCount)
      if isLeaf { sum &+= Int(bytes.u16(at: entry.offset) & ~Layout.overflowFlag) }
      index &+= 1
    }
    return sum
  }
}

// MARK: - Fences

/// The fences of a node to be built, cut to what the node keeps, and the prefix that they give.
struct FencePlan {
  var low: BorrowedBytes
  var high: BorrowedBytes
  var prefixByteCount: Int
  /// Bytes of entries and records under this prefix.
  var usedByteCount: Int
}

extension RecordSequence {
  /// The fences that a node of the records in `range`, with keys between `low` and `high`, gets; nil when they do not fit.
  func plan(_ range: Range<Int>, low: BorrowedBytes, high: BorrowedBytes) -> FencePlan? {
    let limits = limits
    let (low, high) = (low.prefix(limits.fenceByteCountMax), high.prefix(limits.fenceByteCountMax))
    let common = low.commonPrefixByteCount(high)
    let used = byteCount(range, prefixByteCount: common)
    if used + low.count + high.count <= limits.capacity {
      return FencePlan(low: low, high: high, prefixByteCount: common, usedByteCount: used)
    }
    // With a shorter prefix the records take more.
    guard used <= limits.capacity else { return nil }
    // A node that barely fits keeps no more of its fences than the prefix, or less.
    var prefix = common
    while prefix >= 0 {
      let used = byteCount(range, prefixByteCount: prefix)
      if used + 2 * prefix <= limits.capacity {
        return FencePlan(
          low: low.prefix(prefix), high: high.prefix(prefix), prefixByteCount: prefix, usedByteCount: used)
      }
      prefix -= 1
    }
    return nil
  }

  /// The plan of one node with all records; nil when they do not fit in one.
  func planWhole() -> FencePlan? { plan(0..<count, low: low, high: high) }
}

// MARK: - Division

/// How a sequence is divided over two nodes.
struct Division {
  /// Records before this one go left. In inner nodes this one goes up, in leaves right.
  var index: Int
  /// The least key of the right node, cut to what tells it from the greatest of the left one; in the workspace.
  var separator: BorrowedBytes
  var left: FencePlan
  var right: FencePlan
}

extension RecordSequence {
  /// Which records go to the left node.
  enum Target {
    /// So that the left node gets about this many bytes, measured under the sequence's prefix.
    case leftByteCount(Int)
    /// As many as possible, because the next ones will come at the end.
    case fillLeft
  }

  func rightRange(_ index: Int) -> Range<Int> { (isLeaf ? index : index + 1)..<count }

  /// Divides the sequence; nil when there is no way to, which only a damaged node brings about.
  func divide(
    _ target: Target, separatorPlace: TreeWorkspace.KeyPlace, _ workspace: TreeWorkspace
  ) -> Division? {
    // Both sides need a record.
    let last = isLeaf ? count - 1 : count - 2
    guard last >= 1 else { return nil }
    let candidates = 1...last
    let middle: Int
    switch target {
    case .fillLeft: middle = candidates.upperBound
    case .leftByteCount(let byteCount):
      let exact = min(max(index(of: byteCount), candidates.lowerBound), candidates.upperBound)
      let better = shortestSeparator(near: exact, in: candidates)
      if better != exact, let division = division(better, separatorPlace, workspace) { return division }
      middle = exact
    }
    if let division = division(middle, separatorPlace, workspace) { return division }
    for distance in 1..<max(2, count) {
      for index in [middle - distance, middle + distance] where candidates.contains(index) {
        if let division = division(index, separatorPlace, workspace) { return division }
      }
    }
    return nil
  }

  /// The division at an index; nil when a side does not fit in its node.
  private func division(
    _ index: Int, _ separatorPlace: TreeWorkspace.KeyPlace, _ workspace: TreeWorkspace
  ) -> Division? {
    var separator = copyKey(index, to: separatorPlace, workspace)
    if isLeaf {
      let before = copyKey(index - 1, to: .left, workspace)
      separator = separator.prefix(separator.commonPrefixByteCount(before) + 1)
    }
    guard let left = plan(0..<index, low: low, high: separator),
      let right = plan(rightRange(index), low: separator, high: high)
    else { return nil }
    return Division(index: index, separator: separator, left: left, right: right)
  }

  /// The index that has `target` bytes before it: in leaves the nearest boundary, in inner nodes the record across it.
  private func index(of target: Int) -> Int {
    var sum = 0
    for index in 0..<count {
      let next = sum + byteCount(index, prefixByteCount: prefixByteCount)
      if next > target { return isLeaf && next - target < target - sum ? index + 1 : index }
      sum = next
    }
    return count
  }

  /// Near an index, the one with the shortest separator: shorter separators mean more of them in a parent.
  private func shortestSeparator(near middle: Int, in candidates: ClosedRange<Int>) -> Int {
    let reach = min(8, count / 16)
    var best = middle
    var bestLength = Int.max
    for distance in 0...reach {
      for index in [middle - distance, middle + distance] where candidates.contains(index) {
        let length = separatorByteCount(index)
        if length < bestLength { (best, bestLength) = (index, length) }
      }
    }
    return best
  }

  /// The length of the separator at an index, as far as it is cheap to tell.
  private func separatorByteCount(_ index: Int) -> Int {
    guard isLeaf else { return keyByteCount(index) }
    guard case .node(let left, let before) = source(index - 1), case .node(_, let here) = source(index),
      here == before + 1
    else { return Int.max - 1 }
    return left.prefixByteCount + left.commonPrefixByteCount(before, here)
  }
}
