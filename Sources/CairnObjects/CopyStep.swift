import CairnBlocks
import CairnVolumes

/// One step of copying objects from a bucket to another one: as many as its budget allows, or a part of one that is larger.
///
/// The parts of an object are unfinished contents of the target's volume; the last one makes them the copy's.
struct CopyStep {
  private let source: Bucket
  private let target: Bucket
  /// How far the copying came.
  private(set) var cursor: CopyCursor
  /// Bytes of a step, and those that this one has left.
  private let budget: UInt64
  private var left: UInt64

  private static let runByteCount = UInt64(ObjectLimits.runByteCount)
  /// Objects of a step at most.
  private static let objectCountMax = 1000

  /// - Parameter budget: in blocks.
  init(_ source: Bucket, to target: Bucket, _ cursor: CopyCursor, _ budget: Int) {
    self.source = source
    self.target = target
    self.cursor = cursor
    self.budget = UInt64(max(budget, 1)) &* UInt64(target.trees.volume.blockByteCount)
    left = self.budget
  }

  /// Copies objects whose keys begin with a prefix to the same keys; where the next step goes on, or nil when nothing is left.
  mutating func copyAll(prefix: [UInt8]) throws(StorageError) -> CopyCursor? {
    if let part = cursor.part, try !finish(ObjectKey(part.key)) { return cursor }
    let listing = try source.list(
      ObjectQuery(prefix: prefix, startAfter: cursor.last, limit: Self.objectCountMax))
    for object in listing.objects {
      guard left > 0, try finish(object.key) else { return cursor }
    }
    return listing.isTruncated ? cursor : nil
  }

  private mutating func finish(_ key: ObjectKey) throws(StorageError) -> Bool {
    guard try copy(key, to: key) else { return false }
    cursor.last = key.bytes
    return true
  }

  /// Copies an object, or the next part of it; whether nothing of it is left.
  mutating func copy(_ sourceKey: ObjectKey, to key: ObjectKey) throws(StorageError) -> Bool {
    let record = try source.findRecord(sourceKey)
    if let part = cursor.part, record.map({ !part.isPart(of: $0, sourceKey) }) ?? true {
      try target.trees.giveBack(part)
      cursor.part = nil
    }
    // Whoever deleted the source wants no copy of it any more.
    guard let record else { return true }
    guard cursor.part != nil || record.size > max(budget, Self.runByteCount) else {
      try target.copy(sourceKey, from: source, to: key)
      left -= min(left, max(record.size, 1))
      return true
    }
    return try copyPart(of: record, sourceKey, to: key)
  }

  private mutating func copyPart(
    of record: ObjectRecord, _ sourceKey: ObjectKey, to key: ObjectKey
  ) throws(StorageError) -> Bool {
    let offset = cursor.part?.byteCount ?? 0
    let byteCount = max(left / Self.runByteCount, 1) * Self.runByteCount
    let end = min(offset + byteCount, record.size)
    left -= min(left, end - offset)
    let reader = ObjectReader(info: record.info(sourceKey), trees: source.trees, record: record)
    let placed = try target.trees.placeRuns(reader, offset..<end) { (_, _) in }
    guard let id = cursor.part?.id ?? placed.runs.first?.pieces.first?.extent.start.rawValue else {
      throw .invalidArgument("contents without a place")
    }
    guard end == record.size else {
      let runs = placed.runs
      let trees = target.trees
      try trees.volume.perform(
        taking: placed.extents,
        operation: { ObjectOperation.addContents(id: id, offset: offset, runs).encoded }
      ) { () throws(StorageError) in
        try trees.addContents(id: id, offset: offset, runs)
      }
      cursor.part = CopyCursor.Part(
        key: sourceKey.bytes, id: id, byteCount: end, size: record.size, modified: record.modified,
        etag: Array(record.tag.text.utf8))
      return false
    }
    try target.put(key, record, placed, id: id)
    cursor.part = nil
    return true
  }
}

extension CopyCursor.Part {
  /// Whether this was copied from the object as it is now.
  fileprivate func isPart(of record: ObjectRecord, _ key: ObjectKey) -> Bool {
    self.key == key.bytes && size == record.size && modified == record.modified
      && etag == Array(record.tag.text.utf8)
  }
}

extension ObjectTrees {
  /// Gives back a copy that is half made.
  func giveBack(_ part: CopyCursor.Part) throws(StorageError) {
    try volume.perform(
      releasesSpace: true, operation: { ObjectOperation.giveBackContents(id: part.id).encoded }
    ) { () throws(StorageError) in
      try giveBackContents(id: part.id)
    }
  }
}

extension Bucket {
  /// Puts a copy whose last runs were placed now, and whose others are unfinished contents.
  fileprivate func put(
    _ key: ObjectKey, _ source: ObjectRecord, _ placed: PlacedContents, id: UInt64
  ) throws(StorageError) {
    // The same contents have the same derived ETag.
    var record = source
    record.modified = trees.volume.transaction.time
    record.contents = .indexed(id: id)
    let put = ObjectPut(bucket: name, key: key.bytes, conditions: .none, record: record, runs: placed.runs)
    try trees.volume.perform(taking: placed.extents, operation: { ObjectOperation.put(put).encoded }) {
      () throws(StorageError) in
      try trees.put(put)
    }
  }
}
