import CairnBlocks
import CairnMemory
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: schemas that change")
struct MigrationTests {
  private static let first = TableSchema(
    "people", columns: [ColumnDefinition("id", .int64), ColumnDefinition("name", .string)], primaryKey: ["id"])

  private static func fixture(rowCount: Int64 = 20) throws -> TableFixture {
    let fixture = try TableFixture(pageCount: 512)
    try fixture.store.openTables("tables", try DatabaseSchema([first]))
    try fixture.change { tables in
      for number in 0..<rowCount { try tables.table("people").insert([int(number), text("Name \(number)")]) }
    }
    return fixture
  }

  @Test("schemas are told apart when the environment's random numbers repeat")
  func repeatingNumbers() throws {
    let environment = Environment(now: { 1_000_000 }, random: { 7 })
    let options = StoreOptions(filesystems: [TableFilesystem()], environment: environment)
    let store = try Store.create(on: HeapMemory(pageCount: 256), format: FormatOptions(), options: options)
    func columns() throws -> [String] {
      try store.read { (transaction) throws(StorageError) in
        try transaction.tables().table("people").schema.columns.map { $0.name }
      }
    }
    func alter(adding name: String, _ end: StorageError? = nil) throws {
      try store.transaction { (transaction) throws(StorageError) in
        var schema = try transaction.tables().table("people").schema
        schema.columns.append(ColumnDefinition(name, .int8, isOptional: true))
        try transaction.tables().alterTable(schema)
        #expect(try transaction.tables().table("people").schema.columns.last?.name == name)
        if let end { throw end }
      }
    }
    for name in ["first", "second"] {
      // Another life of the volume, with another schema.
      try store.createTables()
      try store.transaction { (transaction) throws(StorageError) in
        var schema = Self.first
        schema.columns.append(ColumnDefinition(name, .string))
        try transaction.tables().createTable(schema)
      }
      #expect(try columns() == ["id", "name", name])
      // What was rolled back is not taken for what comes next.
      #expect(throws: StorageError.readOnly) { try alter(adding: "a", .readOnly) }
      #expect(try columns() == ["id", "name", name])
      try alter(adding: "b")
      try alter(adding: "c")
      #expect(try columns() == ["id", "name", name, "b", "c"])
      #expect(try store.begin() != store.begin())
      for transaction in try store.transactions() { try store.rollback(transaction.id) }
      try store.removeVolume("tables")
    }
  }

  @Test("opening with the same schemas changes nothing")
  func same() throws {
    let fixture = try Self.fixture()
    let sequence = fixture.store.space
    try fixture.reopen()
    try fixture.store.openTables("tables", try DatabaseSchema([Self.first]))
    #expect(fixture.store.space.free == sequence.free)
    #expect(try fixture.change { try $0.table(Self.first).count() } == 20)
  }

