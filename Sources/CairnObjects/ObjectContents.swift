import CairnBlocks
import CairnBytes
import CairnVolumes

/// Contents on their way into an object: on the device, but for small ones, and not part of anything yet.
struct PlacedContents {
  /// Bytes of contents.
  var size: UInt64
  /// What the derived ETag consists of.
  var digest: UInt64
  /// The bytes, if they are not on the device.
  var inline: [UInt8]?
  /// Where they are on the device.
  var runs: [DataRun] = []
  /// What the transaction allocated for them.
  var extents: [Extent] = []
}

extension ObjectTrees {
  /// Brings contents to the device, unless they fit into the record.
  ///
  /// - Parameters:
  ///   - key: the object's, since what fits depends on its length.
  ///   - head: the record without contents.
  func place(_ bytes: RawSpan, key: [UInt8], head: ObjectRecord) throws(StorageError) -> PlacedContents {
    if fitsRecord(bytes.byteCount, key: key, head: head) {
      var digest = TagDigest()
      digest.append(bytes)
      return PlacedContents(
        size: UInt64(bytes.byteCount), digest: digest.finish(), inline: BulkCopy.array(bytes))
    }
    let extents = try volume.allocateData(byteCount: UInt64(bytes.byteCount))
    var writer = RunWriter(blockByteCount: volume.blockByteCount)
    writer.append(extents)
    var placed = PlacedContents(size: UInt64(bytes.byteCount), digest: 0, extents: extents)
    var digest = TagDigest()
    var lower = 0
    while lower < bytes.byteCount {
      let upper = min(lower + ObjectLimits.runByteCount, bytes.byteCount)
      let part = bytes.extracting(lower..<upper)
      let run = try writer.write(part) { (span, start) throws(StorageError) in
        try volume.writeData(span, at: start)
      }
      digest.append(part, in: run)
      placed.runs.append(run)
      lower = upper
    }
    placed.digest = digest.finish()
    return placed
  }

  /// Whether so many bytes of contents stand in the record: when it then still stands in a leaf; or when it would not stand
  /// there with a run either (a long key, much metadata), and a block holds both.
  private func fitsRecord(_ byteCount: Int, key: [UInt8], head: ObjectRecord) -> Bool {
    // No bytes have no place on the device.
    if byteCount == 0 { return true }
    guard byteCount <= volume.blockByteCount else { return false }
    let headByteCount = head.encoded.count
    let limit = leafByteCount(key)
    if headByteCount + byteCount <= limit { return true }
    return headByteCount + Self.shortRunByteCount > limit && headByteCount + byteCount <= volume.blockByteCount
  }

  /// Bytes of a run of one piece with one digest, about.
  private static let shortRunByteCount = 16
  /// Bytes of a data id.
  private static let idByteCount = 8

  private func leafByteCount(_ key: [UInt8]) -> Int {
    ObjectLimits.leafRecordByteCountMax(keyByteCount: key.count, blockByteCount: volume.blockByteCount)
  }

  /// The record of an object with these contents, and the runs that go into the tree of data.
  func record(
    _ head: ObjectRecord, _ placed: PlacedContents, key: [UInt8]
  ) throws(StorageError) -> (ObjectRecord, [DataRun]) {
    var record = head
    record.size = placed.size
    if case .derived = head.tag { record.tag = .derived(placed.digest) }
    if let bytes = placed.inline {
      record.contents = .inline(bytes)
      return (record, [])
    }
    guard let first = placed.runs.first, let piece = first.pieces.first else {
      throw .invalidArgument("contents without a place")
    }
    if placed.runs.count == 1 {
      record.contents = .run(first)
      let limit = leafByteCount(key)
      // A run in the record spares an entry of the other tree, as long as the record does not leave the leaf for it.
      if record.encoded.count <= limit || head.encoded.count + Self.idByteCount > limit { return (record, []) }
    }
    record.contents = .indexed(id: piece.extent.start.rawValue)
    return (record, placed.runs)
  }

  /// Reads a range of an object's contents, which lies within them; `bytes` is exactly as long.
  func read(
    _ record: ObjectRecord, _ range: Range<UInt64>, into bytes: inout MutableRawSpan
  ) throws(StorageError) {
    switch record.contents {
    case .inline(let contents):
      BulkCopy.withRawSpan(of: contents) {
        BulkCopy.copy($0.extracting(Int(range.lowerBound)..<Int(range.upperBound)), into: &bytes)
      }
    case .run(let run):
      try read(run, range, into: &bytes)
    case .indexed(let id):
      let step = UInt64(ObjectLimits.runByteCount)
      var position = range.lowerBound
      while position < range.upperBound {
        let offset = position / step * step
        let end = min(offset + step, record.size)
        let run = try runOfObject(id, at: offset, byteCount: end - offset)
        let upper = min(end, range.upperBound)
        let done = Int(position - range.lowerBound)
        var part = bytes._mutatingExtracting(done..<done + Int(upper - position))
        try read(run, position - offset..<upper - offset, into: &part)
        position = upper
      }
    }
  }

  /// The run at an offset of an object. What it says follows from the object's record, so it is no read of its own.
  private func runOfObject(_ id: UInt64, at offset: UInt64, byteCount: UInt64) throws(StorageError) -> DataRun {
    let found = try volume.withoutRecording { () throws(StorageError) in
      try data.get(TreeKey.run(id, offset: offset))
    }
    guard let found else { throw Self.damage(data) }
    let run = try run(found)
    guard run.byteCount == byteCount else { throw Self.damage(data) }
    return run
  }

  private func read(
    _ run: DataRun, _ range: Range<UInt64>, into bytes: inout MutableRawSpan
  ) throws(StorageError) {
    var start: UInt64 = 0
    for piece in run.pieces {
      let end = start + piece.byteCount
      let lower = max(start, range.lowerBound)
      let upper = min(end, range.upperBound)
      if lower < upper {
        let done = Int(lower - range.lowerBound)
        var part = bytes._mutatingExtracting(done..<done + Int(upper - lower))
        try volume.readData(piece, range: lower - start..<upper - start, into: &part)
      }
      start = end
    }
  }
}
