import CairnBlocks

/// What a put stores beside the contents.
public struct ObjectOptions: Hashable, Sendable {
  /// The media type, such as `image/jpeg`; at most 255 bytes. Empty: none was given.
  public var contentType: String
  /// The user's own entries, at most 16 KiB of names and values.
  public var metadata: ObjectMetadata
  /// The entity tag, without quotes, at most 128 printable characters; nil: derived from the contents (see `ObjectInfo`).
  public var etag: String?
  /// Further checksums, stored as they are given and never looked at; at most 16.
  public var checksums: [ObjectChecksum]

  /// Options of their parts.
  public init(
    contentType: String = "", metadata: ObjectMetadata = ObjectMetadata(), etag: String? = nil,
    checksums: [ObjectChecksum] = []
  ) {
    self.contentType = contentType
    self.metadata = metadata
    self.etag = etag
    self.checksums = checksums
  }
}

/// A checksum of an object's contents that a client computed.
public struct ObjectChecksum: Hashable, Sendable {
  /// Which one, such as `SHA256`; 1...255 bytes.
  public let algorithm: String
  /// Its value, in whatever notation the client uses; at most 255 bytes.
  public let value: String

  /// A checksum of its parts.
  public init(algorithm: String, value: String) {
    self.algorithm = algorithm
    self.value = value
  }
}

extension ObjectOptions {
  /// Throws unless everything is within its limit.
  func validate() throws(StorageError) {
    try Self.require(contentType.utf8.count, atMost: ObjectLimits.contentTypeByteCountMax)
    guard metadata.entries.count <= ObjectLimits.metadataCountMax else {
      throw .limitExceeded(what: "metadata entries of an object", limit: UInt64(ObjectLimits.metadataCountMax))
    }
    var total = 0
    for entry in metadata.entries {
      guard !entry.name.isEmpty, entry.name.count <= ObjectLimits.metadataNameByteCountMax else {
        throw .invalidArgument("a metadata name has 1 to \(ObjectLimits.metadataNameByteCountMax) bytes")
      }
      total += entry.name.count + entry.value.count
    }
    try Self.require(total, atMost: ObjectLimits.metadataByteCountMax)
    guard checksums.count <= ObjectLimits.checksumCountMax else {
      throw .limitExceeded(what: "checksums of an object", limit: UInt64(ObjectLimits.checksumCountMax))
    }
    for checksum in checksums {
      guard !checksum.algorithm.utf8.isEmpty else { throw .invalidArgument("a checksum's algorithm has a name") }
      try Self.require(checksum.algorithm.utf8.count, atMost: ObjectLimits.checksumByteCountMax)
      try Self.require(checksum.value.utf8.count, atMost: ObjectLimits.checksumByteCountMax)
    }
    if let etag {
      guard !etag.utf8.isEmpty, etag.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }) else {
        throw .invalidArgument("an ETag is printable ASCII without quotes and spaces")
      }
      try Self.require(etag.utf8.count, atMost: ObjectLimits.etagByteCountMax)
    }
  }

  private static func require(_ count: Int, atMost limit: Int) throws(StorageError) {
    guard count <= limit else { throw .valueTooLarge(byteCount: UInt64(count), limit: UInt64(limit)) }
  }
}
