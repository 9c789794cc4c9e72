import CairnBlocks
import CairnTestSupport
import CairnTrees
import Testing

/// Random operations on a tree and on its model, in lockstep.
@Suite("Trees against a model")
struct TreeModelTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    var blockByteCount: Int
    var style: KeyStyle
    var seed: UInt64
    var testDescription: String { "\(style), blocks of \(blockByteCount), seed \(seed)" }
  }

  static let settings: [Setting] = KeyStyle.allCases.flatMap { style in
    [512, 1024, 4096, 65536].flatMap { size in
      TestSeeds.list(count: 1).map { Setting(blockByteCount: size, style: style, seed: $0) }
    }
  }

  @Test("random puts, deletes, ranges and rollbacks", arguments: settings)
  func random(_ setting: Setting) throws {
    var run = try TreeModelRun(setting.blockByteCount, setting.style, seed: setting.seed)
    try run.go(stepCount: 400)
  }

  @Test("a light leaf beside one that only a long prefix makes small", arguments: [1, 2, 3])
  func longPrefix(_ order: Int) throws {
    let device = try TestDevice(blockByteCount: 4096)
    var model = TreeModel()
    let common = [UInt8](repeating: 0x70, count: 240)
    for number in 0..<2000 { _ = model.put(common + KeyStyle.bigEndian(UInt64(number))[5...], [1]) }
    for number in 0..<40 { _ = model.put([UInt8(number)] + common, [2]) }
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for record in model.records { try tree.put(record.key, record.value, in: transaction) }
      return tree
    }
    try verify(tree, against: model, on: device, "before")
    // Hundreds of records fit in a leaf under their prefix, fifteen without: those next to the edge cannot be merged.
    var keys = Array(model.records.map { $0.key }[..<200])
    if order == 2 { keys.reverse() }
    if order == 3 { keys.sort { $0.reversed().lexicographicallyPrecedes($1.reversed()) } }
    for (index, key) in keys.enumerated() {
      try device.write { (transaction) throws(StorageError) in
        #expect(try tree.delete(key, in: transaction))
      }
      _ = model.delete(key)
      if index % 5 == 0 { try verify(tree, against: model, on: device, "without \(index + 1) keys") }
    }
    try verify(tree, against: model, on: device, "after")
  }
}

/// One sequence of random operations.
struct TreeModelRun {
  let device: TestDevice
  let tree: Tree
  let style: KeyStyle
  let limit: Int
  let comment: Comment
  var model = TreeModel()
  var generator: SeededGenerator

  init(_ blockByteCount: Int, _ style: KeyStyle, seed: UInt64) throws {
    let device = try TestDevice(blockByteCount: blockByteCount)
    self.device = device
    tree = try device.write { (transaction) throws(StorageError) in try Tree.create(owner: 3, in: transaction) }
    self.style = style
    limit = Tree.maximumKeyByteCount(blockByteCount: blockByteCount)
    comment = replay(seed, "TreeModelTests")
    generator = SeededGenerator(seed: seed)
  }

  /// The tree grows, is used, and shrinks to nothing.
  mutating func go(stepCount: Int) throws {
    for phase in 0..<3 {
      for step in 0..<stepCount {
        try transact(phase: phase)
        if step % 80 == 79 { try verify(tree, against: model, on: device, deep: step % 160 == 159, comment) }
      }
    }
    try empty()
  }

  /// A few operations in one transaction, which may be rolled back.
  private mutating func transact(phase: Int) throws {
    let before = model
    let fails = generator.chance(5)
    var run = self
    do {
      try device.write { (transaction) throws(StorageError) in
        for _ in 0...run.generator.below(4) { try run.operate(in: transaction, phase: phase) }
        if fails { throw StorageError.transactionFailed }
      }
      model = run.model
    } catch StorageError.transactionFailed {
      model = before
    }
    generator = run.generator
  }

