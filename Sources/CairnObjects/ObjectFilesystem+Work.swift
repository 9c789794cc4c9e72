public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Work on any number of objects that `Store.step(budget:)` does piece by piece, across restarts and upgrades.

extension Bucket {
  /// Begins to remove all objects whose keys begin with a prefix, in steps. Objects that are put meanwhile may go, too.
  public func beginDeletingAll(prefix: [UInt8] = []) throws(StorageError) {
    _ = try trees.bucket(name)
    try requireAllowed(prefix: prefix)
    try trees.volume.begin(work: ObjectWork.deleteAll(bucket: name, prefix: prefix).encoded)
  }

  /// Begins to copy all objects whose keys begin with a prefix to the same keys of another bucket, in steps, in byte order. An
  /// object is copied whole, so the largest one must fit in a step.
  ///
  /// - Parameters:
  ///   - target: the bucket. Objects in the place of a copy are replaced.
  ///   - volume: the volume that it is in; nil: this one.
  public func beginCopyingAll(
    prefix: [UInt8] = [], to target: String, volume: String? = nil
  ) throws(StorageError) {
    _ = try trees.bucket(name)
    try requireAllowed(prefix: prefix)
    let into = try trees.volume.transaction.bucket(target, volume: volume ?? trees.volume.name)
    _ = try into.trees.bucket(target)
    try into.trees.volume.requireWrite()
    let work = ObjectWork.copyAll(
      bucket: name, prefix: prefix, volume: into.trees.volume.name, target: target)
    try trees.volume.begin(work: work.encoded)
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
  /// Deletes or copies some objects.
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
    case .copyAll(let name, let prefix, let targetVolume, let target):
      let into = try volume.transaction.objects(targetVolume).bucket(target)
      let last = try objects.bucket(name).copyAll(
        prefix: prefix, to: into, after: cursor.isEmpty ? nil : ObjectKey(cursor),
        budget: UInt64(budget) * UInt64(volume.blockByteCount))
      return last?.bytes
    }
  }

  /// What is left in the bucket is the cursor.
  private static let underWay: [UInt8] = [1]
}
