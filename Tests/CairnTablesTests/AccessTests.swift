import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: who may do what")
struct AccessTests {
  private static let ada: Principal? = try? Principal("ada")

  private static func allowed(
    _ fixture: TableFixture, _ body: (TableVolume) throws -> Void
  ) throws -> Bool {
    do {
      try fixture.change(as: ada) { tables in try body(tables) }
      return true
    } catch StorageError.accessDenied(let principal, _, let volume) {
      #expect(principal == Array("ada".utf8))
      #expect(volume.hasPrefix("tables"))
      return false
    }
  }

  /// Every path, with the rights that it takes. What works is undone.
  private static let paths: [(String, TableRights, @Sendable (TableVolume) throws -> Void)] = [
    ("get", .read, { _ = try $0.table("users").get([int(1)]) }),
    ("get by index", .read, { _ = try $0.table("users").get(index: "email", [text("a")]) }),
    ("exists", .read, { _ = try $0.table("users").exists([int(1)]) }),
    ("with row", .read, { _ = try $0.table("users").withRow([int(1)]) { (_) throws(StorageError) in } }),
    ("select", .read, { _ = try $0.table("users").select() }),
    ("for each", .read, { try $0.table("users").forEach { (_) throws(StorageError) in true } }),
    ("count", .read, { _ = try $0.table("users").count() }),
    ("explain", .read, { _ = try $0.table("users").explain() }),
    ("join", .read, { _ = try $0.table("posts").select(Query(joins: [Join(.inner, "users", reference: "author")])) }),
    ("analyze", .read, { try $0.analyze("users") }),
    ("insert", .insert, { try $0.table("users").insert([.null, text("n"), text("n@n.n"), .null]) }),
    ("insert many", .insert, { try $0.table("users").insertMany([[.null, text("n"), text("m@n.n"), .null]]) }),
    ("upsert", [.insert, .update], { try $0.table("users").upsert([int(1), text("n"), text("o@n.n"), .null]) }),
    ("update", .update, { try $0.table("users").update([int(1)], [("age", int(3))]) }),
    ("replace", .update, { try $0.table("users").replace([int(1), text("n"), text("p@n.n"), .null]) }),
    ("update where", [.read, .update], { try $0.table("users").update(where: .always, [("age", int(3))]) }),
    ("delete", .delete, { try $0.table("users").delete([int(1)]) }),
    ("delete where", [.read, .delete], { try $0.table("users").delete(where: .compare("id", .equal, int(2))) }),
    ("alter", .admin, { try $0.alterTable(Blog.users) }),
    ("rename", .admin, { try $0.renameTable("users", to: "people") }),
    ("grant", .admin, { try $0.grant(.read, on: "users", to: try Principal("eve")) }),
    ("revoke", .admin, { try $0.revoke(try Principal("ada"), on: "users") }),
    ("grants", .admin, { _ = try $0.grants(on: "users") }),
    ("open", .admin, { try $0.setRestricted(false, "users") }),
    ("schema", .read, { try AccessTests.requireSeen("users", $0) }),
    (
      "drop", .admin,
      {
        try $0.dropTable("posts")
        try $0.dropTable("users")
      }
    ),
    (
      "union", .read,
      {
        _ = try $0.table("users").select(Query(.or([.isNull("age"), .compare("id", .equal, int(1))]))).all()
      }
    ),
    (
      "groups", .read,
      { _ = try $0.table("users").select(Query(groupBy: ["age"], aggregates: [Aggregate(.count)])).all() }
    ),
    (
      "left join", .read,
      { _ = try $0.table("posts").select(Query(joins: [Join(.left, "users", on: [("author", "id")])])) }
    ),
    (
      "upsert on an index", [.insert, .update],
      {
        try $0.table("users").upsert([int(1), text("n"), text("u0@example.org"), .null], on: "email")
      }
    ),
    (
      "insert by names", .insert,
      {
        try $0.table("users").insert(named: [("id", .null), ("name", text("n")), ("email", text("q@n.n"))])
      }
    ),
    (
      "build indexes", .admin,
      {
        var schema = Blog.users
        schema.indexes.append(IndexDefinition("name", on: ["name"]))
        try $0.alterTable(schema)
      }
    ),
  ]

  /// A schema is seen by those who have some right on its table.
  private static func requireSeen(_ name: String, _ tables: TableVolume) throws {
    if try tables.schemas.contains(where: { $0.name == name }) { return }
    throw StorageError.accessDenied(principal: Array("ada".utf8), right: "read", volume: "tables")
  }

  @Test("each path takes its rights, no less", arguments: 0..<32)
  func eachPath(_ index: Int) throws {
    try #require(Self.paths.count == 32)
    let (name, needed, body) = Self.paths[index]
    let all: [TableRights] = [.read, .insert, .update, .delete, .admin]
    for left in [nil] + all.filter({ needed.contains($0) }) {
      let fixture = try Blog.fixture()
      let ada = try #require(Self.ada)
      try fixture.grant(.write, to: ada)
      try fixture.change { tables in
        // What references take along is not what this is about.
        try tables.grant(.all, on: "posts", to: ada)
        try tables.setRestricted(true, "users")
        let rights = left.map { needed.subtracting($0) } ?? needed
        if !rights.isEmpty { try tables.grant(rights, on: "users", to: ada) }
        // With a grant there is something to revoke.
        if name == "revoke" && rights.isEmpty { try tables.grant(.read, on: "users", to: ada) }
      }
      let title = "\(name) without \(left?.description ?? "nothing")"
      let before = try fixture.read { try $0.table("users").select().all() }
      try Self.tryInCalls(fixture, body, isAllowed: left == nil, title)
      #expect(try fixture.read { try $0.table("users").select().all() } == before, "\(title)")
      #expect(try Self.allowed(fixture, body) == (left == nil), "\(title)")
      try fixture.requireSound()
    }
  }

