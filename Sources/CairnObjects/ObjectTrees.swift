import CairnBlocks
import CairnBytes
import CairnVolumes

/// The trees of one volume of objects inside one transaction, and every change that can be made to them.
///
/// The changes run inside `Volume.perform`, and again in `ObjectFilesystem.apply` for staged operations: both come here.
/// Each looks at everything that can refuse it before it changes anything.
struct ObjectTrees {
  let volume: Volume
  /// Objects by bucket id and key.
  let objects: VolumeTree
  /// Runs of contents by data id and offset.
  let data: VolumeTree

  /// The trees of a volume that is in use.
  init(_ volume: Volume) throws(StorageError) {
    let header = try Self.header(of: volume)
    guard header.objects != 0, header.data != 0 else { throw Self.damage(volume.root) }
    self.volume = volume
    objects = volume.tree(at: BlockNumber(header.objects))
    data = volume.tree(at: BlockNumber(header.data))
  }

  /// Where a volume says that its trees are.
  static func header(of volume: Volume) throws(StorageError) -> VolumeHeader {
    guard let bytes = try volume.root.get(TreeKey.header) else { throw damage(volume.root) }
    return try decode(in: volume.root) { () throws(ByteReader.Failure) in try VolumeHeader(decoding: bytes) }
  }

  // MARK: Looking

  /// A bucket, or nil.
  func findBucket(_ name: String) throws(StorageError) -> BucketRecord? {
    guard let bytes = try volume.root.get(TreeKey.bucket(name)) else { return nil }
    return try Self.decode(in: volume.root) { () throws(ByteReader.Failure) in try BucketRecord(decoding: bytes) }
  }

  /// A bucket.
  func bucket(_ name: String) throws(StorageError) -> BucketRecord {
    guard let record = try findBucket(name) else { throw .notFound(Subject("bucket", name)) }
    return record
  }

  /// The object at a key of the tree, or nil.
  func findObject(_ treeKey: [UInt8]) throws(StorageError) -> ObjectRecord? {
    guard let bytes = try objects.get(treeKey) else { return nil }
    return try object(bytes)
  }

  /// An object's record.
  func object(_ bytes: [UInt8]) throws(StorageError) -> ObjectRecord {
    let blockByteCount = volume.blockByteCount
    return try Self.decode(in: objects) { () throws(ByteReader.Failure) in
      try ObjectRecord(decoding: bytes, blockByteCount: blockByteCount)
    }
  }

  /// A run of contents.
  func run(_ bytes: [UInt8]) throws(StorageError) -> DataRun {
    let blockByteCount = volume.blockByteCount
    return try Self.decode(in: data) { () throws(ByteReader.Failure) in
      try DataRun(decoding: bytes, blockByteCount: blockByteCount)
    }
  }

  // MARK: Changes

  /// Makes a bucket. Throws `alreadyExists`.
  func createBucket(_ name: String, created: UInt64) throws(StorageError) {
    let key = TreeKey.bucket(name)
    if try volume.root.contains(key) { throw .alreadyExists(Subject("bucket", name)) }
    var id: UInt32 = 1
    if let bytes = try volume.root.get(TreeKey.nextBucketID) {
      id = try Self.decode(in: volume.root) { () throws(ByteReader.Failure) in
        var reader = ByteReader(bytes)
        let id = try reader.uint32()
        try reader.finish()
        return id
      }
    }
    guard id <= ObjectLimits.bucketIDMax else {
      throw .limitExceeded(what: "buckets ever made in a volume", limit: UInt64(ObjectLimits.bucketIDMax))
    }
    var next = ByteWriter()
    next.uint32(id + 1)
    try volume.root.put(TreeKey.nextBucketID, next.bytes)
    try volume.root.put(key, BucketRecord(id: id, created: created).encoded)
  }

  /// Removes an empty bucket. Throws `notFound` and `notEmpty`.
  func deleteBucket(_ name: String) throws(StorageError) {
    let prefix = TreeKey.objects(of: try bucket(name).id)
    var cursor = try objects.cursor(from: prefix, to: TreeKey.successor(ofPrefix: prefix))
    if try cursor.next() { throw .notEmpty(Subject("bucket", name)) }
    try volume.root.delete(TreeKey.bucket(name))
  }

