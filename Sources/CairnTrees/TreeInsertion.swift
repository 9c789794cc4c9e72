public import CairnBlocks

extension Tree {
  /// Stores a value under a key; true when it replaced another.
  ///
  /// Key and value must not be bytes that this tree lends.
  @discardableResult
  public func put(
    _ key: RawSpan, _ value: RawSpan, in transaction: BlockTransaction
  ) throws(StorageError) -> Bool {
    try replace(key, value, in: transaction) != nil
  }

  /// Stores a value under a key; how many bytes the value had that it replaced, nil when there was none.
  ///
  /// Key and value must not be bytes that this tree lends.
  public func replace(
    _ key: RawSpan, _ value: RawSpan, in transaction: BlockTransaction
  ) throws(StorageError) -> Int? {
    let limits = TreeLimits(blockByteCount: transaction.view.blockByteCount)
    guard key.byteCount > 0, key.byteCount <= limits.keyByteCountMax else {
      throw .invalidKey(byteCount: key.byteCount, limit: limits.keyByteCountMax)
    }
    guard value.byteCount <= Self.maximumValueByteCount else {
      throw .valueTooLarge(byteCount: UInt64(value.byteCount), limit: UInt64(Self.maximumValueByteCount))
    }
    let view = transaction.view
    view.pin()
    defer { view.unpin() }
    let limit = limits.payloadByteCountMax(keyByteCount: key.byteCount)
    let key = BorrowedBytes(key)
    if value.byteCount <= limit {
      return try put(TreeRecord(key: key, payload: BorrowedBytes(value), isOverflow: false), in: transaction)
    }
    let descriptor = try writeOverflow(value, limit: limit, in: transaction)
    return try descriptor.withBorrowedBytes { (payload) throws(StorageError) in
      try put(TreeRecord(key: key, payload: payload, isOverflow: true), in: transaction)
    }
  }

  /// Puts a leaf's record in its place.
  private func put(_ record: TreeRecord, in transaction: BlockTransaction) throws(StorageError) -> Int? {
    let view = transaction.view
    let (block, node) = try leaf(for: record.key, in: view)
    let (index, isExact) = try node.leafIndex(for: record.key, block)
    if isExact { return try replace(record, at: index, of: block, node, in: transaction) }
    let target = MutableTreeNode(try transaction.edit(block), blockByteCount: view.blockByteCount)
    switch target.insert(record, at: index, headerByteCount: TreeNode.Layout.leafHeaderByteCount) {
    case .done: break
    case .scattered, .full: try insertSlowly(record, in: transaction)
    }
    try addToCount(1, in: transaction)
    return nil
  }

  /// Puts a record where another has the same key; how many bytes the other's value had.
  private func replace(
    _ record: TreeRecord, at index: Int, of block: BlockNumber, _ node: TreeNode, in transaction: BlockTransaction
  ) throws(StorageError) -> Int {
    let view = transaction.view
    let old = node.payload(of: node.entry(index))
    let oldByteCount = old.isOverflow ? try freeOverflow(old.bytes, in: transaction) : old.bytes.count
    let isOverflow = record.header & UInt64(TreeNode.Layout.overflowFlag) != 0
    if !isOverflow && !old.isOverflow && record.payload.compare(old.bytes) == 0 { return oldByteCount }

    let target = MutableTreeNode(try transaction.edit(block), blockByteCount: view.blockByteCount)
    if record.payload.count <= old.bytes.count {
      let isShorter = record.payload.count < old.bytes.count
      target.replacePayload(index, with: record.payload, isOverflow: isOverflow)
      if isShorter && block != root && target.node.isLight { try settle(at: .key(record.key), in: transaction) }
      return oldByteCount
    }
    target.remove(index)
    switch target.insert(record, at: index, headerByteCount: TreeNode.Layout.leafHeaderByteCount) {
    case .done: break
    case .scattered, .full: try insertSlowly(record, in: transaction)
    }
    return oldByteCount
  }

  /// Adds to the number of records.
  @inline(__always)
  func addToCount(_ difference: Int, in transaction: BlockTransaction) throws(StorageError) {
    let bytes = try transaction.edit(root)
    let count = bytes.bytes.u64(at: TreeNode.Layout.recordCount)
    bytes.store(count &+ UInt64(bitPattern: Int64(difference)), at: TreeNode.Layout.recordCount)
  }

