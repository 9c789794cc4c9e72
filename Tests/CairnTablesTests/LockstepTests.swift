import CairnBlocks
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnTables

/// Random schemas, changes and queries, each done by the engine and by the model. Replay one with
/// `CAIRN_SEED=17 Tools/dev test --filter TableLockstepTests`.
@Suite("Tables: lockstep with a model")
struct TableLockstepTests {
  @Test("says the same as the model", arguments: TestSeeds.list(count: 100))
  func lockstep(_ seed: UInt64) throws {
    var run = try LockstepRun(seed: seed)
    try run.go(changeCount: 60, queryCount: 110)
  }
}

private struct LockstepRun {
  let seed: UInt64
  var generator: TableGenerator
  let fixture: TableFixture
  var model: TableModel

  init(seed: UInt64) throws {
    self.seed = seed
    generator = TableGenerator(seed: seed)
    fixture = try TableFixture(
      seed: seed, pageCount: 128, blockByteCount: generator.pick([1024, 4096]))
    let schemas = generator.schemas()
    try fixture.change { try $0.createTables(schemas) }
    model = TableModel(tables: schemas.map { TableModel.Table(schema: $0) })
  }

  mutating func go(changeCount: Int, queryCount: Int) throws {
    for _ in 0..<changeCount {
      if generator.chance(15) { try multiCall() } else { try single() }
      if generator.chance(5) { try fixture.reopen(cleanly: generator.chance(50)) }
      if generator.chance(3) { try analyze() }
    }
    try compareAll()
    try fixture.requireSound("seed \(seed)")
    for _ in 0..<queryCount { try query() }
  }

  private mutating func analyze() throws {
    let name = generator.pick(model.tables).schema.name
    try fixture.change { try $0.analyze(name) }
  }

  // MARK: Changes

  /// One change, made ready for both.
  private struct Change {
    let title: String
    let engine: (TableVolume) throws -> Int
    let model: (inout TableModel) throws -> Int
  }

  private mutating func single() throws {
    let change = self.change()
    var next = model
    let expected = Self.outcome { try change.model(&next) }
    let got = Self.outcome { try fixture.change { try change.engine($0) } }
    try compare(change, expected, got)
    model = next
  }

  /// Several changes in several calls; sometimes rolled back. The transaction sees what it did.
  private mutating func multiCall() throws {
    var next = model
    let id = try fixture.store.begin()
    for _ in 0..<(1 + generator.random.below(3)) {
      for _ in 0..<(1 + generator.random.below(2)) {
        let before = model
        model = next
        let change = self.change()
        model = before
        var after = next
        let expected = Self.outcome { try change.model(&after) }
        let got = Self.outcome { try fixture.resume(id) { try change.engine($0) } }
        try compare(change, expected, got)
        next = after
      }
      let current = next
      try fixture.resume(id) { tables in try Self.compare(tables, current, seed) }
      if generator.chance(20) { try fixture.reopen(cleanly: false) }
    }
    try fixture.read { tables in try Self.compare(tables, model, seed) }
    if generator.chance(30) {
      try fixture.store.rollback(id)
    } else {
      try fixture.store.commit(id)
      model = next
    }
  }

  private mutating func change() -> Change {
    let table = generator.random.below(model.tables.count)
    let state = model.tables[table]
    let name = state.schema.name
    let row = generator.row(model, table)
    let key =
      state.rows.isEmpty || generator.chance(20) ? state.key(of: row) : state.key(of: generator.pick(state.rows))
    switch generator.random.below(10) {
    case 0...4:
      return Change(
        title: "insert \(row) into \(name)",
        engine: { tables in
          try tables.table(name).insert(row)
          return 1
        },
        model: { model in
          try model.insert(table, row)
          return 1
        })
    case 5:
      let unique = state.schema.indexes.indices.filter { state.schema.indexes[$0].isUnique }
      let index = unique.isEmpty || generator.chance(40) ? nil : generator.pick(unique)
      let indexName = index.map { state.schema.indexes[$0].name }
      return Change(
        title: "upsert \(row) into \(name) on \(indexName ?? "the key")",
        engine: { try $0.table(name).upsert(row, on: indexName) ? 1 : 0 },
        model: { try $0.upsert(table, row, on: index) ? 1 : 0 })
    case 6, 7:
      let (assignments, columns) = assignments(state)
      let filter: Predicate = generator.chance(60) ? Self.predicate(state, key) : generator.predicate(state.schema)
      return Change(
        title: "update \(name) where \(filter) set \(assignments)",
        engine: { Int(try $0.table(name).update(where: filter, assignments)) },
        model: { model in
          try model.change(
            table, { row in TableModel.truth(filter) { row[state.column($0)] } == true },
            { row in
              var row = row
              for (column, value) in columns { row[column] = value }
              return row
            })
        })
    case 8:
      return Change(
        title: "delete \(key) of \(name)", engine: { try $0.table(name).delete(key) ? 1 : 0 },
        model: { try $0.change(table, { state.key(of: $0) == key }, { _ in nil }) })
    default:
      let filter = generator.predicate(state.schema)
      return Change(
        title: "delete from \(name) where \(filter)", engine: { Int(try $0.table(name).delete(where: filter)) },
        model: { model in
          try model.change(table, { row in TableModel.truth(filter) { row[state.column($0)] } == true }, { _ in nil })
        })
    }
  }

