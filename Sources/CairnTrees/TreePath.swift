import CairnBlocks

/// The way from the root to a leaf, by block numbers and positions, so that it survives when a block leaves the cache.
struct TreePath {
  /// One node of the way.
  struct Step {
    var block: UInt64
    /// In an inner node the child that the way takes; in a leaf the entry.
    var index: Int
  }

  /// As many as a tree has levels at most.
  private var steps: [16 of Step] = .init(repeating: Step(block: 0, index: 0))
  /// How many nodes the way has.
  private(set) var count = 0

  @inline(__always)
  init() {}

  subscript(_ depth: Int) -> Step {
    @inline(__always) get { steps[depth] }
    @inline(__always) set { steps[depth] = newValue }
  }

  /// The deepest node.
  var last: Step {
    @inline(__always) get { steps[count &- 1] }
    @inline(__always) set { steps[count &- 1] = newValue }
  }

  @inline(__always)
  mutating func append(_ block: BlockNumber, index: Int) {
    steps[count] = Step(block: block.rawValue, index: index)
    count &+= 1
  }

  /// Forgets the nodes below a depth.
  @inline(__always)
  mutating func cut(to count: Int) { self.count = count }

  /// Puts a node between the root and what was below it.
  mutating func insertBelowRoot(_ block: BlockNumber, index: Int) {
    for depth in stride(from: count, to: 1, by: -1) { steps[depth] = steps[depth - 1] }
    steps[1] = Step(block: block.rawValue, index: index)
    count += 1
  }

  func block(_ depth: Int) -> BlockNumber { BlockNumber(steps[depth].block) }
}

/// Where a way down goes.
enum TreeTarget {
  /// To the leaf where a key belongs.
  case key(BorrowedBytes)
  /// To the leaf where the keys just before one belong.
  case before(BorrowedBytes)
  case first
  case last
}

extension Tree {
  /// The way to a leaf. The leaf's index is left at 0.
  func path(to target: TreeTarget, in view: BlockView) throws(StorageError) -> TreePath {
    var path = TreePath()
    let node = try rootNode(in: view)
    try descend(from: node, root, to: target, &path, in: view)
    return path
  }

  /// Goes on from a node, which is not in the path yet, to a leaf; returns it.
  @discardableResult
  @inline(__always)
  func descend(
    from start: TreeNode, _ startBlock: BlockNumber, to target: TreeTarget, _ path: inout TreePath, in view: BlockView
  ) throws(StorageError) -> TreeNode {
    var node = start
    var block = startBlock
    var level = node.level
    while level > 0 {
      let index: Int?
      switch target {
      case .key(let key): index = node.childIndex(for: key)
      case .before(let key): index = node.childIndex(for: key, isBefore: true)
      case .first: index = 0
      case .last: index = node.count
      }
      guard let index else { throw StorageError.damaged(block.rawValue, .malformed) }
      path.append(block, index: index)
      block = node.child(index)
      level &-= 1
      node = try self.node(block, level: level, in: view)
    }
    path.append(block, index: 0)
    return node
  }

  /// The node at a depth of a path, which ends in a leaf.
  @inline(__always)
  func node(_ path: TreePath, _ depth: Int, in view: BlockView) throws(StorageError) -> TreeNode {
    if depth == 0 { return try rootNode(in: view) }
    return try node(path.block(depth), level: UInt8(truncatingIfNeeded: path.count &- 1 &- depth), in: view)
  }
}
