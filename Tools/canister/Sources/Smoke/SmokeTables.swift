#if arch(wasm32)
  import CairnBlocks
  import CairnMemory
  import CairnTables
  import CairnVolumes

  /// L5: tables, with everything that a query can ask.
  func smokeTables() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      let options = StoreOptions(filesystems: [TableFilesystem()], environment: smokeEnvironment())
      let store = try Store.create(on: memory, format: FormatOptions(), options: options)
      try store.openTables("tables", try smokeSchema())
      try store.transaction { (transaction) throws(StorageError) in
        let tables = try transaction.tables()
        let users = try tables.table("users")
        try users.insertMany([
          [.null, .string(" Ada "), .integer(36)], [.null, .string("Grace"), .null],
          [.null, .string("Alan"), .integer(41)],
        ])
        try users.insert(named: [("name", .string("Edsger")), ("age", .integer(72))])
        try users.update([.integer(4)], [("age", .integer(70))])
        _ = try users.upsert([.integer(9), .string("Barbara"), .integer(50)])
        _ = try users.replace([.integer(9), .string("Barbara"), .integer(51)])
        try tables.table("posts").insert([.integer(1), .integer(1), .string("Notes")])
        _ = try users.delete(where: .compare("name", .equal, .string("Alan")))
        _ = try users.update(where: .isNull("age"), [("age", .integer(1))])
        try tables.analyze("users")
      }
      return try store.read { (transaction) throws(StorageError) in try smokeQueries(try transaction.tables()) }
    } catch {
      return false
    }
  }

  private func smokeSchema() throws(StorageError) -> DatabaseSchema {
    try DatabaseSchema(
      [
        TableSchema(
          "users",
          columns: [
            ColumnDefinition("id", .int64, isAutoIncrement: true),
            ColumnDefinition("name", .string, sanitizers: [.trim]),
            ColumnDefinition("age", .int32, isOptional: true, validators: [.range(from: .integer(0), to: nil)]),
          ], primaryKey: ["id"], indexes: [IndexDefinition("age", on: ["age"])],
          checks: [CheckDefinition("old", .compare("age", .less, .integer(200)))]),
        TableSchema(
          "posts",
          columns: [
            ColumnDefinition("id", .int64), ColumnDefinition("author", .int64), ColumnDefinition("title", .string),
          ], primaryKey: ["id"],
          references: [ReferenceDefinition("author", from: ["author"], to: "users", onDelete: .cascade)]),
      ],
      migrations: [Migration("first") { (_: TableVolume) throws(StorageError) in }])
  }

  private func smokeQueries(_ tables: TableVolume) throws(StorageError) -> Bool {
    let users = try tables.table("users")
    let grown = Predicate.and([.compare("age", .greaterOrEqual, .integer(36)), .not(.hasPrefix("name", .string("X")))])
    let page = try users.select(
      Query(grown, order: [OrderTerm("age", isDescending: true)], limit: 1, columns: ["name"]))
    let first = try page.next()
    let rest = try users.select(Query(grown, order: [OrderTerm("age", isDescending: true)], after: page.pageToken))
    let joined = try users.select(
      Query(joins: [Join(.left, "posts", reference: "author"), Join(.inner, "posts", as: "p", on: [("id", "author")])]))
    let groups = try users.select(
      Query(
        groupBy: ["age"], aggregates: [Aggregate(.count), Aggregate(.sum, "age"), Aggregate(.average, "age")],
        having: .compare("count", .greater, .integer(0)), memoryBudget: 400))
    let distinct = try users.select(Query(columns: ["age"], isDistinct: true, memoryBudget: 200))
    let same = try users.select(
      Query(joins: [Join(.inner, "users", as: "same", on: [("name", "same.name")])], memoryBudget: 400))
    let either = Predicate.or([.compare("id", .equal, .integer(1)), .compare("id", .equal, .integer(2))])
    var passed = 0
    try users.forEach { (row) throws(StorageError) in
      passed += try row.int64(0) == nil ? 0 : 1
      return true
    }
    let plan = try users.explain(Query(.compare("id", .equal, .integer(1))))
    // One by one: an operand that may throw makes the whole condition throw any error.
    let counts = [
      try rest.all().count, try joined.all().count, try groups.all().count, try distinct.all().count, passed,
      Int(try users.count(grown)), try same.all().count, Int(try users.count(either)),
    ]
    return first == [.string("Edsger")] && counts == [2, 1, 4, 4, 4, 3, 4, 2] && plan.access == .primaryKey
  }
#endif
