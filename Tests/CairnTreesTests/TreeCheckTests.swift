import CairnBlocks
import CairnTrees
import Testing

/// That the check finds each kind of damage, and names the node.
@Suite("Check of trees")
struct TreeCheckTests {
  /// Offsets in a node.
  private enum Layout {
    static let count = 32
    static let heapByteCount = 38
    static let deadByteCount = 40
    static let recordCount = 56

    /// The first entry, behind the front gap.
    static func entries(_ bytes: MutableBlockBytes) -> Int { 64 + 8 * Int(bytes.bytes.u8(at: 34)) }
  }

  /// A sound tree of a root and some leaves that are not quite full; its leaves in order.
  private static func sample() throws -> (device: TestDevice, tree: Tree, leaves: [BlockNumber]) {
    let device = try TestDevice(blockByteCount: 512)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 3, in: transaction)
      for number in 0..<100 { try tree.put(Array("key \(1000 + number * 37 % 100)".utf8), [7, 7, 7], in: transaction) }
      return tree
    }
    var blocks: [BlockNumber] = []
    try device.read { (view) throws(StorageError) in
      _ = try tree.check(in: view) { (visit) in if case .block(let block) = visit { blocks.append(block) } }
    }
    return (device, tree, Array(blocks.dropFirst()))
  }

  /// What the check says after a change to the bytes of some blocks.
  private static func problems(
    _ change: (BlockTransaction, Tree, [BlockNumber]) throws(StorageError) -> Void
  ) throws -> (problems: [TreeProblem], tree: Tree, leaves: [BlockNumber]) {
    let (device, tree, leaves) = try sample()
    var problems: [TreeProblem] = []
    do {
      try device.write { (transaction) throws(StorageError) in
        #expect(try tree.check(in: transaction.view) { (_) in }.problems == [])
        try change(transaction, tree, leaves)
        problems = try tree.check(in: transaction.view) { (_) in }.problems
        throw StorageError.transactionFailed
      }
    } catch StorageError.transactionFailed {}
    return (problems, tree, leaves)
  }

  @Test("a wrong count")
  func count() throws {
    let (problems, tree, _) = try Self.problems { (transaction, tree, _) throws(StorageError) in
      try transaction.edit(tree.root).store(UInt64(99), at: Layout.recordCount)
    }
    #expect(problems == [TreeProblem(tree.root, .wrongCount(found: 99, expected: 100))])
    #expect(problems[0].description.contains("counts 99 records, the leaves hold 100"))
  }

  @Test("a free byte that is not zero")
  func freeSpace() throws {
    let (problems, _, leaves) = try Self.problems { (transaction, _, leaves) throws(StorageError) in
      let bytes = try transaction.edit(leaves[2])
      let end = Layout.entries(bytes) + 8 * Int(bytes.bytes.u16(at: Layout.count))
      bytes.store(UInt8(1), at: end)
    }
    #expect(problems == [TreeProblem(leaves[2], .dirtyFreeSpace)])
  }

  @Test("children in the wrong order")
  func order() throws {
    let (problems, _, leaves) = try Self.problems { (transaction, tree, leaves) throws(StorageError) in
      let bytes = try transaction.edit(tree.root)
      let places = [0, 1].map { Int(bytes.bytes.u16(at: Layout.entries(bytes) + 8 * $0 + 4)) }
      bytes.store(leaves[2].rawValue, at: places[0])
      bytes.store(leaves[1].rawValue, at: places[1])
    }
    #expect(problems.contains(TreeProblem(leaves[1], .keyOutsideBounds)))
    #expect(problems.contains(TreeProblem(leaves[2], .keyOutsideBounds)))
    #expect(Set(problems.map { $0.block }) == [leaves[1], leaves[2]])
  }

  @Test("a child that is not there, and the others are looked at all the same")
  func missing() throws {
    let (problems, tree, _) = try Self.problems { (transaction, tree, _) throws(StorageError) in
      let bytes = try transaction.edit(tree.root)
      bytes.store(UInt64(1) << 50, at: Int(bytes.bytes.u16(at: Layout.entries(bytes) + 4)))
    }
    #expect(problems.count == 2)
    #expect(problems[0] == TreeProblem(BlockNumber(1 << 50), .unreadable(.outOfRange)))
    guard case .wrongCount(let found, let expected) = problems[1].fault else {
      Issue.record("the count is not compared with what is left")
      return
    }
    #expect(problems[1].block == tree.root && found == 100 && expected < 100 && expected > 70)
  }

  @Test("a light leaf, and an empty one", arguments: [1, 0])
  func light(_ left: Int) throws {
    let (problems, _, leaves) = try Self.problems { (transaction, _, leaves) throws(StorageError) in
      let bytes = try transaction.edit(leaves[2])
      let count = Int(bytes.bytes.u16(at: Layout.count))
      // Each record is its payload's length, the rest of its key and the payload.
      for index in left..<count {
        let place = Layout.entries(bytes) + 8 * index
        let suffix = Int(bytes.bytes.u16(at: place + 6))
        let length = 2 + max(0, suffix - 4) + 3
        bytes.fill(0, at: Int(bytes.bytes.u16(at: place + 4)), count: length)
        bytes.fill(0, at: place, count: 8)
        bytes.store(bytes.bytes.u16(at: Layout.deadByteCount) + UInt16(length), at: Layout.deadByteCount)
      }
      bytes.store(UInt16(left), at: Layout.count)
    }
    #expect(problems.first == TreeProblem(leaves[2], left == 0 ? .empty : .light))
  }

  @Test("a separator that is not the bound that its children know")
  func separator() throws {
    let (problems, _, leaves) = try Self.problems { (transaction, tree, _) throws(StorageError) in
      // One more than it was: the left leaf's upper fence is tighter now than what leads to it.
      let bytes = try transaction.edit(tree.root)
      let place = Layout.entries(bytes) + 8
      let suffix = Int(bytes.bytes.u16(at: place + 6))
      let last = Int(bytes.bytes.u16(at: place + 4)) + 8 + suffix - 4 - 1
      bytes.store(bytes.bytes.u8(at: last) + 1, at: last)
    }
    #expect(problems.contains(TreeProblem(leaves[1], .wrongFence)))
  }

  @Test("a node that contradicts itself")
  func malformed() throws {
    let (problems, _, leaves) = try Self.problems { (transaction, _, leaves) throws(StorageError) in
      try transaction.edit(leaves[3]).store(UInt16(3), at: Layout.heapByteCount)
    }
    #expect(problems.first == TreeProblem(leaves[3], .malformed))
  }
}
