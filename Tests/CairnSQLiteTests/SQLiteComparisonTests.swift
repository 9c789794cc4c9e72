#if SQLiteComparison
  import CairnBlocks
  import CairnTables
  import CairnTestSupport
  import CairnVolumes
  import Testing

  /// The same rows and the same questions in Cairn and in SQLite: 40 seeds with 250 questions each by default.
  @Suite("Beside SQLite")
  struct SQLiteComparisonTests {
    private static let questionCount = 250

    @Test("the same answers", arguments: TestSeeds.list(count: 40))
    func answers(seed: UInt64) throws {
      var random = SeededGenerator(seed: seed)
      let tables = try ComparedTables(&random)
      let replay = "CAIRN_SEED=\(seed) swift test --traits SystemZlib,SQLiteComparison --filter CairnSQLiteTests"
      for _ in 0..<120 {
        let schema = random.below(2) == 0 ? tables.parent : tables.child
        let row = tables.row(of: schema, &random)
        let (cairn, sqlite) = try tables.insert(row, into: schema)
        #expect(cairn == sqlite, "\(schema.name) \(row): \(replay)")
      }
      for number in 0..<Self.questionCount {
        if number % 10 == 9 { try change(tables, &random, replay) }
        var asked = QuestionGenerator(tables, random)
        let (schema, query, columns) = asked.question()
        random = asked.random
        let (cairn, sqlite, sql) = try tables.answers(query, schema, selecting: columns)
        guard cairn != sqlite else { continue }
        Issue.record("\(sql)\nCairn: \(cairn)\nSQLite: \(sqlite)\n\(query)\n\(replay)")
        return
      }
      for schema in [tables.parent, tables.child] {
        let everything = Query(order: schema.primaryKey.map { OrderTerm($0) })
        let (cairn, sqlite, _) = try tables.answers(everything, schema, selecting: schema.columns.map(\.name))
        #expect(cairn == sqlite, "\(schema.name): \(replay)")
      }
      #expect(try tables.store.check(deep: true).isClean, "\(replay)")
    }

    private func change(_ tables: ComparedTables, _ random: inout SeededGenerator, _ replay: String) throws {
      let schema = random.below(2) == 0 ? tables.parent : tables.child
      var asked = QuestionGenerator(tables, random)
      let predicate = CairnTables.Predicate.and([
        asked.predicate(on: schema.columns.map { ($0.name, $0) }, depth: 2),
        .compare(schema.primaryKey[0], .less, .integer(Int64(asked.random.below(30)))),
      ])
      random = asked.random
      if random.below(2) == 0 {
        let (cairn, sqlite) = try tables.delete(predicate, from: schema)
        #expect(cairn == sqlite, "delete \(schema.name) \(predicate): \(replay)")
      } else {
        // Columns that no unique key has: where one update makes several rows alike, which of them fails differs.
        let column = schema.name == "parent" ? ["a", "b", "c"][random.below(3)] : ["owner", "n", "t"][random.below(3)]
        guard let index = schema.columnIndex(column) else { return }
        let value =
          column == "owner" ? .integer(Int64(random.below(60))) : ComparedTables.value(schema.columns[index], &random)
        let (cairn, sqlite) = try tables.update(predicate, column, value, in: schema)
        #expect(cairn == sqlite, "update \(schema.name) \(column) \(predicate): \(replay)")
      }
      for _ in 0..<5 {
        let row = tables.row(of: schema, &random)
        let (cairn, sqlite) = try tables.insert(row, into: schema)
        #expect(cairn == sqlite, "\(schema.name) \(row): \(replay)")
      }
    }
  }
#endif
