#if SQLiteComparison
  import CairnBlocks
  import CairnMemory
  import CairnTables
  import CairnTestSupport
  import CairnVolumes
  import Foundation
  import GRDB

  /// The same two tables in Cairn and in SQLite: `parent`, and `child` that refers to it, with random indexes.
  final class ComparedTables {
    let store: Store
    let queue: DatabaseQueue
    let parent: TableSchema
    let child: TableSchema

    static let integers: [ColumnValue] = (-3...6).map { .integer($0) }
    static let texts: [ColumnValue] = ["", "a", "ab", "abc", "b", "B", "\u{E9}", "e\u{301}", "zz"].map { .string($0) }
    /// Multiples of a quarter, so that sums do not depend on their order.
    static let doubles: [ColumnValue] = (-4...6).map { .double(Double($0) / 4) }
    static let byteStrings: [ColumnValue] = [[], [0], [0, 1], [1], [255], [255, 0]].map { .bytes($0) }

    init(_ random: inout SeededGenerator) throws {
      var indexes: [IndexDefinition] = []
      let candidates = [["a"], ["b"], ["c"], ["d"], ["a", "b"], ["b", "c"], ["e", "a"], ["c", "d", "a"]]
      for columns in candidates where random.below(3) == 0 {
        let partial = random.below(4) == 0 ? [columns[0]] : []
        indexes.append(IndexDefinition("p_" + columns.joined(), on: columns, whereNotNull: partial))
      }
      if random.below(2) == 0 { indexes.append(IndexDefinition("p_unique", on: ["e", "d"], isUnique: true)) }
      parent = TableSchema(
        "parent",
        columns: [
          ColumnDefinition("id", .int64), ColumnDefinition("a", .int32, isOptional: true),
          ColumnDefinition("b", .string, isOptional: true), ColumnDefinition("c", .double, isOptional: true),
          ColumnDefinition("d", .bytes, isOptional: true), ColumnDefinition("e", .int16),
        ], primaryKey: ["id"], indexes: indexes,
        checks: [CheckDefinition("small", .compare("e", .less, .integer(6)))])
      let action: ReferenceAction = [.cascade, .setNull, .restrict][random.below(3)]
      child = TableSchema(
        "child",
        columns: [
          ColumnDefinition("x", .int64), ColumnDefinition("y", .string),
          ColumnDefinition("owner", .int64, isOptional: true),
          ColumnDefinition("n", .uint8, isOptional: true), ColumnDefinition("t", .string, isOptional: true),
        ], primaryKey: ["x", "y"],
        indexes: random.below(2) == 0 ? [IndexDefinition("c_n", on: ["n", "t"])] : [],
        references: [ReferenceDefinition("owner", from: ["owner"], to: "parent", onDelete: action)])

      store = try Store.create(
        on: HeapMemory(pageCount: 256), options: StoreOptions(filesystems: [TableFilesystem()]))
      queue = try DatabaseQueue()
      let schemas = [parent, child]
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.createTables()
        try transaction.tables().createTables(schemas)
      }
      try queue.write { database in
        for schema in schemas { try database.execute(sql: Self.statement(schema)) }
        for schema in schemas {
          for index in schema.indexes { try database.execute(sql: Self.statement(index, of: schema)) }
        }
      }
    }

    private static func statement(_ schema: TableSchema) -> String {
      var parts = schema.columns.map { column in
        "\(SQLText.name(column.name)) \(sqlType(column.type))\(column.isOptional ? "" : " NOT NULL")"
      }
      parts.append("PRIMARY KEY (\(schema.primaryKey.map(SQLText.name).joined(separator: ", ")))")
      for reference in schema.references {
        let action =
          [ReferenceAction.cascade: "CASCADE", .setNull: "SET NULL", .restrict: "RESTRICT"][reference.onDelete] ?? ""
        parts.append(
          "FOREIGN KEY (\(reference.columns.map(SQLText.name).joined(separator: ", "))) REFERENCES "
            + "\(SQLText.name(reference.table)) ON DELETE \(action)")
      }
      for check in schema.checks {
        guard case .compare(let column, .less, .integer(let bound)) = check.predicate else { continue }
        parts.append("CHECK (\(SQLText.name(column)) < \(bound))")
      }
      // Without a row id, rows lie in the order of their keys there, too.
      return "CREATE TABLE \(SQLText.name(schema.name)) (\(parts.joined(separator: ", "))) WITHOUT ROWID"
    }

    private static func statement(_ index: IndexDefinition, of schema: TableSchema) -> String {
      let columns = index.columns.map(SQLText.name).joined(separator: ", ")
      let condition = index.whereNotNull.map { SQLText.name($0) + " IS NOT NULL" }.joined(separator: " AND ")
      return
        "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(SQLText.name(index.name)) ON \(SQLText.name(schema.name)) "
        + "(\(columns))" + (condition.isEmpty ? "" : " WHERE " + condition)
    }

    private static func sqlType(_ type: ColumnType) -> String {
      switch type {
      case .string: "TEXT"
      case .double: "REAL"
      case .bytes: "BLOB"
      default: "INTEGER"
      }
    }

    // MARK: Rows

    static func value(_ column: CairnTables.ColumnDefinition, _ random: inout SeededGenerator) -> ColumnValue {
      if column.isOptional, random.below(5) == 0 { return .null }
      let pool: [ColumnValue] =
        switch column.type {
        case .string: texts
        case .double: doubles
        case .bytes: byteStrings
        case .uint8: (0..<6).map { .unsigned($0) }
        default: integers
        }
      return pool[random.below(pool.count)]
    }

    /// A row; keys are drawn from few, so that some are there already.
    func row(of schema: TableSchema, _ random: inout SeededGenerator) -> [ColumnValue] {
      schema.columns.map { column in
        column.name == "id" || column.name == "x" || column.name == "owner"
          ? (column.isOptional && random.below(6) == 0 ? .null : .integer(Int64(random.below(60))))
          : Self.value(column, &random)
      }
    }

    // MARK: Both

    /// Inserts a row on both sides; whether both took it.
    func insert(_ row: [ColumnValue], into schema: TableSchema) throws -> (cairn: Bool, sqlite: Bool) {
      let places = Array(repeating: "?", count: row.count).joined(separator: ", ")
      let sql = "INSERT INTO \(SQLText.name(schema.name)) VALUES (\(places))"
      let counts = try both(
        { (transaction) throws(StorageError) in
          _ = try transaction.tables().table(schema.name).insert(row)
          return 1
        }, sql, row.map(SQLText.databaseValue))
      return (counts.cairn != nil, counts.sqlite != nil)
    }

    /// Deletes on both sides; how many rows each deleted, nil where a rule forbids it.
    func delete(_ predicate: CairnTables.Predicate, from schema: TableSchema) throws -> (
      cairn: UInt64?, sqlite: UInt64?
    ) {
      var sql = SQLText("DELETE FROM \(SQLText.name(schema.name)) WHERE ")
      sql.append(predicate)
      return try both(
        { (transaction) throws(StorageError) in
          try transaction.tables().table(schema.name).delete(where: predicate)
        }, sql.text, sql.arguments)
    }

    /// Updates on both sides; how many rows each changed, nil where a rule forbids it.
    func update(
      _ predicate: CairnTables.Predicate, _ column: String, _ value: ColumnValue, in schema: TableSchema
    ) throws -> (cairn: UInt64?, sqlite: UInt64?) {
      var sql = SQLText("UPDATE \(SQLText.name(schema.name)) SET \(SQLText.name(column)) = ")
      sql.append(value)
      sql.append(" WHERE ")
      sql.append(predicate)
      return try both(
        { (transaction) throws(StorageError) in
          try transaction.tables().table(schema.name).update(where: predicate, [(column, value)])
        }, sql.text, sql.arguments)
    }

    private func both(
      _ change: (Transaction) throws(StorageError) -> UInt64, _ sql: String, _ arguments: [DatabaseValue]
    ) throws -> (cairn: UInt64?, sqlite: UInt64?) {
      var cairn: UInt64?
      do throws(StorageError) {
        cairn = try store.transaction(change)
      } catch {
        guard case .constraintViolated = error else { throw error }
      }
      var sqlite: UInt64?
      do {
        sqlite = try queue.write { database in
          try database.execute(sql: sql, arguments: StatementArguments(arguments))
          return UInt64(database.changesCount)
        }
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {}
      return (cairn, sqlite)
    }

    /// The answers of both sides to a question.
    func answers(
      _ query: Query, _ schema: TableSchema, selecting columns: [String]
    ) throws -> (cairn: [[ColumnValue]], sqlite: [[ColumnValue]], sql: String) {
      let sql = SQLText(query, of: schema.name, selecting: columns)
      let sqlite = try queue.read { database in
        try Row.fetchAll(database, sql: sql.text, arguments: StatementArguments(sql.arguments)).map { row in
          Array(row.databaseValues.map(SQLText.columnValue))
        }
      }
      let cairn = try store.read { (transaction) throws(StorageError) in
        try transaction.tables().table(schema.name).select(query).all()
      }
      return (cairn, sqlite, sql.text)
    }
  }
#endif
