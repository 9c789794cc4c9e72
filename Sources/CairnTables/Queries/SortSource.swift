import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows in an order.
///
/// As long as they fit in the budget they are sorted in memory; with a limit no more than twice as many are kept. What does
/// not fit goes to temporary extents in sorted runs, which are merged while they are read.
final class SortSource: RowSource {
  private struct Entry {
    let key: [UInt8]
    let row: [ColumnValue]
  }

  private let source: RowSource
  private let order: RowOrder
  private let limit: Int?
  private let budget: UInt64
  private let volume: Volume
  private var entries: [Entry] = []
  private var byteCount: UInt64 = 0
  private var position = 0
  private var isLoaded = false
  private var runs: [SortRun] = []
  /// How many runs were laid aside, for tests and `explain`.
  private(set) var spilledRunCount = 0

  /// Runs that are merged at one time.
  private static let runCountMax = 64

  init(_ source: RowSource, _ order: RowOrder, limit: UInt64?, budget: UInt64, _ volume: Volume) {
    self.source = source
    self.order = order
    self.limit = limit.flatMap { Int(exactly: $0) }
    self.budget = budget
    self.volume = volume
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    if !isLoaded { try load() }
    guard runs.isEmpty else { return try Self.nextOfRuns(&runs)?.row }
    guard position < entries.count else { return nil }
    position += 1
    return entries[position - 1].row
  }

  private func load() throws(StorageError) {
    isLoaded = true
    while let row = try source.next() {
      let entry = Entry(key: order.key(of: row), row: row)
      entries.append(entry)
      byteCount += UInt64(2 * entry.key.count + 64 + 48 * row.count)
      if let limit, entries.count >= 2 * limit + 16 { truncate(limit) }
      if byteCount > budget { try spill() }
    }
    sort()
    if let limit, entries.count > limit { entries.removeLast(entries.count - limit) }
    if !runs.isEmpty, !entries.isEmpty { try spill() }
  }

  private func sort() { entries.sort { $0.key.lexicographicallyPrecedes($1.key) } }

  private func truncate(_ limit: Int) {
    sort()
    entries.removeLast(entries.count - limit)
    byteCount = entries.reduce(0) { $0 + UInt64(2 * $1.key.count + 64 + 48 * $1.row.count) }
  }

  private func spill() throws(StorageError) {
    sort()
    var writer = SortRun.Writer(volume)
    for entry in entries { try writer.append(entry.key, entry.row) }
    runs.append(try writer.finish())
    spilledRunCount += 1
    entries = []
    byteCount = 0
    guard runs.count >= Self.runCountMax else { return }
    var merged = SortRun.Writer(volume)
    while let entry = try Self.nextOfRuns(&runs) { try merged.append(entry.key, entry.row) }
    runs = [try merged.finish()]
  }

  /// The least entry of all runs; nil when none is left.
  private static func nextOfRuns(_ runs: inout [SortRun]) throws(StorageError) -> Entry? {
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

/// A sorted run of rows that lies in temporary extents.
struct SortRun {
  private var pieces: [TemporaryData]
  private var reader = ByteReader([])
  private var nextPiece = 0
  private var key: [UInt8]?

  private static let pieceByteCount = 256 << 10

  init(_ pieces: [TemporaryData]) { self.pieces = pieces }

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

  /// The pieces were verified when they were read, so what makes no sense is damage nevertheless.
  private mutating func read<Value>(
    _ body: (inout ByteReader) throws(ByteReader.Failure) -> Value
  ) throws(StorageError) -> Value {
    do throws(ByteReader.Failure) { return try body(&reader) } catch {
      throw .damaged(Damage(block: BlockNumber(0), reason: .malformed))
    }
  }

  /// Writes a run.
  struct Writer {
    private let volume: Volume
    private var pieces: [TemporaryData] = []
    private var bytes = ByteWriter()

    init(_ volume: Volume) { self.volume = volume }

    mutating func append(_ key: [UInt8], _ row: [ColumnValue]) throws(StorageError) {
      bytes.lengthPrefixed(key)
      bytes.list(row) { $0.encode(into: &$1) }
      if bytes.bytes.count >= pieceByteCount { try flush() }
    }

    mutating func finish() throws(StorageError) -> SortRun {
      if !bytes.bytes.isEmpty { try flush() }
      return SortRun(pieces)
    }

    private mutating func flush() throws(StorageError) {
      pieces.append(try TemporaryData(bytes.bytes, in: volume))
      bytes = ByteWriter()
    }
  }
}