  private static func predicate(_ state: TableModel.Table, _ key: [ColumnValue]) -> Predicate {
    .and(zip(state.schema.primaryKey, key).map { .compare($0, .equal, $1) })
  }

  private mutating func assignments(
    _ state: TableModel.Table
  ) -> (named: [(String, ColumnValue)], columns: [(Int, ColumnValue)]) {
    var named: [(String, ColumnValue)] = []
    var columns: [(Int, ColumnValue)] = []
    for _ in 0..<(1 + generator.random.below(3)) {
      let column = generator.random.below(state.schema.columns.count)
      let definition = state.schema.columns[column]
      guard !columns.contains(where: { $0.0 == column }) else { continue }
      let value = generator.value(definition)
      named.append((definition.name, value))
      columns.append((column, value))
    }
    return (named, columns)
  }

  // MARK: Comparing

  private enum Outcome: Equatable {
    case done(Int)
    case refused
  }

  private static func outcome(_ body: () throws -> Int) -> Result<Outcome, any Error> {
    do { return .success(.done(try body())) } catch is TableModel.Refusal {
      return .success(.refused)
    } catch StorageError.constraintViolated {
      return .success(.refused)
    } catch { return .failure(error) }
  }

  private func compare(
    _ change: Change, _ expected: Result<Outcome, any Error>, _ got: Result<Outcome, any Error>
  ) throws {
    #expect(
      try got.get() == expected.get(), "seed \(seed): \(change.title); the engine: \(got), the model: \(expected)")
  }

  private func compareAll() throws {
    try fixture.read { tables in try Self.compare(tables, model, seed) }
  }

  private static func compare(_ tables: TableVolume, _ model: TableModel, _ seed: UInt64) throws {
    for (number, table) in model.tables.enumerated() {
      let handle = try tables.table(table.schema.name)
      let rows = try handle.select(Query(order: table.schema.primaryKey.map { OrderTerm($0) })).all()
      #expect(rows == model.rows(number, .always), "seed \(seed), table \(table.schema.name)")
      #expect(try handle.count() == UInt64(rows.count))
    }
  }

  // MARK: Queries

  private mutating func query() throws {
    let table = generator.random.below(model.tables.count)
    let schema = model.tables[table].schema
    let filter = generator.predicate(schema)
    let order = generator.order(schema)
    switch generator.random.below(8) {
    case 0...2: try rows(table, filter, order)
    case 3: try pages(table, filter, order)
    case 4: try groups(table, filter)
    case 5: try join(table, filter)
    case 6:
      let expected = model.rows(table, filter).count
      try fixture.read { tables in
        let found = try tables.table(schema.name).count(filter)
        #expect(found == UInt64(expected), "seed \(seed): \(filter)")
      }
    default:
      let columns = (0..<(1 + generator.random.below(2))).map { _ in generator.pick(schema.columns).name }
      let state = model.tables[table]
      let budget = budget()
      let expected = Set(model.rows(table, filter).map { row in state.columns(columns).map { row[$0] } })
      try fixture.read { tables in
        let query = Query(filter, columns: columns, isDistinct: true, memoryBudget: budget)
        let rows = try tables.table(schema.name).select(query).all()
        #expect(rows.count == expected.count, "seed \(seed): \(filter)")
        #expect(Set(rows) == expected, "seed \(seed): \(filter)")
      }
    }
  }

  private mutating func rows(_ table: Int, _ filter: Predicate, _ order: [OrderTerm]) throws {
    let state = model.tables[table]
    let all = model.rows(table, filter, order: order)
    let offset = generator.chance(30) ? generator.random.below(4) : 0
    let limit = generator.chance(40) ? generator.random.below(6) : nil
    let columns: [String]? =
      generator.chance(30)
      ? (0..<(1 + generator.random.below(3))).map { _ in generator.pick(state.schema.columns).name } : nil
    var expected = Array(all.dropFirst(offset))
    if let limit { expected = Array(expected.prefix(limit)) }
    let query = Query(
      filter, order: order, limit: limit.map { UInt64($0) }, offset: UInt64(offset), columns: columns,
      memoryBudget: budget())
    try fixture.read { tables in
      let handle = try tables.table(state.schema.name)
      let got = try handle.select(query).all()
      let wanted = columns.map { names in expected.map { row in state.columns(names).map { row[$0] } } } ?? expected
      let plan = try handle.explain(query)
      if order.isEmpty {
        // Without an order any rows will do, as many as there are.
        #expect(got.count == wanted.count, "seed \(seed): \(query) \(plan)")
        if limit == nil && offset == 0 {
          #expect(Self.counts(got) == Self.counts(wanted), "seed \(seed): \(query) \(plan)")
        }
      } else {
        #expect(got == wanted, "seed \(seed): \(query) \(plan)")
      }
      guard columns == nil, !order.isEmpty else { return }
      var lent: [[ColumnValue]] = []
      try handle.forEach(query) { (row) throws(StorageError) in
        lent.append(try row.values())
        return true
      }
      #expect(lent == wanted, "seed \(seed): \(query)")
    }
  }

  /// What a query may take in memory: often too little, so that steps lay rows aside.
  private mutating func budget() -> UInt64 { generator.chance(30) ? 600 : 1 << 20 }

  private static func counts(_ rows: [[ColumnValue]]) -> [[ColumnValue]: Int] {
    rows.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  private mutating func pages(_ table: Int, _ filter: Predicate, _ order: [OrderTerm]) throws {
    let state = model.tables[table]
    let terms = order.isEmpty ? state.schema.primaryKey.map { OrderTerm($0) } : order
    let expected = model.rows(table, filter, order: terms)
    let size = UInt64(1 + generator.random.below(5))
    var got: [[ColumnValue]] = []
    var token: PageToken?
    try fixture.read { tables in
      let handle = try tables.table(state.schema.name)
      while got.count <= expected.count {
        let rows = try handle.select(Query(filter, order: terms, limit: size, after: token))
        let page = try rows.all()
        got += page
        guard let next = rows.pageToken, page.count == Int(size) else { break }
        token = next
      }
    }
    #expect(got == expected, "seed \(seed): \(filter) by \(terms), \(size) a page")
  }

  private mutating func groups(_ table: Int, _ filter: Predicate) throws {
    let state = model.tables[table]
    let by = generator.chance(20) ? [] : [generator.pick(state.schema.columns).name]
    let column = generator.pick(state.schema.columns).name
    let place = state.column(column)
    var groups: [[ColumnValue]: [[ColumnValue]]] = [:]
    for row in model.rows(table, filter) { groups[state.columns(by).map { row[$0] }, default: []].append(row) }
    if by.isEmpty && groups.isEmpty { groups[[]] = [] }
    var expected: [[ColumnValue]] = []
    for (key, rows) in groups {
      let values = rows.map { $0[place] }.filter { !$0.isNull }
      let counts: [ColumnValue] = [.integer(Int64(rows.count)), .integer(Int64(values.count))]
      expected.append(key + counts + [values.min() ?? .null, values.max() ?? .null])
    }
    expected = expected.filter { row in row[by.count] > .integer(1) }
    expected.sort { TableModel.precedes($0, $1) }
    let query = Query(
      filter, groupBy: by,
      aggregates: [
        Aggregate(.count), Aggregate(.count, column, as: "values"), Aggregate(.minimum, column),
        Aggregate(.maximum, column),
      ], having: .compare("count", .greater, .integer(1)), memoryBudget: budget())
    try fixture.read { tables in
      let got = try tables.table(state.schema.name).select(query).all()
      #expect(got == expected, "seed \(seed): \(filter) grouped by \(by)")
    }
  }

  private mutating func join(_ table: Int, _ filter: Predicate) throws {
    let state = model.tables[table]
    let other = generator.random.below(model.tables.count)
    let inner = model.tables[other]
    let left = generator.pick(state.schema.columns)
    let candidates = inner.schema.columns.filter { $0.type == left.type }
    guard !candidates.isEmpty else { return }
    let right = generator.pick(candidates)
    let kind: Join.Kind = generator.chance(50) ? .inner : .left
    var expected: [[ColumnValue]] = []
    for row in model.rows(table, filter) {
      let value = row[state.column(left.name)]
      let partners = value.isNull ? [] : inner.rows.filter { $0[inner.column(right.name)] == value }
      for partner in partners { expected.append(row + partner) }
      if partners.isEmpty && kind == .left { expected.append(row + inner.schema.columns.map { _ in .null }) }
    }
    let query = Query(
      filter, joins: [Join(kind, inner.schema.name, as: "other", on: [(left.name, "other." + right.name)])],
      memoryBudget: budget())
    try fixture.read { tables in
      let got = try tables.table(state.schema.name).select(query).all()
      #expect(Self.counts(got) == Self.counts(expected), "seed \(seed): \(filter) with \(inner.schema.name)")
    }
  }
}
