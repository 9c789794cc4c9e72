package import CairnBytes

/// A bucket.
///
/// It holds no counters: every put would change them, and a put in a transaction that is prepared would keep all others
/// out of the bucket. The volume's figures are accounted for beside the trees; a bucket's are counted when they are asked
/// for.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  flags, 0 (bits are reserved for versioning)
///          2     2  0
///          4     4  id, never used for another bucket of the volume
///          8     8  time of its making, nanoseconds since 1970
package struct BucketRecord: Equatable, Sendable {
  package var id: UInt32
  package var created: UInt64

  package init(id: UInt32, created: UInt64) {
    self.id = id
    self.created = created
  }

  private static let version: UInt8 = 1
}

extension BucketRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(0)
    writer.uint16(0)
    writer.uint32(id)
    writer.uint64(created)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    guard try reader.uint8() == 0, try reader.uint16() == 0 else { throw .malformed }
    id = try reader.uint32()
    created = try reader.uint64()
    try reader.finish()
  }
}
