import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

/// Steps of queries that have less memory than they need: the same rows as with plenty, and no room taken at the end.
@Suite("Tables: queries beyond their memory")
struct SpillingTests {
  private static func filled() throws -> TableFixture {
    let fixture = try TableFixture(pageCount: 512)
    try fixture.change { tables in
      try tables.createTables([
        TableSchema(
          "left",
          columns: [
            ColumnDefinition("id", .int64), ColumnDefinition("group", .string, isOptional: true),
            ColumnDefinition("number", .int32, isOptional: true), ColumnDefinition("exact", .decimal),
            ColumnDefinition("real", .double), ColumnDefinition("count", .uint64),
          ], primaryKey: ["id"]),
        TableSchema(
          "right",
          columns: [
            ColumnDefinition("id", .int64), ColumnDefinition("group", .string, isOptional: true),
            ColumnDefinition("text", .string),
          ], primaryKey: ["id"], indexes: [IndexDefinition("text", on: ["text"])]),
      ])
      let (left, right) = (try tables.table("left"), try tables.table("right"))
      for number in 0..<Int64(1200) {
        // A few large groups, many small ones, and nulls.
        let group: ColumnValue =
          number % 11 == 0 ? .null : number % 3 == 0 ? text("large \(number % 2)") : text("group \(number % 300)")
        try left.insert([
          int(number), group, number % 7 == 0 ? .null : int(number % 50),
          .decimal(ExactDecimal("\(number % 9).25") ?? .zero), .double(Double(number % 13) / 4),
          .unsigned(UInt64(number)),
        ])
        if number % 2 == 0 { try right.insert([int(number), group, text("text \(number % 4)")]) }
      }
    }
    return fixture
  }

  private static let aggregates = [
    Aggregate(.count), Aggregate(.count, "number", as: "numbers"), Aggregate(.sum, "number"),
    Aggregate(.average, "number"), Aggregate(.minimum, "number"), Aggregate(.maximum, "number"),
    Aggregate(.sum, "exact"), Aggregate(.average, "exact"), Aggregate(.sum, "real"), Aggregate(.average, "real"),
    Aggregate(.sum, "count"), Aggregate(.maximum, "group"),
  ]

  private static let queries: [(String, Query, isOrdered: Bool)] = [
    ("groups", Query(groupBy: ["group"], aggregates: aggregates), true),
    ("groups of single rows", Query(groupBy: ["id"], aggregates: aggregates), true),
    (
      "groups of groups",
      Query(
        order: [OrderTerm("count", isDescending: true), OrderTerm("group")], limit: 40,
        groupBy: ["group", "number"], aggregates: [Aggregate(.count)], having: .compare("count", .greater, int(1))),
      false
    ),
    (
      "distinct", Query(order: [OrderTerm("id", isDescending: true)], columns: ["group", "number"], isDistinct: true),
      true
    ),
    (
      "distinct, some", Query(order: [OrderTerm("id")], limit: 100, offset: 50, columns: ["group"], isDistinct: true),
      true
    ),
    ("distinct rows", Query(order: [OrderTerm("id")], isDistinct: true), true),
    ("inner join", Query(joins: [Join(.inner, "right", as: "r", on: [("group", "r.group")])]), false),
    ("left join", Query(joins: [Join(.left, "right", as: "r", on: [("group", "r.group")])]), false),
    (
      "join on two columns",
      Query(joins: [Join(.left, "right", as: "r", on: [("id", "r.id"), ("group", "r.group")])]), false
    ),
    (
      "join in order",
      Query(
        .compare("id", .less, int(100)), order: [OrderTerm("id"), OrderTerm("r.id")],
        joins: [Join(.left, "right", as: "r", on: [("group", "r.group")])]), true
    ),
  ]

  private static func sorted(_ rows: [[ColumnValue]]) -> [String] { rows.map { "\($0)" }.sorted() }

