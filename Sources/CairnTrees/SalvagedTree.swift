package import CairnBlocks

/// A part of a tree that cannot be followed: the keys from `low` to before `high` that were there.
package struct TreeGap: Equatable, Sendable {
  /// The first key that may be missing.
  package var low: [UInt8]
  /// The first key behind them; nil: all keys from `low` on.
  package var high: [UInt8]?
  /// The node that is missing; nil when not even its number is known.
  package var block: BlockNumber?
  /// What is wrong with it.
  package var text: String
}

/// What can still be read of a tree that may be damaged: the nodes that verify and lie where their parents say, and leaves
/// below lost nodes that were found elsewhere (`adopt`).
///
/// Nothing is guessed: a leaf counts only if it verifies, and its keys lie within the bounds of its place. Memory: the gaps,
/// at most `gapCountMax` of them, and the adopted leaves.
package struct SalvagedTree {
  package let owner: UInt8
  package let root: BlockNumber?
  /// What cannot be followed, ascending.
  package private(set) var gaps: [TreeGap] = []
  /// Records of the leaves that were reached from the root.
  package private(set) var reachedCount: UInt64 = 0
  /// Records of adopted leaves.
  package private(set) var adoptedCount: UInt64 = 0
  /// The records that the root says there are; nil when the root is lost.
  package private(set) var claimedCount: UInt64?
  /// Ascending, and disjoint.
  private var adopted: [Adopted] = []

  /// Most gaps that are kept; the rest of a tree with more is not looked for.
  package static let gapCountMax = 100_000

  private struct Adopted {
    var first: [UInt8]
    var last: [UInt8]
    var block: BlockNumber
  }

  /// A record of a leaf; the value is nil when it lies outside the tree and does not verify.
  package typealias Body = (_ key: [UInt8], _ value: [UInt8]?) throws(StorageError) -> Bool

  /// Walks the tree; `visitor` gets the block of each node that was found in its place. Without a root all of it is a gap.
  package init(
    root: BlockNumber?, owner: UInt8, in view: BlockView, _ visitor: (BlockNumber) throws(StorageError) -> Void
  ) throws(StorageError) {
    self.root = root
    self.owner = owner
    var walk = SalvageWalk(root: root, owner: owner, view: view)
    try walk.run(from: [], to: nil) { (event) throws(StorageError) -> Bool in
      switch event {
      case .node(let block, let claimed):
        try visitor(block)
        if let claimed { claimedCount = claimed }
      case .leaf(let leaf): reachedCount += UInt64(leaf.count)
      case .gap(let gap): if gaps.count < Self.gapCountMax { gaps.append(gap) }
      }
      return true
    }
  }

  /// Records that must be somewhere and were not found; nil when nobody knows how many there were.
  package var missingCount: UInt64? {
    guard let claimedCount else { return gaps.isEmpty ? 0 : nil }
    let found = reachedCount + adoptedCount
    return claimedCount - min(claimedCount, found)
  }

  /// Takes in a leaf that nothing leads to any more: if it is one of the tree's owner, all its keys lie in one gap and
  /// between the leaves adopted before, and `isRecord` holds for each of its records. Whether it was taken in.
  package mutating func adopt(
    _ block: BlockNumber, in view: BlockView, isRecord: (_ key: [UInt8], _ value: [UInt8]?) -> Bool
  ) throws(StorageError) -> Bool {
    let tree = Tree(root: block, owner: owner)
    guard let leaf = try SalvageWalk.leaf(block, of: tree, in: view), let first = leaf.keys.first,
      let last = leaf.keys.last
    else { return false }
    let gap = gaps.contains { gap in
      !first.lexicographicallyPrecedes(gap.low) && (gap.high.map { last.lexicographicallyPrecedes($0) } ?? true)
    }
    guard gap else { return false }
    let index = adopted.firstIndex { first.lexicographicallyPrecedes($0.first) } ?? adopted.count
    if index > 0, !adopted[index - 1].last.lexicographicallyPrecedes(first) { return false }
    if index < adopted.count, !last.lexicographicallyPrecedes(adopted[index].first) { return false }
    for position in leaf.keys.indices {
      let value = try SalvageWalk.value(leaf, position, of: tree, in: view)
      guard isRecord(leaf.keys[position], value) else { return false }
    }
    adopted.insert(Adopted(first: first, last: last, block: block), at: index)
    adoptedCount += UInt64(leaf.count)
    return true
  }

  /// Calls `body` with the records from `from` to before `to` that are left, ascending, until it returns false.
  package func scan(
    from: [UInt8] = [], to: [UInt8]? = nil, in view: BlockView, _ body: Body
  ) throws(StorageError) {
    var walk = SalvageWalk(root: root, owner: owner, view: view)
    try walk.run(from: from, to: to) { (event) throws(StorageError) -> Bool in
      switch event {
      case .node: return true
      case .leaf(let leaf): return try lend(leaf, from, to, in: view, body)
      case .gap(let gap):
        for found in adopted where !found.first.lexicographicallyPrecedes(gap.low) {
          if let high = gap.high, !found.last.lexicographicallyPrecedes(high) { break }
          let tree = Tree(root: found.block, owner: owner)
          guard let leaf = try SalvageWalk.leaf(found.block, of: tree, in: view) else { continue }
          guard try lend(leaf, from, to, in: view, body) else { return false }
        }
        return true
      }
    }
  }

  private func lend(
    _ leaf: SalvageWalk.Leaf, _ from: [UInt8], _ to: [UInt8]?, in view: BlockView, _ body: Body
  ) throws(StorageError) -> Bool {
    let tree = Tree(root: leaf.block, owner: owner)
    for (index, key) in leaf.keys.enumerated() where !key.lexicographicallyPrecedes(from) {
      if let to, !key.lexicographicallyPrecedes(to) { return true }
      guard try body(key, try SalvageWalk.value(leaf, index, of: tree, in: view)) else { return false }
    }
    return true
  }
}