  /// Puts a record in a leaf that must be rebuilt or divided for it.
  @inline(never)
  private func insertSlowly(_ record: TreeRecord, in transaction: BlockTransaction) throws(StorageError) {
    let view = transaction.view
    let workspace = TreeWorkspace(blockByteCount: view.blockByteCount)
    // Copies, because the caller's bytes might be those of a block that is rebuilt now.
    var record = record
    record.key = workspace.copy(record.key, to: .key)
    record.payload = workspace.copyPayload(record.payload)
    let path = try path(to: .key(record.key), in: view)
    let depth = path.count - 1
    let block = path[depth].block
    let leaf = try node(path, depth, in: view)
    path.last.index = try leaf.leafIndex(for: record.key, block).index
    try edit(path, depth, removing: 0, inserting: [record], in: transaction, workspace)
  }
}

// MARK: - The one way to change a node with a parent

extension Tree {
  /// Replaces entries of a node by others, dividing it, and the nodes above it, where they overflow.
  ///
  /// The first entry replaced is `path[depth].index`. The path is of no use afterwards.
  ///
  /// - Parameter inserted: at most two records, ascending, in the workspace or elsewhere outside the nodes of the path.
  func edit(
    _ path: TreePath, _ depth: Int, removing removed: Int, inserting inserted: [TreeRecord],
    in transaction: BlockTransaction, _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let view = transaction.view
    var depth = depth
    var removed = removed
    var records = inserted
    var place = TreeWorkspace.KeyPlace.evenSeparator
    // Each round divides a node and goes on with its parent; each division of the root adds a level.
    for _ in 0...(2 * TreeLimits.levelCountMax) {
      let node = try node(path, depth, in: view)
      let block = path[depth].block
      let target = MutableTreeNode(try transaction.edit(block), blockByteCount: view.blockByteCount)
      target.remove(path[depth].index..<(path[depth].index + removed))
      removed = 0
      while let record = records.first {
        guard target.node.hasPlace(for: record.key, at: path[depth].index) else {
          throw .damaged(block.rawValue, .malformed)
        }
        guard case .done = target.insert(record, at: path[depth].index, headerByteCount: node.headerByteCount) else {
          break
        }
        records.removeFirst()
        path[depth].index += 1
      }
      if records.isEmpty { return }

      let copy = workspace.copy(target.node, to: 0)
      let sequence = RecordSequence(copy, inserting: records, at: path[depth].index)
      if let plan = sequence.planWhole() {
        sequence.build(
          0..<sequence.count, plan, leftmostChild: copy.isLeaf ? nil : copy.leftmostChild, leavesGap: true, in: target,
          workspace)
        return
      }
      if depth == 0 {
        try grow(path, in: transaction)
        depth = 1
        continue
      }
      let isLast = try isLast(path, depth, in: view)
      let (separator, right) = try divide(
        sequence, of: block, fillsLeft: isLast && path[depth].index == copy.count && records.count == 1, place,
        in: transaction, workspace)
      records = [TreeRecord(separator: separator, child: right.rawValue)]
      place = place == .evenSeparator ? .oddSeparator : .evenSeparator
      depth -= 1
    }
    throw .damaged(root.rawValue, .malformed)
  }

  /// Divides a node's records over it and a new one behind it.
  private func divide(
    _ sequence: RecordSequence, of block: BlockNumber, fillsLeft: Bool, _ place: TreeWorkspace.KeyPlace,
    in transaction: BlockTransaction, _ workspace: TreeWorkspace
  ) throws(StorageError) -> (separator: BorrowedBytes, right: BlockNumber) {
    let total = sequence.byteCount(0..<sequence.count, prefixByteCount: sequence.prefixByteCount)
    let isAtEnd = sequence.firstCount == sequence.first.count
    // A key behind all others of its node is likely to be one of an ascending run: it and its followers get the emptier
    // node. Only the last node of a level may become that light.
    let target: RecordSequence.Target =
      fillsLeft
      ? .fillLeft
      : .leftByteCount(isAtEnd && sequence.isLeaf ? total - sequence.limits.capacity / 4 : total / 2)
    guard var division = sequence.divide(target, separatorPlace: place, workspace) else {
      throw .damaged(block.rawValue, .malformed)
    }
    if isAtEnd && !fillsLeft && sequence.isLeaf, isTooLight(division, sequence),
      let balanced = sequence.divide(.leftByteCount(total / 2), separatorPlace: place, workspace)
    {
      division = balanced
    }
    let right = try allocateNode(level: sequence.first.level, near: block, in: transaction)
    try build(
      sequence, division, left: block, right: right, leavesGap: !isAtEnd, in: transaction, workspace)
    return (division.separator, right)
  }

