internal import CairnBytes

/// A store that is measured: keys of 16 bytes to values, and large objects by number.
///
/// What a transaction changes is durable when it returns. Keys and values are lent by the caller, results are copied to a
/// buffer of the caller's: each engine pays for that.
protocol Engine: AnyObject {
  /// Opens the store in its folder, or makes it.
  func open() throws
  /// Closes it cleanly.
  func close() throws
  /// One durable transaction.
  func transaction(_ body: (any EngineWriter) throws -> Void) throws
  /// One read of a consistent state.
  func read(_ body: (any EngineReader) throws -> Void) throws
  /// Stores a large object, durable when it returns.
  func putObject(_ number: Int, _ bytes: RawSpan) throws
  /// Reads a large object to the buffer; its length.
  func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int
  /// Waits for work in the background.
  func settle() throws
  /// Whether large objects are kept in memory of the engine's own, where it has a choice; from the next opening on.
  var keepsData: Bool { get set }
}

extension Engine {
  var keepsData: Bool {
    get { false }
    set {}
  }

  func settle() throws {}
}

/// What a transaction does.
protocol EngineWriter {
  func put(_ key: RawSpan, _ value: RawSpan) throws
  /// Copies a value to the buffer; its length, or -1 without one.
  func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int
}

/// What a read does.
protocol EngineReader {
  /// Copies a value to the buffer; its length, or -1 without one.
  func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int
  /// Touches up to `limit` records from a key on, or from the first.
  func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws
}

/// What went wrong in an engine.
struct EngineFailure: Error, CustomStringConvertible {
  let description: String
}

/// What a scan does with each record: the first eight bytes of key and value are looked at, so that both are really read.
struct Touch {
  private(set) var count = 0
  private(set) var sum: UInt64 = 0

  mutating func add(_ key: UInt64, _ value: UInt64) {
    count += 1
    sum &+= key ^ (value &+ 116)
  }
}

/// Which engines there are.
enum EngineKind: String, CaseIterable, Codable {
  /// Cairn itself.
  case cairn
  /// What no store can be faster than: a zero-filled file that is overwritten and flushed; an array in memory.
  case limit
  /// A file for each object.
  case files
  case sqlite, lmdb, leveldb, rocksdb

  /// Whether this build has it.
  var isAvailable: Bool {
    switch self {
    case .cairn, .limit, .files: return true
    case .sqlite, .lmdb, .leveldb, .rocksdb:
      #if BenchmarkPeers
        return true
      #else
        return false
      #endif
    }
  }

  /// Whether several threads may use one handle of it.
  var isConcurrent: Bool {
    switch self {
    case .cairn, .leveldb, .rocksdb: true
    case .limit, .files, .sqlite, .lmdb: false
    }
  }

  /// The engine in a folder.
  func make(in folder: String, _ scale: Scale) throws -> any Engine {
    switch self {
    case .cairn: return CairnEngine(folder: folder, scale: scale)
    case .limit: return LimitEngine(folder: folder, scale: scale)
    case .files: return FileEngine(folder: folder)
    #if BenchmarkPeers
      case .sqlite: return SQLiteEngine(folder: folder)
      case .lmdb: return LMDBEngine(folder: folder)
      case .leveldb: return LevelDBEngine(folder: folder)
      case .rocksdb: return RocksDBEngine(folder: folder)
    #else
      case .sqlite, .lmdb, .leveldb, .rocksdb:
        throw EngineFailure(description: "\(self) is not in this build: build with the trait BenchmarkPeers")
    #endif
    }
  }

  /// What every engine that has a cache may take for it, bytes.
  static let cacheByteCount = 256 << 20
  /// What an engine may write before it moves it elsewhere: journals and write buffers, bytes.
  static let journalByteCount = 64 << 20
}
