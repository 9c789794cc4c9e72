public import CairnBlocks

/// Something that a tree refers to, as its check comes by.
public enum TreeVisit: Hashable, Sendable {
  /// A node.
  case block(BlockNumber)
  /// A run of blocks with an overflow value, or with the list of its parts.
  case extent(Extent)
}

/// What the check of a tree found.
public struct TreeReport: Equatable, Sendable {
  /// Records in the leaves.
  public var recordCount: UInt64 = 0
  /// Nodes, the root and the leaves among them.
  public var nodeCount: UInt64 = 0
  /// Leaves.
  public var leafCount: UInt64 = 0
  /// Levels.
  public var height = 0
  /// Bytes of the nodes that hold entries, records and fences.
  public var usedByteCount: UInt64 = 0
  /// Overflow values.
  public var overflowCount: UInt64 = 0
  /// Bytes of overflow values.
  public var overflowByteCount: UInt64 = 0
  /// What is wrong, at most `problemCountMax`; empty when the tree is sound.
  public var problems: [TreeProblem] = []

  /// Most problems of one tree that are listed: a hostile image must not fill the memory with them.
  public static let problemCountMax = 10_000
}

/// A broken rule of a tree.
public struct TreeProblem: Hashable, Sendable, CustomStringConvertible {
  /// The node in question.
  public var block: BlockNumber
  /// What is wrong with it.
  public var fault: Fault

  /// The rules that can be broken.
  public enum Fault: Hashable, Sendable {
    /// The block cannot be read, or is not the node that its parent means.
    case unreadable(Damage.Reason)
    /// The node's own numbers contradict each other, or its keys do not ascend.
    case malformed
    /// The node holds nothing.
    case empty
    /// The node is lighter than its least weight.
    case light
    /// A key that the separators in the parents do not lead to.
    case keyOutsideBounds
    /// The fences claim tighter bounds than the parents' separators give.
    case wrongFence
    /// The keys' bounds do not begin with the prefix.
    case wrongPrefix
    /// Bytes that nothing uses are not zero.
    case dirtyFreeSpace
    /// The root's count is not the number of records.
    case wrongCount(found: UInt64, expected: UInt64)
    /// An overflow value's description is wrong, or its bytes are not what was written.
    case overflow
  }

  /// A problem of a node.
  public init(_ block: BlockNumber, _ fault: Fault) {
    self.block = block
    self.fault = fault
  }

  /// The block and what is wrong with it.
  public var description: String { "block \(block.rawValue): \(text)" }

  private var text: String {
    switch fault {
    case .unreadable: "the node cannot be read, or is another than its parent means"
    case .malformed: "the node is malformed"
    case .empty: "the node is empty"
    case .light: "the node is less full than it must be"
    case .keyOutsideBounds: "a key lies outside the bounds that the node's parents give"
    case .wrongFence: "a fence lies inside the bounds that the node's parents give"
    case .wrongPrefix: "the node's bounds do not begin with its prefix"
    case .dirtyFreeSpace: "free bytes of the node are not zero"
    case .wrongCount(let found, let expected): "the root counts \(found) records, the leaves hold \(expected)"
    case .overflow: "an overflow value is not what was written"
    }
  }
}
