import CairnTrees

/// The bounds of the object store, in one place.
package enum ObjectLimits {
  /// The longest key, on blocks of 4096 bytes and more.
  package static let keyByteCountMax = 1024
  /// Bytes in front of the key in the tree of objects: the key space and the bucket's id.
  package static let keyPrefixByteCount = 5
  /// The longest bucket name, on blocks of 2048 bytes and more.
  package static let bucketNameByteCountMax = 255
  /// The longest content type.
  package static let contentTypeByteCountMax = 255
  /// The longest ETag that a caller may give.
  package static let etagByteCountMax = 128
  /// The longest name of a metadata entry.
  package static let metadataNameByteCountMax = 1024
  /// All of an object's metadata, names and values together.
  package static let metadataByteCountMax = 16384
  /// Metadata entries of one object.
  package static let metadataCountMax = 1024
  /// Further checksums of one object.
  package static let checksumCountMax = 16
  /// The longest name or value of a checksum.
  package static let checksumByteCountMax = 255
  /// Contents of one run: what one entry of the data tree describes. A multiple of every block size and of 64 KiB.
  package static let runByteCount = 1 << 20
  /// The largest object: as many runs as keys of the data tree can number.
  package static let objectByteCountMax: UInt64 = 1 << 62
  /// Buckets that a listing of the buckets goes through at most, as many as there are ids.
  package static let bucketIDMax: UInt32 = .max - 1

  /// The longest key of an object on a device with such blocks.
  package static func keyByteCountMax(blockByteCount: Int) -> Int {
    min(keyByteCountMax, Tree.maximumKeyByteCount(blockByteCount: blockByteCount) - keyPrefixByteCount)
  }

  /// The longest name of a bucket on a device with such blocks.
  package static func bucketNameByteCountMax(blockByteCount: Int) -> Int {
    min(bucketNameByteCountMax, Tree.maximumKeyByteCount(blockByteCount: blockByteCount) - 1)
  }

  /// The longest record that stands in a leaf beside a key of an object.
  package static func leafRecordByteCountMax(keyByteCount: Int, blockByteCount: Int) -> Int {
    TreeLimits(blockByteCount: blockByteCount)
      .payloadByteCountMax(keyByteCount: keyByteCount + keyPrefixByteCount)
  }
}
