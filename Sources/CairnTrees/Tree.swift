public import CairnBlocks

/// An ordered map of byte strings in the blocks of a device: a B+tree.
///
/// Keys are 1 to `maximumKeyByteCount(blockByteCount:)` bytes, compared byte by byte; values are up to
/// `maximumValueByteCount` bytes, long ones in extents of their own. The root block never moves, so a tree is named by it.
///
/// What holds for every tree, and what `check(in:deep:_:)` verifies:
///
/// * Keys ascend strictly, in a node and from leaf to leaf. A node's keys are not less than the separator before it in its
///   parent, and less than the one behind it.
/// * All leaves have level 0, and a child's level is one less than its parent's. There are at most 16 levels.
/// * An inner node has at least one separator, so two children; no leaf is empty, unless it is the root.
/// * A node has at least its least weight (`TreeLimits`), unless it is the root or the last of its level: ascending keys
///   fill nodes one after the other. Deleting merges a node below it with a neighbour, or lets them share their records.
/// * The prefix that a node does not repeat begins both separators around it.
/// * The root's count is the number of records.
///
/// Operations throw `StorageError`. One that throws `invalidKey` or `valueTooLarge` has changed nothing; after any other
/// error of a changing operation the transaction must be rolled back.
public struct Tree: Hashable, Sendable {
  /// The block that every search begins at.
  public let root: BlockNumber
  /// The volume that the tree's blocks belong to, as their headers say.
  public let owner: UInt8

  /// A tree that exists.
  public init(root: BlockNumber, owner: UInt8) {
    self.root = root
    self.owner = owner
  }

  /// The longest key on blocks of 4096 bytes and more.
  public static let maximumKeyByteCount = TreeLimits.keyByteCountMax

  /// The longest value.
  public static let maximumValueByteCount = TreeLimits.valueByteCountMax

  /// The longest key on blocks of a size: so long that an inner node holds at least four children, and never more than
  /// `maximumKeyByteCount`. 118 bytes on blocks of 512, 268 on 1024, 566 on 2048.
  public static func maximumKeyByteCount(blockByteCount: Int) -> Int {
    TreeLimits(blockByteCount: blockByteCount).keyByteCountMax
  }

  /// Makes an empty tree.
  public static func create(
    owner: UInt8, in transaction: BlockTransaction
  ) throws(StorageError) -> Tree {
    let root = try transaction.allocate(kind: .treeNode, owner: owner, level: TreeNode.Layout.rootMark)
    let bytes = try transaction.edit(root)
    let node = MutableTreeNode(bytes, blockByteCount: transaction.view.blockByteCount)
    TreeNodeBuilder(node, level: 0, low: .empty, high: .empty, prefixByteCount: 0).finish()
    return Tree(root: root, owner: owner)
  }

  /// How many records there are; kept in the root.
  public func count(in view: BlockView) throws(StorageError) -> UInt64 {
    view.pin()
    defer { view.unpin() }
    return try rootNode(in: view).recordCount
  }
}
