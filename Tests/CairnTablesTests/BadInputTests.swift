import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnTables

/// Whatever is wrong with what a program gives: a typed error that says so, and nothing of it is done.
@Suite("Tables: bad input")
struct BadInputTests {
  private typealias Rows = [String: [[ColumnValue]]]

  private static func rows(_ fixture: TableFixture) throws -> Rows {
    try fixture.read { tables in
      var rows: Rows = [:]
      for schema in try tables.schemas { rows[schema.name] = try tables.table(schema.name).select().all() }
      return rows
    }
  }

  private static func shown(_ error: StorageError?) -> String { error.map { "\($0)" } ?? "none" }

  /// Runs a change that must be refused, in a transaction that goes on, in one of its own, and in a multi-call transaction;
  /// what the error says, the same each time.
  private static func refused(
    _ fixture: TableFixture, _ what: String, _ body: @Sendable (TableVolume) throws -> Void
  ) throws -> StorageError? {
    let before = try rows(fixture)
    var errors: [StorageError] = []
    func note(_ run: () throws -> Void) {
      do {
        try run()
        Issue.record("accepted: \(what)")
      } catch let error as StorageError { errors.append(error) } catch { Issue.record("\(what): \(error)") }
    }
    // The transaction is committed behind the refusal.
    try fixture.change { tables in note { try body(tables) } }
    note { try fixture.change(body) }
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in note { try body(tables) } }
    note { try fixture.resume(id, body) }
    try fixture.store.commit(id)
    #expect(try rows(fixture) == before, "\(what) left something behind")
    #expect(Set(errors.map { "\($0)" }).count == 1, "\(what): \(errors)")
    try fixture.requireSound("\(what)")
    return errors.first
  }

  @Test("values of other types name the column, its type and the table")
  func wrongTypes() throws {
    let fixture = try Blog.fixture()
    let cases: [(String, @Sendable (TableVolume) throws -> Void, [String])] = [
      (
        "text for a number", { try $0.table("users").insert([text("x"), text("a"), text("a@b.c"), .null]) },
        ["column id of table users is int64", "a string"]
      ),
      (
        "a number for text", { try $0.table("users").insert([int(9), int(1), text("a@b.c"), .null]) },
        ["column name of table users is string"]
      ),
      (
        "a number too large", { try $0.table("users").insert([int(9), text("a"), text("a@b.c"), int(1 << 40)]) },
        ["column age of table users is int32", "1099511627776"]
      ),
      (
        "a fraction for an integer", { try $0.table("users").update([int(1)], [("age", .double(1.5))]) },
        ["column age of table users is int32"]
      ),
      (
        "bytes for text, where", { try $0.table("users").update(where: .always, [("name", .bytes([1]))]) },
        ["column name of table users is string"]
      ),
      (
        "text for a number, upsert", { try $0.table("posts").upsert([int(1), text("me"), text("t"), .double(0)]) },
        ["column author of table posts is int64"]
      ),
      (
        "a key of another type", { _ = try $0.table("users").delete([text("one")]) },
        ["column id of table users is int64"]
      ),
      ("a key of two values", { _ = try $0.table("users").get([int(1), int(2)]) }, ["has 1 columns, not 2"]),
      ("a row that is too short", { try $0.table("users").insert([int(1)]) }, ["4 columns", "the row has 1"]),
      (
        "a comparison with text", { _ = try $0.table("users").delete(where: .compare("age", .less, text("x"))) },
        ["age", "int32", "does not compare"]
      ),
      (
        "a search in numbers", { _ = try $0.table("users").count(.hasPrefix("age", text("x"))) },
        ["age", "int32", "can not be searched"]
      ),
      (
        "a second row of another type",
        {
          try $0.table("users").insertMany([
            [int(9), text("a"), text("a@b.c"), .null], [.bool(true), text("a"), text("b@b.c"), .null],
          ])
        },
        ["column id of table users is int64"]
      ),
    ]
    for (what, body, parts) in cases {
      let error = try Self.refused(fixture, what, body)
      for part in parts { #expect(Self.shown(error).contains(part), "\(what): \(Self.shown(error))") }
      guard case .invalidArgument? = error else {
        Issue.record("\(what): \(Self.shown(error))")
        continue
      }
    }
  }

  @Test("columns, tables and indexes that are not there are named")
  func unknownNames() throws {
    let fixture = try Blog.fixture()
    let cases: [(String, @Sendable (TableVolume) throws -> Void)] = [
      ("nope of table users", { try $0.table("users").insert(named: [("nope", int(1))]) }),
      ("nope of table users", { try $0.table("users").update([int(1)], [("name", text("x")), ("nope", int(1))]) }),
      ("nope of table users", { try $0.table("users").update(where: .always, [("nope", int(1))]) }),
      ("nope of table users", { _ = try $0.table("users").delete(where: .isNull("nope")) }),
      ("nope of table users", { _ = try $0.table("users").select(Query(order: [OrderTerm("nope")])) }),
      ("nope of table users", { _ = try $0.table("users").select(Query(columns: ["nope"])) }),
      ("nope of table users", { _ = try $0.table("users").select(Query(groupBy: ["nope"])) }),
      ("nope of table users", { _ = try $0.table("users").select(Query(aggregates: [Aggregate(.sum, "nope")])) }),
      (
        "nope between users and posts",
        { _ = try $0.table("users").select(Query(joins: [Join(.inner, "posts", reference: "nope")])) }
      ),
      ("nope", { _ = try $0.table("users").select(Query(joins: [Join(.inner, "nope", on: [("id", "id")])])) }),
      ("nope", { _ = try $0.table("nope").count() }),
      ("nope", { try $0.dropTable("nope") }),
      ("nope of table users", { _ = try $0.table("users").get(index: "nope", [int(1)]) }),
      ("nope of table users", { try $0.table("users").upsert([int(1), text("a"), text("a@b.c"), .null], on: "nope") }),
    ]
    for (name, body) in cases {
      guard case .notFound(let subject)? = try Self.refused(fixture, name, body) else {
        Issue.record("\(name): another error")
        continue
      }
      #expect("\(subject)".contains(name), "\(subject)")
    }
    let twice = try Self.refused(fixture, "twice") {
      try $0.table("users").insert(named: [("id", int(9)), ("id", int(8))])
    }
    #expect(Self.shown(twice).contains("given twice"))
  }

  @Test("each kind of violated rule names the rule, the table and the key")
  func violations() throws {
    let fixture = try Blog.fixture()
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "notes", columns: [ColumnDefinition("id", .int64), ColumnDefinition("post", .int64)], primaryKey: ["id"],
          references: [ReferenceDefinition("post", from: ["post"], to: "posts")]))
      try tables.table("notes").insert([int(1), int(2)])
    }
    let fine: [ColumnValue] = [int(20), text("a"), text("a@b.c"), .null]
    let cases: [(ConstraintViolation, @Sendable (TableVolume) throws -> Void)] = [
      (
        ConstraintViolation(.primaryKey, table: "users", name: "the primary key", key: "1"),
        { try $0.table("users").insert([int(1), text("a"), text("a@b.c"), .null]) }
      ),
      (
        ConstraintViolation(.primaryKey, table: "posts", name: "the primary key", key: "2"),
        { try $0.table("posts").update([int(1)], [("id", int(2))]) }
      ),
      (
        ConstraintViolation(.unique, table: "users", name: "email", key: "20"),
        { try $0.table("users").insert([int(20), text("a"), text("U1@example.org"), .null]) }
      ),
      (
        ConstraintViolation(.unique, table: "users", name: "email", key: "3"),
        { try $0.table("users").update(where: .isIn("id", [int(2), int(3)]), [("email", text("same@b.c"))]) }
      ),
      (
        ConstraintViolation(.notNull, table: "posts", name: "title", key: "20"),
        { try $0.table("posts").insert([int(20), int(1), .null, .double(0)]) }
      ),
      (
        ConstraintViolation(.check, table: "users", name: "adult", key: "2"),
        { try $0.table("users").update([int(2)], [("age", int(-1))]) }
      ),
      (
        ConstraintViolation(.validator, table: "users", name: "email of email", key: "20"),
        { try $0.table("users").insert([int(20), text("a"), text("nobody"), .null]) }
      ),
      (
        ConstraintViolation(.reference, table: "posts", name: "author", key: "20"),
        { try $0.table("posts").insert([int(20), int(99), text("t"), .double(0)]) }
      ),
      (
        ConstraintViolation(.reference, table: "posts", name: "author", key: "1"),
        { try $0.table("posts").update([int(1)], [("author", int(99))]) }
      ),
      // A cascade that ends at a row that must stay: the whole of it is refused.
      (
        ConstraintViolation(.referenced, table: "posts", name: "post", key: "2"),
        { _ = try $0.table("users").delete([int(2)]) }
      ),
      (
        ConstraintViolation(.referenced, table: "posts", name: "post", key: "2"),
        { _ = try $0.table("users").delete(where: .always) }
      ),
    ]
    for (expected, body) in cases {
      let error = try Self.refused(fixture, "\(expected)", body)
      #expect(error == .constraintViolated(expected))
    }
    #expect(try fixture.change { try $0.table("users").insert(fine)[0] } == int(20))
  }

  @Test("a deferred reference that is not mended refuses the commit, and names the row")
  func deferred() throws {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTables([
        TableSchema("a", columns: [ColumnDefinition("id", .int64)], primaryKey: ["id"]),
        TableSchema(
          "b", columns: [ColumnDefinition("id", .int64), ColumnDefinition("a", .int64)], primaryKey: ["id"],
          references: [ReferenceDefinition("r", from: ["a"], to: "a", isDeferred: true)]),
      ])
    }
    let expected = StorageError.constraintViolated(ConstraintViolation(.reference, table: "b", name: "r", key: "5"))
    #expect(throws: expected) { try fixture.change { try $0.table("b").insert([int(5), int(7)]) } }
    let id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("b").insert([int(5), int(7)]) }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    #expect(try Self.rows(fixture) == ["a": [], "b": []])
    try fixture.requireSound()
  }

  @Test("a cascade in a circle takes each row once, and one that must stay keeps all")
  func circles() throws {
    for onLast in [ReferenceAction.cascade, .restrict] {
      let fixture = try TableFixture()
      func table(_ name: String, to other: String, _ action: ReferenceAction) -> TableSchema {
        TableSchema(
          name, columns: [ColumnDefinition("id", .int64), ColumnDefinition("next", .int64, isOptional: true)],
          primaryKey: ["id"],
          references: [ReferenceDefinition("next", from: ["next"], to: other, onDelete: action, onUpdate: action)])
      }
      try fixture.change { tables in
        try tables.createTables([
          table("a", to: "b", .cascade), table("b", to: "c", .cascade), table("c", to: "a", onLast),
        ])
        for name in ["a", "b", "c"] { for id in 1...3 { try tables.table(name).insert([int(Int64(id)), .null]) } }
        for name in ["a", "b", "c"] {
          for id in 1...3 { try tables.table(name).update([int(Int64(id))], [("next", int(Int64(id)))]) }
        }
      }
      if onLast == .cascade {
        #expect(try fixture.change { try $0.table("b").delete([int(2)]) })
        let left = try Self.rows(fixture)
        #expect(left.values.allSatisfy { $0.map { $0[0] } == [int(1), int(3)] })
        // A new key goes around the circle as well.
        #expect(try fixture.change { try $0.table("a").update([int(3)], [("id", int(9))]) })
        #expect(try Self.rows(fixture)["c"] == [[int(1), int(1)], [int(3), int(9)]])
        // All at once, whatever refers to whatever.
        #expect(try fixture.change { try $0.table("c").delete(where: .always) } == 2)
        #expect(try Self.rows(fixture).values.allSatisfy { $0.isEmpty })
      } else {
        // c refers to a, which the cascade from b takes; c itself stays, so nothing may go.
        let error = try Self.refused(fixture, "circle") { _ = try $0.table("b").delete([int(2)]) }
        #expect(
          error == .constraintViolated(ConstraintViolation(.referenced, table: "a", name: "next", key: "2")))
      }
      try fixture.requireSound()
    }
  }

  @Test("a chain of references that is too long is refused before anything goes")
  func longChain() throws {
    let fixture = try TableFixture(pageCount: 512)
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "t", columns: [ColumnDefinition("id", .int64), ColumnDefinition("up", .int64, isOptional: true)],
          primaryKey: ["id"], references: [ReferenceDefinition("up", from: ["up"], to: "t", onDelete: .cascade)]))
      let table = try tables.table("t")
      for id in 0...Int64(ChangePlan.levelCountMax + 1) { try table.insert([int(id), id == 0 ? .null : int(id - 1)]) }
    }
    let error = try Self.refused(fixture, "chain") { _ = try $0.table("t").delete([int(0)]) }
    #expect(
      error == .limitExceeded(what: "references that one change may follow", limit: UInt64(ChangePlan.levelCountMax)))
    #expect(try fixture.change { try $0.table("t").delete([int(5)]) })
    #expect(try fixture.read { try $0.table("t").count() } == 5)
  }

  @Test("rows and keys beyond the limits")
  func oversized() throws {
    let fixture = try Blog.fixture()
    let long = String(repeating: "x", count: RowLayout.byteCountMax)
    let tooLong = try Self.refused(fixture, "long row") {
      try $0.table("posts").insert([int(20), int(1), text(long), .double(0)])
    }
    guard case .valueTooLarge(let byteCount, let limit)? = tooLong else {
      Issue.record("another error: \(Self.shown(tooLong))")
      return
    }
    #expect(byteCount > limit && limit == UInt64(RowLayout.byteCountMax))
    #expect(
      try Self.refused(fixture, "longer by an update") {
        _ = try $0.table("posts").update(where: .always, [("title", text(long))])
      } == tooLong)
    // An index has its values in its keys.
    guard
      case .invalidKey(let count, let keyLimit)? = try Self.refused(
        fixture, "long key",
        {
          try $0.table("users").insert([int(20), text("a"), text(String(repeating: "y", count: 2000) + "@b.c"), .null])
        }
      )
    else {
      // The validator of the address may refuse it first.
      return
    }
    #expect(count > keyLimit)
  }

  @Test("a key that is too long, and the longest row that there may be")
  func limits() throws {
    let fixture = try TableFixture(pageCount: 1024)
    try fixture.change {
      try $0.createTable(
        TableSchema(
          "t", columns: [ColumnDefinition("k", .string), ColumnDefinition("v", .bytes)], primaryKey: ["k"]))
    }
    let error = try Self.refused(fixture, "long key") {
      try $0.table("t").insert([text(String(repeating: "k", count: 5000)), .bytes([])])
    }
    guard case .invalidKey(let byteCount, let limit)? = error else {
      Issue.record("another error: \(Self.shown(error))")
      return
    }
    #expect(byteCount == 5002 && limit < 5000)
    let row: [ColumnValue] = [text("k"), .bytes([UInt8](repeating: 7, count: RowLayout.byteCountMax - 7))]
    try fixture.change { try $0.table("t").insert(row) }
    #expect(try fixture.read { try $0.table("t").get([text("k")]) } == row)
    try fixture.requireSound()
  }

  @Test("queries and predicates beyond the limits")
  func queries() throws {
    let fixture = try Blog.fixture()
    var deep = Predicate.isNull("age")
    for _ in 0..<Predicate.depthMax { deep = .not(deep) }
    let predicate = deep
    let tooDeep = try Self.refused(fixture, "deep") { _ = try $0.table("users").count(predicate) }
    #expect(tooDeep == .limitExceeded(what: "levels of a predicate", limit: UInt64(Predicate.depthMax)))
    let many = (0...Int64(Predicate.partCountMax)).map { int($0) }
    let tooMany = try Self.refused(fixture, "many") { _ = try $0.table("users").delete(where: .isIn("id", many)) }
    #expect(tooMany == .limitExceeded(what: "parts of a predicate", limit: UInt64(Predicate.partCountMax)))
    let token = try Self.refused(fixture, "token") {
      _ = try $0.table("users").select(Query(order: [OrderTerm("name")], after: PageToken([1, 2, 3]))).all()
    }
    guard case .invalidArgument? = token else {
      Issue.record("another error: \(Self.shown(token))")
      return
    }
  }
}
