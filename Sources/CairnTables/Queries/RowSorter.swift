import CairnBlocks
import CairnBytes
import CairnVolumes

/// Puts rows in the order of keys.
///
/// As long as they fit in the budget they are sorted in memory; with a limit no more than twice as many are kept. What does
/// not fit goes to temporary extents in sorted runs, which are merged while they are read. Entries with the same key come in
/// any order.
final class RowSorter {
  struct Entry {
    let key: [UInt8]
    let row: [ColumnValue]
  }

  private let limit: Int?
  private let budget: UInt64
  private let volume: Volume
  private var entries: [Entry] = []
  private var byteCount: UInt64 = 0
  private var position = 0
  private var isSorted = false
  private var runs: [SpilledRows] = []
  /// How many runs were laid aside.
  private(set) var spilledRunCount = 0

  /// Runs that are merged at one time.
  private static let runCountMax = 64

  init(limit: UInt64? = nil, budget: UInt64, _ volume: Volume) {
    self.limit = limit.flatMap { Int(exactly: $0) }
    self.budget = budget
    self.volume = volume
  }

  /// Adds a row, before the first is taken out.
  func insert(_ key: [UInt8], _ row: [ColumnValue]) throws(StorageError) {
    entries.append(Entry(key: key, row: row))
    byteCount += Self.byteCount(key, row)
    if let limit, limit < Int.max / 4, entries.count >= 2 * limit + 16 { truncate(limit) }
    if byteCount > budget { try spill() }
  }

  /// Takes the entry with the least key out; nil when none is left.
  func next() throws(StorageError) -> Entry? {
    if !isSorted { try finish() }
    guard runs.isEmpty else { return try Self.nextOfRuns(&runs) }
    guard position < entries.count else { return nil }
    position += 1
    return entries[position - 1]
  }

  private func finish() throws(StorageError) {
    isSorted = true
    sort()
    if let limit, entries.count > limit { entries.removeLast(entries.count - limit) }
    if !runs.isEmpty, !entries.isEmpty { try spill() }
  }

  private func sort() { entries.sort { $0.key.lexicographicallyPrecedes($1.key) } }

  private func truncate(_ limit: Int) {
    sort()
    entries.removeLast(entries.count - limit)
    byteCount = entries.reduce(0) { $0 + Self.byteCount($1.key, $1.row) }
  }

  /// What an entry takes in memory, roughly.
  private static func byteCount(_ key: [UInt8], _ row: [ColumnValue]) -> UInt64 {
    UInt64(2 * key.count + 64 + row.reduce(0) { $0 + MemoryBudget.byteCount(of: $1) })
  }

  private func spill() throws(StorageError) {
    sort()
    var writer = SpilledRows.Writer(volume, budget: budget)
    for entry in entries { try writer.append(entry.key, entry.row) }
    runs.append(try writer.finish())
    spilledRunCount += 1
    entries = []
    byteCount = 0
    guard runs.count >= Self.runCountMax else { return }
    var merged = SpilledRows.Writer(volume, budget: budget)
    while let entry = try Self.nextOfRuns(&runs) { try merged.append(entry.key, entry.row) }
    runs = [try merged.finish()]
  }

  /// The least entry of all runs; nil when none is left.
  private static func nextOfRuns(_ runs: inout [SpilledRows]) throws(StorageError) -> Entry? {
    var least: Int?
    for index in runs.indices {
      guard let key = try runs[index].peek() else { continue }
      guard let known = least, let knownKey = try runs[known].peek() else {
        least = index
        continue
      }
      if key.lexicographicallyPrecedes(knownKey) { least = index }
    }
    guard let least, let key = try runs[least].peek() else { return nil }
    return Entry(key: key, row: try runs[least].take())
  }
}

/// Rows that lie in temporary extents, one behind the other, each with a key. A copy begins where its original stands, so a
/// copy that is kept can be read again and again.
struct SpilledRows {
  private var pieces: [TemporaryData]
  private var reader = ByteReader([])
  private var nextPiece = 0
  private var key: [UInt8]?

  private static let pieceByteCount = 256 << 10

  private init(_ pieces: [TemporaryData]) { self.pieces = pieces }

  /// The key of the next entry; nil when there is none.
  mutating func peek() throws(StorageError) -> [UInt8]? {
    if let key { return key }
    while reader.remaining == 0 {
      guard nextPiece < pieces.count else { return nil }
      reader = ByteReader(try pieces[nextPiece].read())
      nextPiece += 1
    }
    key = try read { (reader) throws(ByteReader.Failure) in try reader.lengthPrefixed(limit: reader.remaining) }
    return key
  }

  /// The row of the entry whose key was asked for.
  mutating func take() throws(StorageError) -> [ColumnValue] {
    key = nil
    return try read { (reader) throws(ByteReader.Failure) in
      try reader.list(limit: reader.remaining) { (reader) throws(ByteReader.Failure) in
        try ColumnValue(decoding: &reader)
      }
    }
  }

  /// The next row; nil when there is none.
  mutating func next() throws(StorageError) -> [ColumnValue]? { try peek() == nil ? nil : try take() }

  /// The pieces were verified when they were read, so what makes no sense is damage nevertheless.
  private mutating func read<Value>(
    _ body: (inout ByteReader) throws(ByteReader.Failure) -> Value
  ) throws(StorageError) -> Value {
    do throws(ByteReader.Failure) { return try body(&reader) } catch {
      throw .damaged(Damage(block: BlockNumber(0), reason: .malformed))
    }
  }

  /// Writes rows.
  struct Writer {
    private let volume: Volume
    private let budget: UInt64
    private var pieces: [TemporaryData] = []
    private var bytes = ByteWriter()

    /// - Parameter budget: what the work may take in memory, for the error when nothing can be laid aside.
    init(_ volume: Volume, budget: UInt64) {
      self.volume = volume
      self.budget = budget
    }

    mutating func append(_ key: [UInt8], _ row: [ColumnValue]) throws(StorageError) {
      bytes.lengthPrefixed(key)
      bytes.list(row) { $0.encode(into: &$1) }
      if bytes.bytes.count >= pieceByteCount { try flush() }
    }

    mutating func finish() throws(StorageError) -> SpilledRows {
      if !bytes.bytes.isEmpty { try flush() }
      return SpilledRows(pieces)
    }

    private mutating func flush() throws(StorageError) {
      do throws(StorageError) {
        pieces.append(try TemporaryData(bytes.bytes, in: volume))
      } catch {
        // A store that is open for reading has no room to lay anything aside.
        guard case .readOnly = error else { throw error }
        throw .memoryBudgetExceeded(limit: budget)
      }
      bytes = ByteWriter()
    }
  }
}