  @Test("new tables, columns with defaults, optional columns, indexes, checks and references come by themselves")
  func additive() throws {
    let fixture = try Self.fixture()
    var second = Self.first
    second.columns.insert(ColumnDefinition("age", .int32, isOptional: true), at: 1)
    second.columns.append(ColumnDefinition("city", .string, default: .value(text("Zug"))))
    second.columns.append(ColumnDefinition("group", .int64, isOptional: true))
    second.indexes = [IndexDefinition("name", on: ["name"], isUnique: true), IndexDefinition("city", on: ["city"])]
    second.checks = [CheckDefinition("named", .compare("name", .notEqual, text("")))]
    second.references = [ReferenceDefinition("group", from: ["group"], to: "groups", onDelete: .setNull)]
    let groups = TableSchema("groups", columns: [ColumnDefinition("id", .int64)], primaryKey: ["id"])
    let schema = try DatabaseSchema([second, groups], version: 2)
    try fixture.store.openTables("tables", schema)
    try fixture.read { tables in
      let people = try tables.table(second)
      #expect(try people.get([int(3)]) == [int(3), .null, text("Name 3"), text("Zug"), .null])
      #expect(try people.select(Query(.compare("city", .equal, text("Zug")))).all().count == 20)
      #expect(try people.get(index: "name", [text("Name 7")])?[0] == int(7))
      // Rows of both shapes go through every kind of condition.
      #expect(try people.count(.isNull("group")) == 20)
      #expect(try people.count(.hasPrefix("city", text("Z"))) == 20)
      #expect(try people.count(.compare("age", .less, int(4))) == 0)
    }
    try fixture.change { tables in
      let people = try tables.table(second)
      try people.insert([int(50), int(4), text("New"), text("Chur"), .null])
      #expect(violation { try people.insert([int(51), .null, text("Name 7"), text("Chur"), .null]) }?.name == "name")
      #expect(violation { try people.insert([int(51), .null, text("N"), text("Chur"), int(9)]) }?.name == "group")
    }
    try fixture.requireSound()
    // A volume that is newer than the program.
    #expect(
      throws: StorageError.schemaMismatch(
        volume: "tables", reason: "they are of version 2, the program knows 1: use a newer program")
    ) { try fixture.store.openTables("tables", try DatabaseSchema([Self.first])) }
  }

  @Test("rows that break a new rule keep the schema as it was")
  func brokenRules() throws {
    let fixture = try Self.fixture()
    var second = Self.first
    second.checks = [CheckDefinition("long", .contains("name", text("9")))]
    #expect(
      violation { try fixture.store.openTables("tables", try DatabaseSchema([second], version: 2)) }
        == ConstraintViolation(.check, table: "people", name: "long", key: "0"))
    #expect(try fixture.change { try $0.table(Self.first).count() } == 20)
    try fixture.requireSound()
  }

  @Test("what does not come by itself says that it needs a migration")
  func needsMigration() throws {
    let fixture = try Self.fixture()
    let changes: [(inout TableSchema) -> Void] = [
      { $0.columns[1].type = .bytes }, { $0.columns[1].isOptional = true }, { $0.columns.removeLast() },
      { $0.columns.append(ColumnDefinition("x", .int8)) }, { $0.primaryKey = ["name"] },
    ]
    for (number, change) in changes.enumerated() {
      var second = Self.first
      change(&second)
      do {
        try fixture.store.openTables("tables", try DatabaseSchema([second], version: 2))
        Issue.record("change \(number) came by itself")
      } catch { #expect("\(error)".contains("that needs a migration"), "\(error)") }
    }
    #expect(try fixture.change { try $0.table(Self.first).count() } == 20)
  }

  @Test("migrations run once, in their order, each with what the ones before left")
  func migrations() throws {
    let fixture = try Self.fixture()
    let split = TableSchema(
      "people",
      columns: [ColumnDefinition("id", .int64), ColumnDefinition("first", .string), ColumnDefinition("last", .string)],
      primaryKey: ["id"])
    let migrations = [
      Migration("split names") { (tables: TableVolume) throws(StorageError) in
        try tables.renameTable("people", to: "old people")
        try tables.createTable(split)
        let rows = try tables.table("old people").select()
        let people = try tables.table("people")
        while let row = try rows.next() {
          guard case .string(let name) = row[1] else { continue }
          let parts = name.split(separator: " ")
          try people.insert([row[0], .string(String(parts[0])), .string(String(parts[1]))])
        }
        try tables.dropTable("old people")
      },
      Migration("mark") { (tables: TableVolume) throws(StorageError) in
        try tables.table("people").update([.integer(0)], [("last", .string("marked"))])
      },
    ]
    let schema = try DatabaseSchema([split], version: 2, migrations: migrations)
    for _ in 0..<2 {
      try fixture.store.openTables("tables", schema)
      try fixture.reopen()
    }
    try fixture.read { tables in
      let people = try tables.table("people")
      #expect(try tables.migrations() == ["split names", "mark"])
      #expect(try people.get([int(0)]) == [int(0), text("Name"), text("marked")])
      #expect(try people.get([int(7)]) == [int(7), text("Name"), text("7")])
    }
    try fixture.requireSound()
    // A new volume has them all behind it.
    try fixture.store.openTables("other", schema)
    // A migration that the program has lost.
    do {
      try fixture.store.openTables("tables", try DatabaseSchema([split], version: 3, migrations: [migrations[1]]))
      Issue.record("a lost migration went unnoticed")
    } catch {
      #expect("\(error)".contains("migration 1, split names, was made"), "\(error)")
    }
  }

  @Test("a migration in steps goes on where it stopped")
  func steps() throws {
    let fixture = try Self.fixture(rowCount: 50)
    let counter = Counter()
    let migration = Migration("shout") { (step: MigrationStep) throws(StorageError) -> Bool in
      if counter.next() == 3 { throw .invalidArgument("the power fails") }
      let people = try step.tables.table("people")
      let after = try step.cursor().map { PageToken($0) }
      let rows = try people.select(Query(order: [OrderTerm("id")], limit: 10, after: after))
      var count = 0
      while let row = try rows.next() {
        count += 1
        guard case .string(let name) = row[1] else { continue }
        // Twice would show.
        try people.update([row[0]], [("name", .string(name + "!"))])
      }
      if let token = rows.pageToken { try step.setCursor(token.bytes) }
      return count < 10
    }
    let schema = try DatabaseSchema([Self.first], version: 2, migrations: [migration])
    #expect(throws: StorageError.self) { try fixture.store.openTables("tables", schema) }
    try fixture.reopen(cleanly: false)
    #expect(try fixture.read { try $0.migrations() } == [])
    try fixture.store.openTables("tables", schema)
    try fixture.read { tables in
      #expect(try tables.migrations() == ["shout"])
      let rows = try tables.table("people").select().all()
      #expect(rows.count == 50)
      #expect(rows.allSatisfy { $0[1] == text("Name \($0[0].text)!") })
    }
    try fixture.requireSound()
  }

  @Test("an index is built in parts, while rows come and go")
  func indexBuild() throws {
    let fixture = try Self.fixture(rowCount: 3000)
    var second = Self.first
    second.indexes = [IndexDefinition("name", on: ["name"], isUnique: true)]
    let prepared = try PreparedSchema(second)
    try fixture.change { try $0.alterTable(prepared, isAdditive: true, buildsIndexes: false) }
    var isDone = false
    var part: Int64 = 0
    while !isDone {
      isDone = try fixture.change { try $0.buildIndexes(rowCount: 700) }
      part += 1
      guard !isDone else { break }
      try fixture.requireSound()
      try fixture.change { tables in
        let people = try tables.table("people")
        #expect(try people.explain(Query(.compare("name", .equal, text("Name 5")))).access == .scan)
        try people.delete([int(part)])
        try people.update([int(2900 + part)], [("name", text("Changed \(part)"))])
        try people.insert([int(10_000 + part), text("New \(part)")])
      }
      try fixture.reopen(cleanly: false)
    }
    #expect(part == 5)
    // The index has both columns, so it is all that the query needs.
    #expect(
      try fixture.read { try $0.table("people").explain(Query(.compare("name", .equal, text("Name 9")))).access }
        == .indexOnly("name"))
    try fixture.requireSound()
  }

  @Test("a unique index on rows that are the same is refused, and can be dropped")
  func duplicates() throws {
    let fixture = try Self.fixture()
    try fixture.change { try $0.table("people").insert([int(99), text("Name 3")]) }
    var second = Self.first
    second.indexes = [IndexDefinition("name", on: ["name"], isUnique: true)]
    let schema = try DatabaseSchema([second], version: 2)
    #expect(violation { try fixture.store.openTables("tables", schema) }?.name == "name")
    try fixture.requireSound()
    try fixture.change { try $0.table("people").delete([int(99)]) }
    try fixture.store.openTables("tables", schema)
    #expect(try fixture.read { try $0.table("people").get(index: "name", [text("Name 3")]) }?[0] == int(3))
    try fixture.requireSound()
  }
}

private final class Counter: @unchecked Sendable {
  private var value = 0
  func next() -> Int {
    value += 1
    return value
  }
}
