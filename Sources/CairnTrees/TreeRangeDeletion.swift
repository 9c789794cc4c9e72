public import CairnBlocks

extension Tree {
  /// Removes the records with `from` <= key < `to`, at most `limit` of them, the first ones; how many it removed.
  ///
  /// Subtrees that lie in the range are given back as a whole; their leaves are read only for their counts and overflow
  /// values.
  @discardableResult
  public func deleteRange(
    from: [UInt8]? = nil, to: [UInt8]? = nil, limit: UInt64? = nil, in transaction: BlockTransaction
  ) throws(StorageError) -> UInt64 {
    try removeRange(from: from, to: to, limit: limit, in: transaction).count
  }

  /// Removes records as `deleteRange` does; how many, and how many bytes their keys and values had.
  public func removeRange(
    from: [UInt8]? = nil, to: [UInt8]? = nil, limit: UInt64? = nil, in transaction: BlockTransaction
  ) throws(StorageError) -> (count: UInt64, byteCount: UInt64) {
    let view = transaction.view
    view.pin()
    defer { view.unpin() }
    let longest = TreeLimits(blockByteCount: view.blockByteCount).keyByteCountMax
    guard let lower = Self.leastKey(from: from ?? [], longest: longest) else { return (0, 0) }
    var upper: [UInt8]?
    if let to {
      upper = Self.leastKey(from: to, longest: longest)
      if to.isEmpty { return (0, 0) }
    }
    if let limit, let cut = try firstKey(behind: limit, from: lower, to: upper, in: view) { upper = cut }
    if let upper, !lower.lexicographicallyPrecedes(upper) { return (0, 0) }

    let usedReserve = transaction.usesReserve
    transaction.usesReserve = true
    defer { transaction.usesReserve = usedReserve }
    var deletion = RangeDeletion(self, in: transaction)
    if lower.isEmpty && upper == nil {
      try deletion.removeAll()
      return (deletion.removedCount, deletion.removedByteCount)
    }
    try deletion.remove(from: lower, to: upper)
    guard deletion.removedCount > 0 || deletion.dropsNodes else { return (0, 0) }
    try addToCount(-Int(deletion.removedCount), in: transaction)
    // The nodes on both edges, and those that took the place of the dropped ones, may be light or empty.
    if let upper {
      try upper.withBorrowedBytes { (key) throws(StorageError) in try settle(at: .key(key), in: transaction) }
    }
    try lower.withBorrowedBytes { (key) throws(StorageError) in
      try settle(at: .key(key), in: transaction)
      try settle(at: .before(key), in: transaction)
    }
    return (deletion.removedCount, deletion.removedByteCount)
  }

  /// The least key of a possible length that is not less than `key`; nil when there is none.
  private static func leastKey(from key: [UInt8], longest: Int) -> [UInt8]? {
    guard key.count > longest else { return key }
    var cut = Array(key[..<longest])
    while let last = cut.last {
      if last < .max {
        cut[cut.count - 1] = last + 1
        return cut
      }
      cut.removeLast()
    }
    return nil
  }

  /// The key that has `limit` records of a range before it; nil when there are not more than that.
  private func firstKey(
    behind limit: UInt64, from: [UInt8], to: [UInt8]?, in view: BlockView
  ) throws(StorageError) -> [UInt8]? {
    guard try limit < rootNode(in: view).recordCount else { return nil }
    return try from.withBorrowedBytes { (from) throws(StorageError) -> [UInt8]? in
      let path = try path(to: .key(from), in: view)
      var leaf = try node(path, path.count - 1, in: view)
      var index = try leaf.leafIndex(for: from, path.last.block).index
      var left = limit
      while true {
        let end = to?.withBorrowedBytes { leaf.bound($0) } ?? leaf.count
        if left < UInt64(max(0, end - index)) { return leaf.key(index + Int(left)) }
        left -= UInt64(max(0, end - index))
        guard end == leaf.count else { return nil }
        let last = leaf.count > 0 ? leaf.key(leaf.count - 1) : []
        guard let next = try nextLeaf(path, in: view) else { return nil }
        try last.withBorrowedBytes { (key) throws(StorageError) in try requireProgress(next, path, behind: key) }
        leaf = next
        index = 0
      }
    }
  }

  /// Gives every block of the tree back, the root and the extents of overflow values too. The tree is gone then.
  public func destroy(in transaction: BlockTransaction) throws(StorageError) {
    let view = transaction.view
    view.pin()
    defer { view.unpin() }
    var deletion = RangeDeletion(self, in: transaction)
    try deletion.dropChildren(of: try rootNode(in: view))
    try transaction.free(root)
  }
}

