import CairnBytes

/// What a tables volume says of itself.
///
///     offset  size  field
///          0     4  the number of the next table; numbers are never used again
///          4     4  version of the schema that the program named last
///          8     4  migrations that were made
struct TableHeader: Equatable {
  var nextTable: UInt32 = 1
  var schemaVersion: UInt32 = 0
  var migrationCount: UInt32 = 0

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint32(nextTable)
    writer.uint32(schemaVersion)
    writer.uint32(migrationCount)
    return writer.bytes
  }
}

extension TableHeader {
  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    nextTable = try reader.uint32()
    schemaVersion = try reader.uint32()
    migrationCount = try reader.uint32()
    guard nextTable > 0 else { throw .malformed }
  }
}
