import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows that were not there before, in the order in which they come.
///
/// What was there is kept in memory as long as it fits in the budget. Then the rows that are left are sorted by what they
/// hold, which shows those that are the same, and then by the places that they had.
final class DistinctSource: RowSource {
  private let source: RowSource
  private var seen: Set<[UInt8]> = []
  private var budget: MemoryBudget
  private let volume: Volume
  private var rest: RowSorter?

  init(_ source: RowSource, budget: UInt64, _ volume: Volume) {
    self.source = source
    // One half is for what was seen, the other for the sort of the rest.
    self.budget = MemoryBudget(budget / 2)
    self.volume = volume
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    if let rest { return try rest.next()?.row }
    while let row = try source.next() {
      let bytes = Self.bytes(of: row)
      guard !seen.contains(bytes) else { continue }
      guard budget.takes(bytes.count + 64) else {
        let rest = try sorted(from: row)
        seen = []
        self.rest = rest
        return try rest.next()?.row
      }
      seen.insert(bytes)
      return row
    }
    return nil
  }

  /// A row that was not seen, and those of the source that are different from it, from each other and from what was seen.
  private func sorted(from first: [ColumnValue]) throws(StorageError) -> RowSorter {
    let byContent = RowSorter(budget: budget.limit, volume)
    var place: Int64 = 0
    var current: [ColumnValue]? = first
    while let row = current {
      let bytes = Self.bytes(of: row)
      if !seen.contains(bytes) {
        try byContent.insert(bytes + Self.bytes(of: place), row + [.integer(place)])
        place += 1
      }
      current = try source.next()
    }
    let byPlace = RowSorter(budget: budget.limit, volume)
    var last: [UInt8]?
    while let entry = try byContent.next() {
      let content = Array(entry.key.dropLast(MemoryLayout<Int64>.size))
      if content == last { continue }
      last = content
      guard case .integer(let place)? = entry.row.last else { continue }
      try byPlace.insert(Self.bytes(of: place), Array(entry.row.dropLast()))
    }
    return byPlace
  }

  private static func bytes(of place: Int64) -> [UInt8] {
    var key: [UInt8] = []
    KeyEncoding.append(UInt64(bitPattern: place), to: &key)
    return key
  }

  /// Bytes that are the same for the same values.
  static func bytes(of row: [ColumnValue]) -> [UInt8] {
    var writer = ByteWriter()
    for value in row { value.encode(into: &writer) }
    return writer.bytes
  }
}

/// How many bytes a step may still keep.
struct MemoryBudget {
  let limit: UInt64
  private var taken: UInt64 = 0

  init(_ limit: UInt64) { self.limit = limit }

  /// Throws when so many more are too many.
  mutating func take(_ count: Int) throws(StorageError) {
    guard takes(count) else { throw .memoryBudgetExceeded(limit: limit) }
  }

  /// Takes so many more; false, and nothing taken, when they are too many.
  mutating func takes(_ count: Int) -> Bool {
    guard UInt64(count) <= limit, taken <= limit - UInt64(count) else { return false }
    taken += UInt64(count)
    return true
  }

  /// Forgets what was taken.
  mutating func reset() { taken = 0 }

  /// What a value takes in memory, roughly.
  static func byteCount(of value: ColumnValue) -> Int {
    switch value {
    case .string(let text): 48 + text.utf8.count
    case .bytes(let bytes): 48 + bytes.count
    case .principal(let principal): 48 + principal.bytes.count
    default: 48
    }
  }
}
