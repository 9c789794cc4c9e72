package import CairnBytes

/// Long work on a volume of tables, as the catalog keeps it while it is under way.
///
///     offset  size  field
///          0     1  1 build indexes, 2 delete rows
///                   delete rows:
///          1     4  table
///          5     n  which rows: predicate, as in a schema
///
/// Building indexes keeps beside each table how far it came; deleting rows, in the work's cursor: the key that was looked at last.
package enum TableWork: Equatable, Sendable {
  /// Build whatever index is not ready.
  case buildIndexes
  /// Delete the rows that a predicate is true for.
  case delete(table: UInt32, Predicate)

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .buildIndexes: writer.uint8(1)
    case .delete(let table, let filter):
      writer.uint8(2)
      writer.uint32(table)
      filter.encode(into: &writer)
    }
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    switch try reader.uint8() {
    case 1: self = .buildIndexes
    case 2: self = .delete(table: try reader.uint32(), try Predicate(decoding: &reader))
    default: throw .malformed
    }
  }
}
