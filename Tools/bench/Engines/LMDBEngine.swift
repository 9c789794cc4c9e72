#if BenchmarkPeers
  internal import CLMDB
  internal import CairnBytes

  /// LMDB with its defaults: durable, without a writable map.
  @safe
  final class LMDBEngine: Engine {
    private let folder: String
    private var environment: OpaquePointer?
    private var database: MDB_dbi = 0
    private var reader: OpaquePointer?

    init(folder: String) { self.folder = folder }

    static func check(_ status: Int32, _ what: String) throws {
      guard status == 0 else {
        throw EngineFailure(description: "LMDB: \(what): \(unsafe String(cString: mdb_strerror(status)))")
      }
    }

    func open() throws {
      try Self.check(unsafe mdb_env_create(&environment), "create")
      try Self.check(unsafe mdb_env_set_mapsize(environment, 16 << 30), "mapsize")
      try Self.check(unsafe mdb_env_open(environment, folder, 0, 0o644), "open")
      var transaction: OpaquePointer?
      try Self.check(unsafe mdb_txn_begin(environment, nil, 0, &transaction), "begin")
      try Self.check(unsafe mdb_dbi_open(transaction, nil, 0, &database), "database")
      try Self.check(unsafe mdb_txn_commit(transaction), "commit")
      try Self.check(unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &reader), "reader")
      unsafe mdb_txn_reset(reader)
    }

    func close() throws {
      unsafe mdb_txn_abort(reader)
      unsafe mdb_env_close(environment)
      unsafe (reader, environment) = (nil, nil)
    }

    func transaction(_ body: (any EngineWriter) throws -> Void) throws {
      var transaction: OpaquePointer?
      try Self.check(unsafe mdb_txn_begin(environment, nil, 0, &transaction), "begin")
      do {
        try body(unsafe LMDBTransaction(transaction: transaction, database: database))
      } catch {
        unsafe mdb_txn_abort(transaction)
        throw error
      }
      try Self.check(unsafe mdb_txn_commit(transaction), "commit")
    }

    func read(_ body: (any EngineReader) throws -> Void) throws {
      try Self.check(unsafe mdb_txn_renew(reader), "renew")
      defer { unsafe mdb_txn_reset(reader) }
      try body(unsafe LMDBTransaction(transaction: reader, database: database))
    }

    func putObject(_ number: Int, _ bytes: RawSpan) throws {
      try transaction { writer in
        try BulkCopy.withRawSpan(of: Self.key(number)) { key in try writer.put(key, bytes) }
      }
    }

    func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
      var count = -1
      try read { reader in
        count = try BulkCopy.withRawSpan(of: Self.key(number)) { key in try reader.get(key, into: buffer) }
      }
      return count
    }

    static func key(_ number: Int) -> [UInt8] { Array(Key.bytes(space: 5, number)) }
  }

  @safe
  private struct LMDBTransaction: EngineWriter, EngineReader {
    let transaction: OpaquePointer?
    let database: MDB_dbi

    private static func value(_ bytes: UnsafeRawBufferPointer) -> MDB_val {
      unsafe MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    func put(_ key: RawSpan, _ value: RawSpan) throws {
      let status = unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          var (key, value) = unsafe (Self.value(key), Self.value(value))
          return unsafe mdb_put(transaction, database, &key, &value, 0)
        }
      }
      try LMDBEngine.check(status, "put")
    }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int {
      var found = unsafe MDB_val()
      let status = unsafe key.withUnsafeBytes { key in
        var key = unsafe Self.value(key)
        return unsafe mdb_get(transaction, database, &key, &found)
      }
      if status == MDB_NOTFOUND { return -1 }
      try LMDBEngine.check(status, "get")
      guard let data = unsafe found.mv_data else { return 0 }
      return unsafe buffer.fill(UnsafeRawPointer(data), count: found.mv_size)
    }

    func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
      var cursor: OpaquePointer?
      try LMDBEngine.check(unsafe mdb_cursor_open(transaction, database, &cursor), "cursor")
      defer { unsafe mdb_cursor_close(cursor) }
      var (found, value) = unsafe (MDB_val(), MDB_val())
      var status = unsafe (key ?? []).withUnsafeBytes { from in
        if key != nil { unsafe found = Self.value(from) }
        return unsafe mdb_cursor_get(cursor, &found, &value, key == nil ? MDB_FIRST : MDB_SET_RANGE)
      }
      var left = limit
      while status == 0 && left > 0 {
        guard let key = unsafe found.mv_data, let data = unsafe value.mv_data else { break }
        unsafe touch.add(UnsafeRawPointer(key), UnsafeRawPointer(data))
        left -= 1
        status = unsafe mdb_cursor_get(cursor, &found, &value, MDB_NEXT)
      }
    }
  }
#endif
