/// The sizes that follow from the size of a block.
///
/// A node has `capacity` bytes for entries, records and fence keys. The limits are chosen so that, whatever the keys,
///
/// * three separators of the greatest length and both fences fit in an inner node, so that its fan-out is at least 4;
/// * an overfull node can always be divided in two: a record of a leaf takes at most 3/8 of the capacity, a fence 1/16;
/// * the halves hold at least `leafWeightMin` or `innerWeightMin` bytes.
package struct TreeLimits: Equatable, Sendable {
  /// Levels of a tree; the root's is the highest. With a fan-out of 4 this is more than any device holds.
  package static let levelCountMax = 16
  /// The longest key on blocks of 4096 bytes and more.
  package static let keyByteCountMax = 1040
  /// The longest value.
  package static let valueByteCountMax = 1 << 30
  /// A value or a description of an overflow value of this length stands in the leaf whatever the length of its key.
  private static let payloadByteCountMin = 44

  /// Bytes of a block.
  package let blockByteCount: Int

  /// The limits of nodes in blocks of `blockByteCount` bytes.
  @inline(__always)
  package init(blockByteCount: Int) {
    self.blockByteCount = blockByteCount
  }

  /// Bytes of a node for entries, records and fences.
  @inline(__always)
  package var capacity: Int { blockByteCount &- TreeNode.Layout.entries }

  /// The longest stored fence. Of a longer separator the node keeps only this many bytes, which is enough: a fence
  /// serves to derive the prefix that all keys of the node share.
  package var fenceByteCountMax: Int { capacity / 16 }

  /// The longest key.
  @inline(__always)
  package var keyByteCountMax: Int {
    // 512: 118, 1024: 268, 2048: 566.
    blockByteCount >= 4096 ? Self.keyByteCountMax : (capacity - 2 * (capacity / 16)) / 3 - 12
  }

  /// The longest value that stands in the leaf beside a key of `keyByteCount` bytes. A longer one goes to extents of its
  /// own, and the leaf holds its description, which obeys the same limit.
  @inline(__always)
  package func payloadByteCountMax(keyByteCount: Int) -> Int {
    max(Self.payloadByteCountMin, capacity / 4 &- keyByteCount)
  }

  /// The least weight of a leaf that is neither the root nor the last leaf of the tree; see `TreeNode.weight`.
  package var leafWeightMin: Int { capacity / 5 }

  /// The least weight of an inner node that is neither the root nor the last of its level.
  package var innerWeightMin: Int { capacity / 8 }
}
