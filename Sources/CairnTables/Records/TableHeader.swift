package import CairnBytes

/// What a tables volume says of itself.
///
///     offset  size  field
///          0     4  the number of the next table; numbers are never used again
///          4     4  version of the schema that the program named last
///          8     4  migrations that were made
///         12     8  hash of the schemas that the program opened the volume with last
package struct TableHeader: Equatable {
  var nextTable: UInt32 = 1
  var schemaVersion: UInt32 = 0
  var migrationCount: UInt32 = 0
  var hash: UInt64 = 0

  /// The stored form.
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint32(nextTable)
    writer.uint32(schemaVersion)
    writer.uint32(migrationCount)
    writer.uint64(hash)
    return writer.bytes
  }
}

extension TableHeader {
  /// Reads the stored form.
  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    nextTable = try reader.uint32()
    schemaVersion = try reader.uint32()
    migrationCount = try reader.uint32()
    hash = try reader.uint64()
    guard nextTable > 0 else { throw .malformed }
  }
}