  private mutating func operate(in transaction: BlockTransaction, phase: Int) throws(StorageError) {
    let weight = [75, 50, 15][phase]
    switch generator.below(100) {
    case 0..<weight: try put(in: transaction)
    case weight..<92: try delete(in: transaction)
    case 92..<94: try deleteRange(in: transaction)
    case 94..<97: try get(in: transaction.view)
    default: try walk(in: transaction.view)
    }
  }

  private mutating func key() -> [UInt8] {
    // Half of the keys exist.
    if generator.chance(50), let record = model.records.randomElement(using: &generator) { return record.key }
    return style.key(&generator, limit: limit)
  }

  private mutating func value() -> [UInt8] {
    switch generator.below(20) {
    case 0: generator.bytes(generator.below(device.blockByteCount))
    case 1: [UInt8](repeating: UInt8(generator.below(256)), count: generator.below(5 * device.blockByteCount))
    case 2..<6: []
    default: generator.bytes(generator.below(60))
    }
  }

  private mutating func put(in transaction: BlockTransaction) throws(StorageError) {
    let (key, value) = (key(), value())
    let replaced = try tree.put(key, value, in: transaction)
    #expect(replaced == model.put(key, value), comment)
  }

  private mutating func delete(in transaction: BlockTransaction) throws(StorageError) {
    let key = key()
    #expect(try tree.delete(key, in: transaction) == model.delete(key), comment)
  }

  private mutating func deleteRange(in transaction: BlockTransaction) throws(StorageError) {
    let from = generator.chance(10) ? nil : key()
    let to = generator.chance(10) ? nil : key()
    let limit = generator.chance(50) ? UInt64(generator.below(60)) : nil
    let removed = try tree.deleteRange(from: from, to: to, limit: limit, in: transaction)
    #expect(removed == model.deleteRange(from: from, to: to, limit: limit), comment)
  }

  private mutating func get(in view: BlockView) throws(StorageError) {
    let key = key()
    #expect(try tree.get(key, in: view) == model.get(key), comment)
    #expect(try tree.contains(key, in: view) == (model.get(key) != nil), comment)
    let lent = try tree.withValue(for: key, in: view) { (value) throws(StorageError) in [UInt8](copying: value) }
    #expect(lent == model.get(key), comment)
  }

  /// A cursor walks some way in both directions from somewhere.
  private mutating func walk(in view: BlockView) throws(StorageError) {
    var cursor = tree.cursor(in: view)
    var place: Int
    switch generator.below(4) {
    case 0:
      try cursor.seekFirst()
      place = 0
    case 1:
      try cursor.seekLast()
      place = model.records.count - 1
    case 2:
      let key = key()
      try cursor.seek(to: key)
      place = model.rank(key)
    default:
      let key = key()
      try cursor.seek(before: key)
      place = model.rank(key) - 1
    }
    for _ in 0..<generator.below(40) {
      if place >= 0 && place < model.records.count {
        #expect(cursor.isValid && cursor.key == model.records[place].key, comment)
        #expect(try cursor.value() == model.records[place].value, comment)
      } else {
        #expect(!cursor.isValid, comment)
      }
      if generator.chance(50) {
        try cursor.next()
        place = min(place + 1, model.records.count)
      } else {
        try cursor.previous()
        place = max(place - 1, -1)
      }
    }
  }

  /// Everything goes, in one way or another, and no block stays behind.
  private mutating func empty() throws {
    var run = self
    let byRange = generator.chance(50)
    try device.write { (transaction) throws(StorageError) in
      if byRange {
        #expect(
          try run.tree.deleteRange(in: transaction) == UInt64(run.model.records.count), run.comment)
      } else {
        var keys = run.model.records.map { $0.key }
        keys.shuffle(using: &run.generator)
        for key in keys { #expect(try run.tree.delete(key, in: transaction), run.comment) }
      }
    }
    model = TreeModel()
    try verify(tree, against: model, on: device, comment)
    #expect(try device.usedBlockCount() == 1, comment)
    try device.write { (transaction) throws(StorageError) in try tree.destroy(in: transaction) }
    #expect(try device.usedBlockCount() == 0, comment)
  }
}
