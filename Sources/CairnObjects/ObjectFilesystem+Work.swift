public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Work on any number of objects, and on objects of any size, that `Store.step(budget:)` does piece by piece, across restarts and
// upgrades.

extension Bucket {
  /// Begins to remove all objects whose keys begin with a prefix, in steps. Objects that are put meanwhile may go, too.
  public func beginDeletingAll(prefix: [UInt8] = []) throws(StorageError) {
    _ = try trees.bucket(name)
    try requireAllowed(prefix: prefix)
    try trees.volume.begin(work: ObjectWork.deleteAll(bucket: name, prefix: prefix).encoded)
  }

  /// Begins to copy all objects whose keys begin with a prefix to the same keys of another bucket, in steps, in byte order.
  ///
  /// An object that is larger than the budget of a step is copied over several, a run of 1 MiB at least in each. Nobody sees
  /// it before it is whole; when its source is changed meanwhile, its copy begins again, and when the source is deleted (by
  /// itself, or with its bucket or volume) or the work is broken off, what was copied of it is given back.
  ///
  /// - Parameters:
  ///   - target: the bucket. Objects in the place of a copy are replaced.
  ///   - volume: the volume that it is in; nil: this one. The work is that volume's.
  public func beginCopyingAll(
    prefix: [UInt8] = [], to target: String, volume: String? = nil
  ) throws(StorageError) {
    _ = try trees.bucket(name)
    try requireAllowed(prefix: prefix)
    let into = try trees.volume.transaction.bucket(target, volume: volume ?? trees.volume.name)
    _ = try into.trees.bucket(target)
    let work = ObjectWork.copyAll(bucket: target, prefix: prefix, from: source)
    try into.trees.volume.begin(work: work.encoded)
  }

  /// Begins to copy an object to a key of this bucket, in steps: its contents, and what was stored with it. As in
  /// `beginCopyingAll(prefix:to:volume:)`, nobody sees the copy before it is whole.
  ///
  /// - Parameters:
  ///   - source: the object to copy.
  ///   - bucket: where it is, possibly in another volume; nil: in this one.
  ///   - key: the copy, possibly the object itself. An object in its place is replaced.
  /// - Throws: `notFound` unless the source is there now.
  public func beginCopying(
    _ source: ObjectKey, from bucket: Bucket? = nil, to key: ObjectKey
  ) throws(StorageError) {
    let from = bucket ?? self
    guard try from.contains(source) else { throw .notFound(Subject("key", source.bytes)) }
    try requireAllowed(key)
    _ = try trees.bucket(name)
    let work = ObjectWork.copy(bucket: name, key: key.bytes, from: from.source, sourceKey: source.bytes)
    try trees.volume.begin(work: work.encoded)
  }

  /// The bucket as work that copies from it knows it.
  private var source: ObjectWork.Source {
    ObjectWork.Source(volume: trees.volume.id, incarnation: trees.volume.incarnation, bucket: name)
  }

  private func requireAllowed(prefix: [UInt8]) throws(StorageError) {
    guard prefix.count <= ObjectLimits.keyByteCountMax else {
      throw .invalidKey(byteCount: prefix.count, limit: ObjectLimits.keyByteCountMax)
    }
  }
}

extension ObjectVolume {
  /// Begins to remove a bucket with all its objects, in steps. Until then it is there, with fewer objects each time.
  public func beginDeleting(bucket name: String) throws(StorageError) {
    _ = try trees.bucket(name)
    try trees.volume.begin(work: ObjectWork.deleteBucket(name).encoded)
  }
}

extension ObjectFilesystem {
  /// Deletes or copies some objects, or a part of a large one.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    let objects = try ObjectVolume(volume)
    switch try volume.decode(work, ObjectWork.init(decoding:)) {
    case .deleteAll(let name, let prefix):
      // Whoever removed the bucket meanwhile did what was to be done.
      guard try objects.bucketExists(name) else { return nil }
      let count = try objects.bucket(name).deleteAll(prefix: prefix, budget: budget)
      return count < budget ? nil : Self.underWay
    case .deleteBucket(let name):
      guard try objects.bucketExists(name) else { return nil }
      if try objects.bucket(name).deleteAll(budget: budget) >= budget { return Self.underWay }
      try objects.deleteBucket(name)
      return nil
    case .copyAll(let name, let prefix, let source):
      guard let from = try Self.bucket(source, in: volume.transaction) else {
        try abandon(volume, work, cursor: cursor)
        return nil
      }
      var step = CopyStep(from, to: try objects.bucket(name), try Self.copyCursor(cursor, volume), budget)
      return try step.copyAll(prefix: prefix)?.encoded
    case .copy(let name, let key, let source, let sourceKey):
      guard let from = try Self.bucket(source, in: volume.transaction) else {
        try abandon(volume, work, cursor: cursor)
        return nil
      }
      var step = CopyStep(from, to: try objects.bucket(name), try Self.copyCursor(cursor, volume), budget)
      return try step.copy(ObjectKey(sourceKey), to: ObjectKey(key)) ? nil : step.cursor.encoded
    }
  }

  /// The bucket to copy from; nil when it is not there any more.
  private static func bucket(
    _ source: ObjectWork.Source, in transaction: Transaction
  ) throws(StorageError) -> Bucket? {
    let volume: Volume
    do throws(StorageError) {
      volume = try transaction.volume(source.volume, kind: .objects)
    } catch {
      switch error {
      case .notFound, .wrongKind: return nil
      default: throw error
      }
    }
    guard volume.incarnation == source.incarnation else { return nil }
    let objects = try ObjectVolume(volume)
    return try objects.bucketExists(source.bucket) ? try objects.bucket(source.bucket) : nil
  }

  /// Gives back a copy that is half made.
  public func abandon(_ volume: Volume, _ work: [UInt8], cursor: [UInt8]) throws(StorageError) {
    switch try volume.decode(work, ObjectWork.init(decoding:)) {
    case .deleteAll, .deleteBucket: return
    case .copyAll, .copy:
      guard let part = try Self.copyCursor(cursor, volume).part else { return }
      try ObjectTrees(volume).giveBack(part)
    }
  }

  /// How far a copy came; there are no bytes before the first step.
  private static func copyCursor(_ bytes: [UInt8], _ volume: Volume) throws(StorageError) -> CopyCursor {
    bytes.isEmpty ? CopyCursor() : try volume.decode(bytes, CopyCursor.init(decoding:))
  }

  /// What is left in the bucket is the cursor.
  private static let underWay: [UInt8] = [1]
}