/// One run of `deleteRange`.
///
/// Cutting a range out of a tree leaves two edges: the nodes that hold the keys before it, and those that hold the keys
/// behind. The nodes between are dropped. Neither edge could take over the keys between without a shorter prefix, so
/// without growing, perhaps beyond a block; therefore an empty leaf (with the inner nodes above it that a leaf needs)
/// takes the place of what was dropped, and `settle` merges it with a neighbour like any other light node.
private struct RangeDeletion {
  let tree: Tree
  let transaction: BlockTransaction
  let view: BlockView
  /// Records removed.
  var removedCount: UInt64 = 0
  /// Bytes of their keys and values.
  var removedByteCount: UInt64 = 0
  /// Whether whole nodes were dropped.
  var dropsNodes = false

  init(_ tree: Tree, in transaction: BlockTransaction) {
    self.tree = tree
    self.transaction = transaction
    view = transaction.view
  }

  // MARK: Everything

  mutating func removeAll() throws(StorageError) {
    try dropChildren(of: try tree.rootNode(in: view))
    let root = try edit(tree.root)
    TreeNodeBuilder(root, level: 0, low: .empty, high: .empty, prefixByteCount: 0).finish()
    root.setRecordCount(0)
  }

  /// Drops what a node refers to.
  mutating func dropChildren(of node: TreeNode) throws(StorageError) {
    guard !node.isLeaf else { return try dropRecords(of: node, 0..<node.count) }
    try dropChildren(of: node, 0..<(node.count + 1))
  }

  private mutating func dropChildren(of node: TreeNode, _ range: Range<Int>) throws(StorageError) {
    for index in range {
      let child = node.child(index)
      try dropChildren(of: try tree.node(child, level: node.level - 1, in: view))
      try transaction.free(child)
      dropsNodes = true
    }
  }

  /// Counts records that go and their bytes, and gives the extents of their values back.
  private mutating func dropRecords(of leaf: TreeNode, _ range: Range<Int>) throws(StorageError) {
    removedCount += UInt64(range.count)
    for index in range {
      let entry = leaf.entry(index)
      let payload = leaf.payload(of: entry)
      let valueByteCount =
        payload.isOverflow ? try tree.freeOverflow(payload.bytes, in: transaction) : payload.bytes.count
      removedByteCount += UInt64(leaf.prefixByteCount + entry.suffixByteCount + valueByteCount)
    }
  }

  private func edit(_ block: BlockNumber) throws(StorageError) -> MutableTreeNode {
    MutableTreeNode(try transaction.edit(block), blockByteCount: view.blockByteCount)
  }

  // MARK: A range

  /// Removes the keys from `lower`, which may be empty, up to `upper`; not both may be absent.
  mutating func remove(from lower: [UInt8], to upper: [UInt8]?) throws(StorageError) {
    let workspace = TreeWorkspace(blockByteCount: view.blockByteCount)
    let from = lower.isEmpty ? nil : lower.withBorrowedBytes { workspace.copy($0, to: .key) }
    let to = upper?.withBorrowedBytes { workspace.copy($0, to: .bound) }
    try remove(from: from, to: to, workspace)
  }

  private mutating func remove(
    from: BorrowedBytes?, to: BorrowedBytes?, _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let path = TreePath()
    var block = tree.root
    var node = try tree.rootNode(in: view)
    while !node.isLeaf {
      // The children that hold the last key before the range and the first one behind it.
      let before = try from.map { (key) throws(StorageError) in try child(of: node, block, before: key) } ?? -1
      let behind = try to.map { (key) throws(StorageError) in try child(of: node, block, at: key) } ?? node.count + 1
      let first = max(before, 0)
      let last = min(behind, node.count)
      if first == last && (from == nil || before >= 0) && (to == nil || behind <= node.count) {
        let child = node.child(first)
        path.append(block, index: first)
        node = try tree.node(child, level: node.level - 1, in: view)
        block = child
        continue
      }
      path.append(block, index: first)
      return try cut(path, node, before: before, behind: behind, from: from, to: to, workspace)
    }
    let start = try from.map { (key) throws(StorageError) in try node.leafIndex(for: key, block).index } ?? 0
    let end = try to.map { (key) throws(StorageError) in try node.leafIndex(for: key, block).index } ?? node.count
    try removeRecords(start..<max(start, end), of: block, node)
  }

