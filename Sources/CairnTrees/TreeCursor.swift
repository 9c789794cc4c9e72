public import CairnBlocks

extension Tree {
  /// A cursor over the records that a view sees.
  public func cursor(in view: BlockView) -> TreeCursor { TreeCursor(self, in: view) }
}

/// A place among the records of a tree, which moves both ways.
///
/// It holds no block between calls. After a call that threw it stands nowhere. On the view of a transaction, where the tree may change under it, it keeps its place
/// by key: `next()` goes to the first key behind the one it stood on, `previous()` to the last before it, also when that
/// one was deleted.
public struct TreeCursor {
  @usableFromInline let tree: Tree
  @usableFromInline let view: BlockView
  private var place = Place.unset
  private var path = TreePath()
  private var buffer = KeyBuffer()
  private var keyByteCount = 0
  private var prefixByteCount = 0
  /// The view's count of changes when `path` was true.
  private var changeCount: UInt64 = 0

  private enum Place {
    /// Before the first move.
    case unset
    /// On a record: `path` leads to it and `buffer` holds its key.
    case record
    case beforeFirst, behindLast
  }

  init(_ tree: Tree, in view: BlockView) {
    self.tree = tree
    self.view = view
  }

  /// Whether the cursor stands on a record.
  public var isValid: Bool { place == .record }
}

// MARK: - Moving

extension TreeCursor {
  /// Goes to the first record; false when there is none.
  @discardableResult
  public mutating func seekFirst() throws(StorageError) -> Bool {
    try seek(.first) { (leaf, _) in leaf.count > 0 ? 0 : nil }
  }

  /// Goes to the last record; false when there is none.
  @discardableResult
  public mutating func seekLast() throws(StorageError) -> Bool {
    try seekBackwards(.last) { (leaf, _) in leaf.count - 1 }
  }

  /// Goes to the first record whose key is not less than `key`; false, and behind the last one, when there is none.
  @discardableResult
  public mutating func seek(to key: RawSpan) throws(StorageError) -> Bool {
    try seek(to: BorrowedBytes(key), isBehind: false)
  }

  /// Goes to the last record whose key is less than `key`; false, and before the first one, when there is none.
  @discardableResult
  public mutating func seek(before key: RawSpan) throws(StorageError) -> Bool {
    try seek(before: BorrowedBytes(key))
  }

  /// Goes to the first record whose key is not less than `key`.
  @discardableResult
  public mutating func seek(to key: [UInt8]) throws(StorageError) -> Bool { try seek(to: unsafe key.span.bytes) }

  /// Goes to the last record whose key is less than `key`.
  @discardableResult
  public mutating func seek(before key: [UInt8]) throws(StorageError) -> Bool {
    try seek(before: unsafe key.span.bytes)
  }

  /// Goes to the next record, at first to the first; false, and behind the last one, when there is none.
  @discardableResult
  public mutating func next() throws(StorageError) -> Bool {
    switch place {
    case .unset, .beforeFirst: return try seekFirst()
    case .behindLast: return false
    case .record: break
    }
    makeUnique()
    if view.changeCount != changeCount { return try seekFromRecord(isForward: true) }
    view.pin()
    defer { view.unpin() }
    let leaf = try tree.node(path, path.count - 1, in: view)
    let index = path.last.index + 1
    if index < leaf.count {
      path.last.index = index
      settle(on: leaf, isOther: false)
      return true
    }
    return try goOn()
  }

  /// Goes to the previous record, at first to the last; false, and before the first one, when there is none.
  @discardableResult
  public mutating func previous() throws(StorageError) -> Bool {
    switch place {
    case .unset, .behindLast: return try seekLast()
    case .beforeFirst: return false
    case .record: break
    }
    makeUnique()
    if view.changeCount != changeCount { return try seekFromRecord(isForward: false) }
    view.pin()
    defer { view.unpin() }
    if path.last.index > 0 {
      let leaf = try tree.node(path, path.count - 1, in: view)
      path.last.index -= 1
      settle(on: leaf, isOther: false)
      return true
    }
    return try goBack()
  }

  /// The place next to the record's key in a tree that may have changed.
  private mutating func seekFromRecord(isForward: Bool) throws(StorageError) -> Bool {
    // The buffer keeps the key until the new place is known.
    let key = buffer.bytes(keyByteCount)
    return isForward ? try seek(to: key, isBehind: true) : try seek(before: key)
  }

  private mutating func seek(to key: BorrowedBytes, isBehind: Bool) throws(StorageError) -> Bool {
    try seek(.key(key)) { (leaf, block) throws(StorageError) in
      let (index, isExact) = try leaf.leafIndex(for: key, block)
      let place = isExact && isBehind ? index + 1 : index
      return place < leaf.count ? place : nil
    }
  }

  private mutating func seek(before key: BorrowedBytes) throws(StorageError) -> Bool {
    try seekBackwards(.before(key)) { (leaf, block) throws(StorageError) in
      try leaf.leafIndex(for: key, block).index - 1
    }
  }

