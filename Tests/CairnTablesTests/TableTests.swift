import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: rows by key")
struct TableTests {
  @Test("gives numbers, sanitizes, and finds rows by key and by unique index")
  func insertAndGet() throws {
    let fixture = try Blog.fixture()
    try fixture.reopen()
    try fixture.read { tables in
      let users = try tables.table("users")
      #expect(try users.get([int(2)]) == [int(2), text("User1"), text("u1@example.org"), int(19)])
      #expect(try users.get(index: "email", [text("u3@example.org")])?[0] == int(4))
      #expect(try users.get([int(99)]) == nil)
      #expect(try users.exists([int(5)]))
      #expect(try users.count() == 5)
      #expect(try users.withRow([int(4)]) { (row) throws(StorageError) in try row.isNull(3) } == true)
      #expect(try users.withRow([int(1)]) { (row) throws(StorageError) in try row.string(1) } == "User0")
      #expect(try tables.table("posts").get([int(3)])?[3] == .double(1))
      #expect(try tables.schemas.map { $0.name } == ["users", "posts"])
    }
    try fixture.requireSound()
  }

  @Test("never gives a number twice, also after its row and the store are gone")
  func autoIncrement() throws {
    let fixture = try Blog.fixture(userCount: 2)
    try fixture.change { tables in try tables.table("users").delete([int(2)]) }
    try fixture.reopen(cleanly: false)
    let row = try fixture.change { tables in
      try tables.table("users").insert([.null, text("x"), text("x@y.z"), .null])
    }
    #expect(row[0] == int(3))
    let far = try fixture.change { tables in
      try tables.table("users").insert([int(100), text("x"), text("far@y.z"), .null])
      return try tables.table("users").insert([.null, text("x"), text("next@y.z"), .null])
    }
    #expect(far[0] == int(101))
    try fixture.requireSound()
  }

