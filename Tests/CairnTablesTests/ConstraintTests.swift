import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: what rows must obey")
struct ConstraintTests {
  @Test("a refused row changes nothing, and the transaction goes on")
  func refusals() throws {
    let fixture = try Blog.fixture()
    try fixture.change { tables in
      let users = try tables.table("users")
      let cases: [([ColumnValue], ConstraintViolation.Kind, String, String)] = [
        ([int(1), text("a"), text("a@b.c"), .null], .primaryKey, "the primary key", "1"),
        ([int(9), text("a"), text("u2@example.ORG"), .null], .unique, "email", "9"),
        ([int(9), .null, text("a@b.c"), .null], .notNull, "name", "9"),
        ([int(9), text("a"), text("a@b.c"), int(-1)], .check, "adult", "9"),
        ([int(9), text("a"), text("nobody"), .null], .validator, "email of email", "9"),
      ]
      for (row, kind, name, key) in cases {
        #expect(
          violation { try users.insert(row) } == ConstraintViolation(kind, table: "users", name: name, key: key))
      }
      #expect(
        violation { try users.update([int(1)], [("email", text("u1@example.org"))]) }
          == ConstraintViolation(.unique, table: "users", name: "email", key: "1"))
      #expect(
        violation { try users.update([int(1)], [("age", int(-5))]) }
          == ConstraintViolation(.check, table: "users", name: "adult", key: "1"))
      #expect(try users.count() == 5)
      try users.insert([int(9), text("fine"), text("fine@b.c"), .null])
    }
    #expect(try fixture.read { try $0.table("users").count() } == 6)
    try fixture.requireSound()
  }

  @Test("many rows are all or nothing")
  func manyRows() throws {
    let fixture = try Blog.fixture()
    let rows = [
      [int(50), text("a"), text("a@b.c"), .null], [int(51), text("a"), text("A@b.c"), .null],
    ]
    #expect(throws: StorageError.self) {
      try fixture.change { tables in
        let users = try tables.table("users")
        try? users.insertMany(rows)
        // The first row is there; the transaction must not be committed with it.
        try users.insert([int(60), text("z"), text("z@b.c"), .null])
      }
    }
    #expect(try fixture.read { try $0.table("users").count() } == 5)
  }

  @Test("nulls are different from each other in a unique index; partial ones leave rows out")
  func partialIndexes() throws {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "t",
          columns: [
            ColumnDefinition("id", .int64), ColumnDefinition("a", .int32, isOptional: true),
            ColumnDefinition("b", .string, isOptional: true),
          ],
          primaryKey: ["id"],
          indexes: [
            IndexDefinition("ab", on: ["a", "b"], isUnique: true),
            IndexDefinition("a", on: ["a"], whereNotNull: ["b"]),
          ]))
      let table = try tables.table("t")
      try table.insert([int(1), .null, text("x")])
      try table.insert([int(2), .null, text("x")])
      try table.insert([int(3), int(5), text("x")])
      #expect(violation { try table.insert([int(4), int(5), text("x")]) }?.name == "ab")
      try table.insert([int(4), int(5), .null])
      let entries = try #require(tables.catalog.tables.first).indexes[1]
      #expect(try tables.tree(entries).count() == 3)
      // Only a filter that leaves the same rows out may use the partial index.
      #expect(try table.explain(Query(.compare("a", .equal, int(5)))).access != .index("a"))
      let filter = Predicate.and([.compare("a", .equal, int(5)), .not(.isNull("b"))])
      #expect(try table.select(Query(filter)).all().map { $0[0] } == [int(3)])
    }
    try fixture.requireSound()
  }

  @Test("a rule with a closure binds programs that have it, and keeps others from writing")
  func closures() throws {
    let fixture = try TableFixture()
    let schema = TableSchema(
      "t",
      columns: [
        ColumnDefinition("id", .int64),
        ColumnDefinition(
          "code", .string,
          sanitizers: [.custom("dashes") { if case .string(let text) = $0 { .string(text + "-") } else { $0 } }],
          validators: [.custom("short") { if case .string(let text) = $0 { text.utf8.count < 5 } else { true } }]),
      ], primaryKey: ["id"])
    try fixture.change { try $0.createTable(schema) }
    try fixture.change { tables in
      let table = try tables.table(schema)
      #expect(try table.insert([int(1), text("abc")])[1] == text("abc-"))
      #expect(violation { try table.insert([int(2), text("abcd")]) }?.kind == .validator)
    }
    #expect(throws: StorageError.self) {
      try fixture.change { tables in try tables.table("t").insert([int(2), text("a")]) }
    }
    #expect(try fixture.read { try $0.table("t").get([int(1)]) }?[1] == text("abc-"))
    var other = schema
    other.columns[1].isOptional = true
    #expect(throws: StorageError.self) { try fixture.read { try $0.table(other) } }
  }

  @Test("schemas that make no sense are refused, with a reason")
  func badSchemas() throws {
    let id = ColumnDefinition("id", .int64)
    let cases: [(TableSchema, String)] = [
      (TableSchema("t", columns: [], primaryKey: []), "0 columns"),
      (TableSchema("t", columns: [id], primaryKey: []), "the primary key of table t has 0 columns"),
      (TableSchema("t", columns: [id, id], primaryKey: ["id"]), "two of the column id"),
      (TableSchema("t.x", columns: [id], primaryKey: ["id"]), "without dots"),
      (
        TableSchema("t", columns: [ColumnDefinition("id", .int64, isOptional: true)], primaryKey: ["id"]),
        "may not be optional"
      ),
      (
        TableSchema("t", columns: [ColumnDefinition("id", .string, isAutoIncrement: true)], primaryKey: ["id"]),
        "must be an integer"
      ),
      (
        TableSchema("t", columns: [ColumnDefinition("id", .int8, default: .value(int(300)))], primaryKey: ["id"]),
        "does not fit"
      ),
      (
        TableSchema("t", columns: [id], primaryKey: ["id"], indexes: [IndexDefinition("x", on: ["y"])]),
        "names no column by y"
      ),
      (
        TableSchema(
          "t", columns: [id], primaryKey: ["id"], references: [ReferenceDefinition("r", from: ["id"], to: "none")]),
        "is to table none, which is not there"
      ),
      (
        TableSchema(
          "t", columns: [id], primaryKey: ["id"],
          references: [ReferenceDefinition("r", from: ["id"], to: "t", onDelete: .setNull)]), "may not be null"
      ),
      (
        TableSchema("t", columns: [id], primaryKey: ["id"], checks: [CheckDefinition("c", .isNull("q"))]),
        "no column q"
      ),
    ]
    let fixture = try TableFixture()
    for (schema, part) in cases {
      do {
        try fixture.change { try $0.createTable(schema) }
        Issue.record("accepted: \(part)")
      } catch { #expect("\(error)".contains(part), "\(error)") }
    }
    #expect(try fixture.read { try $0.schemas.count } == 0)
  }
}