  @Test("give the same rows and give their room back", arguments: 0..<10)
  func same(_ index: Int) throws {
    try #require(Self.queries.count == 10)
    let fixture = try Self.filled()
    var (title, query, isOrdered) = Self.queries[index]
    query.memoryBudget = 256 << 20
    let plenty = query
    let expected = try fixture.read { try $0.table("left").select(plenty).all() }
    #expect(!expected.isEmpty)
    let free = fixture.store.space.free
    for budget in [UInt64(3_000), 40_000] {
      query.memoryBudget = budget
      let asked = query
      try fixture.read { tables in
        let rows = try tables.table("left").select(asked)
        let got = try rows.all()
        if isOrdered { #expect(got == expected, "\(title) with \(budget)") }
        #expect(Self.sorted(got) == Self.sorted(expected), "\(title) with \(budget)")
      }
      #expect(fixture.store.space.free == free, "\(title)")
    }
    // A transaction that writes has the only writer, and lays aside what it must by itself.
    try fixture.change { tables in
      let got = try tables.table("left").select(query).all()
      #expect(Self.sorted(got) == Self.sorted(expected), "\(title) in a transaction")
      try tables.table("left").update([int(1)], [("count", .unsigned(1))])
    }
    try fixture.store.checkpoint()
    #expect(fixture.store.space.free >= free - 65536)
    try fixture.requireSound("\(title)")
  }

  @Test("lay something aside indeed, and not more than they read")
  func really() throws {
    let fixture = try Self.filled()
    let free = fixture.store.space.free
    try fixture.read { tables in
      for (title, query, _) in Self.queries {
        var small = query
        small.memoryBudget = 2_000
        let rows = try tables.table("left").select(small)
        // Rows that are told apart come while there is room.
        for _ in 0..<60 { _ = try rows.next() }
        withExtendedLifetime(rows) { #expect(fixture.store.space.free < free, "\(title)") }
      }
    }
    #expect(fixture.store.space.free == free)
  }

  @Test("in a store that is open for reading they say what they would need")
  func readOnly() throws {
    let fixture = try Self.filled()
    try fixture.store.close()
    var options = fixture.options
    options.device.isReadOnly = true
    let store = try Store.open(on: fixture.memory, options: options)
    try store.read { (transaction) throws(StorageError) in
      let left = try transaction.tables().table("left")
      for (title, query, _) in Self.queries {
        var small = query
        small.memoryBudget = 2_000
        do throws(StorageError) {
          _ = try left.select(small).all()
          Issue.record("\(title) had memory enough")
        } catch {
          guard case .memoryBudgetExceeded = error else {
            Issue.record("\(title): \(error)")
            continue
          }
        }
      }
    }
  }

  @Test("many partners of one row come one by one")
  func partners() throws {
    let fixture = try Self.filled()
    try fixture.read { tables in
      let query = Query(
        .isIn("id", [int(0), int(4)]), joins: [Join(.inner, "right", as: "r", on: [("text", "r.text")])])
      let rows = try tables.table("right").select(query)
      #expect(try rows.all().count == 600)
      #expect(rows.columns.count == 6)
    }
  }

  @Test(
    "changes of more rows than keys fit in memory find each row once", arguments: [UInt64(0), 100, 3_000, 32 << 20])
  func changes(_ budget: UInt64) throws {
    let fixture = try Self.filled()
    let free = fixture.store.space.free
    let wanted = Predicate.compare("id", .less, int(1_000))
    try fixture.change { tables in
      let left = try tables.table("left")
      // What is found by is changed, too.
      let count = try left.update(where: wanted, [("number", int(77)), ("group", .null)], memoryBudget: budget)
      #expect(count == 1_000)
    }
    let changed = try fixture.read { try $0.table("left").count(.compare("number", .equal, int(77))) }
    #expect(changed == 1_000)
    try fixture.requireSound()
    // In a transaction of several calls, and taken back.
    let id = try fixture.store.begin()
    try fixture.resume(id) { tables in
      let count = try tables.table("left").delete(where: wanted, memoryBudget: budget)
      #expect(count == 1_000)
    }
    try fixture.store.rollback(id)
    try fixture.change { tables in
      let left = try tables.table("left")
      let count = try left.delete(where: .compare("number", .equal, int(77)), memoryBudget: budget)
      #expect(count == 1_000)
      #expect(try left.count() == 200)
    }
    try fixture.store.checkpoint()
    #expect(fixture.store.space.free >= free)
    try fixture.requireSound()
  }

  @Test("keys that wait come out as they went in", arguments: [UInt64(0), 64, 5_000, 1 << 20])
  func keys(_ budget: UInt64) throws {
    let fixture = try TableFixture()
    let keys = (0..<2_000).map { number in (0..<number % 40).map { UInt8(truncatingIfNeeded: number &+ $0) } }
    try fixture.change { tables in
      var queue = KeyQueue(budget: budget, tables.volume)
      for key in keys { try queue.append(key) }
      #expect((queue.asideCount > 0) == (budget < 1 << 20))
      var taken: [[UInt8]] = []
      while true {
        let next = try queue.next(count: 7, byteCount: 60)
        if next.isEmpty { break }
        #expect(next.count <= 7)
        #expect(next.dropLast().reduce(0) { $0 + $1.count } < 60)
        taken += next
      }
      #expect(taken == keys)
      #expect(try queue.next(count: 7, byteCount: 60).isEmpty)
    }
  }
}
