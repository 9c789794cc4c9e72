public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension VolumeKind {
  /// Buckets of objects.
  public static let objects = VolumeKind("OBJS")
}

/// The code behind volumes of objects. Register one with the store; it serves all of them.
public final class ObjectFilesystem: Filesystem {
  /// The filesystem.
  public init() {}

  /// `OBJS`.
  public var kind: VolumeKind { .objects }
  /// The version of the format that is described here.
  public var formatVersion: UInt16 { 1 }

  /// Makes the trees. There are no options.
  public func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {
    guard options.isEmpty else { throw .invalidArgument("a volume of objects takes no options") }
    let objects = try volume.makeTree()
    let data = try volume.makeTree()
    let header = VolumeHeader(objects: objects.rootBlock.rawValue, data: data.rootBlock.rawValue)
    try volume.root.put(TreeKey.header, header.encoded)
  }

  /// Looks whether the header makes sense.
  public func mount(_ volume: Volume) throws(StorageError) {
    _ = try ObjectTrees(volume)
  }

  /// Does a staged operation: the same as the call that staged it did.
  public func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let blockByteCount = volume.blockByteCount
    let decoded = try ObjectTrees.decode(in: volume.root) { () throws(ByteReader.Failure) in
      try ObjectOperation(decoding: operation, blockByteCount: blockByteCount)
    }
    let trees = try ObjectTrees(volume)
    switch decoded {
    case .createBucket(let name, let created): try trees.createBucket(name, created: created)
    case .deleteBucket(let name): try trees.deleteBucket(name)
    case .put(let put): try trees.put(put)
    case .delete(let bucket, let key, let conditions):
      _ = try trees.delete(bucket: bucket, key: key, conditions)
    case .addContents(let id, let offset, let runs): try trees.addContents(id: id, offset: offset, runs)
    case .giveBackContents(let id): try trees.giveBackContents(id: id)
    }
  }

  /// Takes the tree of objects down, then that of data, each with the data that it names. The header tells a call after
  /// a crash how far it came.
  public func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    guard try volume.root.contains(TreeKey.header) else { return true }
    var header = try ObjectTrees.header(of: volume)
    var budget = budget
    let blockByteCount = volume.blockByteCount
    if header.objects != 0 {
      let tree = volume.tree(at: BlockNumber(header.objects))
      let isEmpty = try volume.empty(tree, budget: &budget) { (_, value) throws(StorageError) -> [Extent] in
        let record = try ObjectTrees.decode(in: tree) { () throws(ByteReader.Failure) in
          try ObjectRecord(decoding: value, blockByteCount: blockByteCount)
        }
        guard case .run(let run) = record.contents else { return [] }
        return run.pieces.map { $0.extent }
      }
      guard isEmpty else { return false }
      try volume.destroy(tree)
      header.objects = 0
      try volume.root.put(TreeKey.header, header.encoded)
    }
    if header.data != 0 {
      let tree = volume.tree(at: BlockNumber(header.data))
      let isEmpty = try volume.empty(tree, budget: &budget) { (_, value) throws(StorageError) -> [Extent] in
        let run = try ObjectTrees.decode(in: tree) { () throws(ByteReader.Failure) in
          try DataRun(decoding: value, blockByteCount: blockByteCount)
        }
        return run.pieces.map { $0.extent }
      }
      guard isEmpty else { return false }
      try volume.destroy(tree)
      header.data = 0
      try volume.root.put(TreeKey.header, header.encoded)
    }
    return try volume.empty(volume.root, budget: &budget)
  }

  /// `bucket/key` for an object, the name for a bucket, nothing for the rest.
  public func userKey(for key: [UInt8], in tree: BlockNumber, of volume: Volume) -> [UInt8] {
    if tree == volume.root.rootBlock { return TreeKey.bucketName(key) ?? [] }
    guard let (bucket, objectKey) = TreeKey.splitObject(key), let name = try? bucketName(of: bucket, in: volume) else {
      return []
    }
    return name + [0x2F] + objectKey
  }

  /// The name of the bucket with an id. Only a conflict's message asks, so it goes through all buckets.
  private func bucketName(of id: UInt32, in volume: Volume) throws(StorageError) -> [UInt8] {
    var cursor = try volume.root.cursor(from: TreeKey.buckets.from, to: TreeKey.buckets.to)
    while try cursor.next() {
      let bytes = try cursor.value()
      let record = try ObjectTrees.decode(in: volume.root) { () throws(ByteReader.Failure) in
        try BucketRecord(decoding: bytes)
      }
      if record.id == id { return TreeKey.bucketName(cursor.key) ?? [] }
    }
    throw ObjectTrees.damage(volume.root)
  }
}
