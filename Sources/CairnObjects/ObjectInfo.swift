/// What is known of an object without its contents.
public struct ObjectInfo: Hashable, Sendable {
  /// Its name in the bucket.
  public let key: ObjectKey
  /// Bytes of its contents.
  public let size: UInt64
  /// Its entity tag, without quotes.
  ///
  /// Unless the caller of the put gave one, it is derived from the contents alone: 16 lowercase hexadecimal digits of the
  /// XXH64 over the XXH3 (64 bits, seed 0) of each 64 KiB of the contents and then the number of bytes, each as 8 bytes,
  /// little-endian. It is not as long as an MD5, so that nobody takes it for one.
  public let etag: String
  /// Whether the store derived the ETag.
  public let isETagDerived: Bool
  /// When it was put, in nanoseconds since 1970-01-01T00:00:00Z.
  public let modified: UInt64
  /// The media type; empty when none was given.
  public let contentType: String
  /// The user's own entries.
  public let metadata: ObjectMetadata
  /// Further checksums, as they were given.
  public let checksums: [ObjectChecksum]
}

/// What a listing tells of an object.
public struct ObjectSummary: Hashable, Sendable {
  /// Its name in the bucket.
  public let key: ObjectKey
  /// Bytes of its contents.
  public let size: UInt64
  /// Its entity tag, without quotes.
  public let etag: String
  /// When it was put, in nanoseconds since 1970-01-01T00:00:00Z.
  public let modified: UInt64
}

/// What is known of a bucket without its objects.
public struct BucketInfo: Hashable, Sendable {
  /// Its name.
  public let name: String
  /// When it was made, in nanoseconds since 1970-01-01T00:00:00Z.
  public let created: UInt64
}

/// What a bucket holds.
public struct BucketUsage: Hashable, Sendable {
  /// Objects in it.
  public let objectCount: UInt64
  /// Bytes of their contents.
  public let byteCount: UInt64
}
