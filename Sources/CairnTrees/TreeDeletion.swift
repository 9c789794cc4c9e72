public import CairnBlocks

extension Tree {
  /// Removes a key and its value; false when there is no such key.
  @discardableResult
  public func delete(_ key: RawSpan, in transaction: BlockTransaction) throws(StorageError) -> Bool {
    try remove(key, in: transaction) != nil
  }

  /// Removes a key and its value; how many bytes the value had, nil when there is no such key.
  public func remove(_ key: RawSpan, in transaction: BlockTransaction) throws(StorageError) -> Int? {
    let view = transaction.view
    view.pin()
    defer { view.unpin() }
    let key = BorrowedBytes(key)
    let (block, node) = try leaf(for: key, in: view)
    let (index, isExact) = try node.leafIndex(for: key, block)
    guard isExact else { return nil }
    let payload = node.payload(of: node.entry(index))
    let byteCount = payload.isOverflow ? try freeOverflow(payload.bytes, in: transaction) : payload.bytes.count
    let target = MutableTreeNode(try transaction.edit(block), blockByteCount: view.blockByteCount)
    target.remove(index)
    try addToCount(-1, in: transaction)
    if block != root && target.node.isLight { try settle(at: .key(key), in: transaction) }
    return byteCount
  }
}

// MARK: - Settling

extension Tree {
  /// Gives the nodes on the way to a leaf their least weight again: a light one is merged with a neighbour, or gets some
  /// of its records. From the root down, because a node's neighbours are its parent's children, and from the beginning
  /// again after each change.
  ///
  /// Blocks that this takes may come from those set aside: deleting works on a full device.
  func settle(at target: TreeTarget, in transaction: BlockTransaction) throws(StorageError) {
    let workspace = TreeWorkspace(blockByteCount: transaction.view.blockByteCount)
    let usedReserve = transaction.usesReserve
    transaction.usesReserve = true
    defer { transaction.usesReserve = usedReserve }
    // The caller's key might be that of a block that is rebuilt now.
    let target =
      switch target {
      case .key(let key): TreeTarget.key(workspace.copy(key, to: .bound))
      case .before(let key): TreeTarget.before(workspace.copy(key, to: .bound))
      case .first, .last: target
      }
    // A level is mended in a few rounds, and mending it can make the one above too light.
    for _ in 0..<(TreeLimits.levelCountMax * TreeLimits.levelCountMax) {
      guard try settleOnce(at: target, in: transaction, workspace) else { return }
    }
    throw .damaged(root.rawValue, .malformed)
  }

  /// Mends the highest light node on the way; false when there is none.
  private func settleOnce(
    at target: TreeTarget, in transaction: BlockTransaction, _ workspace: TreeWorkspace
  ) throws(StorageError) -> Bool {
    let view = transaction.view
    let rootNode = try rootNode(in: view)
    if rootNode.level > 0 && rootNode.count == 0 {
      try collapse(rootNode, in: transaction)
      return true
    }
    let path = try path(to: target, in: view)
    for depth in 1..<max(1, path.count) {
      let node = try node(path, depth, in: view)
      guard node.count == 0 || node.isLight else { continue }
      if node.count > 0, try isLast(path, depth, in: view) { continue }
      try relieve(path, depth, in: transaction, workspace)
      return true
    }
    return false
  }

  /// Takes the only child's place.
  private func collapse(_ rootNode: TreeNode, in transaction: BlockTransaction) throws(StorageError) {
    let view = transaction.view
    let child = rootNode.leftmostChild
    let node = try node(child, level: rootNode.level - 1, in: view)
    let target = MutableTreeNode(try transaction.edit(root), blockByteCount: view.blockByteCount)
    // All keys belong to an only child of the root, so its fences are empty, as a root's must be.
    guard node.lowFenceByteCount == 0, node.highFenceByteCount == 0 else {
      throw .damaged(child.rawValue, .malformed)
    }
    target.copyBody(of: node, recordCount: target.node.recordCount)
    try transaction.free(child)
  }

