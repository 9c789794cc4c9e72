import CairnBlocks

/// Writes a node anew, record by record.
struct TreeNodeBuilder {
  private let target: MutableTreeNode
  private let prefixByteCount: Int
  private let headerByteCount: Int
  private let entriesOffset: Int
  private var top: Int
  private var count = 0

  typealias Layout = TreeNode.Layout

  /// Begins an empty node. The fences must not lie in the target.
  ///
  /// - Parameter frontGap: entries to leave free before the first, for keys to come.
  init(
    _ target: MutableTreeNode, level: UInt8, low: BorrowedBytes, high: BorrowedBytes, prefixByteCount: Int,
    frontGap: Int = 0
  ) {
    self.target = target
    self.prefixByteCount = prefixByteCount
    headerByteCount = level == 0 ? Layout.leafHeaderByteCount : Layout.innerHeaderByteCount
    entriesOffset = Layout.entries + Layout.entryByteCount * frontGap

    let recordCount = target.node.recordCount
    let bytes = target.bytes
    bytes.fill(0, at: BlockHeader.byteCount, count: target.blockByteCount - BlockHeader.byteCount)
    bytes.store(level, at: Layout.level)
    target.setFrontGap(frontGap)
    target.setRecordCount(recordCount)
    bytes.store(UInt16(prefixByteCount), at: Layout.prefixByteCount)
    bytes.store(UInt16(low.count), at: Layout.lowFenceByteCount)
    top = target.blockByteCount - low.count
    target.copy(low, to: top)
    if high.count > 0 {
      top -= high.count
      target.copy(high, to: top)
      bytes.store(UInt16(high.count), at: Layout.highFenceByteCount)
      bytes.store(UInt16(top), at: Layout.highFenceOffset)
    }
  }

  /// Adds a record behind the others.
  mutating func append(_ record: TreeRecord) {
    let suffix = record.key.dropping(prefixByteCount)
    let rest = suffix.rest
    top -= headerByteCount + rest.count + record.payload.count
    target.storeHeader(record.header, headerByteCount: headerByteCount, at: top)
    target.copy(rest, to: top + headerByteCount)
    target.copy(record.payload, to: top + headerByteCount + rest.count)
    appendEntry(head: suffix.head, suffixByteCount: suffix.count)
  }

  /// Adds records of another node behind the others.
  mutating func append(_ node: TreeNode, _ range: Range<Int>, _ workspace: TreeWorkspace) {
    guard node.prefixByteCount > prefixByteCount else {
      for index in range { append(node, index) }
      return
    }
    // A part of the prefix there belongs to the suffixes here.
    for index in range {
      let key = workspace.copyKey(of: node, index, to: .left)
      if node.isLeaf {
        let payload = node.payload(of: node.entry(index))
        append(TreeRecord(key: key, payload: payload.bytes, isOverflow: payload.isOverflow))
      } else {
        append(TreeRecord(separator: key, child: node.child(index + 1).rawValue))
      }
    }
  }

  /// Adds a record of another node whose prefix is not longer than the one here.
  @inline(__always)
  private mutating func append(_ node: TreeNode, _ index: Int) {
    let cut = prefixByteCount &- node.prefixByteCount
    let entry = node.entry(index)
    let length = node.recordByteCount(of: entry)
    if cut == 0 {
      top &-= length
      target.copy(node.lend(entry.offset, count: length), to: top)
      return appendEntry(head: entry.head, suffixByteCount: entry.suffixByteCount)
    }
    // The prefix here is longer: the head moves on, over bytes of the rest.
    let suffixByteCount = entry.suffixByteCount &- cut
    let restByteCount = max(0, suffixByteCount &- Layout.headByteCount)
    let rest = entry.offset &+ headerByteCount
    let dropped = entry.restByteCount &- restByteCount
    top &-= length &- dropped
    target.copy(node.lend(entry.offset, count: headerByteCount), to: top)
    target.copy(
      node.lend(rest &+ dropped, count: length &- headerByteCount &- dropped), to: top &+ headerByteCount)
    appendEntry(head: Self.head(of: node, entry, rest: rest, cut: cut), suffixByteCount: suffixByteCount)
  }

  /// The head of an entry's suffix without its first `cut` bytes.
  private static func head(of node: TreeNode, _ entry: TreeNode.Entry, rest: Int, cut: Int) -> UInt32 {
    if cut >= Layout.headByteCount {
      let skipped = cut - Layout.headByteCount
      return node.lend(rest + skipped, count: max(0, entry.restByteCount - skipped)).head
    }
    let moved = node.lend(rest, count: min(entry.restByteCount, cut)).head
    return entry.head &<< UInt32(8 * cut) | moved &>> UInt32(8 * (Layout.headByteCount - cut))
  }

  private mutating func appendEntry(head: UInt32, suffixByteCount: Int) {
    target.storeEntry(
      head: head, offset: top, suffixByteCount: suffixByteCount, at: entriesOffset &+ Layout.entryByteCount &* count)
    count &+= 1
  }

  /// Writes what is known only at the end.
  func finish() {
    target.setCount(count)
    target.setHeapByteCount(target.blockByteCount - top)
  }
}

extension RecordSequence {
  /// Builds a node of the records in `range`.
  ///
  /// - Parameter leavesGap: whether keys will come before the first ones, so that entries are moved less.
  func build(
    _ range: Range<Int>, _ plan: FencePlan, leftmostChild: BlockNumber?, leavesGap: Bool, in target: MutableTreeNode,
    _ workspace: TreeWorkspace
  ) {
    let free = limits.capacity - plan.usedByteCount - plan.low.count - plan.high.count
    let expected = range.isEmpty ? 0 : free * range.count / plan.usedByteCount
    var builder = TreeNodeBuilder(
      target, level: first.level, low: plan.low, high: plan.high, prefixByteCount: plan.prefixByteCount,
      frontGap: leavesGap ? min(expected / 2, Int(UInt8.max), free / (2 * Layout.entryByteCount)) : 0)
    let parts = parts(range)
    builder.append(first, parts.first, workspace)
    for index in parts.inserted { builder.append(inserted[index]) }
    builder.append(second, parts.second, workspace)
    if let leftmostChild { target.setLeftmostChild(leftmostChild) }
    builder.finish()
  }
}
