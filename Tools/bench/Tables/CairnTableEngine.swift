internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes

/// Cairn's tables, through the public interface.
final class CairnTableEngine: TableEngine {
  private let file: CairnFile
  private let people: PreparedSchema
  private let visits: PreparedSchema
  private let buffer = ReadBuffer(capacity: 4096)

  init(folder: String, scale: Scale) throws {
    file = CairnFile(folder: folder, scale: scale)
    people = try PreparedSchema(
      TableSchema(
        "person",
        columns: [
          ColumnDefinition("id", .int64), ColumnDefinition("name", .string), ColumnDefinition("email", .string),
          ColumnDefinition("age", .int64),
        ], primaryKey: ["id"],
        indexes: [IndexDefinition("email", on: ["email"], isUnique: true), IndexDefinition("age", on: ["age"])]))
    visits = try PreparedSchema(
      TableSchema(
        "visit",
        columns: [
          ColumnDefinition("id", .int64), ColumnDefinition("person", .int64), ColumnDefinition("minutes", .int64),
        ], primaryKey: ["id"]))
  }

  func open() throws {
    var options = StoreOptions(filesystems: [TableFilesystem()])
    options.device.memoryBudget = EngineKind.cacheByteCount
    let schemas = [people.schema, visits.schema]
    try file.open(options) { (transaction) throws(StorageError) in
      try transaction.createTables()
      try transaction.tables().createTables(schemas)
    }
  }

  func close() throws { try file.close() }

  func transaction(_ body: (any TableWriter) throws -> Void) throws {
    try file.transaction { try body(CairnRows(try $0.tables(), people: people, visits: visits, buffer)) }
  }

  func read(_ body: (any TableReader) throws -> Void) throws {
    try file.read { try body(CairnRows(try $0.tables(), people: people, visits: visits, buffer)) }
  }
}

/// The two tables in a transaction, each looked up when it is first used.
private final class CairnRows: TableWriter, TableReader {
  private let tables: TableVolume
  private let peopleSchema: PreparedSchema
  private let visitsSchema: PreparedSchema
  private let buffer: ReadBuffer
  private var knownPeople: CairnTables.Table?
  private var knownVisits: CairnTables.Table?

  init(_ tables: TableVolume, people: PreparedSchema, visits: PreparedSchema, _ buffer: ReadBuffer) {
    self.tables = tables
    peopleSchema = people
    visitsSchema = visits
    self.buffer = buffer
  }

  private var people: CairnTables.Table {
    get throws(StorageError) {
      if let knownPeople { return knownPeople }
      let table = try tables.table(peopleSchema)
      knownPeople = table
      return table
    }
  }

  private var visits: CairnTables.Table {
    get throws(StorageError) {
      if let knownVisits { return knownVisits }
      let table = try tables.table(visitsSchema)
      knownVisits = table
      return table
    }
  }

  func insert(_ person: Person) throws {
    try people.insert([.integer(person.id), .string(person.name), .string(person.email), .integer(person.age)])
  }

  func insert(_ visit: Visit) throws {
    try visits.insert([.integer(visit.id), .integer(visit.person), .integer(visit.minutes)])
  }

  func setAge(_ age: Int64, of id: Int64) throws -> Bool { try people.update([.integer(id)], [("age", .integer(age))]) }

  func delete(_ id: Int64) throws -> Bool { try people.delete([.integer(id)]) }

  private func take(_ row: RowReader, _ seen: inout SeenRows) throws(StorageError) {
    var byteCount = 0
    for column in 1...2 { try row.withBytes(column) { byteCount += buffer.fill($0) } }
    seen.byteCount += byteCount
    seen.add(try row.int64(0) ?? 0, try row.int64(3) ?? 0)
  }

  func person(_ id: Int64, _ seen: inout SeenRows) throws {
    _ = try people.withRow([.integer(id)]) { (row) throws(StorageError) in try take(row, &seen) }
  }

  func person(email: String, _ seen: inout SeenRows) throws {
    _ = try people.withRow(index: "email", [.string(email)]) { (row) throws(StorageError) in try take(row, &seen) }
  }

  func people(ages: ClosedRange<Int64>, limit: Int, _ seen: inout SeenRows) throws {
    let query = Query(
      .between("age", .integer(ages.lowerBound), .integer(ages.upperBound)),
      order: [OrderTerm("age"), OrderTerm("id")], limit: UInt64(limit))
    try people.forEach(query) { (row) throws(StorageError) in
      try take(row, &seen)
      return true
    }
  }

  private func add(_ query: Query, to table: CairnTables.Table, _ seen: inout SeenRows) throws {
    let rows = try table.select(query)
    var row: [ColumnValue] = []
    while try rows.next(into: &row) {
      seen.count += 1
      for value in row { if case .integer(let number) = value { seen.sum &+= number } }
    }
  }

  func visitsWithAges(_ seen: inout SeenRows) throws {
    try add(
      Query(columns: ["visit.id", "person.age"], joins: [Join(.inner, "person", on: [("person", "id")])]),
      to: try visits,
      &seen)
  }

  func visitsByMinutes(_ seen: inout SeenRows) throws {
    try add(
      Query(groupBy: ["minutes"], aggregates: [Aggregate(.count), Aggregate(.sum, "person")]), to: try visits, &seen)
  }

  func peopleByAge(_ seen: inout SeenRows) throws {
    try add(Query(groupBy: ["age"], aggregates: [Aggregate(.count), Aggregate(.sum, "id")]), to: try people, &seen)
  }
}
