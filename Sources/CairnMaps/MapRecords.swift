package import CairnBlocks
package import CairnBytes

/// What stands in the root tree of a map's volume, under the key 00: where the entries are, and what they mean.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     8  root block of the tree with the entries
///          9     n  definition: varint length, bytes of UTF-8
///
/// The entries have a tree of their own, so that their keys may be any bytes. It is made with the volume and stays.
package struct MapHeader: Equatable, Sendable {
  package var entries: BlockNumber
  package var definition: [UInt8]

  package init(entries: BlockNumber, definition: [UInt8]) {
    self.entries = entries
    self.definition = definition
  }

  /// The key of the record.
  package static let key: [UInt8] = [0]
  /// The longest definition, bytes.
  package static let definitionByteCountMax = 1024

  private static let version: UInt8 = 1
}

extension MapHeader {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint64(entries.rawValue)
    writer.lengthPrefixed(definition)
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    entries = BlockNumber(try reader.uint64())
    definition = try reader.lengthPrefixed(limit: Self.definitionByteCountMax)
  }
}

/// A change of a map, as a multi-call transaction stages it.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  1 put, 2 delete, 3 delete a range
///                   put:
///          2     n  key: varint length, bytes
///          .     n  value: the rest
///                   delete:
///          2     n  key: the rest
///                   delete a range:
///          2     1  bit 0: there is an upper bound; bit 1: there is a limit
///          3     n  lower bound: varint length, bytes; none is before all keys
///          .     n  upper bound: varint length, bytes; only with bit 0
///          .     n  limit: varint; only with bit 1
package enum MapOperation: Equatable, Sendable {
  case put(key: [UInt8], value: [UInt8])
  case delete(key: [UInt8])
  case deleteRange(from: [UInt8], to: [UInt8]?, limit: UInt64?)

  private static let version: UInt8 = 1
  /// Longer bounds are refused before they are staged.
  package static let boundByteCountMax = 4096
}

extension MapOperation {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch self {
    case .put(let key, let value):
      writer.uint8(1)
      writer.lengthPrefixed(key)
      writer.append(value)
    case .delete(let key):
      writer.uint8(2)
      writer.append(key)
    case .deleteRange(let from, let to, let limit):
      writer.uint8(3)
      writer.uint8((to == nil ? 0 : 1) | (limit == nil ? 0 : 2))
      writer.lengthPrefixed(from)
      if let to { writer.lengthPrefixed(to) }
      if let limit { writer.varint(limit) }
    }
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    switch try reader.uint8() {
    case 1:
      let key = try reader.lengthPrefixed(limit: Self.boundByteCountMax)
      self = .put(key: key, value: try reader.bytes(count: reader.remaining))
    case 2:
      self = .delete(key: try reader.bytes(count: reader.remaining))
    case 3:
      let flags = try reader.uint8()
      guard flags <= 3 else { throw .malformed }
      let from = try reader.lengthPrefixed(limit: Self.boundByteCountMax)
      let to = flags & 1 == 0 ? nil : try reader.lengthPrefixed(limit: Self.boundByteCountMax)
      self = .deleteRange(from: from, to: to, limit: flags & 2 == 0 ? nil : try reader.varint())
    default: throw .malformed
    }
  }
}
