import CairnBlocks
import CairnBytes
import CairnVolumes

/// A step of a query: gives one row after the other.
class RowSource {
  private var spare: [ColumnValue] = []

  /// The next row; nil behind the last.
  func next() throws(StorageError) -> [ColumnValue]? { nil }

  /// Puts the next row in the place of one that is not needed any more; false behind the last. Who goes through many rows
  /// saves an array for each.
  func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard let next = try next() else { return false }
    row = next
    return true
  }

  /// Puts the next row in the first places of a longer one; false behind the last.
  func fill(_ row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard try next(into: &spare) else { return false }
    for column in spare.indices { row[column] = spare[column] }
    return true
  }

  /// The rows as they lie in their tree, where nothing stands between; nothing was taken of them yet.
  var lender: TableStream? { nil }
}

/// The rows of a table; columns that nobody needs are null.
final class StreamSource: RowSource {
  private let stream: TableStream
  private let needed: [Int]
  private let columnCount: Int

  init(_ stream: TableStream, needed: [Bool]) {
    self.stream = stream
    self.needed = needed.indices.filter { needed[$0] }
    columnCount = needed.count
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    guard try stream.advance() else { return nil }
    var values = [ColumnValue](repeating: .null, count: columnCount)
    try stream.reader.copy(needed, to: &values)
    return values
  }

  override func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard try stream.advance() else { return false }
    if row.count != columnCount { row = [ColumnValue](repeating: .null, count: columnCount) }
    try stream.reader.copy(needed, to: &row)
    return true
  }

  override func fill(_ row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard try stream.advance() else { return false }
    try stream.reader.copy(needed, to: &row)
    return true
  }

  override var lender: TableStream? { stream.lendsRows ? stream : nil }
}

/// Rows for which a condition is true.
final class FilterSource: RowSource {
  private let source: RowSource
  private let condition: Condition

  init(_ source: RowSource, _ condition: Condition) {
    self.source = source
    self.condition = condition
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    while let row = try source.next() {
      if condition.truth(row) == .yes { return row }
    }
    return nil
  }

  override func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    while try source.next(into: &row) {
      if condition.truth(row) == .yes { return true }
    }
    return false
  }
}

/// Some columns of rows, in another order.
final class ProjectionSource: RowSource {
  private let source: RowSource
  private let columns: [Int]
  private var whole: [ColumnValue] = []

  init(_ source: RowSource, _ columns: [Int]) {
    self.source = source
    self.columns = columns
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    guard try source.next(into: &whole) else { return nil }
    return columns.map { whole[$0] }
  }

  override func next(into row: inout [ColumnValue]) throws(StorageError) -> Bool {
    guard try source.next(into: &whole) else { return false }
    if row.count == columns.count {
      for index in columns.indices { row[index] = whole[columns[index]] }
    } else {
      row = columns.map { whole[$0] }
    }
    return true
  }
}

/// Rows without some at the beginning, and not more than asked for.
final class SliceSource: RowSource {
  private let source: RowSource
  private var offset: UInt64
  private var limit: UInt64

  init(_ source: RowSource, offset: UInt64, limit: UInt64?) {
    self.source = source
    self.offset = offset
    self.limit = limit ?? .max
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    while offset > 0 {
      guard try source.next() != nil else {
        limit = 0
        return nil
      }
      offset -= 1
    }
    guard limit > 0 else { return nil }
    limit -= 1
    return try source.next()
  }
}
