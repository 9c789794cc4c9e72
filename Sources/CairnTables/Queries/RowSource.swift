import CairnBlocks
import CairnBytes
import CairnVolumes

/// A step of a query: gives one row after the other.
class RowSource {
  /// The next row; nil behind the last.
  func next() throws(StorageError) -> [ColumnValue]? { nil }
}

/// The rows of a table; columns that nobody needs are null.
final class StreamSource: RowSource {
  private let stream: TableStream
  private let needed: [Bool]

  init(_ stream: TableStream, needed: [Bool]) {
    self.stream = stream
    self.needed = needed
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    guard try stream.advance() else { return nil }
    var values: [ColumnValue] = []
    values.reserveCapacity(needed.count)
    for column in needed.indices { values.append(needed[column] ? try stream.reader.value(column) : .null) }
    return values
  }
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
}

/// Some columns of rows, in another order.
final class ProjectionSource: RowSource {
  private let source: RowSource
  private let columns: [Int]

  init(_ source: RowSource, _ columns: [Int]) {
    self.source = source
    self.columns = columns
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    guard let row = try source.next() else { return nil }
    return columns.map { row[$0] }
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
