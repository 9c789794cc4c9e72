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
  ]

  @Test("each path takes its rights, no less", arguments: 0..<24)
  func eachPath(_ index: Int) throws {
    try #require(Self.paths.count == 24)
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
      #expect(try Self.allowed(fixture, body) == (left == nil), "\(name) without \(left?.description ?? "nothing")")
      try fixture.requireSound()
    }
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
