#if BenchmarkPeers
  internal import CRocksDB
  internal import CairnBytes
  internal import Glibc

  /// RocksDB through its C interface: synchronous writes, no compression, Bloom filters of 10 bits.
  @safe
  final class RocksDBEngine: Engine, EngineReader {
    private let folder: String
    private var database: OpaquePointer?
    private let writeOptions = unsafe rocksdb_writeoptions_create()
    private let readOptions = unsafe rocksdb_readoptions_create()

    init(folder: String) {
      self.folder = folder
      unsafe rocksdb_writeoptions_set_sync(writeOptions, 1)
    }

    deinit {
      unsafe rocksdb_writeoptions_destroy(writeOptions)
      unsafe rocksdb_readoptions_destroy(readOptions)
    }

    private static func check(_ error: UnsafeMutablePointer<CChar>?) throws {
      guard let error = unsafe error else { return }
      let text = unsafe String(cString: error)
      unsafe rocksdb_free(error)
      throw EngineFailure(description: "RocksDB: \(text)")
    }

    func open() throws {
      let options = unsafe rocksdb_options_create()
      unsafe rocksdb_options_set_create_if_missing(options, 1)
      unsafe rocksdb_options_set_write_buffer_size(options, EngineKind.journalByteCount)
      unsafe rocksdb_options_set_compression(options, Int32(rocksdb_no_compression))
      unsafe rocksdb_options_set_max_background_jobs(options, 2)
      let table = unsafe rocksdb_block_based_options_create()
      unsafe rocksdb_block_based_options_set_block_cache(table, rocksdb_cache_create_lru(EngineKind.cacheByteCount))
      unsafe rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom(10))
      unsafe rocksdb_block_based_options_set_format_version(table, 5)
      unsafe rocksdb_options_set_block_based_table_factory(options, table)
      var error: UnsafeMutablePointer<CChar>?
      unsafe database = unsafe rocksdb_open(options, folder, &error)
      try unsafe Self.check(error)
    }

    func close() throws {
      unsafe rocksdb_close(database)
      unsafe database = nil
    }

    func transaction(_ body: (any EngineWriter) throws -> Void) throws {
      let batch = unsafe rocksdb_writebatch_create()
      defer { unsafe rocksdb_writebatch_destroy(batch) }
      try body(unsafe RocksDBBatch(batch: batch, engine: self))
      var error: UnsafeMutablePointer<CChar>?
      unsafe rocksdb_write(database, writeOptions, batch, &error)
      try unsafe Self.check(error)
    }

    func read(_ body: (any EngineReader) throws -> Void) throws { try body(self) }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int {
      var error: UnsafeMutablePointer<CChar>?
      let count = unsafe key.withUnsafeBytes { key -> Int in
        guard let found = unsafe rocksdb_get_pinned(database, readOptions, key.baseAddress, key.count, &error) else {
          return -1
        }
        defer { unsafe rocksdb_pinnableslice_destroy(found) }
        var count = 0
        guard let bytes = unsafe rocksdb_pinnableslice_value(found, &count) else { return 0 }
        return unsafe buffer.fill(UnsafeRawPointer(bytes), count: count)
      }
      try unsafe Self.check(error)
      return count
    }

    func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
      let iterator = unsafe rocksdb_create_iterator(database, readOptions)
      defer { unsafe rocksdb_iter_destroy(iterator) }
      if let key {
        unsafe key.withUnsafeBytes { from in unsafe rocksdb_iter_seek(iterator, from.baseAddress, from.count) }
      } else {
        unsafe rocksdb_iter_seek_to_first(iterator)
      }
      var left = limit
      while left > 0, unsafe rocksdb_iter_valid(iterator) != 0 {
        var (keyByteCount, valueByteCount) = (0, 0)
        guard let key = unsafe rocksdb_iter_key(iterator, &keyByteCount),
          let value = unsafe rocksdb_iter_value(iterator, &valueByteCount)
        else { return }
        unsafe touch.add(UnsafeRawPointer(key), UnsafeRawPointer(value))
        left -= 1
        unsafe rocksdb_iter_next(iterator)
      }
    }

    func putObject(_ number: Int, _ bytes: RawSpan) throws {
      try transaction { writer in
        try BulkCopy.withRawSpan(of: LMDBEngine.key(number)) { key in try writer.put(key, bytes) }
      }
    }

    func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
      try BulkCopy.withRawSpan(of: LMDBEngine.key(number)) { key in try get(key, into: buffer) }
    }

    func settle() throws {
      let names = [
        "rocksdb.num-running-compactions", "rocksdb.compaction-pending", "rocksdb.num-running-flushes",
        "rocksdb.mem-table-flush-pending",
      ]
      while true {
        var total: UInt64 = 0
        for name in names {
          var value: UInt64 = 0
          _ = unsafe rocksdb_property_int(database, name, &value)
          total += value
        }
        if total == 0 { return }
        usleep(20_000)
      }
    }
  }

  @safe
  private struct RocksDBBatch: EngineWriter {
    let batch: OpaquePointer?
    let engine: RocksDBEngine

    func put(_ key: RawSpan, _ value: RawSpan) throws {
      unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          unsafe rocksdb_writebatch_put(batch, key.baseAddress, key.count, value.baseAddress, value.count)
        }
      }
    }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int { try engine.get(key, into: buffer) }
  }
#endif
