import CairnBlocks
import CairnTestSupport
import CairnTrees
import Testing

/// What a node looks like on the device, and that no byte string whatever is trusted as one.
@Suite("Nodes of trees")
struct TreeNodeTests {
  static func isWellFormed(_ block: [UInt8]) -> Bool { TreeNode.isWellFormed(block.span) }

  /// Bytes from 32 on: the header before them belongs to the device.
  static func body(of block: BlockNumber, on device: TestDevice) throws -> [UInt8] {
    try device.read { (view) throws(StorageError) in
      try view.withBlock(block, kind: .treeNode) { (bytes) throws(StorageError) in
        (32..<bytes.count).map { bytes[$0] }
      }
    }
  }

  @Test("a leaf has its golden bytes")
  func goldenLeaf() throws {
    let device = try TestDevice(blockByteCount: 512)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 3, in: transaction)
      try tree.put(Array("banana".utf8), [0xB1, 0xB2], in: transaction)
      try tree.put(Array("ab".utf8), [0xA1], in: transaction)
      return tree
    }
    var golden = [UInt8](repeating: 0, count: 480)
    func put(_ bytes: [UInt8], at offset: Int) {
      golden.replaceSubrange((offset - 32)..<(offset - 32 + bytes.count), with: bytes)
    }
    put([2, 0], at: 32)  // entries
    put([0, 0], at: 34)  // front gap, level
    put([0, 0], at: 36)  // prefix
    put([9, 0], at: 38)  // heap: 2 + 2 + 2 bytes for "banana", 2 + 1 for "ab"
    put([2, 0, 0, 0, 0, 0, 0, 0], at: 56)  // records
    put([0, 0, 0x62, 0x61, 0xF7, 0x01, 2, 0], at: 64)  // "ab", record at 503
    put([0x61, 0x6E, 0x61, 0x62, 0xFA, 0x01, 6, 0], at: 72)  // "bana", record at 506
    put([1, 0, 0xA1], at: 503)
    put([2, 0, 0x6E, 0x61, 0xB1, 0xB2], at: 506)
    #expect(try Self.body(of: tree.root, on: device) == golden)
  }

  @Test("a root with two leaves has its golden bytes")
  func goldenInner() throws {
    let device = try TestDevice(blockByteCount: 512)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 3, in: transaction)
      for number in 0..<5 {
        try tree.put(Array("key \(number)".utf8), [UInt8](repeating: UInt8(number), count: 90), in: transaction)
      }
      return tree
    }
    let body = try Self.body(of: tree.root, on: device)
    let report = try device.read { (view) throws(StorageError) in try tree.check(in: view) { (_) in } }
    #expect(report.height == 2 && report.leafCount == 2 && report.problems.isEmpty)
    var golden = [UInt8](repeating: 0, count: 480)
    func put(_ bytes: [UInt8], at offset: Int) {
      golden.replaceSubrange((offset - 32)..<(offset - 32 + bytes.count), with: bytes)
    }
    put([1, 0, 0, 1], at: 32)  // one separator, level 1
    put([9, 0], at: 38)  // heap: the child (8) and the rest of "key 4"
    put(Array(body[16..<24]), at: 48)  // the left leaf, wherever it is
    put([5, 0, 0, 0, 0, 0, 0, 0], at: 56)  // records
    // Ascending keys fill the left leaf: the separator is "key 4".
    put([0x20, 0x79, 0x65, 0x6B, 0xF7, 0x01, 5, 0], at: 64)
    put(Array(body[471..<479]), at: 503)  // the right leaf
    put([0x34], at: 511)
    #expect(body == golden)

    // The left leaf knows its upper bound; it has no lower one, so no prefix.
    let left = BlockNumber(body[16..<24].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    let leaf = try Self.body(of: left, on: device)
    #expect(leaf[10] == 0 && leaf[12] == 5, "low fence empty, high fence \"key 4\"")
    #expect(Array(leaf[(leaf.count - 5)...]) == Array("key 4".utf8))
  }

  // MARK: Hostile nodes

  /// A tree of two levels on 512-byte blocks, and the numbers of its root and one of its leaves.
  private static func sample() throws -> (device: TestDevice, tree: Tree, leaf: BlockNumber) {
    let device = try TestDevice(blockByteCount: 512)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 3, in: transaction)
      var generator = SeededGenerator(seed: 5)
      for number in 0..<40 {
        let key = Array("app/user/\(generator.below(90))".utf8)
        try tree.put(key, generator.bytes(number == 7 ? 700 : generator.below(30)), in: transaction)
      }
      for number in 0..<8 { try tree.delete(Array("app/user/\(number * 11)".utf8), in: transaction) }
      return tree
    }
    var blocks: [BlockNumber] = []
    try device.read { (view) throws(StorageError) in
      _ = try tree.check(in: view) { (visit) in if case .block(let block) = visit { blocks.append(block) } }
    }
    return (device, tree, try #require(blocks.dropFirst(2).first))
  }

  /// Uses a tree in every way; whatever comes out, nothing may trap.
  private static func use(_ tree: Tree, in transaction: BlockTransaction, seed: Int) {
    let view = transaction.view
    let keys = ["app/user/\(seed % 90)", "app/user/5", "app", "b", "a", "app/user/99999"].map { Array($0.utf8) }
    for key in keys {
      _ = try? tree.get(key, in: view)
      _ = try? tree.withValue(for: key, in: view) { (value) throws(StorageError) in value.byteCount }
    }
    var count = 0
    try? tree.scan(in: view) { (_, _) throws(StorageError) in
      count += 1
      return count < 1000
    }
    var cursor = tree.cursor(in: view)
    _ = try? cursor.seekLast()
    for _ in 0..<100 { if (try? cursor.previous()) != true { break } }
    _ = try? cursor.seek(to: keys[seed % keys.count])
    _ = try? cursor.next()
    _ = try? cursor.value()
    _ = try? tree.check(in: view, deep: true) { (_) in }
    _ = try? tree.put(keys[0], [UInt8](repeating: 1, count: seed % 300), in: transaction)
    _ = try? tree.delete(keys[1], in: transaction)
    for number in 0..<12 { _ = try? tree.put(Array("app/user/x\(number)".utf8), [1, 2, 3], in: transaction) }
    for number in 20..<50 { _ = try? tree.delete(Array("app/user/\(number)".utf8), in: transaction) }
    _ = try? tree.deleteRange(from: keys[0], to: keys[5], limit: UInt64(seed % 40), in: transaction)
    _ = try? tree.deleteRange(from: keys[4], to: keys[3], in: transaction)
    _ = try? tree.check(in: view) { (_) in }
    _ = try? tree.destroy(in: transaction)
  }

  /// Puts a changed node in the place of a good one, if it would be let into the cache, and uses the tree.
  private static func tryNode(
    _ block: BlockNumber, on device: TestDevice, _ tree: Tree, seed: Int, _ change: (inout [UInt8]) -> Void
  ) throws -> Bool {
    var isLetIn = false
    do {
      try device.write { (transaction) throws(StorageError) in
        var bytes = try transaction.view.withBlock(block, kind: .treeNode) { (span) throws(StorageError) in
          span.indices.map { span[$0] }
        }
        change(&bytes)
        isLetIn = Self.isWellFormed(bytes)
        guard isLetIn else { throw StorageError.transactionFailed }
        let changed = bytes[32...].map { $0 }
        try transaction.change(block, at: 32, changed.span)
        use(tree, in: transaction, seed: seed)
        throw StorageError.transactionFailed
      }
    } catch StorageError.transactionFailed {}
    return isLetIn
  }

  @Test("every flipped bit of a leaf is refused or harmless")
  func flippedLeaf() throws {
    let (device, tree, leaf) = try Self.sample()
    var letIn = 0
    for bit in (32 * 8)..<(512 * 8) {
      if try Self.tryNode(leaf, on: device, tree, seed: bit, { $0[bit / 8] ^= 1 << UInt8(bit % 8) }) { letIn += 1 }
    }
    // Values, free bytes and the last bytes of keys do not show.
    #expect(letIn > 100 && letIn < 3200, "\(letIn) of 3840 let in")
    try verifyUnharmed(device, tree)
  }

  @Test("every flipped bit of a root is refused or harmless")
  func flippedRoot() throws {
    let (device, tree, _) = try Self.sample()
    for bit in (32 * 8)..<(512 * 8) {
      _ = try Self.tryNode(tree.root, on: device, tree, seed: bit) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
    }
    try verifyUnharmed(device, tree)
  }

  @Test("random damage is refused or harmless", arguments: TestSeeds.list(count: 4))
  func random(_ seed: UInt64) throws {
    let (device, tree, leaf) = try Self.sample()
    var generator = SeededGenerator(seed: seed)
    for step in 0..<1500 {
      let block = step % 2 == 0 ? leaf : tree.root
      _ = try Self.tryNode(block, on: device, tree, seed: step) { bytes in
        for _ in 0...generator.below(4) {
          // Header and entries more often than the rest.
          let place = generator.chance(60) ? 32 + generator.below(100) : 32 + generator.below(480)
          bytes[place] = generator.chance(50) ? UInt8(generator.below(256)) : bytes[32 + generator.below(480)]
        }
      }
    }
    try verifyUnharmed(device, tree)
  }

  private func verifyUnharmed(_ device: TestDevice, _ tree: Tree) throws {
    let report = try device.read { (view) throws(StorageError) in try tree.check(in: view, deep: true) { (_) in } }
    #expect(report.problems == [])
  }

  @Test("every truncation and every size that is no block's is refused")
  func truncated() throws {
    let (device, _, leaf) = try Self.sample()
    let bytes = try device.read { (view) throws(StorageError) in
      try view.withBlock(leaf, kind: .treeNode) { (span) throws(StorageError) in span.indices.map { span[$0] } }
    }
    #expect(Self.isWellFormed(bytes))
    for length in 0..<512 { #expect(!Self.isWellFormed(Array(bytes[..<length]))) }
    #expect(!Self.isWellFormed(bytes + bytes))
  }

  @Test("random bytes are refused", arguments: TestSeeds.list(count: 4))
  func noise(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      var bytes = generator.bytes(512)
      if generator.chance(50) { bytes.replaceSubrange(32..<64, with: [UInt8](repeating: 0, count: 32)) }
      if generator.chance(50) {
        bytes[7] = bytes[35]
        bytes[32] = UInt8(generator.below(20))
        bytes[33] = 0
      }
      _ = Self.isWellFormed(bytes)
    }
    #expect(!Self.isWellFormed([UInt8](repeating: 0xFF, count: 4096)))
  }

  @Test("a root that refers to itself, and a node with one child many times, end with an error")
  func loops() throws {
    let (device, tree, leaf) = try Self.sample()
    for child in [tree.root, leaf] {
      let refused: Void? = try? device.write { (transaction) throws(StorageError) in
        let bytes = try transaction.edit(tree.root)
        let count = Int(bytes.bytes.u16(at: 32))
        bytes.store(child.rawValue, at: 48)
        for index in 0..<count {
          bytes.store(child.rawValue, at: Int(bytes.bytes.u16(at: 64 + 8 * index + 4)))
        }
        let report = try tree.check(in: transaction.view) { (_) in }
        #expect(!report.problems.isEmpty)
        #expect(throws: StorageError.self) {
          try tree.scan(in: transaction.view) { (_, _) throws(StorageError) in true }
        }
        var cursor = tree.cursor(in: transaction.view)
        #expect(throws: StorageError.self) { while try cursor.next() {} }
        var back = tree.cursor(in: transaction.view)
        #expect(throws: StorageError.self) { while try back.previous() {} }
        throw StorageError.transactionFailed
      }
      #expect(refused == nil)
    }
  }

  /// Three leaves and more, of which the last two were exchanged in the root: each of them is well-formed, and contradicts
  /// the separators. The last key is shorter than what its lower bound and the other leaf's upper bound have in common.
  private static func exchanged(
    _ body: (BlockTransaction, Tree) throws(StorageError) -> Void
  ) throws {
    let device = try TestDevice(blockByteCount: 512)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      // The last leaf begins with "ab5", because the one before it is full, and is light.
      let long = [UInt8](repeating: 1, count: 40)
      for number in 10..<33 { try tree.put(Array("aa\(number)".utf8), long, in: transaction) }
      try tree.put(Array("ab0".utf8), [UInt8](repeating: 1, count: 75), in: transaction)
      for key in ["ab5", "azz", "b"] { try tree.put(Array(key.utf8), [2], in: transaction) }
      return tree
    }
    do {
      try device.write { (transaction) throws(StorageError) in
        let bytes = try transaction.edit(tree.root)
        let last = Int(bytes.bytes.u16(at: 32)) - 1
        let places = [last - 1, last].map {
          Int(bytes.bytes.u16(at: 64 + 8 * Int(bytes.bytes.u8(at: 34)) + 8 * $0 + 4))
        }
        let children = places.map { bytes.bytes.u64(at: $0) }
        bytes.store(children[1], at: places[0])
        bytes.store(children[0], at: places[1])
        try body(transaction, tree)
        throw StorageError.transactionFailed
      }
    } catch StorageError.transactionFailed {}
  }

  @Test("leaves in the wrong order are not merged")
  func wrongOrderMerge() throws {
    try Self.exchanged { (transaction, tree) throws(StorageError) in
      let report = try tree.check(in: transaction.view) { (_) in }
      #expect(report.problems.contains { $0.fault == .keyOutsideBounds })
      #expect(throws: StorageError.self) {
        try tree.deleteRange(to: Array("ab0".utf8), in: transaction)
      }
    }
  }

  @Test("a leaf in the wrong place takes no keys that its bounds exclude")
  func wrongOrderPut() throws {
    try Self.exchanged { (transaction, tree) throws(StorageError) in
      #expect(throws: StorageError.self) {
        for number in 0..<200 {
          try tree.put(Array("aa32 \(number)".utf8), [UInt8](repeating: 3, count: 40), in: transaction)
        }
      }
    }
  }
}