  /// Whether a division leaves less than the least weight on the right.
  private func isTooLight(_ division: Division, _ sequence: RecordSequence) -> Bool {
    let range = sequence.rightRange(division.index)
    return division.right.usedByteCount + range.count * division.right.prefixByteCount < sequence.limits.leafWeightMin
  }

  /// Builds both nodes of a division.
  func build(
    _ sequence: RecordSequence, _ division: Division, left: BlockNumber, right: BlockNumber, leavesGap: Bool,
    in transaction: BlockTransaction, _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let blockByteCount = transaction.view.blockByteCount
    let leftNode = MutableTreeNode(try transaction.edit(left), blockByteCount: blockByteCount)
    let rightNode = MutableTreeNode(try transaction.edit(right), blockByteCount: blockByteCount)
    let isLeaf = sequence.isLeaf
    sequence.build(
      0..<division.index, division.left, leftmostChild: isLeaf ? nil : sequence.first.leftmostChild,
      leavesGap: leavesGap, in: leftNode, workspace)
    sequence.build(
      sequence.rightRange(division.index), division.right,
      leftmostChild: isLeaf ? nil : sequence.child(division.index), leavesGap: leavesGap, in: rightNode, workspace)
  }

  /// A block for a node that is not a root.
  func allocateNode(
    level: UInt8, near: BlockNumber, in transaction: BlockTransaction
  ) throws(StorageError) -> BlockNumber {
    try transaction.allocate(kind: .treeNode, owner: owner, level: level, near: near)
  }

  /// Moves what the root holds to a new node, the root's only child from then on.
  private func grow(_ path: TreePath, in transaction: BlockTransaction) throws(StorageError) {
    let view = transaction.view
    let node = try rootNode(in: view)
    guard Int(node.level) + 1 < TreeLimits.levelCountMax else {
      throw .limitExceeded(what: "levels of a tree", limit: UInt64(TreeLimits.levelCountMax))
    }
    let child = try allocateNode(level: node.level, near: root, in: transaction)
    let target = MutableTreeNode(try transaction.edit(child), blockByteCount: view.blockByteCount)
    let rootTarget = MutableTreeNode(try transaction.edit(root), blockByteCount: view.blockByteCount)
    target.copyBody(of: rootTarget.node, recordCount: 0)
    TreeNodeBuilder(rootTarget, level: rootTarget.node.level + 1, low: .empty, high: .empty, prefixByteCount: 0)
      .finish()
    rootTarget.setLeftmostChild(child)
    path.insertBelowRoot(child, index: path[0].index)
    path[0].index = 0
  }

  /// Whether a node of a path is the last of its level.
  func isLast(_ path: TreePath, _ depth: Int, in view: BlockView) throws(StorageError) -> Bool {
    for above in 0..<depth {
      if path[above].index != (try node(path, above, in: view)).count { return false }
    }
    return true
  }
}

extension MutableTreeNode {
  /// Takes over everything of another node but the number of records.
  func copyBody(of other: TreeNode, recordCount: UInt64) {
    copy(
      other.lend(BlockHeader.byteCount, count: blockByteCount - BlockHeader.byteCount), to: BlockHeader.byteCount)
    setRecordCount(recordCount)
  }
}

extension TreeNode {
  /// Whether the node has less than the least weight of a node that is neither the root nor the last of its level.
  var isLight: Bool { weight < (isLeaf ? limits.leafWeightMin : limits.innerWeightMin) }
}
