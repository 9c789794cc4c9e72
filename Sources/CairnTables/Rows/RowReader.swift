public import CairnBlocks
import CairnBytes
import CairnVolumes

/// One row as it is stored, for reading columns without making values of them: valid until the next row takes its place.
///
/// Columns are counted as in the table's schema. A column must be of the type that is asked for; null and other types read
/// as nil.
public final class RowReader {
  private(set) var layout: EntryLayout
  /// The bytes of one row or of several, one behind the other.
  private(set) var bytes: [UInt8] = []
  /// Where the row that it shows stands in them: its key, then the rest.
  private(set) var place = RowPlace()

  init(_ layout: EntryLayout) {
    self.layout = layout
  }

  /// Forgets all rows.
  func begin(_ layout: EntryLayout) {
    if self.layout !== layout { self.layout = layout }
    bytes.removeAll(keepingCapacity: true)
    place = RowPlace()
  }

  /// Shows one of the rows that it has.
  @inline(__always)
  func show(_ place: RowPlace) {
    precondition(
      place.key <= place.row && place.row <= place.end && place.end <= bytes.count, "a row outside its bytes")
    self.place = place
  }

  /// Takes one more row: an entry of a tree, whose key begins with bytes that are not of the row's; where it stands.
  @inline(__always)
  func append(_ entry: RawSpan, _ row: RawSpan) -> RowPlace { Self.append(entry, row, to: &bytes) }

  /// Appends a row to the bytes of one reader or another.
  @inline(__always)
  static func append(
    _ entry: RawSpan, keyAt keyOffset: Int = 0, _ row: RawSpan, to bytes: inout [UInt8]
  ) -> RowPlace {
    let start = bytes.count
    BulkCopy.append(entry, to: &bytes)
    let rowStart = bytes.count
    BulkCopy.append(row, to: &bytes)
    return RowPlace(entry: start, key: start + keyOffset, row: rowStart, end: bytes.count)
  }

  /// Gives its bytes away, empty, to be filled with rows.
  func takeBytes() -> [UInt8] {
    var taken = bytes
    bytes = []
    place = RowPlace()
    taken.removeAll(keepingCapacity: true)
    return taken
  }

  /// Takes bytes full of rows.
  func giveBack(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Takes the row of a tree whose key `makeKey` appends; false when there is none.
  func load(
    from tree: VolumeTree, _ makeKey: (inout [UInt8]) throws(StorageError) -> Void
  ) throws(StorageError) -> Bool {
    // In variables of its own: each access to a property would be checked for exclusivity while the program runs.
    var (bytes, row) = (self.bytes, spare)
    (self.bytes, spare) = ([], [])
    defer { (self.bytes, spare) = (bytes, row) }
    try makeKey(&bytes)
    let keyByteCount = bytes.count
    row.removeAll(keepingCapacity: true)
    let isThere = try BulkCopy.withRawSpan(of: bytes) { (key) throws(StorageError) -> Bool in
      try tree.withValue(for: key) { (value) -> Bool in
        BulkCopy.append(value, to: &row)
        return true
      } ?? false
    }
    guard isThere else { return false }
    bytes.append(contentsOf: row)
    place = RowPlace(entry: 0, key: 0, row: keyByteCount, end: bytes.count)
    return true
  }

  /// Where a row is put until its key is not lent any more.
  private var spare: [UInt8] = []

  /// Takes another row in the place of all that it has.
  func set(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) {
    begin(layout)
    show(append(key, row))
  }

  /// Lends the key and the rest of the row.
  @inline(__always)
  private func withRow<Result>(
    _ body: (_ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    // In variables of its own: an access to a property that lasts while `body` runs would be checked for exclusivity.
    let (place, bytes) = (place, bytes)
    return try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in
      try body(bytes.extracting(place.key..<place.row), bytes.extracting(place.row..<place.end))
    }
  }

  /// Puts the values of some columns in their places in a row of values.
  @inline(__always)
  func copy(_ columns: [Int], to values: inout [ColumnValue]) throws(StorageError) {
    let (place, bytes, layout) = (place, bytes, layout)
    try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in
      let (key, row) = (bytes.extracting(place.key..<place.row), bytes.extracting(place.row..<place.end))
      for column in columns { values[column] = try layout.value(column, key, row) }
    }
  }

