public import CairnBlocks
import CairnBytes

/// One row as it is stored, for reading columns without making values of them: valid until the next row takes its place.
///
/// Columns are counted as in the table's schema. A column must be of the type that is asked for; null and other types read
/// as nil.
public final class RowReader {
  private(set) var layout: EntryLayout
  private var key: [UInt8] = []
  private var row: [UInt8] = []

  init(_ layout: EntryLayout) {
    self.layout = layout
  }

  /// Takes another row.
  func set(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) {
    if self.layout !== layout { self.layout = layout }
    self.key.removeAll(keepingCapacity: true)
    BulkCopy.append(key, to: &self.key)
    self.row.removeAll(keepingCapacity: true)
    BulkCopy.append(row, to: &self.row)
  }

  /// How many columns there are.
  public var columnCount: Int { layout.columns.count }

  /// The value of a column.
  public func value(_ column: Int) throws(StorageError) -> ColumnValue {
    try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try BulkCopy.withRawSpan(of: row) { (row) throws(StorageError) in try layout.value(column, key, row) }
    }
  }

  /// The values of all columns.
  public func values() throws(StorageError) -> [ColumnValue] {
    try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try BulkCopy.withRawSpan(of: row) { (row) throws(StorageError) in try layout.values(key, row) }
    }
  }

  /// Whether a column is null.
  public func isNull(_ column: Int) throws(StorageError) -> Bool {
    guard case .slot(let slot) = layout.columns[column].place else { return try value(column).isNull }
    return try BulkCopy.withRawSpan(of: row) { (row) throws(StorageError) -> Bool in
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
    if case .integer(let number) = try value(column) { number } else { nil }
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
}
