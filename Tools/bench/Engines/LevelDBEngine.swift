#if BenchmarkPeers
  internal import CLevelDB
  internal import CairnBytes
  internal import Glibc

  /// LevelDB through its C interface: synchronous writes, no compression, Bloom filters of 10 bits.
  @safe
  final class LevelDBEngine: Engine, EngineReader {
    private let folder: String
    private var database: OpaquePointer?
    private let writeOptions = unsafe leveldb_writeoptions_create()
    private let readOptions = unsafe leveldb_readoptions_create()

    init(folder: String) {
      self.folder = folder
      unsafe leveldb_writeoptions_set_sync(writeOptions, 1)
    }

    deinit {
      unsafe leveldb_writeoptions_destroy(writeOptions)
      unsafe leveldb_readoptions_destroy(readOptions)
    }

    private static func check(_ error: UnsafeMutablePointer<CChar>?) throws {
      guard let error = unsafe error else { return }
      let text = unsafe String(cString: error)
      unsafe leveldb_free(error)
      throw EngineFailure(description: "LevelDB: \(text)")
    }

    func open() throws {
      let options = unsafe leveldb_options_create()
      unsafe leveldb_options_set_create_if_missing(options, 1)
      unsafe leveldb_options_set_write_buffer_size(options, EngineKind.journalByteCount)
      unsafe leveldb_options_set_compression(options, Int32(leveldb_no_compression))
      unsafe leveldb_options_set_cache(options, leveldb_cache_create_lru(EngineKind.cacheByteCount))
      unsafe leveldb_options_set_filter_policy(options, leveldb_filterpolicy_create_bloom(10))
      var error: UnsafeMutablePointer<CChar>?
      unsafe database = unsafe leveldb_open(options, folder, &error)
      try unsafe Self.check(error)
    }

    func close() throws {
      unsafe leveldb_close(database)
      unsafe database = nil
    }

    func transaction(_ body: (any EngineWriter) throws -> Void) throws {
      let batch = unsafe leveldb_writebatch_create()
      defer { unsafe leveldb_writebatch_destroy(batch) }
      try body(unsafe LevelDBBatch(batch: batch, engine: self))
      var error: UnsafeMutablePointer<CChar>?
      unsafe leveldb_write(database, writeOptions, batch, &error)
      try unsafe Self.check(error)
    }

    func read(_ body: (any EngineReader) throws -> Void) throws { try body(self) }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int {
      var error: UnsafeMutablePointer<CChar>?
      let count = unsafe key.withUnsafeBytes { key -> Int in
        var count = 0
        guard let bytes = unsafe leveldb_get(database, readOptions, key.baseAddress, key.count, &count, &error) else {
          return -1
        }
        defer { unsafe leveldb_free(bytes) }
        return unsafe buffer.fill(UnsafeRawPointer(bytes), count: count)
      }
      try unsafe Self.check(error)
      return count
    }

    func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
      let iterator = unsafe leveldb_create_iterator(database, readOptions)
      defer { unsafe leveldb_iter_destroy(iterator) }
      if let key {
        unsafe key.withUnsafeBytes { from in unsafe leveldb_iter_seek(iterator, from.baseAddress, from.count) }
      } else {
        unsafe leveldb_iter_seek_to_first(iterator)
      }
      var left = limit
      while left > 0, unsafe leveldb_iter_valid(iterator) != 0 {
        var (keyByteCount, valueByteCount) = (0, 0)
        guard let key = unsafe leveldb_iter_key(iterator, &keyByteCount),
          let value = unsafe leveldb_iter_value(iterator, &valueByteCount)
        else { return }
        unsafe touch.add(UnsafeRawPointer(key), UnsafeRawPointer(value))
        left -= 1
        unsafe leveldb_iter_next(iterator)
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
      // It does not tell whether it compacts; it has come to rest when nothing has been written for a while.
      var same = 0
      var last = ProcessFigures.now().writtenByteCount
      while same < 4 {
        usleep(100_000)
        let now = ProcessFigures.now().writtenByteCount
        same = now == last ? same + 1 : 0
        last = now
      }
    }
  }

  @safe
  private struct LevelDBBatch: EngineWriter {
    let batch: OpaquePointer?
    let engine: LevelDBEngine

    func put(_ key: RawSpan, _ value: RawSpan) throws {
      unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          unsafe leveldb_writebatch_put(batch, key.baseAddress, key.count, value.baseAddress, value.count)
        }
      }
    }

    func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int { try engine.get(key, into: buffer) }
  }
#endif