  /// The same in a call of a multi-call transaction, which is rolled back.
  private static func tryInCalls(
    _ fixture: TableFixture, _ body: (TableVolume) throws -> Void, isAllowed: Bool, _ title: String
  ) throws {
    let store = fixture.store.acting(as: ada)
    let id = try store.begin()
    var isDone = false
    do throws(StorageError) {
      try store.resume(id) { (transaction) throws(StorageError) in
        do { try body(try transaction.tables()) } catch {
          throw error as? StorageError ?? .invalidArgument("\(error)")
        }
      }
      isDone = true
    } catch {
      guard case .accessDenied = error else { Issue.record("\(title): \(error)"); return }
    }
    #expect(isDone == isAllowed, "\(title), in a call")
    try store.rollback(id)
  }

  @Test("tables are made, and migrations run, by administrators of the volume")
  func administration() throws {
    let fixture = try Blog.fixture()
    let ada = try #require(Self.ada)
    let new = TableSchema("new", columns: [ColumnDefinition("id", .int64)], primaryKey: ["id"])
    let paths: [@Sendable (TableVolume) throws -> Void] = [
      { try $0.createTable(new) }, { try $0.open(try DatabaseSchema([Blog.users, Blog.posts, new])) },
    ]
    try fixture.grant(.write, to: ada)
    try fixture.change { for name in ["users", "posts"] { try $0.grant(.all, on: name, to: ada) } }
    for body in paths { #expect(try !Self.allowed(fixture, body)) }
    #expect(try fixture.read { try $0.schemas.count } == 2)
    try fixture.grant(.admin, to: ada)
    for body in paths.reversed() {
      #expect(try Self.allowed(fixture) { if try $0.schemas.count == 3 { try $0.dropTable("new") } })
      #expect(try Self.allowed(fixture, body))
    }
    try fixture.requireSound()
  }

  @Test("the volume's rights count until a table is restricted, and are needed then, too")
  func volumeRights() throws {
    let fixture = try Blog.fixture()
    let ada = try #require(Self.ada)
    #expect(throws: StorageError.self) { try fixture.read(as: ada) { try $0.table("users").count() } }
    try fixture.grant(.read, to: ada)
    #expect(try fixture.read(as: ada) { try $0.table("users").count() } == 5)
    #expect(try !Self.allowed(fixture) { try $0.table("users").insert([.null, text("n"), text("n@n.n"), .null]) })
    try fixture.grant(.write, to: ada)
    #expect(try Self.allowed(fixture) { try $0.table("users").insert([.null, text("n"), text("n@n.n"), .null]) })
    #expect(
      try !Self.allowed(fixture) {
        try $0.createTable(TableSchema("t", columns: [ColumnDefinition("a", .int8)], primaryKey: ["a"]))
      })
    try fixture.change { try $0.setRestricted(true, "users") }
    #expect(try !Self.allowed(fixture) { _ = try $0.table("users").count() })
    #expect(try fixture.read(as: ada) { try $0.schemas.map { $0.name } } == ["posts"])
    try fixture.grant(.admin, to: ada)
    #expect(try Self.allowed(fixture) { _ = try $0.table("users").count() })
  }

  @Test("what references take along needs the right there, too")
  func cascades() throws {
    let fixture = try Blog.fixture()
    let ada = try #require(Self.ada)
    try fixture.grant(.write, to: ada)
    try fixture.change { try $0.grant([.read, .insert, .update], on: "posts", to: ada) }
    #expect(try !Self.allowed(fixture) { try $0.table("users").delete([int(1)]) })
    #expect(try fixture.read { try $0.table("users").count() } == 5)
    try fixture.change { try $0.grant(.delete, on: "posts", to: ada) }
    #expect(try Self.allowed(fixture) { try $0.table("users").delete([int(1)]) })
  }

  @Test("rights are looked at again when a transaction commits")
  func commit() throws {
    let fixture = try Blog.fixture()
    let ada = try #require(Self.ada)
    try fixture.grant(.write, to: ada)
    try fixture.change { tables in
      try tables.grant(.all, on: "users", to: ada)
      try tables.grant(.all, on: "posts", to: ada)
    }
    let store = fixture.store.acting(as: ada)
    let id = try store.begin()
    try store.resume(id) { (transaction) throws(StorageError) in
      _ = try transaction.tables().table("users").delete([int(1)])
    }
    try fixture.change { try $0.revoke(ada, on: "users") }
    do {
      try store.commit(id)
      Issue.record("committed without the right")
    } catch {
      guard case .accessDenied(_, "delete", _) = error else {
        Issue.record("another error: \(error)")
        return
      }
    }
    #expect(try fixture.read { try $0.table("users").count() } == 5)
  }
}