/// A way through a tree that passes over what does not verify.
private struct SalvageWalk {
  let root: BlockNumber?
  let owner: UInt8
  let view: BlockView

  /// A copy of a leaf's records: it may leave the cache while they are looked at.
  struct Leaf {
    var block: BlockNumber
    var keys: [[UInt8]] = []
    var payloads: [(bytes: [UInt8], isOverflow: Bool)] = []
    var count: Int { keys.count }
  }

  enum Event {
    /// A node in its place, and the records of the tree if it is the root.
    case node(BlockNumber, claimed: UInt64?)
    case leaf(Leaf)
    case gap(TreeGap)
  }

  private struct Place {
    var block: BlockNumber
    /// Nil for the root.
    var level: UInt8?
    var low: [UInt8]
    var high: [UInt8]?
  }

  typealias Handler = (Event) throws(StorageError) -> Bool

  mutating func run(from: [UInt8], to: [UInt8]?, _ handler: Handler) throws(StorageError) {
    guard let root else {
      _ = try handler(.gap(TreeGap(low: [], high: nil, block: nil, text: "its root is lost")))
      return
    }
    _ = try visit(Place(block: root, level: nil, low: [], high: nil), from, to, handler)
  }

  /// Visits a node and what is below it; false: the handler has had enough. Depth: the levels, which descend.
  private func visit(
    _ place: Place, _ from: [UInt8], _ to: [UInt8]?, _ handler: Handler
  ) throws(StorageError) -> Bool {
    let found: Found
    do throws(StorageError) {
      found = try examine(place)
    } catch {
      guard error.hidesData else { throw error }
      return try handler(
        .gap(TreeGap(low: place.low, high: place.high, block: place.block, text: error.lossDescription)))
    }
    guard try handler(.node(place.block, claimed: place.level == nil ? found.claimed : nil)) else { return false }
    if let leaf = found.leaf { return try handler(.leaf(leaf)) }
    for child in found.children {
      if let high = child.high, !from.lexicographicallyPrecedes(high) { continue }
      if let to, !child.low.lexicographicallyPrecedes(to) { break }
      guard try visit(child, from, to, handler) else { return false }
    }
    return true
  }

  private struct Found {
    var claimed: UInt64
    var leaf: Leaf?
    var children: [Place] = []
  }

  private func examine(_ place: Place) throws(StorageError) -> Found {
    view.pin()
    defer { view.unpin() }
    let tree = Tree(root: place.block, owner: owner)
    let node =
      if let level = place.level { try tree.node(place.block, level: level, in: view) } else {
        try tree.rootNode(in: view)
      }
    guard TreeNode.isWellFormed(node.bytes, blockByteCount: view.blockByteCount), isInside(node, place) else {
      throw .damaged(place.block.rawValue, .malformed)
    }
    var found = Found(claimed: node.recordCount)
    if node.isLeaf {
      found.leaf = Self.copy(node, place.block)
    } else {
      var low = place.low
      for index in 0...node.count {
        let high = index == node.count ? place.high : node.key(index)
        found.children.append(Place(block: node.child(index), level: node.level - 1, low: low, high: high))
        low = high ?? []
      }
    }
    return found
  }

  private func isInside(_ node: TreeNode, _ place: Place) -> Bool {
    guard node.count > 0 else { return place.level == nil && node.isLeaf }
    let first = node.key(0)
    if first.lexicographicallyPrecedes(place.low) || !node.isLeaf && first == place.low { return false }
    return place.high.map { node.key(node.count - 1).lexicographicallyPrecedes($0) } ?? true
  }

  private static func copy(_ node: TreeNode, _ block: BlockNumber) -> Leaf {
    var leaf = Leaf(block: block)
    for index in 0..<node.count {
      let payload = node.payload(of: node.entry(index))
      leaf.keys.append(node.key(index))
      leaf.payloads.append((payload.bytes.array(), payload.isOverflow))
    }
    return leaf
  }

  /// A leaf below a root, wherever it hangs; nil when the block is none.
  static func leaf(_ block: BlockNumber, of tree: Tree, in view: BlockView) throws(StorageError) -> Leaf? {
    view.pin()
    defer { view.unpin() }
    do throws(StorageError) {
      let node = try tree.node(block, level: 0, in: view)
      guard TreeNode.isWellFormed(node.bytes, blockByteCount: view.blockByteCount), node.isLeaf else { return nil }
      return copy(node, block)
    } catch {
      guard error.hidesData else { throw error }
      return nil
    }
  }

  /// A record's value; nil when it lies outside the leaf and does not verify.
  static func value(
    _ leaf: Leaf, _ index: Int, of tree: Tree, in view: BlockView
  ) throws(StorageError) -> [UInt8]? {
    let payload = leaf.payloads[index]
    guard payload.isOverflow else { return payload.bytes }
    do throws(StorageError) {
      return try tree.followOverflow(payload.bytes, in: view, readsValue: true) { (_) throws(StorageError) in }
    } catch {
      guard error.hidesData else { throw error }
      return nil
    }
  }
}