  /// Puts an object whose contents are on the device already, in the place of the one that was there.
  func put(_ put: ObjectPut) throws(StorageError) {
    let key = TreeKey.object(try bucket(put.bucket).id, put.key)
    let old = try findObject(key)
    try put.conditions.requireWrite(ObjectKey(put.key), etag: old?.tag.text, modified: old?.modified ?? 0)
    var offset: UInt64 = 0
    if case .indexed(let id) = put.record.contents {
      offset = try unfinishedByteCount(id)
      guard offset == 0 || put.runs.reduce(offset, { $0 &+ $1.byteCount }) == put.record.size else {
        throw Self.damage(volume.root)
      }
    }
    if let old { try freeContents(old) }
    if case .indexed(let id) = put.record.contents {
      if offset > 0 { try volume.root.delete(TreeKey.unfinished(id)) }
      try putRuns(put.runs, of: id, at: offset)
    }
    try objects.put(key, put.record.encoded)
    try volume.account(
      items: old == nil ? 1 : 0, bytes: Int64(clamping: put.record.size) - Int64(clamping: old?.size ?? 0))
  }

  /// Removes an object; false: there was none. Throws when a condition does not hold.
  func delete(bucket name: String, key: [UInt8], _ conditions: ObjectConditions) throws(StorageError) -> Bool {
    let treeKey = TreeKey.object(try bucket(name).id, key)
    let old = try findObject(treeKey)
    try conditions.requireWrite(ObjectKey(key), etag: old?.tag.text, modified: old?.modified ?? 0)
    guard let old else { return false }
    try freeContents(old)
    try objects.delete(treeKey)
    try volume.account(items: -1, bytes: -Int64(clamping: old.size))
    return true
  }

  private func putRuns(_ runs: [DataRun], of id: UInt64, at offset: UInt64) throws(StorageError) {
    var offset = offset
    for run in runs {
      try data.put(TreeKey.run(id, offset: offset), run.encoded)
      offset += UInt64(ObjectLimits.runByteCount)
    }
  }

  /// Adds whole runs to contents that no object has yet, or begins such.
  func addContents(id: UInt64, offset: UInt64, _ runs: [DataRun]) throws(StorageError) {
    let runByteCount = UInt64(ObjectLimits.runByteCount)
    guard !runs.isEmpty, runs.allSatisfy({ $0.byteCount == runByteCount }),
      try unfinishedByteCount(id) == offset
    else { throw Self.damage(volume.root) }
    try putRuns(runs, of: id, at: offset)
    let contents = UnfinishedContents(byteCount: offset + UInt64(runs.count) * runByteCount)
    try volume.root.put(TreeKey.unfinished(id), contents.encoded)
  }

  /// Bytes of contents that no object has yet; 0: there are none with this id.
  private func unfinishedByteCount(_ id: UInt64) throws(StorageError) -> UInt64 {
    guard let bytes = try volume.root.get(TreeKey.unfinished(id)) else { return 0 }
    return try Self.decode(in: volume.root) { () throws(ByteReader.Failure) in
      try UnfinishedContents(decoding: bytes).byteCount
    }
  }

  /// Gives back contents that no object will have.
  func giveBackContents(id: UInt64) throws(StorageError) {
    guard try volume.root.delete(TreeKey.unfinished(id)) else { throw Self.damage(volume.root) }
    try freeRuns(of: id)
  }

  /// Gives back what an object's contents take beside its record.
  private func freeContents(_ record: ObjectRecord) throws(StorageError) {
    switch record.contents {
    case .inline: return
    case .run(let run): for piece in run.pieces { try volume.free(piece.extent) }
    case .indexed(let id): try freeRuns(of: id)
    }
  }

  private func freeRuns(of id: UInt64) throws(StorageError) {
    let range = TreeKey.runs(of: id)
    var cursor = try data.cursor(from: range.from, to: range.to)
    while try cursor.next() {
      for piece in try run(cursor.value()).pieces { try volume.free(piece.extent) }
    }
    try data.deleteRange(from: range.from, to: range.to)
  }

  // MARK: Damage

  /// What a record that makes no sense is reported as: the tree that it stands in.
  static func damage(_ tree: VolumeTree) -> StorageError {
    .damaged(Damage(block: tree.rootBlock, reason: .malformed))
  }

  /// Decodes a record of a tree.
  static func decode<Record>(
    in tree: VolumeTree, _ body: () throws(ByteReader.Failure) -> Record
  ) throws(StorageError) -> Record {
    do throws(ByteReader.Failure) { return try body() } catch { throw damage(tree) }
  }
}
