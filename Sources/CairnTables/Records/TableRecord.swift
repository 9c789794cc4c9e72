package import CairnBytes

/// A table as the volume keeps it.
///
///     uint8   version, 1
///     uint8   flags: 1 only principals with grants on the table come to it
///     uint64  the root block of the tree of rows; 0 when it is gone already, in a volume that is being removed
///     schema  see SchemaCoding.swift
///     list    slots: uint8 type; value, what older rows have; string column, empty when it was dropped
///     list    for each index of the schema: uint64 root block of its tree; uint8 state (0 ready, 1 being built)
package struct TableRecord {
  /// A place in rows, given out once and for all.
  struct Slot {
    let type: ColumnType
    let initial: ColumnValue
    /// The column; empty: it was dropped.
    var column: String
  }

  struct Index {
    var root: UInt64
    var isReady: Bool
  }

  var isRestricted: Bool
  var root: UInt64
  var schema: TableSchema
  var slots: [Slot]
  var indexes: [Index]

  private static let version: UInt8 = 1
  private static let restrictedFlag: UInt8 = 1
  /// Slots that may be given out in the life of a table.
  static let slotCountMax = 4096

  /// The stored form.
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(isRestricted ? Self.restrictedFlag : 0)
    writer.uint64(root)
    schema.encode(into: &writer)
    writer.list(slots) { (slot, writer) in
      writer.uint8(slot.type.rawValue)
      slot.initial.encode(into: &writer)
      writer.string(slot.column)
    }
    writer.list(indexes) { (index, writer) in
      writer.uint64(index.root)
      writer.uint8(index.isReady ? 0 : 1)
    }
    return writer.bytes
  }
}

extension TableRecord {
  /// Reads the stored form.
  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    isRestricted = try reader.flags(Self.restrictedFlag) != 0
    root = try reader.uint64()
    schema = try TableSchema(decoding: &reader)
    slots = try reader.list(limit: Self.slotCountMax) { (reader) throws(ByteReader.Failure) in
      guard let type = ColumnType(rawValue: try reader.uint8()) else { throw .malformed }
      return Slot(type: type, initial: try ColumnValue(decoding: &reader), column: try reader.string())
    }
    indexes = try reader.list(limit: SchemaLimits.indexCountMax) { (reader) throws(ByteReader.Failure) in
      let root = try reader.uint64()
      return Index(root: root, isReady: try reader.flags(1) == 0)
    }
    guard indexes.count == schema.indexes.count else { throw .malformed }
  }
}
