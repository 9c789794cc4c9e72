public import CairnBlocks

extension Tree {
  /// Verifies every rule of the tree and hands out each block and extent that it refers to, once for each reference.
  ///
  /// Damage of one node hides what is below it, not what is beside it. The work is bounded whatever the blocks hold:
  /// a node is entered only when its keys lie within the bounds of its place, and it can lie in those of one place only.
  ///
  /// - Parameter deep: whether overflow values are read and their digests verified.
  public func check(
    in view: BlockView, deep: Bool = false, _ visitor: (TreeVisit) throws(StorageError) -> Void
  ) throws(StorageError) -> TreeReport {
    var check = TreeCheck(tree: self, view: view, isDeep: deep)
    try check.run(visitor)
    return check.report
  }
}

/// One run of a check.
private struct TreeCheck {
  let tree: Tree
  let view: BlockView
  let isDeep: Bool
  var report = TreeReport()

  init(tree: Tree, view: BlockView, isDeep: Bool) {
    self.tree = tree
    self.view = view
    self.isDeep = isDeep
  }

  /// A node's place in the tree: what its parents say of it.
  struct Place {
    var block: BlockNumber
    /// Nil for the root.
    var level: UInt8?
    var low: [UInt8]
    var high: [UInt8]?
    /// Whether it is the last of its level.
    var isLast: Bool
  }

  typealias Visitor = (TreeVisit) throws(StorageError) -> Void

  mutating func run(_ visitor: Visitor) throws(StorageError) {
    let count = try check(Place(block: tree.root, level: nil, low: [], high: nil, isLast: true), visitor)
    guard let count, count != report.recordCount else { return }
    add(tree.root, .wrongCount(found: count, expected: report.recordCount))
  }

  private mutating func add(_ block: BlockNumber, _ fault: TreeProblem.Fault) {
    guard report.problems.count < TreeReport.problemCountMax else { return }
    report.problems.append(TreeProblem(block, fault))
  }

  /// Checks a node and what is below it; the number of records that the node, a root, claims.
  @discardableResult
  private mutating func check(_ place: Place, _ visitor: Visitor) throws(StorageError) -> UInt64? {
    try visitor(.block(place.block))
    let found: Found
    do {
      found = try examine(place, visitor)
    } catch {
      guard case .damaged(let damage) = error else { throw error }
      add(place.block, .unreadable(damage.reason))
      return nil
    }
    for child in found.children { try check(child, visitor) }
    return found.recordCount
  }

  /// What is needed of a node when its block is not pinned any more.
  private struct Found {
    var recordCount: UInt64
    var children: [Place] = []
  }

  private mutating func examine(_ place: Place, _ visitor: Visitor) throws(StorageError) -> Found {
    view.pin()
    defer { view.unpin() }
    let node =
      if let level = place.level { try tree.node(place.block, level: level, in: view) } else {
        try tree.rootNode(in: view)
      }
    var found = Found(recordCount: node.recordCount)
    guard TreeNode.isWellFormed(node.bytes, blockByteCount: view.blockByteCount) else {
      add(place.block, .malformed)
      return found
    }
    report.nodeCount += 1
    report.usedByteCount += UInt64(node.usedByteCount + node.lowFenceByteCount + node.highFenceByteCount)
    if place.level == nil { report.height = Int(node.level) + 1 }
    checkFill(node, place)
    checkBounds(node, place)
    if !node.hasCleanFreeSpace { add(place.block, .dirtyFreeSpace) }
    if node.isLeaf {
      report.leafCount += 1
      report.recordCount += UInt64(node.count)
      try checkValues(of: node, place.block, visitor)
    } else if hasKeysInBounds(node, place) {
      found.children = children(of: node, place)
    }
    return found
  }

  private mutating func checkFill(_ node: TreeNode, _ place: Place) {
    if node.count == 0 {
      if place.level != nil || !node.isLeaf { add(place.block, .empty) }
    } else if place.level != nil && !place.isLast && node.isLight {
      add(place.block, .light)
    }
  }

  /// Keys, fences and prefix against what the separators in the parents say.
  private mutating func checkBounds(_ node: TreeNode, _ place: Place) {
    if !hasKeysInBounds(node, place) { add(place.block, .keyOutsideBounds) }
    let prefix = node.prefix.array()
    if !prefix.isEmpty && !(place.low.starts(with: prefix) && place.high?.starts(with: prefix) == true) {
      add(place.block, .wrongPrefix)
    }
    let (low, high) = (node.lowFence.array(), node.highFence.array())
    let highBound = place.high.map { Array($0.prefix(high.count)) }
    if place.low.lexicographicallyPrecedes(low)
      || !high.isEmpty && (highBound == nil || high.lexicographicallyPrecedes(highBound ?? []))
    {
      add(place.block, .wrongFence)
    }
  }

  private func hasKeysInBounds(_ node: TreeNode, _ place: Place) -> Bool {
    guard node.count > 0 else { return true }
    let first = node.key(0)
    if first.lexicographicallyPrecedes(place.low) { return false }
    // A separator that equals the lower bound would leave its left child no keys.
    if !node.isLeaf && first == place.low { return false }
    guard let high = place.high else { return true }
    return node.key(node.count - 1).lexicographicallyPrecedes(high)
  }

  private func children(of node: TreeNode, _ place: Place) -> [Place] {
    var children: [Place] = []
    var low = place.low
    for index in 0...node.count {
      let isLast = index == node.count
      let high = isLast ? place.high : node.key(index)
      children.append(
        Place(
          block: node.child(index), level: node.level - 1, low: low, high: high, isLast: isLast && place.isLast))
      low = high ?? []
    }
    return children
  }

  private mutating func checkValues(
    of leaf: TreeNode, _ block: BlockNumber, _ visitor: Visitor
  ) throws(StorageError) {
    for index in 0..<leaf.count {
      let payload = leaf.payload(of: leaf.entry(index))
      guard payload.isOverflow else { continue }
      report.overflowCount += 1
      do {
        try checkOverflow(payload.bytes.array(), visitor)
      } catch {
        guard case .damaged = error else { throw error }
        add(block, .overflow)
      }
    }
  }

  private mutating func checkOverflow(_ encoded: [UInt8], _ visitor: Visitor) throws(StorageError) {
    var byteCount = 0
    _ = try tree.followOverflow(encoded, in: view, readsValue: isDeep) { (descriptor) throws(StorageError) in
      if descriptor.depth == 0 { byteCount = descriptor.byteCount }
      for extent in descriptor.extents { try visitor(.extent(extent)) }
    }
    report.overflowByteCount += UInt64(byteCount)
  }
}

extension TreeNode {
  /// Whether the bytes that nothing uses are zero: what was deleted is gone.
  fileprivate var hasCleanFreeSpace: Bool {
    var map = ByteMap(blockByteCount: blockByteCount)
    let entriesEnd = entriesOffset + Layout.entryByteCount * count
    let lowFence = blockByteCount - lowFenceByteCount
    guard mark(in: &map), map.insert(entriesOffset, count: entriesEnd - entriesOffset),
      map.insert(lowFence, count: lowFenceByteCount)
    else { return false }
    for offset in Layout.entries..<blockByteCount where !map.contains(offset) && bytes.u8(at: offset) != 0 {
      return false
    }
    return true
  }
}