  /// Merges a light node with a neighbour, or divides the records of both anew.
  private func relieve(
    _ path: TreePath, _ depth: Int, in transaction: BlockTransaction, _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let view = transaction.view
    let parent = try node(path, depth - 1, in: view)
    let index = path[depth - 1].index
    guard parent.count > 0 else { throw .damaged(path[depth - 1].block.rawValue, .malformed) }
    // The separator between a node and its right neighbour has the node's index.
    if index > 0, try merge(index - 1, of: parent, path, depth, in: transaction, workspace) { return }
    if index < parent.count, try merge(index, of: parent, path, depth, in: transaction, workspace) { return }
    try share(index < parent.count ? index : index - 1, of: parent, path, depth, in: transaction, workspace)
  }

  /// The children on both sides of a separator, copied to the workspace, as a sequence.
  private func neighbours(
    _ separator: Int, of parent: TreeNode, in view: BlockView, _ workspace: TreeWorkspace
  ) throws(StorageError) -> RecordSequence {
    let level = parent.level - 1
    let left = try node(parent.child(separator), level: level, in: view)
    let right = try node(parent.child(separator + 1), level: level, in: view)
    let key = workspace.copyKey(of: parent, separator, to: .key)
    guard left.precedes(right, separator: key) else {
      throw .damaged(parent.child(separator).rawValue, .malformed)
    }
    return RecordSequence(workspace.copy(left, to: 0), workspace.copy(right, to: 1), separator: key)
  }

  /// Makes one node of two; false when they do not fit in one.
  private func merge(
    _ separator: Int, of parent: TreeNode, _ path: TreePath, _ depth: Int, in transaction: BlockTransaction,
    _ workspace: TreeWorkspace
  ) throws(StorageError) -> Bool {
    let sequence = try neighbours(separator, of: parent, in: transaction.view, workspace)
    guard let plan = sequence.planWhole() else { return false }
    let (left, right) = (parent.child(separator), parent.child(separator + 1))
    let target = MutableTreeNode(try transaction.edit(left), blockByteCount: sequence.limits.blockByteCount)
    sequence.build(
      0..<sequence.count, plan, leftmostChild: sequence.isLeaf ? nil : sequence.first.leftmostChild, leavesGap: true,
      in: target, workspace)
    try transaction.free(right)
    path[depth - 1].index = separator
    try edit(path, depth - 1, removing: 1, inserting: [], in: transaction, workspace)
    return true
  }

  /// Divides the records of two nodes that do not fit in one over both, about evenly.
  private func share(
    _ separator: Int, of parent: TreeNode, _ path: TreePath, _ depth: Int, in transaction: BlockTransaction,
    _ workspace: TreeWorkspace
  ) throws(StorageError) {
    let sequence = try neighbours(separator, of: parent, in: transaction.view, workspace)
    let (left, right) = (parent.child(separator), parent.child(separator + 1))
    // Without its long prefix the heavy side may measure more than two nodes hold. It stays where it is, but for what the
    // light side needs: half a node at most.
    let total = sequence.byteCount(0..<sequence.count, prefixByteCount: sequence.prefixByteCount)
    let portion = min(total / 2, sequence.limits.capacity / 2)
    let isLeftLight = path[depth - 1].index == separator
    guard
      let division = sequence.divide(
        .leftByteCount(isLeftLight ? portion : total - portion), separatorPlace: .evenSeparator, workspace)
    else { throw .damaged(left.rawValue, .malformed) }
    try build(sequence, division, left: left, right: right, leavesGap: true, in: transaction, workspace)
    path[depth - 1].index = separator
    // `edit` makes separators in turn, beginning with the even one: this one must be elsewhere.
    let key = workspace.copy(division.separator, to: .key)
    try edit(
      path, depth - 1, removing: 1, inserting: [TreeRecord(separator: key, child: right.rawValue)], in: transaction,
      workspace)
  }
}
