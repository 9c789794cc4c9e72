import Cairn
import Testing

/// Work that is done in steps: each is a commit, and any of them may be the last before a restart.
@Suite("Long work in steps")
struct LongWorkTests {
  /// A store on a heap memory that can be opened again and again.
  private final class Fixture {
    let memory: any StableMemory = HeapMemory(pageCount: 512)
    private(set) var store: Store

    init() throws {
      store = try Store.create(on: memory, options: Self.options)
      try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    }

    private static var options: StoreOptions { StoreOptions(filesystems: Store.standardFilesystems) }

    /// Opens the store as after a crash.
    func reopen() throws { store = try Store.open(on: memory, options: Self.options) }

    /// Does all work that is under way, with a restart behind each step; how many steps there were.
    func finish(budget: Int) throws -> Int {
      var count = 0
      while try !store.step(budget: budget) {
        count += 1
        try reopen()
        let findings = try store.check().findings
        #expect(findings.isEmpty, "after step \(count): \(findings)")
        try #require(count < 1_000)
      }
      #expect(try store.works().isEmpty)
      return count
    }
  }

  private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }

  @Test("a range of a map, and of a typed one")
  func maps() throws {
    let fixture = try Fixture()
    try fixture.store.createMap("numbers", UInt64.self, String.self)
    try fixture.store.transaction { txn in
      let map = try txn.map("numbers", UInt64.self, String.self)
      for number in UInt64(0)..<1_000 { try map.put(number, "number \(number)") }
      try map.beginRemovingRange(from: 100, to: 900)
      // The same again is the same work.
      try map.beginRemovingRange(from: 100, to: 900)
    }
    #expect(try fixture.store.works().count == 1)
    #expect(try fixture.finish(budget: 150) == 6)
    try fixture.store.transaction { txn in
      let map = try txn.map("numbers", UInt64.self, String.self)
      #expect(try map.count() == 200)
      #expect(try map.keys(from: 99, limit: 2) == [99, 900])
      try map.beginClearing()
    }
    #expect(try fixture.finish(budget: 150) == 2)
    #expect(try fixture.store.read { txn in try txn.map("numbers", UInt64.self, String.self).isEmpty() })
  }

  @Test("objects by their prefix, a bucket with all its objects, copies to another volume")
  func objects() throws {
    let fixture = try Fixture()
    try fixture.store.createVolume("archive", kind: .objects)
    try fixture.store.transaction { txn in
      try txn.createBucket("media")
      try txn.createBucket("copies", volume: "archive")
      for number in 0..<60 { try txn.bucket("media").put(ObjectKey("a/\(number)"), bytes(20_000)) }
      for number in 0..<40 { try txn.bucket("media").put(ObjectKey("b/\(number)"), bytes(10)) }
      try txn.bucket("media").beginCopyingAll(prefix: Array("a/".utf8), to: "copies", volume: "archive")
    }
    // 4 KiB a unit: 14 objects of 20,000 bytes are more than 64 of them.
    #expect(try fixture.finish(budget: 64) == 5)
    try fixture.store.transaction { txn in
      let copies = try txn.bucket("copies", volume: "archive")
      #expect(try copies.list(ObjectQuery(prefix: "", limit: 100)).objects.count == 60)
      #expect(try copies.get("a/59") == bytes(20_000))
      try txn.bucket("media").beginDeletingAll(prefix: Array("a/".utf8))
    }
    #expect(try fixture.finish(budget: 25) == 3)
    #expect(
      try fixture.store.read { txn in try txn.bucket("media").list(ObjectQuery(prefix: "")).objects.count } == 40)
    try fixture.store.transaction { txn in try txn.objects().beginDeleting(bucket: "media") }
    #expect(try fixture.finish(budget: 25) == 2)
    #expect(try fixture.store.read { txn in try txn.objects().buckets().isEmpty })
  }

  /// Bytes of which no two MiB are the same.
  private func contents(_ count: Int, seed: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    var state = seed
    while bytes.count < count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for shift: UInt64 in [0, 8, 16, 24, 32, 40, 48, 56] { bytes.append(UInt8(truncatingIfNeeded: state >> shift)) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// A store with an object of some MiB and a little more in a bucket, and a bucket in another volume.
  private func largeObject(_ large: [UInt8]) throws -> Fixture {
    let fixture = try Fixture()
    try fixture.store.createVolume("archive", kind: .objects)
    try fixture.store.transaction { txn in
      try txn.createBucket("media")
      try txn.createBucket("copies", volume: "archive")
      try txn.bucket("media").put("film", large, ObjectOptions(contentType: "video/x", metadata: ["a": "b"]))
    }
    return fixture
  }

  /// Blocks that a volume takes.
  private func blockCount(_ store: Store, _ volume: String) throws -> UInt64 {
    try store.read { txn in try txn.objects(volume).usage().blockCount }
  }

  @Test("an object that no step can copy at once comes in parts, and nobody sees it before it is whole")
  func largeObjects() throws {
    let large = contents(5 << 20 + 1234, seed: 1)
    let fixture = try largeObject(large)
    try fixture.store.transaction { txn in
      try txn.bucket("copies", volume: "archive").put("film", [1])
      try txn.bucket("copies", volume: "archive").beginCopying("film", from: txn.bucket("media"), to: "film")
    }
    // A MiB a step, and the rest.
    for step in 1...6 {
      #expect(try !fixture.store.step(budget: 256))
      try fixture.reopen()
      let findings = try fixture.store.check(deep: true).findings
      #expect(findings.isEmpty, "after step \(step): \(findings)")
      let copy = try fixture.store.read { txn in try txn.bucket("copies", volume: "archive").get("film") }
      #expect(copy == (step < 6 ? [1] : large))
    }
    #expect(try fixture.store.step(budget: 256))
    let (source, copy) = try fixture.store.read { txn in
      (try txn.bucket("media").head("film"), try txn.bucket("copies", volume: "archive").head("film"))
    }
    #expect(copy.etag == source.etag && copy.isETagDerived && copy.size == source.size)
    #expect(copy.contentType == "video/x" && copy.metadata == ["a": "b"])
    // The copy is an object like any other.
    try fixture.store.transaction { txn in _ = try txn.bucket("copies", volume: "archive").delete("film") }
    #expect(try fixture.store.check(deep: true).findings.isEmpty)
  }

  @Test("large objects among small ones are copied in their turn")
  func largeAmongSmall() throws {
    let (large, other) = (contents(3 << 20, seed: 2), contents(2 << 20 + 1, seed: 3))
    let fixture = try largeObject(large)
    try fixture.store.transaction { txn in
      let media = try txn.bucket("media")
      for key in ["a", "z"] { try media.put(ObjectKey(key), bytes(10_000)) }
      try media.put("other", other)
      try media.beginCopyingAll(to: "copies", volume: "archive")
    }
    // The first with a MiB of the next, two MiB more; two MiB of the third, a byte of it with the last.
    #expect(try fixture.finish(budget: 256) == 6)
    try fixture.store.read { txn in
      let copies = try txn.bucket("copies", volume: "archive")
      #expect(try copies.list().objects.map { $0.key } == ["a", "film", "other", "z"])
      #expect(try copies.get("film") == large)
      #expect(try copies.get("other") == other)
      #expect(try copies.get("z") == bytes(10_000))
    }
  }

  @Test("a source that changes is copied anew, and of one that is deleted nothing is left", arguments: [false, true])
  func changedSource(isDeleted: Bool) throws {
    let fixture = try largeObject(contents(4 << 20, seed: 4))
    let before = try blockCount(fixture.store, "archive")
    try fixture.store.transaction { txn in try txn.bucket("media").beginCopyingAll(to: "copies", volume: "archive") }
    for _ in 0..<2 { #expect(try !fixture.store.step(budget: 256)) }
    #expect(try blockCount(fixture.store, "archive") > before + 511)
    let new = contents(4 << 20, seed: 5)
    try fixture.store.transaction { txn in
      let media = try txn.bucket("media")
      if isDeleted { _ = try media.delete("film") } else { _ = try media.put("film", new) }
    }
    #expect(try fixture.finish(budget: 256) == (isDeleted ? 1 : 4))
    let copies = try fixture.store.read { txn in try txn.bucket("copies", volume: "archive").list().objects.count }
    #expect(copies == (isDeleted ? 0 : 1))
    if isDeleted {
      #expect(try blockCount(fixture.store, "archive") == before)
    } else {
      #expect(try fixture.store.read { txn in try txn.bucket("copies", volume: "archive").get("film") } == new)
    }
  }

  @Test(
    "of a volume or a bucket that is gone nothing more is copied, also when another one has its number",
    arguments: [false, true])
  func goneSource(isWhole: Bool) throws {
    let fixture = try largeObject(contents(3 << 20, seed: 8))
    let id = try fixture.store.createVolume("second", kind: .objects)
    try fixture.store.transaction { txn in
      try txn.createBucket("media", volume: "second")
      let media = try txn.bucket("media", volume: "second")
      try media.put("film", contents(3 << 20, seed: 9))
      try media.beginCopyingAll(to: "copies", volume: "archive")
    }
    let before = try blockCount(fixture.store, "archive")
    #expect(try !fixture.store.step(budget: 256))
    #expect(try blockCount(fixture.store, "archive") > before)
    if isWhole {
      try fixture.store.removeVolume("second")
      #expect(try fixture.store.createVolume("third", kind: .objects) == id)
      try fixture.store.transaction { txn in
        try txn.createBucket("media", volume: "third")
        _ = try txn.bucket("media", volume: "third").put("film", [1])
      }
    } else {
      try fixture.store.transaction { txn in
        _ = try txn.bucket("media", volume: "second").delete("film")
        try txn.objects("second").deleteBucket("media")
      }
    }
    _ = try fixture.finish(budget: 256)
    #expect(try blockCount(fixture.store, "archive") == before)
    #expect(try fixture.store.read { txn in try txn.bucket("copies", volume: "archive").list().objects.isEmpty })
  }

  /// How long work is broken off.
  enum BreakOff: CaseIterable {
    case atOnce
    case inATransaction
    case prepared
    case withTheVolume
  }

  @Test("a half made copy is given back when the work is broken off", arguments: BreakOff.allCases)
  func abandoned(how: BreakOff) throws {
    let fixture = try largeObject(contents(4 << 20, seed: 6))
    let before = try blockCount(fixture.store, "archive")
    let space = fixture.store.space.free
    try fixture.store.transaction { txn in
      try txn.bucket("copies", volume: "archive").beginCopying("film", from: txn.bucket("media"), to: "film")
    }
    for _ in 0..<3 { #expect(try !fixture.store.step(budget: 256)) }
    try fixture.reopen()
    #expect(try blockCount(fixture.store, "archive") > before + 767)
    let work = try #require(try fixture.store.works().first)
    switch how {
    case .atOnce: try fixture.store.cancelWork(work.id)
    case .inATransaction, .prepared:
      let id = try fixture.store.begin()
      try fixture.store.resume(id) { txn in try txn.cancelWork(work.id) }
      #expect(try blockCount(fixture.store, "archive") > before + 767)
      if how == .prepared {
        try fixture.store.prepare(id)
        // What is promised to the prepared transaction no step takes from it.
        #expect(try fixture.store.step(budget: 256))
        try fixture.reopen()
      }
      try fixture.store.commit(id)
    case .withTheVolume: try fixture.store.removeVolume("archive")
    }
    #expect(try fixture.finish(budget: 100_000) == (how == .withTheVolume ? 1 : 0))
    #expect(try fixture.store.check(deep: true).findings.isEmpty)
    guard how != .withTheVolume else {
      #expect(fixture.store.space.free > space)
      return
    }
    #expect(try blockCount(fixture.store, "archive") == before)
    #expect(try fixture.store.read { txn in try txn.bucket("copies", volume: "archive").find("film") } == nil)
  }

  @Test("blocks of a disk")
  func disks() throws {
    let fixture = try Fixture()
    try fixture.store.createDisk("disk", DiskGeometry(blockCount: 1_000))
    try fixture.store.transaction { txn in
      let disk = try txn.disk("disk")
      try disk.write(0, bytes(300 * 4096))
      try disk.write(700, bytes(100 * 4096))
      try disk.beginTrimming(50..<750)
    }
    #expect(try fixture.finish(budget: 100) == 3)
    try fixture.store.read { txn in
      let disk = try txn.disk("disk")
      #expect(try disk.writtenBlockCount() == 100)
      #expect(try disk.read(49) == Array(bytes(50 * 4096)[(49 * 4096)...]))
      #expect(try disk.read(50) == [UInt8](repeating: 0, count: 4096))
      #expect(try disk.read(750) == Array(bytes(51 * 4096)[(50 * 4096)...]))
    }
  }

  private func schema(indexed: Bool) -> TableSchema {
    TableSchema(
      "people", columns: [ColumnDefinition("id", .int64), ColumnDefinition("name", .string)], primaryKey: ["id"],
      indexes: indexed ? [IndexDefinition("name", on: ["name"])] : [])
  }

  @Test(
    "an index over rows that are there, by altering a table and by opening with a new schema", arguments: [false, true])
  func indexes(byOpening: Bool) throws {
    let fixture = try Fixture()
    try fixture.store.openTables("tables", try DatabaseSchema([schema(indexed: false)]))
    try fixture.store.transaction { txn in
      try txn.tables().table("people").insertMany(
        (0..<1_000).map { [.integer(Int64($0)), .string("name \($0 % 10)")] })
    }
    if byOpening {
      let schema = try DatabaseSchema([schema(indexed: true)], version: 2)
      try fixture.store.openTables("tables", schema, buildsIndexesInSteps: true)
      // A program that starts again meanwhile begins nothing twice.
      try fixture.store.openTables("tables", schema, buildsIndexesInSteps: true)
    } else {
      try fixture.store.transaction { txn in try txn.tables().alterTable(schema(indexed: true), inSteps: true) }
    }
    #expect(try fixture.store.works().count == 1)
    _ = try fixture.store.transaction { txn in
      try txn.tables().table("people").insert([.integer(5_000), .string("name 3")])
    }
    let query = Query(.compare("name", .equal, .string("name 3")))
    func count() throws -> Int {
      try fixture.store.read { txn in try txn.tables().table("people").select(query).all().count }
    }
    #expect(try count() == 101)
    #expect(try fixture.finish(budget: 300) == 4)
    #expect(try count() == 101)
    let access = try fixture.store.read { txn in try txn.tables().table("people").explain(query).access }
    // The index holds all of the table's columns.
    #expect(access == .indexOnly("name"))
  }

  @Test("rows by a condition, with those that refer to them")
  func rows() throws {
    let fixture = try Fixture()
    let pets = TableSchema(
      "pets", columns: [ColumnDefinition("id", .int64), ColumnDefinition("owner", .int64)], primaryKey: ["id"],
      references: [ReferenceDefinition("owner", from: ["owner"], to: "people", onDelete: .cascade)])
    try fixture.store.openTables("tables", try DatabaseSchema([schema(indexed: true), pets]))
    try fixture.store.transaction { txn in
      let tables = try txn.tables()
      try tables.table("people").insertMany((0..<1_000).map { [.integer(Int64($0)), .string("name \($0 % 10)")] })
      try tables.table("pets").insertMany((0..<500).map { [.integer(Int64($0)), .integer(Int64($0))] })
      let people = try tables.table("people")
      try people.beginDeleting(where: .compare("name", .less, .string("name 5")))
      #expect(throws: StorageError.self) { try people.beginDeleting(where: .isNull("nothing")) }
    }
    // A row that comes in behind the cursor is looked at, one in front of it stays.
    _ = try fixture.store.step(budget: 300)
    try fixture.store.transaction { txn in
      let rows: [[ColumnValue]] = [[.integer(-1), .string("name 0")], [.integer(5_000), .string("name 0")]]
      try txn.tables().table("people").insertMany(rows)
    }
    #expect(try fixture.finish(budget: 300) == 3)
    try fixture.store.read { txn in
      let tables = try txn.tables()
      #expect(try tables.table("people").count() == 501)
      #expect(try tables.table("people").exists([.integer(-1)]))
      #expect(try tables.table("pets").count() == 250)
    }
    // A table that is dropped meanwhile has no rows to be deleted.
    try fixture.store.transaction { txn in try txn.tables().table("pets").beginDeleting(where: .always) }
    try fixture.store.transaction { txn in try txn.tables().dropTable("pets") }
    #expect(try fixture.finish(budget: 300) == 1)
  }

  @Test("volumes that were removed come first, and works in their order")
  func order() throws {
    let fixture = try Fixture()
    for name in ["first", "second"] {
      try fixture.store.createMap(name)
      try fixture.store.transaction { txn in
        for number in UInt8(0)..<100 { try txn.map(name).put([number], [number]) }
      }
    }
    try fixture.store.transaction { txn in try txn.map("first").beginDeletingRange() }
    try fixture.store.transaction { txn in try txn.map("second").beginDeletingRange(to: [50]) }
    let works = try fixture.store.works()
    #expect(works.map { $0.stepCount } == [0, 0] && works[0].id < works[1].id)
    _ = try fixture.store.step(budget: 60)
    #expect(try fixture.store.works().map { $0.stepCount } == [1, 0])
    #expect(try fixture.store.read { txn in try txn.map("second").count() } == 100)
    // The work on a volume that is gone is void.
    try fixture.store.removeVolume("first")
    #expect(try fixture.finish(budget: 60) == 2)
    #expect(try fixture.store.read { txn in try txn.map("second").count() } == 50)
  }

  @Test("work that can not be done is told each time, and can be broken off")
  func cancel() throws {
    let fixture = try Fixture()
    try fixture.store.transaction { txn in
      try txn.createBucket("media")
      try txn.createBucket("target")
      try txn.bucket("media").put("a", [1])
      try txn.bucket("media").beginCopyingAll(to: "target")
    }
    try fixture.store.transaction { txn in try txn.objects().deleteBucket("target") }
    for _ in 0..<2 { #expect(throws: StorageError.self) { try fixture.store.step(budget: 10) } }
    let work = try #require(try fixture.store.works().first)
    let stranger = fixture.store.acting(as: try Principal("stranger"))
    #expect(throws: StorageError.self) { try stranger.cancelWork(work.id) }
    #expect(try stranger.works().isEmpty)
    try fixture.store.cancelWork(work.id)
    #expect(throws: StorageError.notFound(Subject("long work", "\(work.id)"))) { try fixture.store.cancelWork(work.id) }
    #expect(try fixture.store.step(budget: 10))
  }

  @Test("work that a transaction of several calls begins starts with its commit")
  func staged() throws {
    let fixture = try Fixture()
    try fixture.store.createMap("map")
    try fixture.store.transaction { txn in try txn.map("map").put([1], [1]) }
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { txn in try txn.map("map").beginDeletingRange() }
    #expect(try fixture.store.works().isEmpty)
    #expect(try fixture.store.step(budget: 10))
    try fixture.store.commit(id)
    #expect(try fixture.store.works().count == 1)
    #expect(try fixture.finish(budget: 10) == 1)
    #expect(try fixture.store.read { txn in try txn.map("map").count() } == 0)
  }

  @Test("a check in pieces comes through everything, and finds damage", arguments: [3, 30, 100_000])
  func checks(budget: Int) throws {
    let fixture = try Fixture()
    try fixture.store.openTables("tables", try DatabaseSchema([schema(indexed: true)]))
    try fixture.store.createDisk("disk", DiskGeometry(blockCount: 100))
    try fixture.store.transaction { txn in
      try txn.createBucket("media")
      for number in 0..<20 { try txn.bucket("media").put(ObjectKey("\(number)"), bytes(number * 5_000)) }
      try txn.bucket("media").put("large", bytes(3 << 20))
      try txn.disk("disk").write(3, bytes(20 * 4096))
      try txn.tables().table("people").insertMany((0..<50).map { [.integer(Int64($0)), .string("\($0)")] })
    }
    for volume in ["objects", "disk", "tables"] {
      let whole = try fixture.store.check(volume: volume, deep: true)
      var cursor: CheckCursor?
      var (entries, dataBytes, pieces): (UInt64, UInt64, Int) = (0, 0, 0)
      repeat {
        let piece = try fixture.store.check(volume: volume, deep: true, after: cursor, budget: budget)
        #expect(piece.report.findings.isEmpty, "\(volume): \(piece.report.findings)")
        entries += piece.report.entryCount
        dataBytes += piece.report.dataByteCount
        pieces += 1
        // As a client would send it back.
        cursor = piece.next.map { CheckCursor($0.bytes) }
        try fixture.reopen()
      } while cursor != nil
      #expect(entries == whole.entryCount && dataBytes == whole.dataByteCount, "\(volume)")
      #expect(budget > 1_000 ? pieces == 1 : pieces > 1)
    }
    let other = try #require(try fixture.store.check(volume: "tables", after: nil, budget: 1).next)
    #expect(throws: StorageError.self) { try fixture.store.check(volume: "disk", after: other, budget: 1) }
    #expect(throws: StorageError.self) {
      try fixture.store.check(volume: "disk", after: CheckCursor([9]), budget: 1)
    }
  }

  @Test("a check in pieces tells data that do not match their digests")
  func damage() throws {
    let fixture = try Fixture()
    let pattern: [UInt8] = Array("a pattern that stands once on the device".utf8)
    try fixture.store.transaction { txn in
      try txn.createBucket("media")
      for number in 0..<10 { try txn.bucket("media").put(ObjectKey("\(number)"), bytes(50_000)) }
      try txn.bucket("media").put("5 damaged", bytes(50_000) + pattern)
    }
    try fixture.store.checkpoint()
    try fixture.store.close()
    try flip(pattern, in: fixture.memory)
    try fixture.reopen()
    var cursor: CheckCursor?
    var findings: [CheckFinding] = []
    repeat {
      let piece = try fixture.store.check(volume: "objects", deep: true, after: cursor, budget: 15)
      findings += piece.report.findings
      cursor = piece.next
    } while cursor != nil
    #expect(findings.count == 1 && findings.first?.kind == .damage, "\(findings)")
  }

  /// Changes a byte of the one place in a memory where a pattern stands.
  private func flip(_ pattern: [UInt8], in memory: any StableMemory) throws {
    var image = [UInt8](repeating: 0, count: Int(memory.pageCount * MemoryPage.byteCount))
    try BulkCopy.withMutableRawSpan(of: &image) { (bytes) throws(MemoryError) in try memory.read(at: 0, into: &bytes) }
    let place = try #require(image.firstRange(of: pattern)?.lowerBound)
    let changed = [image[place] ^ 1]
    try BulkCopy.withRawSpan(of: changed) { (bytes) throws(MemoryError) in
      try memory.write(bytes, at: UInt64(place))
    }
  }
}
