import CairnBlocks

/// Memory for the operations that rebuild nodes: copies of two nodes, and keys.
///
/// One is made when an operation leaves the fast path. A function may use what it took from a workspace as long as it
/// holds the workspace as a parameter.
@safe
final class TreeWorkspace {
  private let address: UnsafeMutableRawPointer
  private let blockByteCount: Int

  /// Bytes that may be read or written behind the end of a node or a key.
  static let slackByteCount = 32

  /// What a key in the workspace is for.
  enum KeyPlace: Int, CaseIterable {
    /// The key of the operation.
    case key
    /// A separator on its way to the parent; two, so that one can be made while the other is put in its node.
    case evenSeparator, oddSeparator
    /// Keys to compare.
    case left, right
    /// Another bound of a range.
    case bound
  }

  private static let keyStride = TreeLimits.keyByteCountMax + slackByteCount
  private var nodeStride: Int { blockByteCount + Self.slackByteCount }

  init(blockByteCount: Int) {
    self.blockByteCount = blockByteCount
    let nodes = 2 * (blockByteCount + Self.slackByteCount)
    let keys = KeyPlace.allCases.count * Self.keyStride
    unsafe address = .allocate(byteCount: nodes + keys + blockByteCount, alignment: 16)
  }

  deinit { unsafe address.deallocate() }

  /// Copies a node, so that its block can be rebuilt. There is room for two.
  func copy(_ node: TreeNode, to slot: Int) -> TreeNode {
    let target = unsafe address + slot * nodeStride
    unsafe target.copyMemory(from: node.bytes.address, byteCount: blockByteCount)
    return unsafe TreeNode(BlockBytes(UnsafeRawPointer(target)), blockByteCount: blockByteCount)
  }

  /// Copies a key.
  func copy(_ key: BorrowedBytes, to place: KeyPlace) -> BorrowedBytes {
    let target = unsafe keyAddress(place)
    unsafe target.copyMemory(from: key.address, byteCount: key.count)
    return unsafe BorrowedBytes(UnsafeRawPointer(target), count: key.count)
  }

  /// Copies the key of an entry.
  func copyKey(of node: TreeNode, _ index: Int, to place: KeyPlace) -> BorrowedBytes {
    let target = unsafe keyAddress(place)
    let count = unsafe node.copyKey(index, to: target)
    return unsafe BorrowedBytes(UnsafeRawPointer(target), count: count)
  }

  /// Copies a payload, which is shorter than a block.
  func copyPayload(_ payload: BorrowedBytes) -> BorrowedBytes {
    let target = unsafe address + 2 * nodeStride + KeyPlace.allCases.count * Self.keyStride
    unsafe target.copyMemory(from: payload.address, byteCount: payload.count)
    return unsafe BorrowedBytes(UnsafeRawPointer(target), count: payload.count)
  }

  private func keyAddress(_ place: KeyPlace) -> UnsafeMutableRawPointer {
    unsafe address + 2 * nodeStride + place.rawValue * Self.keyStride
  }
}

/// Memory for one key: where a cursor or a scan puts together the key that it stands on.
@safe
final class KeyBuffer {
  private let address: UnsafeMutableRawPointer

  init() {
    unsafe address = .allocate(
      byteCount: TreeLimits.keyByteCountMax + TreeWorkspace.slackByteCount, alignment: 16)
  }

  deinit { unsafe address.deallocate() }

  /// A buffer of its own with the same bytes.
  func copy() -> KeyBuffer {
    let copy = KeyBuffer()
    unsafe copy.address.copyMemory(from: address, byteCount: TreeLimits.keyByteCountMax)
    return copy
  }

  /// Puts the prefix of a node's keys at the front; how long it is.
  @inline(__always)
  func setPrefix(of node: TreeNode) -> Int {
    let prefix = node.prefix
    unsafe address.copyMemory(from: prefix.address, byteCount: prefix.count)
    return prefix.count
  }

  /// Puts the suffix of a leaf's entry behind a prefix; how long the key is.
  @inline(__always)
  func setSuffix(of node: TreeNode, _ entry: TreeNode.Entry, prefixByteCount: Int) -> Int {
    unsafe prefixByteCount
      &+ node.copySuffix(
        entry, to: address + prefixByteCount, headerByteCount: TreeNode.Layout.leafHeaderByteCount)
  }

  /// The first `count` bytes.
  @inline(__always)
  func bytes(_ count: Int) -> BorrowedBytes { unsafe BorrowedBytes(UnsafeRawPointer(address), count: count) }
}
