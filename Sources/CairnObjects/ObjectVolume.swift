public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension Transaction {
  /// A volume of objects. It lives as long as the transaction.
  public func objects(_ volume: String = ObjectVolume.defaultName) throws(StorageError) -> ObjectVolume {
    try ObjectVolume(self.volume(volume, kind: .objects))
  }

  /// A bucket of a volume of objects. Whether it is there shows when it is used.
  public func bucket(_ name: String, volume: String = ObjectVolume.defaultName) throws(StorageError) -> Bucket {
    try objects(volume).bucket(name)
  }
}

extension Transaction {
  /// Makes a bucket in a volume of objects; true: it was not there before. With `ifMissing` an existing one is no error.
  @discardableResult
  public func createBucket(
    _ name: String, ifMissing: Bool = false, volume: String = ObjectVolume.defaultName
  ) throws(StorageError) -> Bool {
    try objects(volume).createBucket(name, ifMissing: ifMissing)
  }
}

/// A volume of objects inside a transaction: its buckets.
public struct ObjectVolume {
  /// The name of the volume that a store is made with.
  public static let defaultName = "objects"

  let trees: ObjectTrees

  init(_ volume: Volume) throws(StorageError) {
    trees = try ObjectTrees(volume)
  }

  /// The longest key: 1024 bytes, less on blocks below 4096 bytes.
  public var maximumKeyByteCount: Int {
    ObjectLimits.keyByteCountMax(blockByteCount: trees.volume.blockByteCount)
  }

  /// Objects and bytes of all buckets, and the blocks that they take.
  public func usage() throws(StorageError) -> VolumeUsage { try trees.volume.usage() }

  /// A bucket by its name: 1...255 bytes of UTF-8 without `/` (fewer on blocks below 2048 bytes). Whether it is there
  /// shows when it is used.
  public func bucket(_ name: String) throws(StorageError) -> Bucket {
    try BucketName.require(name, blockByteCount: trees.volume.blockByteCount)
    return Bucket(trees: trees, name: name)
  }

  /// Makes a bucket; true: it was not there before.
  ///
  /// - Parameters:
  ///   - ifMissing: an existing bucket is no error.
  /// - Throws: `alreadyExists`.
  @discardableResult
  public func createBucket(_ name: String, ifMissing: Bool = false) throws(StorageError) -> Bool {
    try trees.volume.requireWrite()
    try BucketName.require(name, blockByteCount: trees.volume.blockByteCount)
    if ifMissing, try bucketExists(name) { return false }
    let created = trees.volume.transaction.time
    try trees.volume.perform(
      recordsReads: true, operation: { ObjectOperation.createBucket(name, created: created).encoded }
    ) { () throws(StorageError) in
      try trees.createBucket(name, created: created)
    }
    return true
  }

  /// Removes a bucket, which must be empty.
  ///
  /// - Throws: `notFound`, `notEmpty`.
  public func deleteBucket(_ name: String) throws(StorageError) {
    try trees.volume.perform(
      recordsReads: true, releasesSpace: true, operation: { ObjectOperation.deleteBucket(name).encoded }
    ) { () throws(StorageError) in
      try trees.deleteBucket(name)
    }
  }

  /// All buckets, ordered by the bytes of their names.
  public func buckets() throws(StorageError) -> [BucketInfo] {
    var list: [BucketInfo] = []
    var cursor = try trees.volume.root.cursor(from: TreeKey.buckets.from, to: TreeKey.buckets.to)
    while try cursor.next() {
      guard let bytes = TreeKey.bucketName(cursor.key), let name = String(validating: bytes, as: UTF8.self) else {
        throw ObjectTrees.damage(trees.volume.root)
      }
      let value = try cursor.value()
      let record = try ObjectTrees.decode(in: trees.volume.root) { () throws(ByteReader.Failure) in
        try BucketRecord(decoding: value)
      }
      list.append(BucketInfo(name: name, created: record.created))
    }
    return list
  }

  /// What is known of a bucket. Throws `notFound`.
  public func head(bucket name: String) throws(StorageError) -> BucketInfo {
    BucketInfo(name: name, created: try trees.bucket(name).created)
  }

  /// Whether there is a bucket of this name.
  public func bucketExists(_ name: String) throws(StorageError) -> Bool { try trees.findBucket(name) != nil }
}

/// The rules for the names of buckets.
enum BucketName {
  /// Whether the bytes are a bucket's name.
  static func isAllowed(_ name: [UInt8]) -> Bool {
    !name.isEmpty && name.count <= ObjectLimits.bucketNameByteCountMax && !name.contains(0x2F)
      && String(validating: name, as: UTF8.self) != nil
  }

  /// Throws unless a bucket may have this name on a device with such blocks.
  static func require(_ name: String, blockByteCount: Int) throws(StorageError) {
    let limit = ObjectLimits.bucketNameByteCountMax(blockByteCount: blockByteCount)
    guard isAllowed(Array(name.utf8)), name.utf8.count <= limit else {
      throw .invalidArgument("a bucket's name has 1 to \(limit) bytes of UTF-8 and no '/'")
    }
  }
}