  @Test("fills columns that are not named with their defaults")
  func defaults() throws {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "t",
          columns: [
            ColumnDefinition("id", .uniqueID, default: .randomID),
            ColumnDefinition("at", .timestamp, default: .now),
            ColumnDefinition("n", .int16, default: .value(int(7))),
            ColumnDefinition("note", .string, isOptional: true),
          ], primaryKey: ["id"]))
    }
    let row = try fixture.change { tables in try tables.table("t").insert(named: [("note", text("hello"))]) }
    guard case .uniqueID = row[0] else {
      Issue.record("no identifier: \(row)")
      return
    }
    #expect(row[1] == .timestamp(Timestamp(nanosecondsSince1970: 1_000_000_000_000)))
    #expect(row[2] == int(7))
    #expect(row[3] == text("hello"))
    #expect(throws: StorageError.notFound(Subject("column", "nothing of table t"))) {
      try fixture.change { tables in try tables.table("t").insert(named: [("nothing", .null)]) }
    }
  }

  @Test("updates some columns, replaces rows, upserts by key and by index")
  func changes() throws {
    let fixture = try Blog.fixture()
    try fixture.change { tables in
      let users = try tables.table("users")
      #expect(try users.update([int(1)], [("name", text(" New ")), ("age", .null)]))
      #expect(try users.get([int(1)]) == [int(1), text("New"), text("u0@example.org"), .null])
      #expect(try !users.update([int(77)], [("age", .null)]))
      #expect(try users.replace([int(2), text("B"), text("b@b.b"), int(1)]))
      #expect(try users.get(index: "email", [text("u1@example.org")]) == nil)
      #expect(try users.get(index: "email", [text("b@b.b")]) == [int(2), text("B"), text("b@b.b"), int(1)])
      #expect(try !users.upsert([int(2), text("C"), text("c@b.b"), int(2)]))
      #expect(try !users.upsert([.null, text("D"), text("C@b.b"), int(3)], on: "email"))
      #expect(try users.get([int(2)]) == [int(2), text("D"), text("c@b.b"), int(3)])
      #expect(try users.upsert([.null, text("E"), text("e@b.b"), int(4)], on: "email"))
      #expect(try users.count() == 6)
    }
    try fixture.requireSound()
  }

  @Test("keeps values of every type, at their limits")
  func everyType() throws {
    let fixture = try TableFixture()
    let columns = ColumnType.allCases.map { ColumnDefinition("c_\($0.name)", $0, isOptional: true) }
    let schema = TableSchema(
      "t", columns: [ColumnDefinition("id", .int64)] + columns, primaryKey: ["id"],
      indexes: columns.map { IndexDefinition("i_" + $0.name, on: [$0.name]) })
    let rows: [[ColumnValue]] = [
      [
        int(1), int(-128), int(-32768), int(Int64(Int32.min)), int(.min), .unsigned(255), .unsigned(65535),
        .unsigned(UInt64(UInt32.max)), .unsigned(.max), .double(-0.0), .decimal(try #require(ExactDecimal("-12.50"))),
        .bool(true), text("a\u{0}b"), .bytes([0, 255, 0]), .date(try #require(CalendarDate("2026-11-25"))),
        .timestamp(Timestamp(nanosecondsSince1970: .min)), .uniqueID(UniqueID(high: 1, low: .max)),
        .principal(try Principal([0, 1])),
      ],
      [int(2)] + columns.map { _ in .null },
    ]
    try fixture.change { tables in
      try tables.createTable(schema)
      try tables.table("t").insertMany(rows)
    }
    try fixture.reopen()
    try fixture.read { tables in
      let table = try tables.table("t")
      #expect(try table.get([int(1)]) == rows[0])
      #expect(try table.get([int(2)]) == rows[1])
      for (index, column) in columns.enumerated() {
        let found = try table.select(Query(.compare(column.name, .equal, rows[0][index + 1]))).all()
        #expect(found == [rows[0]], "column \(column.name)")
        let nulls = try table.select(Query(.isNull(column.name))).all()
        #expect(nulls == [rows[1]], "column \(column.name)")
      }
    }
    try fixture.requireSound()
  }

  @Test("removes a volume with everything in it")
  func removal() throws {
    let fixture = try Blog.fixture(userCount: 50)
    let free = fixture.store.space.free
    try fixture.store.transaction { (transaction) throws(StorageError) in try transaction.removeVolume("tables") }
    #expect(fixture.store.space.free > free)
    try fixture.requireSound()
    try fixture.store.createTables()
    #expect(try fixture.read { try $0.schemas.count } == 0)
  }

  @Test("says what is wrong with what it is given")
  func badInput() throws {
    let fixture = try Blog.fixture()
    func message(_ body: (Table) throws -> Void) -> String {
      do {
        try fixture.change { tables in try body(try tables.table("users")) }
        return ""
      } catch { return "\(error)" }
    }
    #expect(message { _ = try $0.get([text("a")]) } == "column id of table users is int64 and can not hold a string")
    #expect(message { try $0.insert([.null]) } == "table users has 4 columns; the row has 1")
    #expect(
      message { try $0.insert([.null, text("a"), text("a@b.c"), int(1 << 40)]) }
        == "column age of table users is int32 and can not hold an integer 1099511627776")
    #expect(message { _ = try $0.get(index: "age", [int(1)]) } == "index age of table users is not unique")
    #expect(message { _ = try $0.select(Query(.isNull("nope"))) } == "there is no column nope of table users")
    #expect(
      message { _ = try $0.select(Query(.compare("name", .less, int(1)))) }
        == "column users.name is string and does not compare with an integer")
    #expect(
      message { try $0.insert([.null, text(String(repeating: "x", count: 1_000_001)), text("a@b.c"), .null]) }
        == "a value of 1000021 bytes; the limit is 1000000")
    #expect(message { _ = try $0.get([]) } == "the primary key of table users has 1 columns, not 0")
    #expect(try fixture.read { try $0.table("users").count() } == 5)
  }
}
