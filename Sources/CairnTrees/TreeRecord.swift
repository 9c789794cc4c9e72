/// A record on its way into a node: a whole key and what belongs to it.
struct TreeRecord {
  /// The whole key, prefix and all.
  var key: BorrowedBytes
  /// What stands before the rest: the payload's length and flag in a leaf, the child in an inner node.
  var header: UInt64
  /// The value, or the description of an overflow value; empty in an inner node.
  var payload: BorrowedBytes

  /// A record as it stands in a node.
  @inline(__always)
  init(key: BorrowedBytes, header: UInt64, payload: BorrowedBytes) {
    self.key = key
    self.header = header
    self.payload = payload
  }

  /// A record of a leaf.
  @inline(__always)
  init(key: BorrowedBytes, payload: BorrowedBytes, isOverflow: Bool) {
    self.key = key
    header = UInt64(payload.count) | (isOverflow ? UInt64(TreeNode.Layout.overflowFlag) : 0)
    self.payload = payload
  }

  /// A separator: keys not less than it belong to `child`.
  init(separator: BorrowedBytes, child: UInt64) {
    key = separator
    header = child
    payload = .empty
  }

  /// Bytes of the record in a node whose prefix has `prefixByteCount` bytes, without its entry.
  @inline(__always)
  func byteCount(prefixByteCount: Int, headerByteCount: Int) -> Int {
    headerByteCount &+ max(0, key.count &- prefixByteCount &- TreeNode.Layout.headByteCount) &+ payload.count
  }
}
