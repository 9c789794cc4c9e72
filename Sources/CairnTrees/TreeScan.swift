public import CairnBlocks

extension Tree {
  /// Lends the records with `from` <= key < `to` to `body`, in the order of their keys, until it returns false.
  ///
  /// The fastest way through a range: one call for each record, and nothing is copied but its key. The body may change the
  /// tree; the scan goes on behind the key that it lent. What is lent must not be kept, nor used after such a change.
  public func scan(
    from: [UInt8]? = nil, to: [UInt8]? = nil, in view: BlockView,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) {
    view.pin()
    defer { view.unpin() }
    try (from ?? []).withBorrowedBytes { (from) throws(StorageError) in
      try (to ?? []).withBorrowedBytes { (bound) throws(StorageError) in
        try scan(from: from, to: to == nil ? nil : bound, in: view, body)
      }
    }
  }

  private func scan(
    from: BorrowedBytes, to: BorrowedBytes?, in view: BlockView,
    _ body: (RawSpan, RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) {
    let buffer = KeyBuffer()
    var keyByteCount = 0
    let path = TreePath()
    var leaf = try descend(from: try rootNode(in: view), root, to: .key(from), path, in: view)
    var index = try leaf.leafIndex(for: from, path.last.block).index
    var leafCount = 0
    leaves: while true {
      let prefixByteCount = buffer.setPrefix(of: leaf)
      let end = to.map { leaf.bound($0) } ?? leaf.count
      leaf.touchRecords(from: index, to: min(end, index &+ Self.lookahead))
      while index < end {
        leaf.touchRecords(from: index &+ Self.lookahead, to: min(end, index &+ Self.lookahead &+ 1))
        let entry = leaf.entry(index)
        keyByteCount = buffer.setSuffix(of: leaf, entry, prefixByteCount: prefixByteCount)
        let changes = view.changeCount
        guard try lend(buffer.bytes(keyByteCount), leaf.payload(of: entry), in: view, body) else { return }
        index &+= 1
        guard view.changeCount != changes else { continue }
        // The tree may have changed: find the place behind the last key again.
        path.cut(to: 0)
        let key = buffer.bytes(keyByteCount)
        leaf = try descend(from: try rootNode(in: view), root, to: .key(key), path, in: view)
        let (place, isExact) = try leaf.leafIndex(for: key, path.last.block)
        index = isExact ? place + 1 : place
        continue leaves
      }
      if end < leaf.count { return }
      leafCount &+= 1
      if leafCount % Self.leavesPerPin == 0 {
        // A long scan must not keep everything it has passed from leaving the cache.
        view.unpin()
        view.pin()
      }
      guard let next = try nextLeaf(path, in: view) else { return }
      try requireProgress(next, path, behind: buffer.bytes(keyByteCount))
      leaf = next
      touchNextLeaf(path, in: view)
      index = 0
    }
  }

  /// Records whose lines are asked for before their turn: as many as arrive while one is handed out.
  @inline(__always) private static var lookahead: Int { 8 }
  /// Leaves that a scan passes before it lets go of what it has passed.
  @inline(__always) private static var leavesPerPin: Int { 32 }

  /// Throws when a leaf does not go on behind a key. Nodes of a hostile image may refer to one another so that a scan
  /// would come by the same leaves again and again; keys that must ascend cannot.
  @inline(__always)
  func requireProgress(
    _ leaf: TreeNode, _ path: TreePath, behind key: BorrowedBytes
  ) throws(StorageError) {
    guard leaf.count > 0, leaf.compareKey(0, key) > 0 else { throw .damaged(path.last.block.rawValue, .malformed) }
  }

  @inline(__always)
  private func lend(
    _ key: BorrowedBytes, _ payload: (bytes: BorrowedBytes, isOverflow: Bool), in view: BlockView,
    _ body: (RawSpan, RawSpan) throws(StorageError) -> Bool
  ) throws(StorageError) -> Bool {
    if payload.isOverflow {
      let value = try readOverflow(payload.bytes, in: view)
      return try key.withSpan { (key) throws(StorageError) in try body(key, unsafe value.span.bytes) }
    }
    return try key.withSpan { (key) throws(StorageError) in
      try payload.bytes.withSpan { (value) throws(StorageError) in try body(key, value) }
    }
  }

  /// Moves a path to the next leaf; nil, and the path as it was, when there is none.
  @inline(__always)
  func nextLeaf(_ path: TreePath, in view: BlockView) throws(StorageError) -> TreeNode? {
    let depth = path.count &- 2
    guard depth >= 0 else { return nil }
    let parent = try node(path, depth, in: view)
    let index = path[depth].index &+ 1
    guard index <= parent.count else { return try nextLeafOfOther(path, in: view) }
    let child = parent.child(index)
    let leaf = try node(child, level: 0, in: view)
    path[depth].index = index
    path.last = TreePath.Step(block: child, index: 0)
    return leaf
  }

  /// Moves a path to the first leaf that is not below the same parent.
  @inline(never)
  private func nextLeafOfOther(_ path: TreePath, in view: BlockView) throws(StorageError) -> TreeNode? {
    var depth = path.count - 3
    while depth >= 0 {
      let node = try node(path, depth, in: view)
      let index = path[depth].index + 1
      guard index > node.count else {
        let level = UInt8(path.count - 2 - depth)
        let child = node.child(index)
        path[depth].index = index
        path.cut(to: depth + 1)
        return try descend(from: try self.node(child, level: level, in: view), child, to: .first, path, in: view)
      }
      depth -= 1
    }
    return nil
  }

  /// Moves a path to the last entry's leaf before it; nil, and the path as it was, when there is none.
  func previousLeaf(_ path: TreePath, in view: BlockView) throws(StorageError) -> TreeNode? {
    var depth = path.count - 2
    while depth >= 0 {
      guard path[depth].index > 0 else {
        depth -= 1
        continue
      }
      let node = try node(path, depth, in: view)
      let level = UInt8(path.count - 2 - depth)
      path[depth].index -= 1
      let child = node.child(path[depth].index)
      path.cut(to: depth + 1)
      return try descend(from: try self.node(child, level: level, in: view), child, to: .last, path, in: view)
    }
    return nil
  }

  /// Loads the first bytes of the leaf behind the one of a path, if it is in memory, so that they are near when the scan
  /// comes to it.
  @inline(__always)
  func touchNextLeaf(_ path: TreePath, in view: BlockView) {
    guard path.count >= 2, let parent = try? node(path, path.count &- 2, in: view) else { return }
    let next = path[path.count &- 2].index &+ 1
    guard next <= parent.count, let bytes = view.resident(parent.child(next)) else { return }
    let leaf = TreeNode(bytes, blockByteCount: view.blockByteCount)
    leaf.touch(TreeNode.Layout.count)
    leaf.touchEntries()
  }
}

extension TreeNode {
  /// Asks for the lines of some records.
  @inline(__always)
  func touchRecords(from start: Int, to end: Int) {
    var index = start
    while index < end {
      let offset = entry(index).offset
      touch(offset)
      touch(offset &+ 64)
      index &+= 1
    }
  }

  /// How many entries of a leaf are less than a key, which need not belong to the leaf.
  func bound(_ key: BorrowedBytes) -> Int {
    let order = prefix.compare(key.prefix(prefixByteCount))
    if order != 0 { return order < 0 ? count : 0 }
    return lowerBound(key.dropping(prefixByteCount), headerByteCount: headerByteCount).index
  }
}
