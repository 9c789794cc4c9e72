package import CairnBytes
package import CairnVolumes

/// What a multi-call transaction stages of a change: enough to make it again.
///
///     uint8   kind, then
///     1  insert         uint32 table; row
///     2  upsert         uint32 table; uint16 index, FFFF for the primary key; row
///     3  update         uint32 table; list of bytes keys; list of uint16 column and value
///     4  delete         uint32 table; list of bytes keys
///     5  create         list of schemas
///     6  drop           uint32 table
///     7  alter          uint32 table; schema; list of values that older rows have in new columns, by their order
///     8  build index    uint32 table; uint16 index; uint32 rows
///     9  version        uint32 version of the schema; uint64 hash of all schemas
///    10  migration      string name
///    11  grant          uint32 table; bytes principal; uint32 rights, 0 to revoke
///    12  restrict       uint32 table; uint8 whether
///    13  statistics     uint32 table; list of list of integers (varint)
///    14  rename         uint32 table; string name
///    15  cursor         uint8 whether; bytes
///
///     row     list of values, one for each column
///     bytes   varint length, then the bytes
///
/// All of them but `create` belong to a definition of the volume that can not change under an open transaction, so numbers
/// of tables, indexes and columns stay what they are.
package enum TableOperation {
  case insert(table: UInt32, [ColumnValue])
  case upsert(table: UInt32, index: Int?, [ColumnValue])
  case update(table: UInt32, keys: [[UInt8]], [Assignment])
  case delete(table: UInt32, keys: [[UInt8]])
  case create([TableSchema])
  case drop(table: UInt32)
  case alter(table: UInt32, TableSchema, initial: [ColumnValue])
  case buildIndex(table: UInt32, index: Int, rowCount: UInt32)
  case setVersion(UInt32, hash: UInt64)
  case addMigration(String)
  case grant(table: UInt32, Principal, TableRights)
  case restrict(table: UInt32, Bool)
  case setStatistics(table: UInt32, [[UInt64]])
  case rename(table: UInt32, String)
  case setCursor([UInt8]?)

  /// A column and what it becomes.
  package struct Assignment {
    /// Its position.
    package let column: Int
    /// Its new value.
    package let value: ColumnValue
  }

  private static let primaryKey: UInt16 = .max
  /// Rows that one operation changes or deletes, and bytes of their keys, so that it can be staged.
  static let keyCountMax = 10_000
  static let keysByteCountMax = 256 << 10

  /// The stored form.
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .insert(let table, let row):
      writer.uint8(1)
      writer.uint32(table)
      writer.list(row) { $0.encode(into: &$1) }
    case .upsert(let table, let index, let row):
      writer.uint8(2)
      writer.uint32(table)
      writer.uint16(index.map { UInt16($0) } ?? Self.primaryKey)
      writer.list(row) { $0.encode(into: &$1) }
    case .update(let table, let keys, let assignments):
      writer.uint8(3)
      writer.uint32(table)
      writer.list(keys) { $1.lengthPrefixed($0) }
      writer.list(assignments) { (assignment, writer) in
        writer.uint16(UInt16(assignment.column))
        assignment.value.encode(into: &writer)
      }
    case .delete(let table, let keys):
      writer.uint8(4)
      writer.uint32(table)
      writer.list(keys) { $1.lengthPrefixed($0) }
    case .create(let schemas):
      writer.uint8(5)
      writer.list(schemas) { $0.encode(into: &$1) }
    case .drop(let table):
      writer.uint8(6)
      writer.uint32(table)
    case .alter(let table, let schema, let initial):
      writer.uint8(7)
      writer.uint32(table)
      schema.encode(into: &writer)
      writer.list(initial) { $0.encode(into: &$1) }
    case .buildIndex(let table, let index, let rowCount):
      writer.uint8(8)
      writer.uint32(table)
      writer.uint16(UInt16(index))
      writer.uint32(rowCount)
    case .setVersion(let version, let hash):
      writer.uint8(9)
      writer.uint32(version)
      writer.uint64(hash)
    case .addMigration(let name):
      writer.uint8(10)
      writer.string(name)
    case .grant(let table, let principal, let rights):
      writer.uint8(11)
      writer.uint32(table)
      writer.lengthPrefixed(principal.bytes)
      writer.uint32(rights.rawValue)
    case .restrict(let table, let isRestricted):
      writer.uint8(12)
      writer.uint32(table)
      writer.uint8(isRestricted ? 1 : 0)
    case .setStatistics(let table, let counts):
      writer.uint8(13)
      writer.uint32(table)
      writer.list(counts) { (counts, writer) in writer.list(counts) { $1.varint($0) } }
    case .rename(let table, let name):
      writer.uint8(14)
      writer.uint32(table)
      writer.string(name)
    case .setCursor(let cursor):
      writer.uint8(15)
      writer.uint8(cursor == nil ? 0 : 1)
      writer.lengthPrefixed(cursor ?? [])
    }
    return writer.bytes
  }
}

