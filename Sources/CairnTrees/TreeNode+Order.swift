/// Order of whole keys and nodes: for keys that may not belong to a node.
///
/// A search trusts that the keys it is led with belong to the node it was led to. Changes that reach over several nodes
/// do not: in a hostile image each node may be well-formed and yet contradict its parent, and a key without the prefix
/// that it should have would be cut to a negative length.
extension TreeNode {
  /// The order of an entry's key and another key.
  func compareKey(_ index: Int, _ key: BorrowedBytes) -> Int {
    // A key that is a part of the prefix comes before all of them.
    let order = prefix.compare(key.prefix(prefixByteCount))
    return order != 0 ? order : compareSuffix(index, key.dropping(prefixByteCount))
  }

  /// Whether the fences allow a key.
  func hasWithinFences(_ key: BorrowedBytes) -> Bool {
    key.isWithin(low: lowFence, high: highFence)
  }

  /// Whether a key may become entry `index`.
  func hasPlace(for key: BorrowedBytes, at index: Int) -> Bool {
    guard hasWithinFences(key) else { return false }
    if index > 0 && compareKey(index - 1, key) >= 0 { return false }
    return index == count || compareKey(index, key) > 0
  }

  /// Whether the node and the one behind it can stand on both sides of a separator.
  func precedes(_ other: TreeNode, separator: BorrowedBytes) -> Bool {
    guard separator.isWithin(low: lowFence, high: other.highFence) else { return false }
    if count > 0 && compareKey(count - 1, separator) >= 0 { return false }
    guard other.count > 0 else { return true }
    let order = other.compareKey(0, separator)
    // A leaf may begin with the separator; in an inner node the first child would be left without keys.
    return isLeaf ? order >= 0 : order > 0
  }
}

extension BorrowedBytes {
  /// Whether the bytes lie between two fences, which may be cut short.
  fileprivate func isWithin(low: BorrowedBytes, high: BorrowedBytes) -> Bool {
    compare(low) >= 0 && prefix(high.count).compare(high) <= 0
  }
}
