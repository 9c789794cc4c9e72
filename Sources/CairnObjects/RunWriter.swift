import CairnBlocks
import CairnBytes
import CairnVolumes

/// Fills extents with the contents of one object, run by run and in order.
///
/// It does not know where the extents come from: a transaction allocates them, or a reservation outside of any.
struct RunWriter {
  private let blockByteCount: Int
  private var extents: [Extent] = []
  /// The extent that is being filled, and how many of its blocks are.
  private var index = 0
  private var filled: UInt64 = 0

  init(blockByteCount: Int) { self.blockByteCount = blockByteCount }

  /// Blocks that are left to be filled.
  private(set) var freeBlockCount: UInt64 = 0

  /// Adds extents behind the others.
  mutating func append(_ more: [Extent]) {
    for extent in more { freeBlockCount += UInt64(extent.count) }
    extents += more
  }

  /// Writes one run of contents. Only the last of an object may be shorter than 1 MiB, and there must be room.
  mutating func write(
    _ bytes: RawSpan, _ store: (RawSpan, BlockNumber) throws(StorageError) -> [UInt64]
  ) throws(StorageError) -> DataRun {
    precondition(bytes.byteCount <= ObjectLimits.runByteCount, "more than a run")
    var pieces: [DataExtent] = []
    var offset = 0
    while offset < bytes.byteCount {
      precondition(index < extents.count, "no room for the run")
      let extent = extents[index]
      let start = extent.start.rawValue + filled
      let room = (UInt64(extent.count) - filled) * UInt64(blockByteCount)
      let count = Int(min(room, UInt64(bytes.byteCount - offset)))
      let blocks = DataExtent.blockCount(of: UInt64(count), blockByteCount: blockByteCount)
      let digests = try store(bytes.extracting(offset..<offset + count), BlockNumber(start))
      pieces.append(
        DataExtent(
          extent: Extent(start: BlockNumber(start), count: UInt32(blocks)), byteCount: UInt64(count), digests: digests))
      offset += count
      filled += blocks
      freeBlockCount -= blocks
      if filled == UInt64(extent.count) {
        index += 1
        filled = 0
      }
    }
    return DataRun(pieces)
  }
}

/// Derives an object's ETag from its contents, run by run; see `ObjectInfo.etag`.
struct TagDigest {
  private var hash = XXHash64()
  private var byteCount: UInt64 = 0

  init() {}

  /// Adds the contents of a run.
  mutating func append(_ bytes: RawSpan, in run: DataRun) {
    if !appendDigests(of: run) { append(bytes) }
  }

  /// Adds the contents of a run by the digests of its pieces; false, and nothing added, when these are not the digests of the
  /// contents' own 64 KiB, as they are when all pieces but the last are made of whole ones.
  mutating func appendDigests(of run: DataRun) -> Bool {
    let chunk = DataExtent.chunkByteCount
    guard run.pieces.dropLast().allSatisfy({ $0.byteCount % chunk == 0 }) else { return false }
    for piece in run.pieces {
      for digest in piece.digests { append(digest) }
    }
    byteCount &+= run.byteCount
    return true
  }

  /// Adds contents: whole chunks of 64 KiB, but for the last ones of all.
  mutating func append(_ bytes: RawSpan) {
    let chunk = Int(DataExtent.chunkByteCount)
    var lower = 0
    while lower < bytes.byteCount {
      let upper = min(lower + chunk, bytes.byteCount)
      append(XXHash3.digest(bytes.extracting(lower..<upper)))
      lower = upper
    }
    byteCount += UInt64(bytes.byteCount)
  }

  /// The number of which the ETag is the digits.
  func finish() -> UInt64 {
    var copy = self
    copy.append(byteCount)
    return copy.hash.finish()
  }

  private mutating func append(_ value: UInt64) {
    var writer = ByteWriter()
    writer.uint64(value)
    BulkCopy.withRawSpan(of: writer.bytes) { hash.update($0) }
  }
}
