import CairnBytes
import CairnMemory
import Testing

@testable import CairnBlocks
@testable import CairnTables
@testable import CairnVolumes

/// What was deleted is not on the device any more, as FORMAT.md says: in leaves at once, in blocks that are given up when no
/// view sees them and their commit is durable.
@Suite("Tables: deleted rows become zeros")
struct ErasureTests {
  private static let mark = Array("a secret that must not stay".utf8)

  /// How often the mark stands where blocks are, the journal and the images aside.
  private static func count(_ fixture: TableFixture) throws -> Int {
    let layout = fixture.store.core.device.core.layout
    let start = layout.groupStart * UInt64(layout.blockByteCount)
    let end = fixture.memory.pageCount * MemoryPage.byteCount
    var bytes = [UInt8](repeating: 0, count: Int(end - start))
    try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(MemoryError) in
      try fixture.memory.read(at: start, into: &span)
    }
    var found = 0
    var index = 0
    while index + mark.count <= bytes.count {
      if bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) { found += 1 }
      index += 1
    }
    return found
  }

  private static func filled(_ rowCount: Int64 = 60) throws -> TableFixture {
    let fixture = try TableFixture(pageCount: 128)
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "t", columns: [ColumnDefinition("id", .int64), ColumnDefinition("v", .bytes)], primaryKey: ["id"],
          indexes: [IndexDefinition("v", on: ["id"])]))
    }
    for number in 0..<rowCount {
      // Every tenth is too long for a leaf.
      let filler = [UInt8](repeating: 7, count: number % 10 == 0 ? 20_000 : 100)
      try fixture.change { try $0.table("t").insert([int(number), .bytes(filler + mark)]) }
    }
    try fixture.store.checkpoint()
    #expect(try count(fixture) >= Int(rowCount))
    return fixture
  }

  @Test("a table that is dropped, a volume that is removed, rows that are deleted or replaced", arguments: 0..<5)
  func gone(_ way: Int) throws {
    let fixture = try Self.filled()
    switch way {
    case 0: try fixture.change { try $0.dropTable("t") }
    case 1: try fixture.store.removeVolume("tables")
    case 2: try fixture.change { _ = try $0.table("t").delete(where: .always) }
    case 3: try fixture.change { _ = try $0.table("t").update(where: .always, [("v", .bytes([1]))]) }
    default:
      let id = try fixture.store.begin()
      try fixture.resume(id) { _ = try $0.table("t").delete(where: .always) }
      try fixture.store.commit(id)
    }
    try fixture.requireSound()
    // The leaves that stay go home, the blocks that were given up are zeros without it.
    try fixture.store.checkpoint()
    #expect(try Self.count(fixture) == 0)
    try fixture.reopen()
    try fixture.requireSound()
    #expect(try Self.count(fixture) == 0)
  }

  @Test("a clean close leaves none of the blocks behind")
  func close() throws {
    let fixture = try Self.filled()
    try fixture.change { try $0.dropTable("t") }
    try fixture.reopen()
    #expect(try Self.count(fixture) == 0)
  }

  @Test("as long as a view sees a row it can be read")
  func views() throws {
    let fixture = try Self.filled()
    let snapshot = try fixture.store.snapshot()
    try fixture.change { try $0.dropTable("t") }
    let table = try snapshot.transaction.tables().table("t")
    #expect(try table.count() == 60)
    for number in 0..<Int64(60) {
      guard case .bytes(let bytes)? = try table.get([int(number)])?[1] else {
        Issue.record("row \(number) is gone")
        continue
      }
      #expect(bytes.suffix(Self.mark.count).elementsEqual(Self.mark))
    }
    #expect(try Self.count(fixture) > 0)
    snapshot.end()
    try fixture.store.checkpoint()
    #expect(try Self.count(fixture) == 0)
    try fixture.requireSound()
  }

  @Test("rows of a transaction that staged them are not left in its own room")
  func staged() throws {
    let fixture = try TableFixture(pageCount: 128)
    try fixture.change {
      try $0.createTable(
        TableSchema(
          "t", columns: [ColumnDefinition("id", .int64), ColumnDefinition("v", .bytes)], primaryKey: ["id"]))
    }
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in
      for number in 0..<Int64(40) {
        try tables.table("t").insert([int(number), .bytes([UInt8](repeating: 7, count: 200) + Self.mark)])
      }
    }
    try fixture.store.checkpoint()
    try fixture.store.commit(id)
    try fixture.change { _ = try $0.table("t").delete(where: .always) }
    try fixture.store.checkpoint()
    #expect(try Self.count(fixture) == 0)
    try fixture.requireSound()
  }

  @Test("what a query laid aside does not stay either", arguments: [false, true])
  func laidAside(_ isWriting: Bool) throws {
    let fixture = try Self.filled()
    let query = Query(order: [OrderTerm("v")], memoryBudget: 1_000)
    let before = try Self.count(fixture)
    func ask(_ tables: TableVolume) throws {
      let rows = try tables.table("t").select(query)
      _ = try rows.next()
      let during = try Self.count(fixture)
      withExtendedLifetime(rows) { #expect(during > before) }
    }
    if isWriting { try fixture.change(ask) } else { try fixture.read(ask) }
    try fixture.change { try $0.dropTable("t") }
    try fixture.store.checkpoint()
    #expect(try Self.count(fixture) == 0)
    try fixture.requireSound()
  }

  @Test("a crash behind the deletion loses nothing but the rows")
  func crash() throws {
    let fixture = try Self.filled()
    try fixture.change { try $0.table("t").delete(where: .compare("id", .less, int(50))) }
    try fixture.reopen(cleanly: false)
    #expect(try fixture.read { try $0.table("t").count() } == 10)
    try fixture.requireSound()
    try fixture.change { try $0.table("t").insert([int(100), .bytes([1])]) }
    try fixture.requireSound()
  }
}
