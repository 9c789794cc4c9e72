import CairnBlocks
import CairnTrees
import Testing

/// What a tree must hold: a sorted array, searched the obvious way.
struct TreeModel: Equatable {
  struct Record: Equatable {
    var key: [UInt8]
    var value: [UInt8]
  }

  private(set) var records: [Record] = []

  /// How many keys are less than one.
  func rank(_ key: [UInt8]) -> Int {
    var (low, high) = (0, records.count)
    while low < high {
      let middle = (low + high) / 2
      if records[middle].key.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func get(_ key: [UInt8]) -> [UInt8]? {
    let place = rank(key)
    return place < records.count && records[place].key == key ? records[place].value : nil
  }

  mutating func put(_ key: [UInt8], _ value: [UInt8]) -> Bool {
    let place = rank(key)
    if place < records.count && records[place].key == key {
      records[place].value = value
      return true
    }
    records.insert(Record(key: key, value: value), at: place)
    return false
  }

  mutating func delete(_ key: [UInt8]) -> Bool {
    let place = rank(key)
    guard place < records.count && records[place].key == key else { return false }
    records.remove(at: place)
    return true
  }

  mutating func deleteRange(from: [UInt8]?, to: [UInt8]?, limit: UInt64?) -> UInt64 {
    let start = from.map { rank($0) } ?? 0
    var end = to.map { rank($0) } ?? records.count
    guard start < end else { return 0 }
    if let limit { end = min(end, start + Int(limit)) }
    records.removeSubrange(start..<end)
    return UInt64(end - start)
  }
}

extension Tree {
  /// All records, or those of a range.
  func records(from: [UInt8]? = nil, to: [UInt8]? = nil, in view: BlockView) throws(StorageError) -> [TreeModel.Record]
  {
    var records: [TreeModel.Record] = []
    try scan(from: from, to: to, in: view) { (key, value) throws(StorageError) in
      records.append(TreeModel.Record(key: [UInt8](copying: key), value: [UInt8](copying: value)))
      return true
    }
    return records
  }
}

/// Compares a whole tree with its model, and the tree with its own rules.
func verify(
  _ tree: Tree, against model: TreeModel, on device: TestDevice, deep: Bool = false, _ comment: Comment,
  otherBlocks: UInt64 = 0
) throws {
  var blocks: Set<BlockNumber> = []
  var blockCount: UInt64 = otherBlocks
  let report = try device.read { (view) throws(StorageError) in
    try tree.check(in: view, deep: deep) { (visit) throws(StorageError) in
      switch visit {
      case .block(let block):
        #expect(blocks.insert(block).inserted, "a block is used twice; \(comment)")
        blockCount += 1
      case .extent(let extent):
        for offset in 0..<UInt64(extent.count) {
          let block = BlockNumber(extent.start.rawValue + offset)
          #expect(blocks.insert(block).inserted, "a block is used twice; \(comment)")
        }
        blockCount += UInt64(extent.count)
      }
    }
  }
  #expect(report.problems == [], comment)
  #expect(report.recordCount == UInt64(model.records.count), comment)
  #expect(try device.usedBlockCount() == blockCount, "blocks leaked; \(comment)")

  try device.read { (view) throws(StorageError) in
    #expect(try tree.count(in: view) == UInt64(model.records.count), comment)
    #expect(try tree.records(in: view) == model.records, comment)
  }
}

extension Array where Element == UInt8 {
  /// A copy of lent bytes.
  init(copying span: RawSpan) {
    self = unsafe span.withUnsafeBytes { buffer in unsafe [UInt8](buffer) }
  }
}
