import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: transactions of several calls")
struct MultiCallTests {
  @Test("reads its own writes, survives restarts, and takes effect at once")
  func ownWrites() throws {
    let fixture = try Blog.fixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in
      let users = try tables.table("users")
      #expect(try users.insert([.null, text("New"), text("new@x.y"), int(40)])[0] == int(6))
      try users.update([int(1)], [("name", text("Changed"))])
      try users.delete([int(2)])
    }
    try fixture.reopen(cleanly: false)
    try fixture.resume(id) { tables in
      let users = try tables.table("users")
      #expect(try users.get(index: "email", [text("new@x.y")])?[0] == int(6))
      #expect(try users.get([int(1)])?[1] == text("Changed"))
      #expect(try tables.table("posts").get([int(2)]) == nil)
      #expect(try users.insert([.null, text("Next"), text("next@x.y"), .null])[0] == int(7))
      #expect(try users.count(.compare("age", .equal, int(40))) == 1)
    }
    try fixture.read { tables in
      let users = try tables.table("users")
      #expect(try users.count() == 5)
      #expect(try users.get([int(1)])?[1] == text("User0"))
    }
    try fixture.store.commit(id)
    try fixture.reopen(cleanly: false)
    try fixture.read { tables in
      let users = try tables.table("users")
      #expect(try users.count() == 6)
      #expect(try tables.table("posts").count() == 4)
    }
    let next = try fixture.change { try $0.table("users").insert([.null, text("z"), text("z@z.z"), .null]) }
    #expect(next[0] == int(8))
    try fixture.requireSound()
  }

  @Test("rolls back, and leaves nothing")
  func rollback() throws {
    let fixture = try Blog.fixture()
    let before = fixture.store.space.free
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in
      try tables.createTable(TableSchema("new", columns: [ColumnDefinition("a", .int8)], primaryKey: ["a"]))
      for number in 0..<Int64(50) { try tables.table("new").insert([int(number)]) }
      try tables.table("users").delete(where: .always)
    }
    try fixture.store.rollback(id)
    #expect(try fixture.read { try $0.schemas.count } == 2)
    #expect(try fixture.read { try $0.table("users").count() } == 5)
    #expect(fixture.store.space.free >= before - 65536)
    try fixture.requireSound()
  }

  @Test("a row that another transaction changed is a conflict that names it")
  func conflicts() throws {
    let fixture = try Blog.fixture()
    // What it read has changed.
    var id = try fixture.store.begin()
    _ = try fixture.resume(id) { try $0.table("users").get([int(3)]) }
    try fixture.resume(id) { try $0.table("users").update([int(1)], [("name", text("a"))]) }
    try fixture.change { try $0.table("users").update([int(3)], [("name", text("b"))]) }
    #expect(throws: StorageError.conflict(volume: "tables", key: Array("users 3".utf8))) {
      try fixture.store.commit(id)
    }
    #expect(try fixture.read { try $0.table("users").get([int(1)]) }?[1] == text("User0"))
    // What a filter found would be more.
    id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").update(where: .compare("age", .equal, int(18)), [("age", int(1))]) }
    try fixture.change { try $0.table("users").insert([.null, text("x"), text("x@x.x"), int(18)]) }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    // The same key is given to two.
    id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").insert([int(60), text("p"), text("p@p.p"), .null]) }
    try fixture.change { try $0.table("users").insert([int(60), text("q"), text("q@q.q"), .null]) }
    #expect(throws: StorageError.conflict(volume: "tables", key: Array("users 60".utf8))) {
      try fixture.store.commit(id)
    }
    // Another number, but a value that must be unique.
    id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").insert([int(70), text("r"), text("r@r.r"), .null]) }
    try fixture.change { try $0.table("users").insert([int(71), text("r"), text("r@r.r"), .null]) }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    // The row that a new one refers to is gone.
    id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("posts").insert([int(70), int(3), text("r"), .double(0)]) }
    try fixture.change { try $0.table("users").delete([int(3)]) }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    // Rows that have nothing to do with one another.
    id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").insert([int(90), text("s"), text("s@s.s"), .null]) }
    try fixture.change { try $0.table("users").insert([int(91), text("t"), text("t@t.t"), .null]) }
    try fixture.store.commit(id)
    try fixture.requireSound()
  }

  @Test("numbers that count by themselves are given once, whoever is open and whatever is rolled back")
  func numbers() throws {
    let fixture = try Blog.fixture()
    func row(_ name: String) -> [ColumnValue] { [.null, text(name), text("\(name)@x.y"), .null] }
    func add(_ id: TransactionID, _ name: String) throws -> ColumnValue {
      try fixture.resume(id) { try $0.table("users").insert(row(name)) }[0]
    }
    let (first, second, third) = (try fixture.store.begin(), try fixture.store.begin(), try fixture.store.begin())
    #expect(try add(first, "a") == int(6))
    #expect(try add(second, "b") == int(7))
    #expect(try fixture.change { try $0.table("users").insert(row("c")) }[0] == int(8))
    try fixture.reopen(cleanly: false)
    #expect(try add(first, "d") == int(9))
    #expect(try add(third, "e") == int(10))
    // An explicit number counts, too, as soon as it is staged.
    try fixture.resume(third) { try $0.table("users").insert([int(20), text("f"), text("f@x.y"), .null]) }
    #expect(try add(second, "g") == int(21))
    // What fails or is rolled back leaves a gap at most.
    #expect(throws: StorageError.self) {
      try fixture.resume(first) { tables in
        try tables.table("users").insert(row("h"))
        throw StorageError.invalidArgument("no")
      }
    }
    try fixture.store.rollback(third)
    try fixture.store.commit(second)
    try fixture.store.commit(first)
    try fixture.read { tables in
      let rows = try tables.table("users").select(Query(order: [OrderTerm("id")], columns: ["id"])).all()
      #expect(rows.map { $0[0] } == [1, 2, 3, 4, 5, 6, 7, 8, 9, 21].map { int($0) })
    }
    let next = try fixture.change { try $0.table("users").insert(row("i")) }[0]
    #expect(next == int(22) || next == int(23))
    try fixture.requireSound()
    // A table that the transaction makes has its numbers with it, and a rolled back one leaves nothing of them.
    for isCommitted in [false, true] {
      let id = try fixture.store.begin()
      try fixture.resume(id) { tables in
        try tables.createTable(
          TableSchema("n", columns: [ColumnDefinition("id", .int64, isAutoIncrement: true)], primaryKey: ["id"]))
        #expect(try tables.table("n").insert([.null]) == [int(1)])
      }
      try fixture.requireSound()
      if isCommitted { try fixture.store.commit(id) } else { try fixture.store.rollback(id) }
      try fixture.requireSound()
    }
    #expect(try fixture.change { try $0.table("n").insert([.null]) } == [int(2)])
  }

  @Test("two that add rows do not wait for a prepared one")
  func preparedNumbers() throws {
    let fixture = try Blog.fixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").insert([.null, text("a"), text("a@x.y"), .null]) }
    try fixture.store.prepare(id)
    #expect(try fixture.change { try $0.table("users").insert([.null, text("b"), text("b@x.y"), .null]) }[0] == int(7))
    try fixture.store.commit(id)
    #expect(try fixture.read { try $0.table("users").count() } == 7)
    try fixture.requireSound()
  }

  @Test("a change of the schema is a conflict")
  func schemaConflict() throws {
    let fixture = try Blog.fixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("users").insert([int(90), text("s"), text("s@s.s"), .null]) }
    try fixture.change { try $0.renameTable("posts", to: "articles") }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
  }

  @Test("prepared, it holds what it relies on")
  func prepared() throws {
    let fixture = try Blog.fixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("posts").insert([int(70), int(3), text("r"), .double(0)]) }
    try fixture.store.prepare(id)
    #expect(throws: StorageError.self) { try fixture.change { try $0.table("users").delete([int(3)]) } }
    try fixture.change { try $0.table("users").update([int(1)], [("name", text("other"))]) }
    try fixture.store.commit(id)
    #expect(try fixture.read { try $0.table("posts").get([int(70)]) } != nil)
    try fixture.requireSound()
  }

  @Test("ten thousand rows in one transaction")
  func many() throws {
    let fixture = try TableFixture(pageCount: 4096)
    try fixture.change {
      try $0.createTable(
        TableSchema(
          "t", columns: [ColumnDefinition("id", .int32), ColumnDefinition("v", .string)], primaryKey: ["id"],
          indexes: [IndexDefinition("v", on: ["v"])]))
    }
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in
      let table = try tables.table("t")
      for number in 0..<Int64(10_000) { try table.insert([int(number), text("value \(number)")]) }
    }
    try fixture.store.commit(id)
    #expect(try fixture.read { try $0.table("t").count() } == 10_000)
  }
}
