import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTrees
import Testing

@testable import CairnVolumes

@Suite("Check")
struct CheckTests {
  /// A store with something of everything.
  static func fixture() throws(StorageError) -> Fixture {
    let fixture = try Fixture(pageCount: 128)
    try fixture.store.createVolume("more", kind: VolumeKind("note"), quotaByteCount: 1 << 20)
    for index in 0..<300 { try fixture.put("note \(index)", bytes(index * 7 % 400)) }
    try fixture.put("large", bytes(200_000), in: "more")
    try fixture.store.grant(.read, to: Principal("alice"), on: .store)
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      _ = try notes.text(of: "note 7")
      try notes.put(bytes(70_000), under: "staged")
    }
    let prepared = try fixture.store.begin()
    try fixture.store.resume(prepared) { (transaction) throws(StorageError) in
      try transaction.notes("more").put(bytes(30_000), under: "prepared")
    }
    try fixture.store.prepare(prepared)
    try fixture.store.commit(fixture.store.begin())
    return fixture
  }

  @Test("a sound store is clean, and the figures are right", arguments: [false, true])
  func clean(deep: Bool) throws {
    let fixture = try Self.fixture()
    for _ in 0..<2 {
      var last: CheckProgress?
      let report = try fixture.store.check(deep: deep) { (progress) throws(StorageError) in last = progress }
      #expect(report.findings == [])
      #expect(report.isClean && report.isDeep == deep)
      #expect(report.volumeCount == 2)
      #expect(report.transactionCount == 2)
      #expect(report.reachedBlockCount == report.allocatedBlockCount)
      #expect(report.entryCount > 301)
      #expect(report.dataByteCount > 200_000)
      #expect(last?.blockCount == last?.totalBlockCount)
      try fixture.reopen()
    }
  }

  @Test("of one volume finds what is wrong with it, and nothing of the others")
  func oneVolume() throws {
    let fixture = try Self.fixture()
    for name in ["notes", "more"] {
      let report = try fixture.store.check(volume: name, deep: true)
      #expect(report.findings == [] && report.volumeCount == 1)
      #expect(report.reachedBlockCount > 0 && report.reachedBlockCount < report.allocatedBlockCount)
    }
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let more = try transaction.volume("more", kind: VolumeKind("note"))
      try more.perform(operation: { [] }) { () throws(StorageError) in try more.account(items: 1, bytes: 0) }
    }
    #expect(try fixture.store.check(volume: "notes").isClean)
    #expect(try fixture.store.check(volume: "more").findings.map { $0.kind } == [.counter])
    #expect(throws: StorageError.notFound(Subject("volume", "none"))) { try fixture.store.check(volume: "none") }
    let stranger = try fixture.store.acting(as: Principal("eve"))
    #expect(throws: StorageError.self) { try stranger.check(volume: "notes") }
  }

  @Test("progress can break it off")
  func cancelled() throws {
    let fixture = try Self.fixture()
    #expect(throws: StorageError.invalidArgument("stop")) {
      try fixture.store.check { (_) throws(StorageError) in throw .invalidArgument("stop") }
    }
  }

  /// Breaks something through the layers below, and says what the check must say.
  struct Break: Sendable, CustomTestStringConvertible {
    let name: String
    let expected: [CheckFinding.Kind]
    let run: @Sendable (Fixture, BlockTransaction) throws(StorageError) -> Void

    var testDescription: String { name }
  }

  private static func volumeTree(_ fixture: Fixture, _ name: String) throws(StorageError) -> Tree {
    try fixture.store.read { (transaction) throws(StorageError) in try transaction.notes(name).volume.tree }
  }

  private static func change(
    _ fixture: Fixture, _ writer: BlockTransaction, _ key: [UInt8], _ change: (inout [UInt8]) -> Void
  ) throws(StorageError) {
    let tree = fixture.store.core.catalog.tree
    var value = try tree.get(key, in: writer.view) ?? []
    change(&value)
    try tree.put(key, value, in: writer)
  }

  static let breaks: [Break] = [
    Break(name: "a leaked block", expected: [.leaked]) { (_, writer) throws(StorageError) in
      _ = try writer.allocate(kind: .treeNode, owner: 0)
    },
    Break(name: "leaked data", expected: [.leaked]) { (_, writer) throws(StorageError) in
      _ = try writer.allocateExtents(blockCount: 10)
    },
    Break(name: "data in use and free", expected: [.usedButFree]) { (fixture, writer) throws(StorageError) in
      let record = try volumeTree(fixture, "more").get(Array("large".utf8), in: writer.view) ?? []
      var reader = ByteReader(Array(record.dropFirst()))
      guard let data = try? DataExtent(decoding: &reader, blockByteCount: 4096) else { return }
      try writer.free(Extent(start: data.extent.start, count: 1))
    },
    Break(name: "data used twice", expected: [.usedTwice, .counter, .counter]) {
      (fixture, writer) throws(StorageError) in
      let tree = try volumeTree(fixture, "more")
      let record = try tree.get(Array("large".utf8), in: writer.view) ?? []
      try tree.put(Array("twin".utf8), record, in: writer)
    },
    Break(name: "an entry without its account", expected: [.counter, .counter]) {
      (fixture, writer) throws(StorageError) in
      try volumeTree(fixture, "notes").put([9], [0, 1, 2], in: writer)
    },
    Break(name: "a record that makes no sense", expected: [.damage]) { (fixture, writer) throws(StorageError) in
      try volumeTree(fixture, "notes").put([9], [7], in: writer)
    },
    Break(name: "staged data freed", expected: [.usedButFree]) { (fixture, writer) throws(StorageError) in
      for (_, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .open {
        guard let root = record.staging else { continue }
        var cursor = try RangeCursor(Tree(root: root, owner: 255), StagingKey.operations, in: writer.view)
        guard try cursor.next(), let operation = try? StagedOperation(decoding: cursor.value()) else { return }
        try writer.free(Extent(start: operation.extents[0].start, count: 1))
      }
    },
    Break(name: "an open transaction without its record", expected: [.counter, .counter, .leaked, .leaked]) {
      (fixture, writer) throws(StorageError) in
      for (id, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .open {
        try fixture.store.core.catalog.tree.delete(CatalogKey.transaction(id), in: writer)
      }
    },
    Break(name: "a count of operations", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      for (id, _) in try fixture.store.core.catalog.transactions(in: writer.view) {
        try change(fixture, writer, CatalogKey.transaction(id)) { $0[34] += 1 }
        return
      }
    },
    Break(name: "a staged record that makes no sense", expected: [.catalog]) { (fixture, writer) throws(StorageError) in
      for (_, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .open {
        guard let root = record.staging else { return }
        try Tree(root: root, owner: 255).put([9], [1], in: writer)
      }
    },
    Break(name: "an expiry that nobody notices", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      try change(fixture, writer, CatalogKey.store) { $0[24] = 0x7F }
    },
    Break(name: "a count of transactions", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      try change(fixture, writer, CatalogKey.store) { $0[25] += 1 }
    },
    Break(name: "a volume's figures", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      try change(fixture, writer, CatalogKey.usage(VolumeID(byte: 0))) { $0[16] += 1 }
    },
    Break(name: "a name of no volume", expected: [.catalog, .catalog]) { (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.put(CatalogKey.name([0x78]), [9], in: writer)
    },
    Break(name: "a volume without a name", expected: [.catalog]) { (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.delete(CatalogKey.name(Array("more".utf8)), in: writer)
    },
    Break(name: "a grant on no volume", expected: [.catalog]) { (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.put([5, 1, 99, 1], GrantRecord(rights: .read).encoded, in: writer)
    },
    Break(name: "a grant that makes no sense", expected: [.catalog]) { (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.put([5, 0, 0, 1], [9], in: writer)
    },
    Break(name: "an outcome that stays for ever", expected: [.catalog, .catalog]) {
      (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.deleteRange(from: [8], to: [9], limit: 1, in: writer)
    },
    Break(name: "a count of staged bytes", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      for (id, _) in try fixture.store.core.catalog.transactions(in: writer.view) {
        try change(fixture, writer, CatalogKey.transaction(id)) { $0[42] ^= 1 }
        return
      }
    },
    Break(name: "holds of a transaction that is not prepared", expected: [.catalog, .counter]) {
      (fixture, writer) throws(StorageError) in
      for (id, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .prepared {
        try change(fixture, writer, CatalogKey.transaction(id)) { $0[1] = 1 }
      }
    },
    Break(name: "an operation with a number that was not given out", expected: [.catalog]) {
      (fixture, writer) throws(StorageError) in
      for (_, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .prepared {
        guard let root = record.staging else { return }
        let tree = Tree(root: root, owner: 255)
        let key = StagingKey.hold(0)
        let value = try tree.get(key, in: writer.view) ?? []
        try tree.delete(key, in: writer)
        try tree.put(StagingKey.hold(900), value, in: writer)
      }
    },
    Break(name: "a transaction that is open and has ended", expected: [.catalog]) {
      (fixture, writer) throws(StorageError) in
      let catalog = fixture.store.core.catalog
      guard let id = try catalog.transactions(in: writer.view).first?.id else { return }
      try catalog.setOutcome(id, OutcomeRecord(outcome: .expired, endedAt: 5, owner: nil), in: writer)
    },
    Break(name: "a time that lies behind", expected: [.counter]) { (fixture, writer) throws(StorageError) in
      try change(fixture, writer, CatalogKey.store) { for index in 9..<17 { $0[index] = 0 } }
    },
    Break(name: "a transaction that has lost its staging tree", expected: [.catalog, .counter, .leaked, .leaked]) {
      (fixture, writer) throws(StorageError) in
      for (id, record) in try fixture.store.core.catalog.transactions(in: writer.view) where record.state == .open {
        try change(fixture, writer, CatalogKey.transaction(id)) { for index in 66..<74 { $0[index] = 0 } }
      }
    },
    Break(name: "a tree's count", expected: [.tree]) { (fixture, writer) throws(StorageError) in
      let tree = fixture.store.core.catalog.tree
      try writer.change(tree.root, at: 56, [UInt8](repeating: 1, count: 1).span)
    },
    Break(name: "an entry of no meaning", expected: [.catalog]) { (fixture, writer) throws(StorageError) in
      try fixture.store.core.catalog.tree.put([77], [1], in: writer)
    },
  ]

  @Test("finds what is broken, as what it is", arguments: breaks)
  func finds(_ broken: Break) throws {
    let fixture = try Self.fixture()
    try fixture.store.core.device.transaction { (writer) throws(StorageError) in try broken.run(fixture, writer) }
    for _ in 0..<2 {
      let report = try fixture.store.check(deep: true)
      #expect(report.findings.map { $0.kind } == broken.expected, "\(report.findings)")
      try fixture.reopen()
    }
  }

  @Test("a deep check compares the digests of data")
  func rottenData() throws {
    let fixture = try Self.fixture()
    try fixture.store.checkpoint()
    let place = try fixture.store.read { (transaction) throws(StorageError) -> UInt64 in
      let record = try transaction.notes("more").volume.root.get(Array("large".utf8)) ?? []
      var reader = ByteReader(Array(record.dropFirst()))
      guard let data = try? DataExtent(decoding: &reader, blockByteCount: 4096) else { return 0 }
      return data.extent.start.rawValue * 4096
    }
    try BulkCopy.withRawSpan(of: [0xEE]) { (rot) throws(MemoryError) in
      try fixture.memory.write(rot, at: place + 70_000)
    }
    #expect(try fixture.store.check().findings == [])
    let findings = try fixture.store.check(deep: true).findings
    #expect(findings.map { $0.kind } == [.damage])
    #expect(findings.first?.volume == "more")
    #expect(findings.first?.key == Array("large".utf8))
    #expect(throws: StorageError.self) { try fixture.text("large", in: "more") }
    // The rest is as it was.
    #expect(try fixture.text("note 7") == bytes(49))
  }

  @Test("every block of a tree that rots is found, and never a trap or a wrong answer")
  func rottenBlocks() throws {
    let fixture = try Self.fixture()
    try fixture.store.close()
    let size = fixture.memory.pageCount * 65536
    var image = [UInt8](repeating: 0, count: Int(size))
    try read(fixture.memory, into: &image)
    let expected = try Self.contents(fixture.options, image)
    var damaged = 0
    for block in 0..<size / 4096 where image[Int(block) * 4096 + 4] == 0x10 {
      var rotten = image
      rotten[Int(block) * 4096 + 1000] ^= 0x40
      do {
        #expect(try Self.contents(fixture.options, rotten) == expected)
      } catch {
        damaged += 1
      }
      let memory = try memory(of: rotten)
      guard let store = try? Store.open(on: memory, options: fixture.options) else { continue }
      // A rotten block whose contents were not needed any more is no finding; an error is none either.
      if let report = try? store.check(deep: true), report.isClean {
        #expect(try Self.contents(fixture.options, rotten) == expected)
      }
    }
    #expect(damaged > 5)
  }

  private func read(_ memory: HeapMemory, into image: inout [UInt8]) throws {
    try BulkCopy.withMutableRawSpan(of: &image) { (bytes) throws(MemoryError) in try memory.read(at: 0, into: &bytes) }
  }

  private func memory(of image: [UInt8]) throws -> HeapMemory { try Self.memory(of: image) }

  private static func memory(of image: [UInt8]) throws -> HeapMemory {
    let memory = HeapMemory(pageCount: UInt64(image.count / 65536))
    try BulkCopy.withRawSpan(of: image) { (bytes) throws(MemoryError) in try memory.write(bytes, at: 0) }
    return memory
  }

  /// Everything in an image, or the error that says why not.
  private static func contents(_ options: StoreOptions, _ image: [UInt8]) throws -> [String] {
    let store = try Store.open(on: memory(of: image), options: options)
    return try store.read { (transaction) throws(StorageError) in
      var all: [String] = []
      for volume in ["notes", "more"] {
        let notes = try transaction.notes(volume)
        for name in try notes.names() { all.append("\(name) \(try notes.text(of: name)?.count ?? -1)") }
      }
      return all
    }
  }
}