extension TableOperation {
  /// Reads the stored form.
  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    let kind = try reader.uint8()
    if kind == 5 {
      self = .create(
        try reader.list(limit: DatabaseSchema.tableCountMax) { (reader) throws(ByteReader.Failure) in
          try TableSchema(decoding: &reader)
        })
      return
    }
    if kind == 9 {
      self = .setVersion(try reader.uint32(), hash: try reader.uint64())
      return
    }
    if kind == 10 {
      self = .addMigration(try reader.string())
      return
    }
    if kind == 15 {
      let isSet = try reader.flags(1) == 1
      let cursor = try reader.lengthPrefixed(limit: MigrationStep.cursorByteCountMax)
      self = .setCursor(isSet ? cursor : nil)
      return
    }
    let table = try reader.uint32()
    switch kind {
    case 1: self = .insert(table: table, try Self.row(&reader))
    case 2:
      let index = try reader.uint16()
      self = .upsert(table: table, index: index == Self.primaryKey ? nil : Int(index), try Self.row(&reader))
    case 3:
      let keys = try Self.keys(&reader)
      let assignments = try reader.list(limit: SchemaLimits.columnCountMax) {
        (reader) throws(ByteReader.Failure) in
        Assignment(column: Int(try reader.uint16()), value: try ColumnValue(decoding: &reader))
      }
      self = .update(table: table, keys: keys, assignments)
    case 4: self = .delete(table: table, keys: try Self.keys(&reader))
    case 6: self = .drop(table: table)
    case 7: self = .alter(table: table, try TableSchema(decoding: &reader), initial: try Self.row(&reader))
    case 8:
      self = .buildIndex(table: table, index: Int(try reader.uint16()), rowCount: try reader.uint32())
    case 11:
      let bytes = try reader.lengthPrefixed(limit: Principal.byteCountMax)
      guard let principal = try? Principal(bytes) else { throw .malformed }
      self = .grant(table: table, principal, TableRights(rawValue: try reader.uint32()))
    case 12: self = .restrict(table: table, try reader.flags(1) == 1)
    case 13:
      self = .setStatistics(
        table: table,
        try reader.list(limit: SchemaLimits.indexCountMax + 1) { (reader) throws(ByteReader.Failure) in
          try reader.list(limit: 2 * SchemaLimits.keyColumnCountMax) { (reader) throws(ByteReader.Failure) in
            try reader.varint()
          }
        })
    case 14: self = .rename(table: table, try reader.string())
    default: throw .malformed
    }
  }

  private static func keys(_ reader: inout ByteReader) throws(ByteReader.Failure) -> [[UInt8]] {
    try reader.list(limit: keyCountMax) { (reader) throws(ByteReader.Failure) in
      try reader.lengthPrefixed(limit: reader.remaining)
    }
  }

  private static func row(_ reader: inout ByteReader) throws(ByteReader.Failure) -> [ColumnValue] {
    try reader.list(limit: SchemaLimits.columnCountMax) { (reader) throws(ByteReader.Failure) in
      try ColumnValue(decoding: &reader)
    }
  }
}
