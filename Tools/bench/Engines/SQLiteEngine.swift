#if BenchmarkPeers
  internal import CSQLite
  internal import Glibc

  /// SQLite: a write-ahead log, synchronous = FULL, statements prepared once.
  @safe
  final class SQLiteEngine: Engine, EngineWriter, EngineReader {
    private let folder: String
    private var database: OpaquePointer?
    private var statements: [Statement: OpaquePointer] = unsafe [:]

    private enum Statement: String, CaseIterable {
      case begin = "BEGIN"
      case beginImmediate = "BEGIN IMMEDIATE"
      case commit = "COMMIT"
      case put = "REPLACE INTO kv VALUES(?1,?2)"
      case get = "SELECT v FROM kv WHERE k=?1"
      case scan = "SELECT k,v FROM kv ORDER BY k"
      case scanFrom = "SELECT k,v FROM kv WHERE k>=?1 ORDER BY k LIMIT ?2"
      case putObject = "INSERT INTO obj VALUES(?1,?2)"
    }

    init(folder: String) { self.folder = folder }

    func open() throws {
      let status = unsafe sqlite3_open(folder + "/db.sqlite", &database)
      guard status == SQLITE_OK else { throw failure("open") }
      for text in [
        "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA cache_size=-\(EngineKind.cacheByteCount / 1024)",
        "CREATE TABLE IF NOT EXISTS kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS obj(id INTEGER PRIMARY KEY, d BLOB)",
      ] {
        guard unsafe sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK else { throw failure(text) }
      }
      for statement in Statement.allCases {
        var prepared: OpaquePointer?
        let status = unsafe sqlite3_prepare_v3(
          database, statement.rawValue, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard status == SQLITE_OK, let prepared = unsafe prepared else { throw failure(statement.rawValue) }
        unsafe statements[statement] = prepared
      }
      unsafe (putStatement, getStatement) = unsafe (statements[.put], statements[.get])
    }

    /// The two that are used for each record, found without a look-up.
    private var putStatement: OpaquePointer?
    private var getStatement: OpaquePointer?

    func close() throws {
      for statement in Statement.allCases { _ = unsafe sqlite3_finalize(statements[statement]) }
      unsafe statements = [:]
      guard unsafe sqlite3_close(database) == SQLITE_OK else { throw failure("close") }
      unsafe database = nil
    }

    private func failure(_ what: String) -> EngineFailure {
      let text = unsafe database.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "no database"
      return EngineFailure(description: "SQLite: \(what): \(text)")
    }

    private func run(_ statement: OpaquePointer?) throws {
      let status = unsafe sqlite3_step(statement)
      guard status == SQLITE_DONE || status == SQLITE_ROW else { throw failure("step") }
      _ = unsafe sqlite3_reset(statement)
    }

    private func bind(_ statement: OpaquePointer?, _ index: Int32, _ bytes: RawSpan) {
      unsafe bytes.withUnsafeBytes { buffer in
        // Static: the bytes stay where they are until the statement has run.
        _ = unsafe sqlite3_bind_blob(statement, index, buffer.baseAddress, Int32(buffer.count), nil)
      }
    }

    func transaction(_ body: (any EngineWriter) throws -> Void) throws {
      try unsafe run(statements[.beginImmediate])
      try body(self)
      try unsafe run(statements[.commit])
    }

    func read(_ body: (any EngineReader) throws -> Void) throws {
      try unsafe run(statements[.begin])
      try body(self)
      try unsafe run(statements[.commit])
    }

    func put(_ key: RawSpan, _ value: RawSpan) throws {
      unsafe bind(putStatement, 1, key)
      unsafe bind(putStatement, 2, value)
      try unsafe run(putStatement)
    }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int {
      unsafe bind(getStatement, 1, key)
      defer { _ = unsafe sqlite3_reset(getStatement) }
      guard unsafe sqlite3_step(getStatement) == SQLITE_ROW else { return -1 }
      guard let bytes = unsafe sqlite3_column_blob(getStatement, 0) else { return 0 }
      return unsafe buffer.fill(bytes, count: Int(sqlite3_column_bytes(getStatement, 0)))
    }

    func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
      let statement = unsafe statements[key == nil ? .scan : .scanFrom]
      defer { _ = unsafe sqlite3_reset(statement) }
      try unsafe (key ?? []).withUnsafeBytes { from in
        if key != nil {
          _ = unsafe sqlite3_bind_blob(statement, 1, from.baseAddress, Int32(from.count), nil)
          _ = unsafe sqlite3_bind_int64(statement, 2, Int64(limit))
        }
        while true {
          let status = unsafe sqlite3_step(statement)
          if status == SQLITE_DONE { return }
          guard status == SQLITE_ROW, let key = unsafe sqlite3_column_blob(statement, 0),
            let value = unsafe sqlite3_column_blob(statement, 1)
          else { throw failure("scan") }
          unsafe touch.add(key, value)
        }
      }
    }

    func putObject(_ number: Int, _ bytes: RawSpan) throws {
      let statement = unsafe statements[.putObject]
      _ = unsafe sqlite3_bind_int64(statement, 1, Int64(number))
      unsafe bind(statement, 2, bytes)
      try unsafe run(statement)
    }

    func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
      var blob: OpaquePointer?
      guard unsafe sqlite3_blob_open(database, "main", "obj", "d", Int64(number), 0, &blob) == SQLITE_OK else {
        throw failure("blob_open")
      }
      defer { _ = unsafe sqlite3_blob_close(blob) }
      let count = unsafe sqlite3_blob_bytes(blob)
      let status = unsafe buffer.withMutableBytes { unsafe sqlite3_blob_read(blob, $0.baseAddress, count, 0) }
      guard status == SQLITE_OK else { throw failure("blob_read") }
      return Int(count)
    }
  }
#endif
