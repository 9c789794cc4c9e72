import CairnBlocks
import CairnTestSupport
import CairnTrees
import Testing

@Suite("Bulk load of trees")
struct TreeBulkLoadTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    var blockByteCount: Int
    var style: KeyStyle
    var seed: UInt64
    var testDescription: String { "\(style), blocks of \(blockByteCount), seed \(seed)" }
  }

  static let settings: [Setting] = KeyStyle.allCases.flatMap { style in
    [512, 4096].flatMap { size in
      TestSeeds.list(count: 3).map { Setting(blockByteCount: size, style: style, seed: $0) }
    }
  }

  @Test("a loaded tree is sound, and can be changed", arguments: settings)
  func load(_ setting: Setting) throws {
    let comment = replay(setting.seed, "TreeBulkLoadTests")
    var run = try TreeModelRun(setting.blockByteCount, setting.style, seed: setting.seed)
    let count = [0, 1, 2, 5, 40, 600][run.generator.below(6)]
    for _ in 0..<count {
      _ = run.model.put(
        setting.style.key(&run.generator, limit: run.limit),
        run.generator.bytes(run.generator.below(run.generator.chance(5) ? 3000 : 90)))
    }
    try run.device.write { (transaction) throws(StorageError) in
      var loader = try run.tree.bulkLoader(in: transaction)
      for record in run.model.records { try loader.append(record.key, record.value) }
      #expect(try loader.finish() == UInt64(run.model.records.count), comment)
    }
    try verify(run.tree, against: run.model, on: run.device, comment)
    try run.go(stepCount: 60)
  }

  @Test("nodes are full")
  func full() throws {
    let device = try TestDevice(blockByteCount: 4096)
    let report = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      var loader = try tree.bulkLoader(in: transaction)
      for number in 0..<5000 {
        try loader.append(
          Array("app/tenant/1/user/".utf8) + KeyStyle.bigEndian(UInt64(number)), [UInt8](repeating: 1, count: 20))
      }
      _ = try loader.finish()
      return try tree.check(in: transaction.view) { (_) in }
    }
    #expect(report.problems.isEmpty)
    #expect(report.usedByteCount * 100 >= report.nodeCount * 4032 * 95)
  }

  @Test("keys must ascend and the tree must be empty")
  func refused() throws {
    let device = try TestDevice(blockByteCount: 4096)
    let tree = try device.write { (transaction) throws(StorageError) in try Tree.create(owner: 0, in: transaction) }
    for keys in [[[2], [1]], [[1], [1]], [[1, 2], [1]]] as [[[UInt8]]] {
      #expect(throws: StorageError.invalidArgument("keys of a bulk load must ascend")) {
        try device.write { (transaction) throws(StorageError) in
          var loader = try tree.bulkLoader(in: transaction)
          for key in keys { try loader.append(key, []) }
        }
      }
    }
    try device.write { (transaction) throws(StorageError) in
      try tree.put([1], [], in: transaction)
      #expect(throws: StorageError.notEmpty(Subject("tree", []))) { try tree.bulkLoader(in: transaction) }
    }
  }
}
