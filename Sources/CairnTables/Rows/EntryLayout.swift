import CairnBlocks
import CairnBytes

/// Where the columns of a table stand in the entries of one of its trees: in the key, or in the row behind it.
final class EntryLayout: Sendable {
  enum Place: Hashable, Sendable {
    /// A part of the key.
    case key(Int)
    /// A slot of the row.
    case slot(Int)
    /// Only in the table's own tree.
    case elsewhere
  }

  struct Column: Sendable {
    let type: ColumnType
    let isOptional: Bool
    let place: Place
    /// What rows have that are older than the column.
    let initial: ColumnValue
  }

  let columns: [Column]
  /// The places of the columns, without what else is known of them: what each read of a value looks at.
  let places: [Place]
  let types: [ColumnType]
  let key: KeyLayout
  let row: RowLayout
  /// The root of the tree, which damage is reported of.
  let root: BlockNumber
  /// The column of each slot; nil: it was dropped.
  let slotColumns: [Int?]

  init(_ columns: [Column], key: KeyLayout, row: RowLayout, root: BlockNumber) {
    self.columns = columns
    places = columns.map { $0.place }
    types = columns.map { $0.type }
    self.key = key
    self.row = row
    self.root = root
    var slotColumns = [Int?](repeating: nil, count: row.slots.count)
    for (index, column) in columns.enumerated() {
      if case .slot(let slot) = column.place { slotColumns[slot] = index }
    }
    self.slotColumns = slotColumns
  }

  var damage: StorageError { .damaged(Damage(block: root, reason: .malformed)) }

  /// The value of a column. It must not stand elsewhere.
  func value(_ column: Int, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> ColumnValue {
    do throws(ByteReader.Failure) {
      switch places[column] {
      case .key(let part):
        guard let range = self.key.range(of: part, in: key) else { throw .malformed }
        return try self.key.value(of: part, at: range, in: key)
      case .slot(let slot):
        switch self.row.field(slot, in: row) {
        case .null: return .null
        case .missing: return columns[column].initial
        case .at(let range): return try self.row.value(of: slot, at: range, in: row)
        case .damaged: throw .malformed
        }
      case .elsewhere: throw .malformed
      }
    } catch {
      throw damage
    }
  }

  /// The number in a column that is a signed integer of 64 bits.
  func int64(_ column: Int, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Int64? {
    switch places[column] {
    case .key(let part) where !self.key.parts[part].isOptional:
      guard let range = self.key.range(of: part, in: key) else { throw damage }
      return Int64(bitPattern: key.big64(range.lowerBound) ^ 1 << 63)
    case .slot(let slot):
      if case .at(let range) = self.row.field(slot, in: row) {
        return Int64(bitPattern: row.little64(range.lowerBound))
      }
    default: break
    }
    if case .integer(let number) = try value(column, key, row) { return number }
    return nil
  }

  /// The values of some columns; the others are null.
  func values(_ key: RawSpan, _ row: RawSpan, where isNeeded: [Bool]) throws(StorageError) -> [ColumnValue] {
    var values = [ColumnValue](repeating: .null, count: columns.count)
    for column in isNeeded.indices where isNeeded[column] { values[column] = try value(column, key, row) }
    return values
  }

  /// Appends what a column is in a `RowOrder` whose terms may all be null.
  @inline(__always)
  func appendOrderKey(of column: Int, _ key: RawSpan, _ row: RawSpan, to bytes: inout [UInt8]) throws(StorageError) {
    if case .key(let part) = places[column] {
      // It stands there in the same form.
      guard let range = self.key.range(of: part, in: key) else { throw damage }
      if !self.key.parts[part].isOptional { bytes.append(1) }
      BulkCopy.append(key.extracting(range), to: &bytes)
      return
    }
    try value(column, key, row).appendKey(as: types[column], isOptional: true, to: &bytes)
  }

  /// Puts a value in its place in a row; false: it has none of a fixed width there.
  func patch(_ column: Int, with value: ColumnValue, in row: inout [UInt8]) -> Bool {
    guard case .slot(let slot) = places[column] else { return false }
    return self.row.patch(slot, with: value, in: &row)
  }

  /// The values of all columns.
  func values(_ key: RawSpan, _ row: RawSpan) throws(StorageError) -> [ColumnValue] {
    var values: [ColumnValue] = []
    values.reserveCapacity(columns.count)
    for column in columns.indices { values.append(try value(column, key, row)) }
    return values
  }
}
