import CairnBlocks
import CairnTestSupport
import CairnTrees
import Testing

/// What bad calls and full devices get.
@Suite("Errors of trees")
struct TreeErrorTests {
  @Test(
    "keys have a greatest length, on each size of blocks",
    arguments: [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
  func keyLength(_ blockByteCount: Int) throws {
    let device = try TestDevice(blockByteCount: blockByteCount)
    let limit = Tree.maximumKeyByteCount(blockByteCount: blockByteCount)
    #expect(limit == [512: 118, 1024: 268, 2048: 566][blockByteCount] ?? 1040)
    var generator = SeededGenerator(seed: 4)
    let keys = (0..<200).map { _ in generator.bytes(limit) }
    try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      let changes = transaction.changeCount
      #expect(throws: StorageError.invalidKey(byteCount: 0, limit: limit)) {
        try tree.put([], [1], in: transaction)
      }
      #expect(throws: StorageError.invalidKey(byteCount: limit + 1, limit: limit)) {
        try tree.put([UInt8](repeating: 1, count: limit + 1), [1], in: transaction)
      }
      #expect(transaction.changeCount == changes, "a refused key changes nothing")
      #expect(try tree.get([UInt8](repeating: 1, count: limit + 1), in: transaction.view) == nil)
      #expect(try !tree.delete([UInt8](repeating: 1, count: limit + 1), in: transaction))
      #expect(try !tree.delete([], in: transaction))
      // The longest keys with nothing in common: the fan-out is still at least 4.
      for key in keys { try tree.put(key, [1], in: transaction) }
      let report = try tree.check(in: transaction.view) { (_) in }
      #expect(report.problems.isEmpty && report.recordCount == 200)
      #expect(report.nodeCount - report.leafCount <= (report.leafCount + 1) / 2)
      #expect(report.height <= 7)
      for key in keys { #expect(try tree.delete(key, in: transaction)) }
      #expect(try tree.check(in: transaction.view) { (_) in }.nodeCount == 1)
    }
  }

  @Test("a full device refuses what does not fit, lets go of things, and takes new ones")
  func full() throws {
    let device = try TestDevice(blockByteCount: 512, byteCount: 1 << 20, growsByItself: false)
    let tree = try device.write { (transaction) throws(StorageError) in try Tree.create(owner: 0, in: transaction) }
    var model = TreeModel()
    var generator = SeededGenerator(seed: 8)
    var isFull = false
    while !isFull {
      var batch: [(key: [UInt8], value: [UInt8])] = []
      for _ in 0..<40 { batch.append((generator.bytes(20), generator.bytes(60))) }
      do {
        try device.write { (transaction) throws(StorageError) in
          for record in batch { try tree.put(record.key, record.value, in: transaction) }
        }
        for record in batch { _ = model.put(record.key, record.value) }
      } catch .full {
        isFull = true
      }
    }
    try verify(tree, against: model, on: device, "full")
    #expect(model.records.count > 1000)
    // One by one, in random order: settling may need blocks, and has those set aside.
    for _ in 0..<(model.records.count - 10) {
      let key = model.records[generator.below(model.records.count)].key
      try device.write { (transaction) throws(StorageError) in
        transaction.usesReserve = true
        #expect(try tree.delete(key, in: transaction))
      }
      _ = model.delete(key)
    }
    try verify(tree, against: model, on: device, "emptied")
    try device.write { (transaction) throws(StorageError) in
      for _ in 0..<200 {
        let (key, value) = (generator.bytes(20), generator.bytes(60))
        try tree.put(key, value, in: transaction)
        _ = model.put(key, value)
      }
    }
    try verify(tree, against: model, on: device, "filled again")
  }

  @Test("a tree of another owner, or a block that is no root, is refused")
  func foreign() throws {
    let device = try TestDevice(blockByteCount: 512)
    let (tree, other) = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 1, in: transaction)
      for number in 0..<100 { try tree.put(KeyStyle.bigEndian(UInt64(number)), [1, 2, 3], in: transaction) }
      return (tree, try transaction.allocate(kind: BlockKind(rawValue: 0x90), owner: 1))
    }
    var leaf: BlockNumber?
    try device.read { (view) throws(StorageError) in
      _ = try tree.check(in: view) { (visit) in if case .block(let block) = visit { leaf = block } }
    }
    let blocks = [
      Tree(root: tree.root, owner: 2), Tree(root: other, owner: 1), Tree(root: try #require(leaf), owner: 1),
    ]
    for wrong in blocks + [Tree(root: BlockNumber(1 << 40), owner: 1)] {
      try device.read { (view) throws(StorageError) in
        #expect(throws: StorageError.self) { try wrong.get([1], in: view) }
        #expect(throws: StorageError.self) { try wrong.count(in: view) }
        #expect(try wrong.check(in: view) { (_) in }.problems.count == 1)
      }
    }
  }

  @Test("small changes cost few journal bytes")
  func frugal() throws {
    let device = try TestDevice(blockByteCount: 4096)
    var generator = SeededGenerator(seed: 2)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for number in 0..<2000 {
        try tree.put(generator.bytes(16), [UInt8](repeating: UInt8(number & 255), count: 100), in: transaction)
      }
      return tree
    }
    let key = generator.bytes(16)
    try device.write { (transaction) throws(StorageError) in
      _ = try tree.put(key, generator.bytes(100), in: transaction)
    }
    let empty = try device.write { (transaction) throws(StorageError) in transaction.journalByteCount() }
    let value = generator.bytes(100)
    try device.write { (transaction) throws(StorageError) in
      #expect(try tree.put(key, value, in: transaction))
      #expect(transaction.journalByteCount() - empty < 100 + 64, "a value of the same length is changed in place")
    }
    try device.write { (transaction) throws(StorageError) in
      let changes = transaction.changeCount
      #expect(try tree.put(key, value, in: transaction))
      #expect(transaction.changeCount == changes, "the same value changes nothing")
    }
    // New records, one a transaction: the record, half of the entries before or behind it, and two headers.
    var costs: [UInt64] = []
    for _ in 0..<200 {
      let key = generator.bytes(16)
      try device.write { (transaction) throws(StorageError) in
        try tree.put(key, value, in: transaction)
        costs.append(transaction.journalByteCount() - empty)
      }
    }
    costs.sort()
    #expect(costs[100] < 116 + 160, "median \(costs[100])")
  }
}
