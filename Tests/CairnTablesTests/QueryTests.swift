import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: queries")
struct QueryTests {
  private static func filled(_ count: Int64 = 200) throws -> TableFixture {
    let fixture = try Blog.fixture(userCount: 0)
    try fixture.change { tables in
      let (users, posts) = (try tables.table("users"), try tables.table("posts"))
      for number in 1...count {
        let age: ColumnValue = number % 10 == 0 ? .null : int(number % 7 + 20)
        try users.insert([int(number), text("name\(number % 5)"), text("u\(number)@x.org"), age])
        if number % 3 == 0 {
          try posts.insert([.null, int(number), text("first of \(number)"), .double(Double(number % 4))])
          try posts.insert([.null, int(number), text("second of \(number)"), .double(0.5)])
        }
      }
    }
    return fixture
  }

  @Test("takes the key, an index, its order, the index alone or a scan, and says why")
  func plans() throws {
    let fixture = try Self.filled()
    try fixture.read { tables in
      let users = try tables.table("users")
      func access(_ query: Query) throws -> QueryPlan.Access { try users.explain(query).access }
      #expect(try access(Query(.compare("id", .equal, int(7)))) == .primaryKey)
      #expect(try access(Query(.between("id", int(7), int(9)))) == .primaryKeyRange)
      #expect(try access(Query(.compare("email", .equal, text("u7@x.org")))) == .index("email"))
      #expect(try access(Query(.hasPrefix("email", text("u77@")))) == .index("email"))
      #expect(try access(Query(.compare("name", .equal, text("name1")))) == .scan)
      #expect(try access(Query(.compare("age", .equal, int(21)), columns: ["id", "age"])) == .indexOnly("age"))
      #expect(try access(Query(order: [OrderTerm("age")], limit: 3)) == .index("age"))
      #expect(try access(Query(.and([.compare("id", .equal, int(7)), .compare("id", .equal, int(8))]))) == .nothing)
      let ordered = try users.explain(Query(order: [OrderTerm("age", isDescending: true)], limit: 3))
      #expect(ordered.isOrdered && ordered.isReversed)
      #expect(
        ordered.description
          == "index age of users, for its order, in the order asked for\nstop when enough rows are there")
      let sorted = try users.explain(Query(order: [OrderTerm("name"), OrderTerm("age", isDescending: true)]))
      #expect(sorted.description == "all of users\nsort")
      #expect(!sorted.isOrdered)
    }
  }

  @Test("alternatives take an index each, and rows of several of them come once")
  func unions() throws {
    let fixture = try Self.filled()
    let email = Predicate.compare("email", .equal, text("u7@x.org"))
    let cases: [(Predicate, QueryPlan.Access, Int)] = [
      (.or([email, .compare("id", .equal, int(9))]), .union([.index("email"), .primaryKey]), 2),
      (.or([email, .compare("id", .equal, int(7))]), .union([.index("email"), .primaryKey]), 1),
      (
        .or([.between("id", int(5), int(9)), .or([.between("id", int(8), int(12)), email])]),
        .union([.primaryKeyRange, .primaryKeyRange, .index("email")]), 8
      ),
      (
        .and([.compare("name", .equal, text("name2")), .or([email, .hasPrefix("email", text("u12@"))])]),
        .union([.index("email"), .index("email")]), 2
      ),
      (
        .or([.and([email, .compare("age", .greater, int(100))]), .compare("id", .equal, int(1000))]),
        .union([.index("email"), .primaryKey]), 0
      ),
      (
        .or([.and([.compare("id", .equal, int(1)), .compare("id", .equal, int(2))]), .compare("id", .equal, int(3))]),
        .union([.nothing, .primaryKey]), 1
      ),
      // One alternative that nothing bounds takes the whole table anyway.
      (.or([email, .compare("name", .equal, text("name1"))]), .scan, 41),
      (.or([email, .compareColumns("id", .equal, "id")]), .scan, 200),
    ]
    try fixture.read { tables in
      let users = try tables.table("users")
      for (filter, access, count) in cases {
        #expect(try users.explain(Query(filter)).access == access, "\(filter)")
        let rows = try users.select(Query(filter)).all()
        #expect(rows.count == count, "\(filter)")
        #expect(Set(rows.map { $0[0] }).count == count, "\(filter)")
        #expect(try users.count(filter) == UInt64(count))
        let order = [OrderTerm("name"), OrderTerm("id", isDescending: true)]
        let sorted = try users.select(Query(filter, order: order)).all()
        #expect(sorted == rows.sorted { ($0[1], $1[0]) < ($1[1], $0[0]) })
        let first = try users.select(Query(filter, order: order, limit: 1))
        let page = try first.all()
        #expect(page == Array(sorted.prefix(1)))
        if let token = first.pageToken {
          #expect(try users.select(Query(filter, order: order, after: token)).all() == Array(sorted.dropFirst()))
        }
        var lent = 0
        try users.forEach(Query(filter)) { (_) throws(StorageError) in
          lent += 1
          return true
        }
        #expect(lent == count)
        #expect(try users.select(Query(filter)).pageToken == nil)
      }
      #expect(
        try users.explain(Query(cases[0].0)).description.hasPrefix(
          "union of 2 alternatives: index email of users, 1 range of email; row of users by its primary key"))
    }
    try fixture.change { tables in
      let users = try tables.table("users")
      #expect(try users.update(where: cases[0].0, [("age", int(77))]) == 2)
      #expect(try users.count(.compare("age", .equal, int(77))) == 2)
      #expect(try users.delete(where: cases[2].0) == 8)
      #expect(try users.count() == 192)
    }
    try fixture.requireSound()
  }

  @Test("statistics change the choice")
  func statistics() throws {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTable(
        TableSchema(
          "t",
          columns: [ColumnDefinition("id", .int64), ColumnDefinition("a", .int32), ColumnDefinition("b", .int32)],
          primaryKey: ["id"], indexes: [IndexDefinition("a", on: ["a"]), IndexDefinition("b", on: ["b"])]))
      let table = try tables.table("t")
      // All have the same a; each has a b of its own.
      for number in 0..<Int64(500) { try table.insert([int(number), int(1), int(number)]) }
    }
    let query = Query(.and([.compare("a", .equal, int(1)), .compare("b", .equal, int(3))]))
    try fixture.change { tables in
      try tables.analyze("t")
      let plan = try tables.table("t").explain(query)
      #expect(plan.access == .index("b"))
      #expect(plan.estimatedRowCount == 1)
      #expect(try tables.table("t").explain(Query(.compare("a", .equal, int(1)))).access == .scan)
    }
    try fixture.requireSound()
  }

  /// Damaged statistics trapped in the planner.
  @Test("estimates of any size are numbers of rows")
  func estimates() {
    #expect(Planner.whole(0.9) == 0 && Planner.whole(12.5) == 12 && Planner.whole(-3) == 0 && Planner.whole(.nan) == 0)
    #expect(Planner.whole(0x1p64) == 1 << 63 && Planner.whole(.infinity) == 1 << 63)
    #expect(Planner.logarithm(8) == 2 && Planner.logarithm(.infinity) == 64 && Planner.logarithm(.nan) == 0)
  }

  @Test("rows that the transaction changes while they are read come as they are when they are handed out")
  func changesBetweenRows() throws {
    for order in [[], [OrderTerm("age")], [OrderTerm("id", isDescending: true)]] {
      let fixture = try TableFixture()
      let schema = TableSchema(
        "t",
        columns: [ColumnDefinition("id", .int64), ColumnDefinition("age", .int64), ColumnDefinition("name", .string)],
        primaryKey: ["id"], indexes: [IndexDefinition("age", on: ["age"])])
      try fixture.change { tables in
        try tables.createTable(schema)
        for number in 0..<Int64(200) { try tables.table("t").insert([int(number), int(number), text("n\(number)")]) }
      }
      try fixture.change { tables in
        let table = try tables.table("t")
        let rows = try table.select(Query(order: order))
        var seen: [Int64] = []
        while let row = try rows.next() {
          guard case .integer(let id) = row[0] else { continue }
          seen.append(id)
          let next = order.first?.isDescending == true ? id - 1 : id + 1
          // The next one goes, the one behind it gets another name.
          if seen.count % 3 == 0 { try table.delete([int(next)]) }
          if seen.count % 5 == 0 { try table.update([int(next)], [("name", text("changed"))]) }
          #expect(try table.get([int(id)]) == row)
        }
        #expect(Set(seen).count == seen.count)
        #expect(try table.count() == UInt64(seen.count))
        for gone in 0..<Int64(200) where !seen.contains(gone) { #expect(try table.get([int(gone)]) == nil) }
      }
      try fixture.requireSound()
    }
  }

  @Test("a row of an update has every index, whatever columns are set")
  func updateOfOneRow() throws {
    let fixture = try TableFixture()
    let schema = TableSchema(
      "t",
      columns: [
        ColumnDefinition("id", .int64), ColumnDefinition("a", .int32, isOptional: true), ColumnDefinition("b", .string),
        ColumnDefinition("c", .int64),
      ], primaryKey: ["id"],
      indexes: [
        IndexDefinition("b", on: ["b"], isUnique: true), IndexDefinition("ca", on: ["c", "a"], whereNotNull: ["a"]),
      ], checks: [CheckDefinition("small", .compare("c", .less, int(1000)))])
    try fixture.change { tables in
      try tables.createTable(schema)
      let table = try tables.table("t")
      for number in 0..<Int64(10) { try table.insert([int(number), .null, text("b\(number)"), int(number)]) }
      #expect(try table.update([int(3)], [("a", int(5))]))
      #expect(try table.update([int(3)], [("b", text("longer than before"))]))
      #expect(try table.update([int(4)], [("c", int(7)), ("a", int(1))]))
      #expect(try !table.update([int(77)], [("c", int(7))]))
      #expect(violation { try table.update([int(4)], [("b", text("b5"))]) }?.kind == .unique)
      #expect(violation { try table.update([int(4)], [("c", int(1000))]) }?.kind == .check)
      #expect(violation { try table.update([int(4)], [("b", .null)]) }?.kind == .notNull)
      #expect(try table.update([int(4)], [("b", text("b4"))]))
      #expect(try table.update([int(4)], [("a", .null)]))
    }
    try fixture.read { tables in
      let table = try tables.table("t")
      #expect(try table.get([int(3)]) == [int(3), int(5), text("longer than before"), int(3)])
      #expect(try table.get([int(4)]) == [int(4), .null, text("b4"), int(7)])
      #expect(try table.get(index: "b", [text("longer than before")])?[0] == int(3))
      #expect(try table.get(index: "b", [text("b3")]) == nil)
      var names: [UInt8] = []
      try table.withRow(index: "b", [text("b9")]) { (row) throws(StorageError) in
        try row.withBytes(2) { names = $0.array(0..<$0.byteCount) }
        #expect(try row.int64(3) == 9)
      }
      #expect(names == Array("b9".utf8))
    }
    try fixture.requireSound()
  }

  @Test("pages end at a place, whatever comes and goes meanwhile")
  func pages() throws {
    let fixture = try Self.filled(60)
    for order in [
      [OrderTerm("age")], [OrderTerm("age", isDescending: true)],
      [OrderTerm("name"), OrderTerm("age", isDescending: true)],
      [], [OrderTerm("id", isDescending: true)],
    ] {
      let all = try fixture.read {
        try $0.table("users").select(Query(order: order.isEmpty ? [OrderTerm("id")] : order)).all()
      }
      var seen: [[ColumnValue]] = []
      var token: PageToken?
      var page = 0
      while true {
        let (rows, next) = try fixture.read { tables in
          let rows = try tables.table("users").select(
            Query(order: order.isEmpty && token == nil ? [OrderTerm("id")] : order, limit: 7, after: token))
          return (try rows.all(), rows.pageToken)
        }
        if rows.isEmpty { break }
        seen += rows
        token = next
        page += 1
        // A row before the place, and the row at the place, come and go.
        let gone = try #require(rows.last)
        try fixture.change { tables in
          try tables.table("users").delete([gone[0]])
          try tables.table("users").insert(gone)
        }
      }
      #expect(seen == all, "order \(order)")
      #expect(page == 9)
    }
  }

  @Test("joins along references and on columns, inner and left")
  func joins() throws {
    let fixture = try Self.filled(12)
    try fixture.read { tables in
      let users = try tables.table("users")
      let inner = try users.select(
        Query(
          .compare("posts.score", .equal, .double(0.5)), order: [OrderTerm("id")], columns: ["id", "title"],
          joins: [Join(.inner, "posts", reference: "author")]))
      #expect(inner.columns == ["id", "posts.title"])
      #expect(
        try inner.all() == [3, 6, 9, 12].map { [int($0), text("second of \($0)")] })
      let left = try users.select(Query(joins: [Join(.left, "posts", on: [("id", "author")])]))
      let rows = try left.all()
      #expect(rows.count == 16)
      #expect(rows.filter { $0[4].isNull }.count == 8)
      #expect(left.columns[4] == "posts.id")
      // The other way: each post beside its author, and a table beside itself.
      let back = try tables.table("posts").select(Query(joins: [Join(.inner, "users", reference: "author")]))
      #expect(try back.all().allSatisfy { $0[1] == $0[4] })
      let own = try users.select(
        Query(
          .compareColumns("id", .less, "other.id"), joins: [Join(.inner, "users", as: "other", on: [("name", "name")])])
      )
      #expect(try own.all().count == 9)
      #expect(throws: StorageError.self) { try users.select(Query(joins: [Join(.inner, "users", on: [("id", "id")])])) }
    }
  }

  @Test("groups, aggregates, having and distinct")
  func groups() throws {
    let fixture = try Self.filled(100)
    try fixture.read { tables in
      let users = try tables.table("users")
      let groups = try users.select(
        Query(
          order: [OrderTerm("count", isDescending: true), OrderTerm("age")], limit: 2, groupBy: ["age"],
          aggregates: [Aggregate(.count), Aggregate(.minimum, "id"), Aggregate(.maximum, "id"), Aggregate(.sum, "id")],
          having: .not(.isNull("age"))))
      #expect(groups.columns == ["age", "count", "minimum_id", "maximum_id", "sum_id"])
      let rows = try groups.all()
      #expect(rows.count == 2)
      #expect(rows[0][1] >= rows[1][1])
      let total = try users.select(
        Query(.compare("id", .greater, int(1000)), aggregates: [Aggregate(.count), Aggregate(.average, "id")])
      ).all()
      #expect(total == [[int(0), .null]])
      let average = try users.select(Query(aggregates: [Aggregate(.average, "id", as: "mean")])).all()
      #expect(average == [[.double(50.5)]])
      let names = try users.select(Query(order: [OrderTerm("name")], columns: ["name"], isDistinct: true)).all()
      #expect(names == (0..<5).map { [text("name\($0)")] })
      #expect(throws: StorageError.self) { try users.select(Query(aggregates: [Aggregate(.sum, "name")])) }
      #expect(throws: StorageError.self) { try users.select(Query(having: .isNull("age"))) }
    }
  }

  @Test("a sort beyond its budget goes through temporary extents, and gives their space back")
  func spilling() throws {
    let fixture = try Self.filled(600)
    let free = fixture.store.space.free
    let order = [OrderTerm("name", isDescending: true), OrderTerm("email")]
    let small = Query(order: order, memoryBudget: 20_000)
    try fixture.read { tables in
      let users = try tables.table("users")
      let rows = try users.select(small)
      let spilled = try rows.all()
      #expect(try spilled == users.select(Query(order: order)).all())
      withExtendedLifetime(rows) { #expect(fixture.store.space.free < free) }
    }
    #expect(fixture.store.space.free == free)
    try fixture.requireSound()
  }

  @Test("nulls are neither true nor false")
  func nulls() throws {
    let fixture = try Self.filled(20)
    try fixture.read { tables in
      let users = try tables.table("users")
      func count(_ predicate: Predicate) throws -> UInt64 { try users.count(predicate) }
      #expect(try count(.compare("age", .less, int(100))) == 18)
      #expect(try count(.not(.compare("age", .less, int(100)))) == 0)
      #expect(try count(.compare("age", .equal, .null)) == 2)
      #expect(try count(.compare("age", .notEqual, .null)) == 18)
      #expect(try count(.isIn("age", [int(21), .null])) == 3)
      #expect(try count(.not(.isIn("age", [int(21), .null]))) == 0)
      #expect(try count(.compare("age", .less, .null)) == 0)
      #expect(try count(.or([])) == 0)
      #expect(try count(.and([])) == 20)
      #expect(try count(.contains("email", text("1@x"))) == 2)
      // A number that the column can not hold compares as a number.
      #expect(try count(.compare("age", .less, int(1 << 40))) == 18)
      #expect(try count(.compare("age", .equal, .unsigned(.max))) == 0)
    }
  }

  @Test("changes what a predicate finds")
  func changing() throws {
    let fixture = try Self.filled(30)
    try fixture.change { tables in
      let users = try tables.table("users")
      #expect(try users.update(where: .compare("age", .equal, int(21)), [("age", int(22))]) == 5)
      #expect(try users.count(.compare("age", .equal, int(21))) == 0)
      #expect(try users.delete(where: .compare("id", .lessOrEqual, int(10))) == 10)
      #expect(try tables.table("posts").count(.compare("author", .lessOrEqual, int(10))) == 0)
      // Rows are found before the first is changed: none of them again where it was put.
      #expect(try users.update(where: .always, [("age", int(50))]) == 20)
    }
    try fixture.requireSound()
  }

  @Test("groups of rows where they lie are those of the rows that are read", arguments: [UInt64(400), 32 << 20])
  func groups(_ budget: UInt64) throws {
    let fixture = try Self.filled()
    // Rows that are older than a column, beside others with the same value, another one and null.
    var schema = Blog.users
    schema.columns.append(ColumnDefinition("rank", .int16, isOptional: true, default: .value(int(3))))
    try fixture.change { try $0.alterTable(schema) }
    try fixture.change { tables in
      let users = try tables.table("users")
      for number in Int64(1)...40 {
        try users.update([int(number * 2)], [("rank", number % 4 == 0 ? .null : int(number % 4))])
      }
    }
    let filters: [Predicate] = [
      .always, .between("id", int(20), int(90)), .compare("age", .greater, int(22)), .isIn("age", [int(21), int(25)]),
      .or([.compare("age", .equal, int(21)), .compare("id", .less, int(50))]), .compare("id", .less, int(0)),
    ]
    let groups = [["rank"], ["age"], ["age", "rank"], ["name", "age"], ["age", "id"], ["id"], []]
    let aggregates = [
      Aggregate(.count), Aggregate(.count, "age", as: "ages"), Aggregate(.sum, "id"), Aggregate(.maximum, "age"),
    ]
    try fixture.read { tables in
      let users = try tables.table("users")
      for filter in filters {
        let rows = try users.select(Query(filter)).all()
        for columns in groups {
          let places = try columns.map { try #require(schema.columnIndex($0)) }
          let (id, age) = (try #require(schema.columnIndex("id")), try #require(schema.columnIndex("age")))
          var expected = Dictionary(grouping: rows) { row in places.map { row[$0].text } }
          if columns.isEmpty && rows.isEmpty { expected = [[]: []] }
          let got = try users.select(
            Query(filter, groupBy: columns, aggregates: aggregates, memoryBudget: budget)
          ).all()
          #expect(got.count == expected.count)
          for group in got {
            let values = Array(group[..<columns.count])
            let rest = Array(group[columns.count...])
            let own = try #require(expected[values.map(\.text)])
            let ages = own.map { $0[age] }.filter { !$0.isNull }
            let sum = own.reduce(Int64(0)) { sum, row in if case .integer(let id) = row[id] { sum + id } else { sum } }
            #expect(rest[0] == int(Int64(own.count)))
            #expect(rest[1] == int(Int64(ages.count)))
            #expect(rest[2] == (own.isEmpty ? .null : int(sum)))
            #expect(rest[3] == (ages.max() ?? .null))
          }
          let keys = got.map { Array($0[..<columns.count]) }
          #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        }
      }
    }
  }
}
