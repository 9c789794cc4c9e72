#if BenchmarkPeers
  internal import CSQLite
  internal import Glibc

  /// SQLite's tables: a write-ahead log, synchronous = FULL, statements prepared once.
  @safe
  final class SQLiteTableEngine: TableEngine, TableWriter, TableReader {
    private let folder: String
    private var database: OpaquePointer?
    private var statements: [OpaquePointer?] = unsafe []
    private let buffer = ReadBuffer(capacity: 4096)

    private enum Statement: Int, CaseIterable {
      case begin, beginImmediate, commit, insertPerson, insertVisit, setAge, delete, byID, byEmail, range, join
      case byMinutes, byAge

      var text: String {
        switch self {
        case .begin: "BEGIN"
        case .beginImmediate: "BEGIN IMMEDIATE"
        case .commit: "COMMIT"
        case .insertPerson: "INSERT INTO person VALUES(?1,?2,?3,?4)"
        case .insertVisit: "INSERT INTO visit VALUES(?1,?2,?3)"
        case .setAge: "UPDATE person SET age=?2 WHERE id=?1"
        case .delete: "DELETE FROM person WHERE id=?1"
        case .byID: "SELECT id,name,email,age FROM person WHERE id=?1"
        case .byEmail: "SELECT id,name,email,age FROM person WHERE email=?1"
        case .range: "SELECT id,name,email,age FROM person WHERE age BETWEEN ?1 AND ?2 ORDER BY age, id LIMIT ?3"
        case .join: "SELECT visit.id, person.age FROM visit JOIN person ON person.id = visit.person"
        case .byMinutes: "SELECT minutes, count(*), sum(person) FROM visit GROUP BY minutes"
        case .byAge: "SELECT age, count(*), sum(id) FROM person GROUP BY age"
        }
      }
    }

    init(folder: String) { self.folder = folder }

    func open() throws {
      guard unsafe sqlite3_open(folder + "/db.sqlite", &database) == SQLITE_OK else { throw failure("open") }
      for text in [
        "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA cache_size=-\(EngineKind.cacheByteCount / 1024)",
        "CREATE TABLE IF NOT EXISTS person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, age INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX IF NOT EXISTS person_email ON person(email)",
        "CREATE INDEX IF NOT EXISTS person_age ON person(age)",
        "CREATE TABLE IF NOT EXISTS visit(id INTEGER PRIMARY KEY, person INTEGER NOT NULL, minutes INTEGER NOT NULL)",
      ] {
        guard unsafe sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK else { throw failure(text) }
      }
      for statement in Statement.allCases {
        var prepared: OpaquePointer?
        let status = unsafe sqlite3_prepare_v3(
          database, statement.text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard status == SQLITE_OK else { throw failure(statement.text) }
        unsafe statements.append(prepared)
      }
    }

    func close() throws {
      for statement in Statement.allCases { _ = unsafe sqlite3_finalize(statements[statement.rawValue]) }
      unsafe statements = []
      guard unsafe sqlite3_close(database) == SQLITE_OK else { throw failure("close") }
      unsafe database = nil
    }

    private func failure(_ what: String) -> EngineFailure {
      let text = unsafe database.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "no database"
      return EngineFailure(description: "SQLite: \(what): \(text)")
    }

    /// Runs a statement that gives no rows.
    private func run(_ statement: Statement, _ bind: (OpaquePointer?) -> Void = { _ in }) throws {
      let prepared = unsafe statements[statement.rawValue]
      unsafe bind(prepared)
      guard unsafe sqlite3_step(prepared) == SQLITE_DONE else { throw failure(statement.text) }
      _ = unsafe sqlite3_reset(prepared)
    }

    /// Runs a statement and calls `body` for each row.
    private func query(
      _ statement: Statement, _ bind: (OpaquePointer?) -> Void, _ body: (OpaquePointer?) -> Void
    ) throws {
      let prepared = unsafe statements[statement.rawValue]
      unsafe bind(prepared)
      defer { _ = unsafe sqlite3_reset(prepared) }
      while true {
        let status = unsafe sqlite3_step(prepared)
        if status == SQLITE_DONE { return }
        guard status == SQLITE_ROW else { throw failure(statement.text) }
        unsafe body(prepared)
      }
    }

    func transaction(_ body: (any TableWriter) throws -> Void) throws {
      try unsafe run(.beginImmediate)
      try body(self)
      try unsafe run(.commit)
    }

    func read(_ body: (any TableReader) throws -> Void) throws {
      try unsafe run(.begin)
      try body(self)
      try unsafe run(.commit)
    }

    /// A statement by itself is a transaction.
    func ask(_ body: (any TableReader) throws -> Void) throws { try body(self) }

    /// Lends a text to a statement while `body` runs.
    private func bind(_ text: String, _ index: Int32, of statement: Statement, _ body: () throws -> Void) throws {
      let prepared = unsafe statements[statement.rawValue]
      var text = text
      try text.withUTF8 { bytes in
        try unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
          // Static: the bytes stay where they are until the statement has run.
          _ = unsafe sqlite3_bind_text(prepared, index, characters.baseAddress, Int32(characters.count), nil)
          try body()
        }
      }
    }

    func insert(_ person: Person) throws {
      try bind(person.name, 2, of: .insertPerson) {
        try bind(person.email, 3, of: .insertPerson) {
          try unsafe run(.insertPerson) { statement in
            _ = unsafe sqlite3_bind_int64(statement, 1, person.id)
            _ = unsafe sqlite3_bind_int64(statement, 4, person.age)
          }
        }
      }
    }

    func insert(_ visit: Visit) throws {
      try unsafe run(.insertVisit) { statement in
        _ = unsafe sqlite3_bind_int64(statement, 1, visit.id)
        _ = unsafe sqlite3_bind_int64(statement, 2, visit.person)
        _ = unsafe sqlite3_bind_int64(statement, 3, visit.minutes)
      }
    }

    func setAge(_ age: Int64, of id: Int64) throws -> Bool {
      try unsafe run(.setAge) { statement in
        _ = unsafe sqlite3_bind_int64(statement, 1, id)
        _ = unsafe sqlite3_bind_int64(statement, 2, age)
      }
      return unsafe sqlite3_changes(database) == 1
    }

    func delete(_ id: Int64) throws -> Bool {
      try unsafe run(.delete) { statement in _ = unsafe sqlite3_bind_int64(statement, 1, id) }
      return unsafe sqlite3_changes(database) == 1
    }

    private func take(_ statement: OpaquePointer?, _ seen: inout SeenRows) {
      for column in Int32(1)...2 {
        let count = unsafe Int(sqlite3_column_bytes(statement, column))
        guard let text = unsafe sqlite3_column_text(statement, column) else { continue }
        seen.byteCount += unsafe buffer.fill(text, count: count)
      }
      unsafe seen.add(sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 3))
    }

    func person(_ id: Int64, _ seen: inout SeenRows) throws {
      try unsafe query(.byID) {
        _ = unsafe sqlite3_bind_int64($0, 1, id)
      } _: {
        unsafe take($0, &seen)
      }
    }

    func person(email: String, _ seen: inout SeenRows) throws {
      try bind(email, 1, of: .byEmail) {
        try unsafe query(.byEmail) { _ in
        } _: {
          unsafe take($0, &seen)
        }
      }
    }

    func people(ages: ClosedRange<Int64>, limit: Int, _ seen: inout SeenRows) throws {
      try unsafe query(.range) { statement in
        _ = unsafe sqlite3_bind_int64(statement, 1, ages.lowerBound)
        _ = unsafe sqlite3_bind_int64(statement, 2, ages.upperBound)
        _ = unsafe sqlite3_bind_int64(statement, 3, Int64(limit))
      } _: {
        unsafe take($0, &seen)
      }
    }

    private func add(_ statement: Statement, columns: Int32, _ seen: inout SeenRows) throws {
      try unsafe query(statement) { _ in
      } _: { row in
        seen.count += 1
        for column in 0..<columns { seen.sum &+= unsafe sqlite3_column_int64(row, column) }
      }
    }

    func visitsWithAges(_ seen: inout SeenRows) throws { try add(.join, columns: 2, &seen) }

    func visitsByMinutes(_ seen: inout SeenRows) throws { try add(.byMinutes, columns: 3, &seen) }

    func peopleByAge(_ seen: inout SeenRows) throws { try add(.byAge, columns: 3, &seen) }
  }
#endif
