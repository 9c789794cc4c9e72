package import CairnBytes

/// Contents that are brought to the device over several transactions, under their data id in the root tree. Their runs stand in
/// the tree of data, as those of an object do, and no object has them until the last one is there.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     7  0
///          8     8  bytes that are there, a multiple of 1 MiB
package struct UnfinishedContents: Equatable, Sendable {
  package var byteCount: UInt64

  package init(byteCount: UInt64) { self.byteCount = byteCount }

  private static let version: UInt8 = 1
  private static let reservedByteCount = 7

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.append([UInt8](repeating: 0, count: Self.reservedByteCount))
    writer.uint64(byteCount)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    for _ in 0..<Self.reservedByteCount {
      guard try reader.uint8() == 0 else { throw .malformed }
    }
    byteCount = try reader.uint64()
    guard byteCount > 0, byteCount < ObjectLimits.objectByteCountMax,
      byteCount % UInt64(ObjectLimits.runByteCount) == 0
    else { throw .malformed }
    try reader.finish()
  }
}
