public import CairnBlocks
import CairnTrees

// Taking trees away: at once, or a few entries at a time.

extension Volume {
  /// Frees a tree with everything in it. Data that its values point to are not its own: see `empty(_:budget:freeing:)`.
  public func destroy(_ tree: VolumeTree) throws(StorageError) {
    let writer = try requireChanging()
    guard tree.tree != self.tree else {
      throw .invalidArgument("the root tree of a volume goes with the volume")
    }
    try tree.requireWrite(.all)
    try tree.tree.destroy(in: writer)
  }

  /// Removes entries of a tree from its start and frees the data that `freeing` names for each, until the tree is empty or
  /// the budget is used up. An entry costs 1, its data one for each block.
  ///
  /// - Returns: Whether the tree is empty.
  public func empty(
    _ tree: VolumeTree, budget: inout Int,
    freeing: (_ key: [UInt8], _ value: [UInt8]) throws(StorageError) -> [Extent] = { (_, _) throws(StorageError) in [] }
  ) throws(StorageError) -> Bool {
    let writer = try requireChanging()
    while budget > 0 {
      var extents: [Extent] = []
      var last: [UInt8]?
      var count: UInt64 = 0
      var cursor = tree.tree.cursor(in: writer.view)
      while budget > 0, count < 256, try cursor.next() {
        let key = cursor.key
        let named = try freeing(key, try cursor.value())
        extents += named
        budget -= 1
        for extent in named { budget -= Int(extent.count) }
        last = key
        count += 1
      }
      guard let last else { return true }
      let end = KeyRange.successor(of: last)
      try tree.requireWrite(KeyRange(low: [], high: end))
      try tree.tree.deleteRange(from: nil, to: end, limit: nil, in: writer)
      for extent in extents { try free(extent) }
    }
    return try tree.tree.count(in: writer.view) == 0
  }
}
