public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension ObjectFilesystem {
  /// Walks the three trees: every record decodes, every object belongs to a bucket, its contents are as long as it says,
  /// and all data belong to exactly one object. (Blocks that are named twice are found by the check itself.)
  public func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    let (buckets, unfinished) = try checkRoot(volume, check)
    let trees = try ObjectTrees(volume)
    var objectCount: UInt64 = 0
    var byteCount: UInt64 = 0
    var runCount: UInt64 = 0
    for (id, byteCount) in unfinished where !check.isPartial {
      let name = "unfinished contents of \(byteCount) bytes"
      runCount += try Self.checkRuns(of: id, byteCount: byteCount, name, key: [], trees, check)
    }
    try check.tree(trees.objects) { (key, value) throws(StorageError) in
      guard let (bucket, objectKey) = TreeKey.splitObject(key), !objectKey.isEmpty else {
        return check.report("a record that is no object's in the tree of objects", key: key)
      }
      if !check.isPartial && !buckets.contains(bucket) {
        check.report("an object of a bucket that is not there", key: objectKey)
      }
      do throws(StorageError) {
        let record = try trees.object(value)
        objectCount += 1
        byteCount &+= record.size
        runCount += try Self.checkContents(record, objectKey, trees, check)
        if check.isDeep { try Self.checkTag(record, objectKey, trees, check) }
      } catch {
        guard case .damaged = error else { throw error }
        check.report("an object's record makes no sense", key: objectKey)
      }
    }
    var foundCount: UInt64 = 0
    try check.tree(trees.data) { (key, value) throws(StorageError) in
      foundCount += 1
      if TreeKey.splitRun(key) == nil { check.report("a record that is no run in the tree of data", key: key) }
      guard check.isPartial else { return }
      for piece in try trees.run(value).pieces { try check.data(piece) }
    }
    if !check.isPartial && foundCount != runCount {
      check.report("\(foundCount) runs of data, but the objects have \(runCount)")
    }
    check.expect(items: objectCount, bytes: byteCount)
  }

  /// Checks the root tree; the ids of the buckets, and contents that no object has yet.
  private func checkRoot(
    _ volume: Volume, _ check: VolumeCheck
  ) throws(StorageError) -> (buckets: Set<UInt32>, unfinished: [(id: UInt64, byteCount: UInt64)]) {
    var ids: Set<UInt32> = []
    var unfinished: [(id: UInt64, byteCount: UInt64)] = []
    var next: UInt32 = 1
    try check.tree(volume.root) { (key, value) throws(StorageError) in
      do throws(ByteReader.Failure) {
        if key == TreeKey.header {
          _ = try VolumeHeader(decoding: value)
        } else if key == TreeKey.nextBucketID {
          var reader = ByteReader(value)
          next = try reader.uint32()
          try reader.finish()
        } else if let id = TreeKey.unfinishedID(key) {
          unfinished.append((id, try UnfinishedContents(decoding: value).byteCount))
        } else if let name = TreeKey.bucketName(key) {
          let record = try BucketRecord(decoding: value)
          if !ids.insert(record.id).inserted { check.report("two buckets with one id", key: name) }
          if !BucketName.isAllowed(name) { check.report("a bucket with an impossible name", key: name) }
        } else {
          check.report("a record of no known kind in the root tree", key: key)
        }
      } catch {
        check.report("a record of the root tree makes no sense", key: key)
      }
    }
    if !check.isPartial, let largest = ids.max(), largest >= next {
      check.report("the next bucket's id is \(next), but \(largest) is taken")
    }
    return (ids, unfinished)
  }

  /// Checks an object's contents; how many runs of the data tree they are.
  private static func checkContents(
    _ record: ObjectRecord, _ key: [UInt8], _ trees: ObjectTrees, _ check: VolumeCheck
  ) throws(StorageError) -> UInt64 {
    switch record.contents {
    case .inline: return 0
    case .run(let run):
      for piece in run.pieces { try check.data(piece) }
      return 0
    // In pieces, the runs are looked at where they stand: all of an object may be more than a piece.
    case .indexed where check.isPartial: return 0
    case .indexed(let id):
      return try checkRuns(
        of: id, byteCount: record.size, "an object of \(record.size) bytes", key: key, trees, check)
    }
  }

  /// Checks the runs of a data id, which hold so many bytes; how many there are.
  ///
  /// - Parameter name: what they belong to.
  private static func checkRuns(
    of id: UInt64, byteCount: UInt64, _ name: String, key: [UInt8], _ trees: ObjectTrees, _ check: VolumeCheck
  ) throws(StorageError) -> UInt64 {
    let range = TreeKey.runs(of: id)
    var cursor = try trees.data.cursor(from: range.from, to: range.to)
    var expected: UInt64 = 0
    var count: UInt64 = 0
    while try cursor.next() {
      count += 1
      let run = try trees.run(cursor.value())
      if count == 1, run.pieces.first?.extent.start.rawValue != id {
        check.report("data that do not begin at the block that is their id", key: key)
      }
      let offset = TreeKey.splitRun(cursor.key)?.offset ?? .max
      let isWhole = run.byteCount == min(UInt64(ObjectLimits.runByteCount), byteCount - min(expected, byteCount))
      if offset != expected || !isWhole { check.report("data have gaps", key: key) }
      expected &+= run.byteCount
      for piece in run.pieces { try check.data(piece) }
    }
    if expected != byteCount { check.report("\(name) has \(expected) bytes of data", key: key) }
    return count
  }

  /// Whether a derived ETag is that of the contents. Contents that do not verify were reported by then.
  private static func checkTag(
    _ record: ObjectRecord, _ key: [UInt8], _ trees: ObjectTrees, _ check: VolumeCheck
  ) throws(StorageError) {
    guard case .derived(let expected) = record.tag else { return }
    if case .indexed = record.contents, check.isPartial { return }
    var digest = TagDigest()
    do throws(StorageError) {
      switch record.contents {
      case .inline(let bytes): BulkCopy.withRawSpan(of: bytes) { digest.append($0) }
      case .run(let run): try digest.append(run, of: trees.volume)
      case .indexed(let id):
        let range = TreeKey.runs(of: id)
        var cursor = try trees.data.cursor(from: range.from, to: range.to)
        while try cursor.next() { try digest.append(trees.run(cursor.value()), of: trees.volume) }
      }
    } catch {
      guard case .damaged = error else { throw error }
      return
    }
    if digest.finish() != expected { check.report("the ETag is not that of the contents", key: key) }
  }
}

extension TagDigest {
  /// Adds the contents of a run that is on the device: by its digests where they are those of the contents' own chunks.
  fileprivate mutating func append(_ run: DataRun, of volume: Volume) throws(StorageError) {
    if appendDigests(of: run) { return }
    let bytes = try volume.readData(run.pieces, limit: UInt64(ObjectLimits.runByteCount))
    BulkCopy.withRawSpan(of: bytes) { append($0) }
  }
}
