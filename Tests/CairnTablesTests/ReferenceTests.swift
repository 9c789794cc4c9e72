import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: references")
struct ReferenceTests {
  private static func tree(
    _ onDelete: ReferenceAction, onUpdate: ReferenceAction = .restrict, isDeferred: Bool = false
  ) throws -> TableFixture {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "nodes",
          columns: [
            ColumnDefinition("id", .int64),
            ColumnDefinition("parent", .int64, isOptional: true, default: .value(int(0))),
          ],
          primaryKey: ["id"],
          references: [
            ReferenceDefinition(
              "parent", from: ["parent"], to: "nodes", onDelete: onDelete, onUpdate: onUpdate, isDeferred: isDeferred)
          ]))
    }
    return fixture
  }

  private static func rows(_ fixture: TableFixture) throws -> [[ColumnValue]] {
    try fixture.read { try $0.table("nodes").select(Query(order: [OrderTerm("id")])).all() }
  }

  @Test("a row must refer to one that is there")
  func missing() throws {
    let fixture = try Blog.fixture()
    try fixture.change { tables in
      let posts = try tables.table("posts")
      #expect(
        violation { try posts.insert([int(90), int(77), text("a"), .double(0)]) }
          == ConstraintViolation(.reference, table: "posts", name: "author", key: "90"))
      #expect(violation { try posts.update([int(1)], [("author", int(78))]) }?.kind == .reference)
      try posts.update([int(1)], [("author", int(2))])
    }
    try fixture.requireSound()
  }

  @Test("cascades take rows along, and new keys")
  func cascade() throws {
    let fixture = try Blog.fixture()
    try fixture.change { tables in
      let (users, posts) = (try tables.table("users"), try tables.table("posts"))
      #expect(try users.delete([int(2)]))
      #expect(try posts.get([int(2)]) == nil)
      #expect(try users.update([int(3)], [("id", int(30))]))
      #expect(try posts.get([int(3)])?[1] == int(30))
    }
    try fixture.requireSound()
  }

  @Test("restrict looks at what is left when all is done")
  func restrict() throws {
    let fixture = try Self.tree(.restrict)
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      try nodes.insertMany([[int(1), .null], [int(2), int(1)], [int(3), int(3)]])
      #expect(
        violation { try nodes.delete([int(1)]) }
          == ConstraintViolation(.referenced, table: "nodes", name: "parent", key: "1"))
      // A row that refers to itself does not stand in its own way.
      #expect(try nodes.delete([int(3)]))
      #expect(try nodes.delete([int(2)]))
      #expect(try nodes.delete([int(1)]))
    }
    try fixture.requireSound()
  }

  @Test("set null and set default")
  func setting() throws {
    let fixture = try Self.tree(.setNull)
    try fixture.change { tables in
      try tables.table("nodes").insertMany([[int(1), .null], [int(2), int(1)]])
      try tables.table("nodes").delete([int(1)])
    }
    #expect(try Self.rows(fixture) == [[int(2), .null]])
    let other = try Self.tree(.setDefault)
    try other.change { tables in
      let nodes = try tables.table("nodes")
      try nodes.insertMany([[int(1), .null], [int(2), int(1)]])
      #expect(violation { try nodes.delete([int(1)]) }?.kind == .reference)
      try nodes.insert([int(0), .null])
      try nodes.delete([int(1)])
    }
    #expect(try Self.rows(other) == [[int(0), .null], [int(2), int(0)]])
    try fixture.requireSound()
    try other.requireSound()
  }

  /// The values of such a reference stay the same, so for a while nobody looked whether they still referred to a row.
  @Test("a default that is the key of the row that goes refers to nothing", arguments: [false, true])
  func defaultThatGoes(isDeferred: Bool) throws {
    let fixture = try Self.tree(.setDefault, onUpdate: .setDefault, isDeferred: isDeferred)
    let rows = [[int(0), .null], [int(1), int(0)]]
    try fixture.change { try $0.table("nodes").insertMany(rows) }
    let broken = ConstraintViolation(.reference, table: "nodes", name: "parent", key: "1")
    #expect(violation { _ = try fixture.change { try $0.table("nodes").delete([int(0)]) } } == broken)
    #expect(violation { _ = try fixture.change { try $0.table("nodes").update([int(0)], [("id", int(5))]) } } == broken)
    #expect(try Self.rows(fixture) == rows)
    // What leaves the key alone, or takes the row that refers along, is allowed.
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      try nodes.update([int(0)], [("parent", int(1))])
      try nodes.update([int(0)], [("parent", .null)])
      #expect(try nodes.delete(where: .always) == 2)
    }
    try fixture.requireSound()
  }

  @Test("a cycle of cascades ends, and takes everything in it")
  func cycle() throws {
    let fixture = try Self.tree(.cascade, onUpdate: .cascade)
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      try nodes.insertMany([[int(1), .null], [int(2), int(1)], [int(3), int(2)]])
      try nodes.update([int(1)], [("parent", int(3))])
      // The key of one in the cycle is changed in those that refer to it.
      try nodes.update([int(2)], [("id", int(20))])
      #expect(try nodes.get([int(3)]) == [int(3), int(20)])
      try nodes.delete([int(3)])
      #expect(try nodes.count() == 0)
    }
    try fixture.requireSound()
  }

  @Test("a chain that is too long is refused, and nothing is half-done")
  func longChain() throws {
    let fixture = try Self.tree(.cascade)
    let count = Int64(ChangePlan.levelCountMax) + 2
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      for number in 1...count { try nodes.insert([int(number), number == 1 ? .null : int(number - 1)]) }
    }
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      #expect(
        throws: StorageError.limitExceeded(what: "references that one change may follow", limit: 1000)
      ) { try nodes.delete([int(1)]) }
      #expect(try nodes.count() == UInt64(count))
      #expect(try nodes.delete([int(2)]))
      #expect(try nodes.count() == 1)
    }
    try fixture.requireSound()
  }

  @Test("deferred references are looked at when the transaction commits")
  func deferred() throws {
    let fixture = try Self.tree(.restrict, isDeferred: true)
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      try nodes.insert([int(2), int(1)])
      try nodes.insert([int(1), int(2)])
    }
    #expect(
      violation { _ = try fixture.change { try $0.table("nodes").delete([int(1)]) } }
        == ConstraintViolation(.reference, table: "nodes", name: "parent", key: "2"))
    #expect(try Self.rows(fixture).count == 2)
    try fixture.change { tables in
      try tables.table("nodes").delete([int(1)])
      try tables.table("nodes").delete([int(2)])
    }
    let id = try fixture.store.begin()
    try fixture.resume(id) { try $0.table("nodes").insert([int(5), int(6)]) }
    #expect(violation { try fixture.store.commit(id) }?.key == "5")
    // It can still be put right.
    try fixture.resume(id) { try $0.table("nodes").insert([int(6), .null]) }
    try fixture.store.commit(id)
    #expect(try Self.rows(fixture) == [[int(5), int(6)], [int(6), .null]])
    try fixture.requireSound()
  }

  @Test(
    "a row that gets another key and refers to its own old one is followed like others",
    arguments: ReferenceAction.allCases)
  func ownOldKey(_ action: ReferenceAction) throws {
    let parent: ColumnValue? =
      switch action {
      case .cascade: int(2)
      case .setNull: .some(.null)
      case .setDefault: int(0)
      case .restrict: nil
      }
    let fixture = try Self.tree(.restrict, onUpdate: action)
    try fixture.change { tables in
      let nodes = try tables.table("nodes")
      for id in [0, 1] { try nodes.insert([int(Int64(id)), .null]) }
      let change = [("id", int(2)), ("parent", int(1))]
      guard let parent else {
        #expect(violation { try nodes.update([int(1)], change) }?.name == "parent")
        return
      }
      #expect(try nodes.update([int(1)], change))
      #expect(try nodes.get([int(2)]) == [int(2), parent])
      // Both at once, to the new key: nothing is left to follow.
      #expect(try nodes.update([int(2)], [("id", int(3)), ("parent", int(3))]))
      #expect(try nodes.get([int(3)]) == [int(3), int(3)])
    }
    try fixture.requireSound()
  }

  @Test("a table that others refer to is not dropped")
  func dropping() throws {
    let fixture = try Blog.fixture()
    #expect(throws: StorageError.self) { try fixture.change { try $0.dropTable("users") } }
    try fixture.change { tables in
      try tables.renameTable("users", to: "people")
      try tables.dropTable("posts")
      try tables.dropTable("people")
      #expect(try tables.schemas.isEmpty)
    }
    try fixture.requireSound()
  }
}