  /// Goes to an entry of the leaf that `target` leads to, or to the first of the next leaf.
  private mutating func seek(
    _ target: TreeTarget, _ choose: (TreeNode, BlockNumber) throws(StorageError) -> Int?
  ) throws(StorageError) -> Bool {
    view.pin()
    defer { view.unpin() }
    let leaf = try begin(target)
    if let index = try choose(leaf, path.last.block) {
      path.last.index = index
      settle(on: leaf, isOther: true)
      return true
    }
    return try goOn()
  }

  /// Goes to an entry of the leaf that `target` leads to, or to the last of the leaf before it.
  private mutating func seekBackwards(
    _ target: TreeTarget, _ choose: (TreeNode, BlockNumber) throws(StorageError) -> Int
  ) throws(StorageError) -> Bool {
    view.pin()
    defer { view.unpin() }
    let leaf = try begin(target)
    let index = try choose(leaf, path.last.block)
    if index >= 0 {
      path.last.index = index
      settle(on: leaf, isOther: true)
      return true
    }
    return try goBack()
  }

  /// Finds a leaf. Until an entry of it is chosen the cursor stands nowhere.
  private mutating func begin(_ target: TreeTarget) throws(StorageError) -> TreeNode {
    makeUnique()
    place = .unset
    path.cut(to: 0)
    changeCount = view.changeCount
    let leaf = try tree.descend(from: try tree.rootNode(in: view), tree.root, to: target, path, in: view)
    keyByteCount = 0
    return leaf
  }

  private mutating func goOn() throws(StorageError) -> Bool {
    // Should the way end in an error, the cursor stands nowhere.
    place = .unset
    guard let leaf = try tree.nextLeaf(path, in: view) else { return leave(.behindLast) }
    // As in a scan: keys that must ascend end in whatever way nodes refer to one another.
    guard leaf.count > 0, leaf.compareKey(0, buffer.bytes(keyByteCount)) > 0 else {
      throw .damaged(path.last.block.rawValue, .malformed)
    }
    path.last.index = 0
    settle(on: leaf, isOther: true)
    tree.touchNextLeaf(path, in: view)
    return true
  }

  private mutating func goBack() throws(StorageError) -> Bool {
    place = .unset
    guard let leaf = try tree.previousLeaf(path, in: view) else { return leave(.beforeFirst) }
    guard leaf.count > 0, keyByteCount == 0 || leaf.compareKey(leaf.count - 1, buffer.bytes(keyByteCount)) < 0 else {
      throw .damaged(path.last.block.rawValue, .malformed)
    }
    path.last.index = leaf.count - 1
    settle(on: leaf, isOther: true)
    return true
  }

  private mutating func leave(_ place: Place) -> Bool {
    self.place = place
    keyByteCount = 0
    return false
  }

  /// Copies of a cursor share what they point to until one of them moves.
  private mutating func makeUnique() {
    guard !isKnownUniquelyReferenced(&buffer) else { return }
    buffer = buffer.copy()
    path = path.copy()
  }

  /// Makes the entry that `path` leads to the record that the cursor stands on.
  ///
  /// - Parameter isOther: whether the leaf may be another than before, so that keys have another prefix.
  private mutating func settle(on leaf: TreeNode, isOther: Bool) {
    place = .record
    if isOther { prefixByteCount = buffer.setPrefix(of: leaf) }
    keyByteCount = buffer.setSuffix(of: leaf, leaf.entry(path.last.index), prefixByteCount: prefixByteCount)
  }
}

// MARK: - Reading

extension TreeCursor {
  /// The key of the record that the cursor stands on; empty when it stands on none.
  public var key: [UInt8] { buffer.bytes(keyByteCount).array() }

  /// Lends the key of the record that the cursor stands on; empty when it stands on none.
  @inlinable
  public func withKey<Result>(
    _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try lentKey.withSpan(body)
  }

  @usableFromInline var lentKey: BorrowedBytes { buffer.bytes(keyByteCount) }

  /// A copy of the value of the record that the cursor stands on.
  public func value() throws(StorageError) -> [UInt8] {
    view.pin()
    defer { view.unpin() }
    let found = try payload()
    return found.outcome == .overflow ? try tree.readOverflow(found.bytes, in: view) : found.bytes.array()
  }

  /// Lends the value of the record that the cursor stands on. The body must not change the tree.
  @inlinable
  public func withValue<Result>(
    _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    view.pin()
    defer { view.unpin() }
    let found = try payload()
    guard found.outcome == .overflow else { return try found.bytes.withSpan(body) }
    let value = try tree.readOverflow(found.bytes, in: view)
    return try body(unsafe value.span.bytes)
  }

  /// The payload of the record that the cursor stands on, which a transaction may have deleted meanwhile.
  @usableFromInline
  func payload() throws(StorageError) -> FoundPayload {
    guard place == .record else { throw .notFound(Subject("record", [])) }
    if view.changeCount == changeCount {
      let leaf = try tree.node(path, path.count - 1, in: view)
      return FoundPayload(leaf, leaf.entry(path.last.index))
    }
    guard let (leaf, entry) = try tree.find(buffer.bytes(keyByteCount), in: view) else {
      throw .notFound(Subject("key", key))
    }
    return FoundPayload(leaf, entry)
  }
}
