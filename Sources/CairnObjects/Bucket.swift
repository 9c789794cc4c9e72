public import CairnBlocks
import CairnBytes
import CairnVolumes

/// A bucket of a volume of objects, inside a transaction.
///
/// Making one looks at nothing; every use throws `notFound` for a bucket that is not there.
public struct Bucket {
  let trees: ObjectTrees
  /// Its name.
  public let name: String

  // MARK: Reading

  /// What is known of an object; nil: there is none.
  public func find(_ key: ObjectKey) throws(StorageError) -> ObjectInfo? {
    try findRecord(key)?.info(key)
  }

  /// Whether there is an object.
  public func contains(_ key: ObjectKey) throws(StorageError) -> Bool {
    try trees.objects.contains(try treeKey(key))
  }

  /// What is known of an object.
  ///
  /// - Throws: `notFound`, `preconditionFailed`.
  public func head(_ key: ObjectKey, if conditions: ObjectConditions = .none) throws(StorageError) -> ObjectInfo {
    try open(key, if: conditions).info
  }

  /// The contents of an object, or a part of them.
  ///
  /// - Parameters:
  ///   - limit: more bytes are not read into memory; 1 GiB unless the caller allows more.
  /// - Throws: `notFound`, `preconditionFailed`, `invalidRange`, `valueTooLarge` beyond the limit.
  public func get(
    _ key: ObjectKey, range: ObjectRange? = nil, if conditions: ObjectConditions = .none,
    limit: UInt64 = 1 << 30
  ) throws(StorageError) -> [UInt8] {
    let reader = try open(key, if: conditions)
    let part = try range?.resolved(in: reader.info.size) ?? 0..<reader.info.size
    let byteCount = part.upperBound - part.lowerBound
    guard byteCount <= limit else { throw .valueTooLarge(byteCount: byteCount, limit: limit) }
    return try reader.bytes(part)
  }

  /// Lends the contents of an object, or a part of them, to `body` in pieces of at most 1 MiB, in order.
  ///
  /// Each piece is verified before it is lent: after an error, what was lent before it is right.
  @discardableResult
  public func get(
    _ key: ObjectKey, range: ObjectRange? = nil, if conditions: ObjectConditions = .none,
    _ body: (RawSpan) throws(StorageError) -> Void
  ) throws(StorageError) -> ObjectInfo {
    let reader = try open(key, if: conditions)
    try reader.read(try range?.resolved(in: reader.info.size) ?? 0..<reader.info.size, body)
    return reader.info
  }

  /// Opens an object for reading parts of it.
  ///
  /// - Throws: `notFound`, `preconditionFailed`.
  public func open(_ key: ObjectKey, if conditions: ObjectConditions = .none) throws(StorageError) -> ObjectReader {
    guard let record = try findRecord(key) else { throw .notFound(Subject("key", key.bytes)) }
    let info = record.info(key)
    try conditions.requireRead(key, etag: info.etag, modified: info.modified)
    return ObjectReader(info: info, trees: trees, record: record)
  }

  /// How many objects the bucket holds, and how many bytes. It is counted: time in proportion to the objects.
  public func usage() throws(StorageError) -> BucketUsage {
    let prefix = TreeKey.objects(of: try trees.bucket(name).id)
    var cursor = try trees.objects.cursor(from: prefix, to: TreeKey.successor(ofPrefix: prefix))
    var objectCount: UInt64 = 0
    var byteCount: UInt64 = 0
    while try cursor.next() {
      objectCount += 1
      byteCount &+= try trees.head(at: cursor).size
    }
    return BucketUsage(objectCount: objectCount, byteCount: byteCount)
  }

  /// An object's record, or nil.
  func findRecord(_ key: ObjectKey) throws(StorageError) -> ObjectRecord? {
    try trees.findObject(try treeKey(key))
  }

  /// An object's key in the tree.
  private func treeKey(_ key: ObjectKey) throws(StorageError) -> [UInt8] {
    try requireAllowed(key)
    return TreeKey.object(try trees.bucket(name).id, key.bytes)
  }

  /// Throws unless an object may have this key.
  func requireAllowed(_ key: ObjectKey) throws(StorageError) {
    let limit = ObjectLimits.keyByteCountMax(blockByteCount: trees.volume.blockByteCount)
    guard !key.bytes.isEmpty, key.bytes.count <= limit else {
      throw .invalidKey(byteCount: key.bytes.count, limit: limit)
    }
  }
}
