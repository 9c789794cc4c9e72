import CairnBlocks

/// The way from the root to a leaf, by block numbers and positions, so that it survives when a block leaves the cache.
///
/// A class with memory of its own: as an array in a struct, each look at a step copied all sixteen.
@safe
final class TreePath {
  /// One node of the way.
  struct Step {
    var block: BlockNumber
    /// In an inner node the child that the way takes; in a leaf the entry.
    var index: Int
  }

  private let steps: UnsafeMutablePointer<Step>
  private let stepCount: UnsafeMutablePointer<Int>

  init() {
    unsafe steps = .allocate(capacity: TreeLimits.levelCountMax)
    unsafe stepCount = .allocate(capacity: 1)
    unsafe stepCount.initialize(to: 0)
  }

  deinit {
    unsafe steps.deallocate()
    unsafe stepCount.deallocate()
  }

  /// How many nodes the way has; at most as many as a tree has levels.
  private(set) var count: Int {
    @inline(__always) get { unsafe stepCount.pointee }
    @inline(__always) set { unsafe stepCount.pointee = newValue }
  }

  /// A way of its own with the same steps.
  func copy() -> TreePath {
    let copy = TreePath()
    for depth in 0..<count { copy.append(self[depth].block, index: self[depth].index) }
    return copy
  }

  subscript(_ depth: Int) -> Step {
    @inline(__always) get {
      precondition(depth >= 0 && depth < count, "a step that the way does not have")
      return unsafe steps[depth]
    }
    @inline(__always) set {
      precondition(depth >= 0 && depth < count, "a step that the way does not have")
      unsafe steps[depth] = newValue
    }
  }

  /// The deepest node.
  var last: Step {
    @inline(__always) get { self[count &- 1] }
    @inline(__always) set { self[count &- 1] = newValue }
  }

  @inline(__always)
  func append(_ block: BlockNumber, index: Int) {
    precondition(count < TreeLimits.levelCountMax, "a way is no longer than a tree is high")
    unsafe (steps + count).initialize(to: Step(block: block, index: index))
    count &+= 1
  }

  /// Forgets the nodes below a depth.
  @inline(__always)
  func cut(to count: Int) { self.count = min(count, self.count) }

  /// Puts a node between the root and what was below it.
  func insertBelowRoot(_ block: BlockNumber, index: Int) {
    append(block, index: index)
    for depth in stride(from: count - 1, to: 1, by: -1) { self[depth] = self[depth - 1] }
    self[1] = Step(block: block, index: index)
  }
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
    let path = TreePath()
    try descend(from: try rootNode(in: view), root, to: target, path, in: view)
    return path
  }

  /// Goes on from a node, which is not in the path yet, to a leaf; returns it.
  @discardableResult
  func descend(
    from start: TreeNode, _ startBlock: BlockNumber, to target: TreeTarget, _ path: TreePath, in view: BlockView
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
    node.touchEntries()
    path.append(block, index: 0)
    return node
  }

  /// The node at a depth of a path, which ends in a leaf.
  @inline(__always)
  func node(_ path: TreePath, _ depth: Int, in view: BlockView) throws(StorageError) -> TreeNode {
    if depth == 0 { return try rootNode(in: view) }
    return try node(path[depth].block, level: UInt8(truncatingIfNeeded: path.count &- 1 &- depth), in: view)
  }
}
