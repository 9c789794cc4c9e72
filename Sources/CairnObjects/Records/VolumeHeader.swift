package import CairnBytes

/// Where a volume of objects keeps its trees.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     7  0
///          8     8  root block of the tree of objects; 0: the volume is being removed, and it is gone
///         16     8  root block of the tree of data; 0: likewise
package struct VolumeHeader: Equatable, Sendable {
  package var objects: UInt64
  package var data: UInt64

  package init(objects: UInt64, data: UInt64) {
    self.objects = objects
    self.data = data
  }

  private static let version: UInt8 = 1
  private static let reservedByteCount = 7
}

extension VolumeHeader {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.append([UInt8](repeating: 0, count: Self.reservedByteCount))
    writer.uint64(objects)
    writer.uint64(data)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    for _ in 0..<Self.reservedByteCount {
      guard try reader.uint8() == 0 else { throw .malformed }
    }
    objects = try reader.uint64()
    data = try reader.uint64()
    try reader.finish()
  }
}
