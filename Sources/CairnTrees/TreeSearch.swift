public import CairnBlocks

// The way down. Each node was validated when it entered the cache; what the search checks for each child is that it is
// the node that its parent means: a node of this tree's owner, one level below. That is one load and one compare.

extension Tree {
  /// Bytes 4 to 7 of the block header without the generation, which changes at each write home.
  @inline(__always) private static var tagMask: UInt32 { 0xFFFF_00FF }
  @inline(__always) private static var levelUnit: UInt32 { 0x0100_0000 }

  @inline(__always)
  private func tag(level: UInt8) -> UInt32 {
    UInt32(TreeNode.Layout.kind) | UInt32(owner) &<< 16 | UInt32(level) &<< 24
  }

  /// The root's node.
  @inline(__always)
  func rootNode(in view: BlockView) throws(StorageError) -> TreeNode {
    let bytes = try view.block(root)
    guard bytes.u32(at: TreeNode.Layout.tag) & Self.tagMask == tag(level: TreeNode.Layout.rootMark) else {
      throw wrongKind(bytes, root, level: TreeNode.Layout.rootMark)
    }
    return TreeNode(bytes, blockByteCount: view.blockByteCount)
  }

  /// A node below the root.
  @inline(__always)
  func node(_ block: BlockNumber, level: UInt8, in view: BlockView) throws(StorageError) -> TreeNode {
    let bytes = try view.block(block)
    guard bytes.u32(at: TreeNode.Layout.tag) & Self.tagMask == tag(level: level) else {
      throw wrongKind(bytes, block, level: level)
    }
    return TreeNode(bytes, blockByteCount: view.blockByteCount)
  }

  @inline(never)
  private func wrongKind(_ bytes: BlockBytes, _ block: BlockNumber, level: UInt8) -> StorageError {
    let kind = bytes.u8(at: BlockHeader.Layout.kind)
    if kind != BlockKind.treeNode.rawValue {
      return .damaged(block.rawValue, .wrongKind(found: kind, expected: BlockKind.treeNode.rawValue))
    }
    let foundOwner = bytes.u8(at: BlockHeader.Layout.owner)
    if foundOwner != owner { return .damaged(block.rawValue, .wrongKind(found: foundOwner, expected: owner)) }
    return .damaged(
      block.rawValue, .wrongKind(found: bytes.u8(at: BlockHeader.Layout.level), expected: level))
  }

  /// The leaf where a key belongs, and its block.
  @inline(__always)
  func leaf(for key: BorrowedBytes, in view: BlockView) throws(StorageError) -> (block: BlockNumber, node: TreeNode) {
    var block = root
    var node = try rootNode(in: view)
    // The tag counts the levels down.
    var tag = tag(level: node.level)
    while tag >= Self.levelUnit {
      guard let index = node.childIndex(for: key) else { throw StorageError.damaged(block.rawValue, .malformed) }
      block = node.child(index)
      tag &-= Self.levelUnit
      let bytes = try view.block(block)
      guard bytes.u32(at: TreeNode.Layout.tag) & Self.tagMask == tag else {
        throw wrongKind(bytes, block, level: UInt8(truncatingIfNeeded: tag &>> 24))
      }
      node = TreeNode(bytes, blockByteCount: view.blockByteCount)
    }
    node.touchEntries()
    return (block, node)
  }

  /// The block of the leaf where a key belongs. Its first lines are asked for and not waited for.
  @inline(__always)
  private func touchLeaf(for key: BorrowedBytes, in view: BlockView) throws(StorageError) -> BlockNumber {
    var block = root
    var node = try rootNode(in: view)
    var level = node.level
    while level > 0 {
      guard let index = node.childIndex(for: key) else { throw StorageError.damaged(block.rawValue, .malformed) }
      block = node.child(index)
      level &-= 1
      if level > 0 { node = try self.node(block, level: level, in: view) }
    }
    if let bytes = view.newestResident(block) {
      let leaf = TreeNode(bytes, blockByteCount: view.blockByteCount)
      leaf.touch(0)
      leaf.touchEntries()
    }
    return block
  }

  /// The leaf and the entry of a key; nil when there is none.
  @inline(__always)
  func find(_ key: BorrowedBytes, in view: BlockView) throws(StorageError) -> (node: TreeNode, entry: TreeNode.Entry)? {
    let (block, node) = try leaf(for: key, in: view)
    // `leafIndex` by hand: the optimizer leaves it a call of its own here.
    let prefix = node.prefixByteCount
    guard key.count >= prefix else { throw StorageError.damaged(block.rawValue, .malformed) }
    let (index, isExact) = node.lowerBound(
      key.dropping(prefix), headerByteCount: TreeNode.Layout.leafHeaderByteCount)
    return isExact ? (node, node.entry(index)) : nil
  }
}

/// What a look-up found: bytes lent by the leaf, the value itself or the description of an overflow value.
///
/// Small enough to be returned in registers: with an enum that could carry an array, a look-up took a tenth longer.
@usableFromInline
struct FoundPayload {
  /// The bytes; empty when nothing was found.
  @usableFromInline let bytes: BorrowedBytes
  @usableFromInline let outcome: Outcome

  @usableFromInline
  enum Outcome: UInt8 { case absent, value, overflow }

  @inline(__always)
  init(_ bytes: BorrowedBytes, _ outcome: Outcome) {
    self.bytes = bytes
    self.outcome = outcome
  }

  @inline(__always)
  init(_ leaf: TreeNode, _ entry: TreeNode.Entry) {
    let (bytes, isOverflow) = leaf.payload(of: entry)
    self.init(bytes, isOverflow ? .overflow : .value)
  }
}

