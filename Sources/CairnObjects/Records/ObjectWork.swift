package import CairnBytes
package import CairnVolumes

/// Long work on a volume of objects, as the catalog keeps it while it is under way. Copies are work on the volume that they go to.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  1 delete objects, 2 delete a bucket with its objects, 3 copy objects, 4 copy one object
///          2     n  bucket: varint length, UTF-8
///                m  1 and 3: prefix of the keys, 4: the key of the copy: varint length, bytes; 2: length 0
///                   copies:
///                1  volume of the source
///                8  which of all volumes that ever were
///                k  bucket of the source: varint length, UTF-8
///                   copy one object:
///                l  key of the source: varint length, bytes
package enum ObjectWork: Equatable, Sendable {
  case deleteAll(bucket: String, prefix: [UInt8])
  case deleteBucket(String)
  case copyAll(bucket: String, prefix: [UInt8], from: Source)
  case copy(bucket: String, key: [UInt8], from: Source, sourceKey: [UInt8])

  /// A bucket to copy from.
  package struct Source: Equatable, Sendable {
    package var volume: VolumeID
    package var incarnation: UInt64
    package var bucket: String

    package init(volume: VolumeID, incarnation: UInt64, bucket: String) {
      self.volume = volume
      self.incarnation = incarnation
      self.bucket = bucket
    }
  }

  private static let version: UInt8 = 1

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
    case .copyAll(let bucket, let prefix, let source):
      writer.uint8(3)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed(prefix)
      source.encode(into: &writer)
    case .copy(let bucket, let key, let source, let sourceKey):
      writer.uint8(4)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed(key)
      source.encode(into: &writer)
      writer.lengthPrefixed(sourceKey)
    }
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    let code = try reader.uint8()
    let bucket = try Self.text(&reader)
    let key = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
    switch code {
    case 1: self = .deleteAll(bucket: bucket, prefix: key)
    case 2:
      guard key.isEmpty else { throw .malformed }
      self = .deleteBucket(bucket)
    case 3: self = .copyAll(bucket: bucket, prefix: key, from: try Source(decoding: &reader))
    case 4:
      let source = try Source(decoding: &reader)
      let sourceKey = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
      self = .copy(bucket: bucket, key: key, from: source, sourceKey: sourceKey)
    default: throw .malformed
    }
  }

  /// The name of a bucket.
  fileprivate static func text(_ reader: inout ByteReader) throws(ByteReader.Failure) -> String {
    let bytes = try reader.lengthPrefixed(limit: ObjectLimits.bucketNameByteCountMax)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
    return text
  }
}

extension ObjectWork.Source {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.uint8(volume.rawValue)
    writer.uint64(incarnation)
    writer.lengthPrefixed(Array(bucket.utf8))
  }

  fileprivate init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard let volume = VolumeID(rawValue: try reader.uint8()) else { throw .malformed }
    self.volume = volume
    incarnation = try reader.uint64()
    bucket = try ObjectWork.text(&reader)
  }
}

/// How far copying objects came, as the catalog keeps it between two steps.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     n  key of the source that was copied last: varint length, bytes; none yet: length 0
///                1  1: a copy is half made; 0: none is, and nothing follows
///                m  key of its source: varint length, bytes
///                8  data id of its contents
///                8  bytes of them that are there
///                8  size of the source
///                8  when the source was modified
///                k  ETag of the source: varint length, UTF-8
package struct CopyCursor: Equatable, Sendable {
  package var last: [UInt8] = []
  package var part: Part?

  /// A copy that is half made, and what it is a copy of.
  package struct Part: Equatable, Sendable {
    package var key: [UInt8]
    package var id: UInt64
    package var byteCount: UInt64
    package var size: UInt64
    package var modified: UInt64
    package var etag: [UInt8]

    package init(key: [UInt8], id: UInt64, byteCount: UInt64, size: UInt64, modified: UInt64, etag: [UInt8]) {
      self.key = key
      self.id = id
      self.byteCount = byteCount
      self.size = size
      self.modified = modified
      self.etag = etag
    }
  }

  package init() {}

  private static let version: UInt8 = 1

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.lengthPrefixed(last)
    guard let part else {
      writer.uint8(0)
      return writer.bytes
    }
    writer.uint8(1)
    writer.lengthPrefixed(part.key)
    writer.uint64(part.id)
    writer.uint64(part.byteCount)
    writer.uint64(part.size)
    writer.uint64(part.modified)
    writer.lengthPrefixed(part.etag)
    return writer.bytes
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    last = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
    switch try reader.uint8() {
    case 0: return
    case 1: break
    default: throw .malformed
    }
    let key = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
    let id = try reader.uint64()
    let byteCount = try reader.uint64()
    let size = try reader.uint64()
    guard byteCount > 0, byteCount < size, size <= ObjectLimits.objectByteCountMax,
      byteCount % UInt64(ObjectLimits.runByteCount) == 0
    else { throw .malformed }
    let modified = try reader.uint64()
    let etag = try reader.lengthPrefixed(limit: ObjectLimits.etagByteCountMax)
    part = Part(key: key, id: id, byteCount: byteCount, size: size, modified: modified, etag: etag)
  }
}
