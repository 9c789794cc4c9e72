import CairnBlocks
import CairnBytes

/// An order of rows as bytes: rows compare as their keys do.
struct RowOrder {
  struct Term {
    let column: Int
    let type: ColumnType
    let isOptional: Bool
    let isDescending: Bool
  }

  let terms: [Term]

  /// The key of a row: the key of each column, its bytes flipped where the order descends.
  func key(of row: [ColumnValue]) -> [UInt8] {
    var key: [UInt8] = []
    appendKey(of: row, to: &key)
    return key
  }

  /// Appends the key of a row.
  @inline(__always)
  func appendKey(of row: [ColumnValue], to key: inout [UInt8]) {
    for term in terms {
      let start = key.count
      row[term.column].appendKey(as: term.type, isOptional: term.isOptional, to: &key)
      guard term.isDescending else { continue }
      for index in start..<key.count { key[index] = ~key[index] }
    }
  }

  /// The columns' values out of a key. Throws `invalidArgument` when it is none of this order.
  func values(of key: [UInt8]) throws(StorageError) -> [(column: Int, value: ColumnValue)] {
    var values: [(column: Int, value: ColumnValue)] = []
    var rest = key[...]
    do throws(ByteReader.Failure) {
      for term in terms {
        var reader = KeyReader(term.isDescending ? rest.map { ~$0 } : Array(rest))
        values.append((term.column, try reader.columnValue(as: term.type, isOptional: term.isOptional)))
        rest = rest.dropFirst(reader.offset)
      }
    } catch {
      throw .invalidArgument("the page token is not of this order")
    }
    guard rest.isEmpty else { throw .invalidArgument("the page token is not of this order") }
    return values
  }
}

/// Rows behind a place in an order.
final class AfterSource: RowSource {
  private let source: RowSource
  private let order: RowOrder
  private let place: [UInt8]

  init(_ source: RowSource, _ order: RowOrder, after place: [UInt8]) {
    self.source = source
    self.order = order
    self.place = place
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    while let row = try source.next() {
      if place.lexicographicallyPrecedes(order.key(of: row)) { return row }
    }
    return nil
  }
}