  /// How many columns there are.
  public var columnCount: Int { layout.columns.count }

  /// The value of a column.
  public func value(_ column: Int) throws(StorageError) -> ColumnValue {
    try withRow { (key, row) throws(StorageError) in try layout.value(column, key, row) }
  }

  /// The values of all columns.
  public func values() throws(StorageError) -> [ColumnValue] {
    try withRow { (key, row) throws(StorageError) in try layout.values(key, row) }
  }

  /// Whether a column is null.
  public func isNull(_ column: Int) throws(StorageError) -> Bool {
    guard case .slot(let slot) = layout.places[column] else { return try value(column).isNull }
    return try withRow { (_, row) throws(StorageError) -> Bool in
      switch layout.row.field(slot, in: row) {
      case .null: true
      case .missing: layout.columns[column].initial.isNull
      case .at: false
      case .damaged: throw layout.damage
      }
    }
  }

  /// A signed integer of any width.
  public func int64(_ column: Int) throws(StorageError) -> Int64? {
    let (place, bytes, layout) = (place, bytes, layout)
    if case .int64 = layout.types[column] {
      return try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in
        try layout.int64(
          column, bytes.extracting(place.key..<place.row), bytes.extracting(place.row..<place.end))
      }
    }
    if case .integer(let number) = try value(column) { return number }
    return nil
  }

  /// An unsigned integer of any width.
  public func uint64(_ column: Int) throws(StorageError) -> UInt64? {
    if case .unsigned(let number) = try value(column) { number } else { nil }
  }

  /// A floating-point number.
  public func double(_ column: Int) throws(StorageError) -> Double? {
    if case .double(let number) = try value(column) { number } else { nil }
  }

  /// A truth value.
  public func bool(_ column: Int) throws(StorageError) -> Bool? {
    if case .bool(let flag) = try value(column) { flag } else { nil }
  }

  /// Text.
  public func string(_ column: Int) throws(StorageError) -> String? {
    if case .string(let text) = try value(column) { text } else { nil }
  }

  /// Bytes.
  public func bytes(_ column: Int) throws(StorageError) -> [UInt8]? {
    if case .bytes(let bytes) = try value(column) { bytes } else { nil }
  }

  /// Lends the bytes of text, bytes or a principal to `body` where they lie; false when the column is null or of another type.
  @discardableResult
  public func withBytes(
    _ column: Int, _ body: (RawSpan) throws(StorageError) -> Void
  ) throws(StorageError) -> Bool {
    let (place, layout) = (place, layout)
    switch layout.types[column] {
    case .string, .bytes, .principal: break
    default: return false
    }
    if case .slot(let slot) = layout.places[column] {
      let bytes = bytes
      let isLent = try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) -> Bool in
        let row = bytes.extracting(place.row..<place.end)
        guard case .at(let range) = layout.row.field(slot, in: row) else { return false }
        try body(row.extracting(range))
        return true
      }
      if isLent { return true }
    }
    switch try value(column) {
    case .string(let text):
      try BulkCopy.withRawSpan(of: Array(text.utf8)) { (bytes) throws(StorageError) in try body(bytes) }
    case .bytes(let bytes):
      try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in try body(bytes) }
    case .principal(let principal):
      try BulkCopy.withRawSpan(of: principal.bytes) { (bytes) throws(StorageError) in try body(bytes) }
    default: return false
    }
    return true
  }
}

/// Where a row stands in the bytes of a reader.
struct RowPlace {
  /// The entry of the tree that led to the row; it ends with the row's key.
  var entry = 0
  var key = 0
  /// What stands behind the key.
  var row = 0
  var end = 0
}