extension Tree {
  /// A copy of the value of a key; nil when there is no such key.
  public func get(_ key: RawSpan, in view: BlockView) throws(StorageError) -> [UInt8]? {
    view.pin()
    defer { view.unpin() }
    let found = try lookUp(key, in: view)
    return switch found.outcome {
    case .value: found.bytes.array()
    case .overflow: try readOverflow(found.bytes, in: view)
    case .absent: nil
    }
  }

  /// Lends the value of a key; nil when there is no such key. A value in a leaf is not copied.
  ///
  /// The bytes are those of the cached block: they must not be kept, and the body must not change the tree.
  @inlinable
  public func withValue<Result>(
    for key: RawSpan, in view: BlockView, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    view.pin()
    defer { view.unpin() }
    let found = try lookUp(key, in: view)
    switch found.outcome {
    case .value: return try found.bytes.withSpan(body)
    case .overflow:
      let value = try readOverflow(found.bytes, in: view)
      return try body(unsafe value.span.bytes)
    case .absent: return nil
    }
  }

  /// Lends the values of several keys, one after the other; for a key that has none `isThere` is false. The keys lie in `keys` at
  /// some ranges.
  ///
  /// A look-up in a cold leaf waits for three cache lines. Those of several keys are asked for together.
  public func withValues(
    of keys: RawSpan, at ranges: [Range<Int>], in view: BlockView,
    _ body: (_ number: Int, _ value: RawSpan, _ isThere: Bool) throws(StorageError) -> Void
  ) throws(StorageError) {
    for range in ranges {
      precondition(range.lowerBound >= 0 && range.upperBound <= keys.byteCount, "a key outside of what is lent")
    }
    view.pin()
    defer { view.unpin() }
    let keys = BorrowedBytes(keys)
    var blocks: [BlockNumber] = []
    var leaves: [TreeNode] = []
    var entries: [TreeNode.Entry?] = []
    blocks.reserveCapacity(Self.keysTogether)
    leaves.reserveCapacity(Self.keysTogether)
    entries.reserveCapacity(Self.keysTogether)
    let isOneNode = try rootNode(in: view).isLeaf
    var first = 0
    while first < ranges.count {
      let end = min(first &+ Self.keysTogether, ranges.count)
      blocks.removeAll(keepingCapacity: true)
      leaves.removeAll(keepingCapacity: true)
      entries.removeAll(keepingCapacity: true)
      for number in first..<end { blocks.append(try touchLeaf(for: keys.part(ranges[number]), in: view)) }
      for block in blocks {
        leaves.append(isOneNode ? try rootNode(in: view) : try node(block, level: 0, in: view))
      }
      for number in first..<end {
        let node = leaves[number &- first]
        let (index, isExact) = try node.leafIndex(for: keys.part(ranges[number]), blocks[number &- first])
        guard isExact else {
          entries.append(nil)
          continue
        }
        let entry = node.entry(index)
        node.touch(entry.offset)
        entries.append(entry)
      }
      for number in first..<end {
        guard let entry = entries[number &- first] else {
          try BorrowedBytes.empty.withSpan { (value) throws(StorageError) in try body(number, value, false) }
          continue
        }
        let payload = leaves[number &- first].payload(of: entry)
        if payload.isOverflow {
          let value = try readOverflow(payload.bytes, in: view)
          try body(number, unsafe value.span.bytes, true)
        } else {
          try payload.bytes.withSpan { (value) throws(StorageError) in try body(number, value, true) }
        }
      }
      first = end
    }
  }

  /// Keys whose lines are asked for together: as many as a processor waits for at one time.
  @inline(__always) private static var keysTogether: Int { 16 }

  /// Whether there is a key.
  public func contains(_ key: RawSpan, in view: BlockView) throws(StorageError) -> Bool {
    view.pin()
    defer { view.unpin() }
    return try lookUp(key, in: view).outcome != .absent
  }

  /// Lends what stands behind `prefix` in the first key that begins with it; nil when no key does.
  ///
  /// One way down, and as a rule nothing is copied: what asks for one key of a group of them needs no cursor.
  package func withFirstTail<Result>(
    of prefix: RawSpan, in view: BlockView, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    view.pin()
    defer { view.unpin() }
    let (block, node) = try leaf(for: BorrowedBytes(prefix), in: view)
    let index = try node.leafIndex(for: BorrowedBytes(prefix), block).index
    guard index < node.count else { return try withFirstTailOfNextLeaf(prefix, in: view, body) }
    guard let tail = node.tail(index, behind: BorrowedBytes(prefix)) else {
      // The node does not keep all of it in one piece.
      let key = node.key(index)
      guard key.count >= prefix.byteCount, key.starts(with: BorrowedBytes(prefix).array()) else { return nil }
      return try body(unsafe key.span.bytes.extracting(prefix.byteCount..<key.count))
    }
    return try tail.isThere ? tail.bytes.withSpan(body) : nil
  }

  /// The same where all keys of the leaf stand before the prefix.
  @inline(never)
  private func withFirstTailOfNextLeaf<Result>(
    _ prefix: RawSpan, in view: BlockView, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    let prefix = BorrowedBytes(prefix).array()
    var result: Result?
    try scan(from: prefix, in: view) { (key, _) throws(StorageError) -> Bool in
      guard key.byteCount >= prefix.count, BorrowedBytes(key).prefix(prefix.count).array() == prefix else {
        return false
      }
      result = try body(key.extracting(prefix.count..<key.byteCount))
      return false
    }
    return result
  }

  @usableFromInline
  func lookUp(_ key: RawSpan, in view: BlockView) throws(StorageError) -> FoundPayload {
    guard let (node, entry) = try find(BorrowedBytes(key), in: view) else { return FoundPayload(.empty, .absent) }
    return FoundPayload(node, entry)
  }
}