  /// Removes a range that spans several children of a node: drops the ones between, and trims the ones on both edges.
  ///
  /// - Parameters:
  ///   - before: the child on the left edge; -1 when the range begins before all keys.
  ///   - behind: the child on the right edge; one more than there are when the range ends behind all keys.
  private mutating func cut(
    _ path: TreePath, _ node: TreeNode, before: Int, behind: Int, from: BorrowedBytes?, to: BorrowedBytes?,
    _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let depth = path.count - 1
    let block = path[depth].block
    let level = node.level
    let count = node.count
    if before >= 0, let from { try trim(node.child(before), level: level - 1, behind: from) }
    if behind <= count, let to { try trim(node.child(behind), level: level - 1, before: to) }
    try dropChildren(of: node, (before + 1)..<behind)
    // Nothing but records of two neighbouring leaves went: the separator between the edges still holds.
    guard dropsNodes else { return }

    let gap = try makeGap(level: level - 1, from: from ?? .empty, to: to ?? .empty, near: block)
    var inserted: [TreeRecord] = []
    if let from { inserted.append(TreeRecord(separator: from, child: gap.rawValue)) }
    if let to { inserted.append(TreeRecord(separator: to, child: node.child(behind).rawValue)) }
    let first = max(before, 0)
    let removed = min(behind, count) - first
    if before < 0 { try edit(block).setLeftmostChild(gap) }
    // `edit` uses only the depth and the levels of a path that ends in a leaf.
    while path.count < depth + 1 + Int(level) { path.append(gap, index: 0) }
    path[depth].index = first
    try tree.edit(path, depth, removing: removed, inserting: inserted, in: transaction, workspace)
  }

  /// Removes the keys that are not less than a bound from a subtree.
  private mutating func trim(
    _ block: BlockNumber, level: UInt8, behind bound: BorrowedBytes
  ) throws(StorageError) {
    let node = try tree.node(block, level: level, in: view)
    guard !node.isLeaf else {
      return try removeRecords(try node.leafIndex(for: bound, block).index..<node.count, of: block, node)
    }
    let index = try child(of: node, block, before: bound)
    try trim(node.child(index), level: level - 1, behind: bound)
    guard index < node.count else { return }
    try dropChildren(of: node, (index + 1)..<(node.count + 1))
    let count = node.count
    try edit(block).remove(index..<count)
  }

  /// Removes the keys that are less than a bound from a subtree.
  private mutating func trim(
    _ block: BlockNumber, level: UInt8, before bound: BorrowedBytes
  ) throws(StorageError) {
    let node = try tree.node(block, level: level, in: view)
    guard !node.isLeaf else {
      return try removeRecords(0..<(try node.leafIndex(for: bound, block).index), of: block, node)
    }
    let index = try child(of: node, block, at: bound)
    let child = node.child(index)
    try trim(child, level: level - 1, before: bound)
    guard index > 0 else { return }
    try dropChildren(of: node, 0..<index)
    let target = try edit(block)
    target.setLeftmostChild(child)
    target.remove(0..<index)
  }

  private mutating func removeRecords(
    _ range: Range<Int>, of block: BlockNumber, _ leaf: TreeNode
  ) throws(StorageError) {
    guard !range.isEmpty else { return }
    try dropRecords(of: leaf, range)
    try edit(block).remove(range)
  }

  /// An empty leaf for a range of keys, under as many inner nodes as `level` asks for.
  private func makeGap(
    level: UInt8, from: BorrowedBytes, to: BorrowedBytes, near: BlockNumber
  ) throws(StorageError) -> BlockNumber {
    let limit = TreeLimits(blockByteCount: view.blockByteCount).fenceByteCountMax
    let (low, high) = (from.prefix(limit), to.prefix(limit))
    var child: BlockNumber?
    for level in 0...level {
      let block = try tree.allocateNode(level: level, near: near, in: transaction)
      let target = try edit(block)
      TreeNodeBuilder(
        target, level: level, low: low, high: high, prefixByteCount: low.commonPrefixByteCount(high)
      ).finish()
      if let child { target.setLeftmostChild(child) }
      child = block
    }
    guard let child else { throw .damaged(tree.root.rawValue, .malformed) }
    return child
  }

  private func child(
    of node: TreeNode, _ block: BlockNumber, at key: BorrowedBytes
  ) throws(StorageError) -> Int {
    guard let index = node.childIndex(for: key) else { throw .damaged(block.rawValue, .malformed) }
    return index
  }

  private func child(
    of node: TreeNode, _ block: BlockNumber, before key: BorrowedBytes
  ) throws(StorageError) -> Int {
    guard let index = node.childIndex(for: key, isBefore: true) else { throw .damaged(block.rawValue, .malformed) }
    return index
  }
}
