package import CairnBytes

/// Long work on a volume of objects, as the catalog keeps it while it is under way.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  1 delete objects, 2 delete a bucket with its objects, 3 copy objects
///          2     n  bucket: varint length, UTF-8
///                m  prefix of the keys: varint length, bytes
///                   copy objects:
///                k  volume of the target: varint length, UTF-8
///                l  bucket of the target: varint length, UTF-8
package enum ObjectWork: Equatable, Sendable {
  case deleteAll(bucket: String, prefix: [UInt8])
  case deleteBucket(String)
  case copyAll(bucket: String, prefix: [UInt8], volume: String, target: String)

  private static let version: UInt8 = 1
  /// Most bytes of a volume's name.
  private static let volumeNameByteCountMax = 64

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch self {
    case .deleteAll(let bucket, let prefix):
      writer.uint8(1)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed(prefix)
    case .deleteBucket(let bucket):
      writer.uint8(2)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed([])
    case .copyAll(let bucket, let prefix, let volume, let target):
      writer.uint8(3)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed(prefix)
      writer.lengthPrefixed(Array(volume.utf8))
      writer.lengthPrefixed(Array(target.utf8))
    }
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    let code = try reader.uint8()
    let bucket = try Self.text(&reader, limit: ObjectLimits.bucketNameByteCountMax)
    let prefix = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
    switch code {
    case 1: self = .deleteAll(bucket: bucket, prefix: prefix)
    case 2:
      guard prefix.isEmpty else { throw .malformed }
      self = .deleteBucket(bucket)
    case 3:
      let volume = try Self.text(&reader, limit: Self.volumeNameByteCountMax)
      let target = try Self.text(&reader, limit: ObjectLimits.bucketNameByteCountMax)
      self = .copyAll(bucket: bucket, prefix: prefix, volume: volume, target: target)
    default: throw .malformed
    }
  }

  private static func text(_ reader: inout ByteReader, limit: Int) throws(ByteReader.Failure) -> String {
    guard let text = String(validating: try reader.lengthPrefixed(limit: limit), as: UTF8.self) else {
      throw .malformed
    }
    return text
  }
}
