public import CairnBlocks

extension Tree {
  /// Begins to fill an empty tree with records in the order of their keys: faster than `put`, and the nodes are full.
  public func bulkLoader(in transaction: BlockTransaction) throws(StorageError) -> TreeBulkLoader {
    guard try count(in: transaction.view) == 0 else { throw .notEmpty(Subject("tree", [])) }
    return TreeBulkLoader(self, in: transaction)
  }
}

/// Fills an empty tree with records in the order of their keys.
///
/// Append the records and then call `finish()`; until then the tree is empty. When one of the calls throws, the transaction
/// must be rolled back.
public struct TreeBulkLoader {
  private let tree: Tree
  private let transaction: BlockTransaction
  private let limits: TreeLimits
  /// The node being filled on each level, leaves first.
  private var levels: [PendingNode] = []
  private var recordCount: UInt64 = 0

  init(_ tree: Tree, in transaction: BlockTransaction) {
    self.tree = tree
    self.transaction = transaction
    limits = TreeLimits(blockByteCount: transaction.view.blockByteCount)
  }

  /// Adds a record. Its key must be greater than the last one.
  public mutating func append(_ key: RawSpan, _ value: RawSpan) throws(StorageError) {
    guard key.byteCount > 0, key.byteCount <= limits.keyByteCountMax else {
      throw .invalidKey(byteCount: key.byteCount, limit: limits.keyByteCountMax)
    }
    guard value.byteCount <= Tree.maximumValueByteCount else {
      throw .valueTooLarge(byteCount: UInt64(value.byteCount), limit: UInt64(Tree.maximumValueByteCount))
    }
    guard levels.first?.isAscending(BorrowedBytes(key)) ?? true else {
      throw .invalidArgument("keys of a bulk load must ascend")
    }

    let limit = limits.payloadByteCountMax(keyByteCount: key.byteCount)
    if value.byteCount <= limit {
      try append(key, payload: value, isOverflow: false)
    } else {
      let descriptor = try tree.writeOverflow(value, limit: limit, in: transaction)
      try append(key, payload: unsafe descriptor.span.bytes, isOverflow: true)
    }
    recordCount += 1
  }

  /// Adds a record. Its key must be greater than the last one.
  public mutating func append(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
    try append(unsafe key.span.bytes, unsafe value.span.bytes)
  }

  private mutating func append(_ key: RawSpan, payload: RawSpan, isOverflow: Bool) throws(StorageError) {
    if levels.isEmpty { levels.append(PendingNode(limits, level: 0, low: [])) }
    try append(
      TreeRecord(key: BorrowedBytes(key), payload: BorrowedBytes(payload), isOverflow: isOverflow), level: 0)
  }

  /// Adds a record to a level, writing the node there when it is full.
  private mutating func append(_ record: TreeRecord, level: Int) throws(StorageError) {
    if levels[level].hasRoom(for: record) { return levels[level].append(record) }
    // The separator may tell that the last record must move on, too.
    let division = levels[level].division(before: record)
    let next = try write(level: level, count: division.count, high: division.separator)
    levels[level] = next
    if let promoted = division.promotesRecord { levels[level].leftmostChild = BlockNumber(promoted) }
    if division.takesRecord {
      levels[level].leftmostChild = BlockNumber(record.header)
    } else {
      levels[level].append(record)
    }
  }

  /// Writes the first `count` records of a level's node, hands the node to its parent, and returns what follows it.
  private mutating func write(level: Int, count: Int, high: [UInt8]) throws(StorageError) -> PendingNode {
    let block = try tree.allocateNode(level: UInt8(level), near: tree.root, in: transaction)
    let pending = levels[level]
    try build(pending, count: count, high: high, in: block)
    try hand(block, low: pending.low, level: level + 1)
    return pending.remainder(behind: count, low: high)
  }

  /// Gives a level a child that holds the keys from `low` on.
  private mutating func hand(_ child: BlockNumber, low: [UInt8], level: Int) throws(StorageError) {
    guard level < TreeLimits.levelCountMax else {
      throw .limitExceeded(what: "levels of a tree", limit: UInt64(TreeLimits.levelCountMax))
    }
    if level == levels.count {
      levels.append(PendingNode(limits, level: UInt8(level), low: low))
      levels[level].leftmostChild = child
      return
    }
    try low.withBorrowedBytes { (low) throws(StorageError) in
      try append(TreeRecord(separator: low, child: child.rawValue), level: level)
    }
  }

  private func build(
    _ pending: PendingNode, count: Int, high: [UInt8], in block: BlockNumber
  ) throws(StorageError) {
    let target = MutableTreeNode(try transaction.edit(block), blockByteCount: limits.blockByteCount)
    pending.build(count, high: high, in: target)
  }

  /// Sees to it that the node of a level fits as the last one, which has no upper bound and so no prefix.
  private mutating func makeLast(level: Int) throws(StorageError) {
    guard let division = levels[level].divisionOfLast() else { return }
    let next = try write(level: level, count: division.count, high: division.separator)
    levels[level] = next
    if let promoted = division.promotesRecord { levels[level].leftmostChild = BlockNumber(promoted) }
  }

  /// Writes what is left and makes it the contents of the tree; the number of records.
  public mutating func finish() throws(StorageError) -> UInt64 {
    guard !levels.isEmpty else { return 0 }
    let view = transaction.view
    view.pin()
    defer { view.unpin() }
    var level = 0
    while level + 1 < levels.count {
      try makeLast(level: level)
      let pending = levels[level]
      let block = try tree.allocateNode(level: UInt8(level), near: tree.root, in: transaction)
      try build(pending, count: pending.count, high: [], in: block)
      try hand(block, low: pending.low, level: level + 1)
      level += 1
    }
    // The topmost node has no lower bound, so it counted on no prefix from the beginning.
    try build(levels[level], count: levels[level].count, high: [], in: tree.root)
    let root = MutableTreeNode(try transaction.edit(tree.root), blockByteCount: limits.blockByteCount)
    root.setRecordCount(recordCount)
    levels = []
    // The last inner node of a level may have come to no separator.
    try tree.settle(at: .last, in: transaction)
    return recordCount
  }
}
