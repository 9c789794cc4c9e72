import CairnBytes

/// The records of one commit, encoded but for what is known only when it enters the chain: sequence, flush number and the
/// checksums.
struct EncodedCommit {
  private var writer: ByteWriter
  private var records: [(kind: JournalRecordKind, range: Range<Int>)] = []
  private var digest = XXHash64()
  private(set) var rangeCount: UInt64 = 0
  private var changeRecordCount: UInt64 = 0
  private var openRecordStart: Int?
  /// The ranges of one block, kept for the next.
  private var ranges: [Range<Int>] = []

  /// A commit without changes. It writes to a buffer that an earlier one left behind (`seal`).
  init(reusing buffer: consuming [UInt8] = []) {
    writer = ByteWriter(reusing: buffer)
  }

  /// Bytes of all records so far, each rounded up to where the next one begins, and of an opening record.
  var byteCount: Int { writer.bytes.count + Self.openingByteCount }

  private mutating func beginRecord() {
    openRecordStart = writer.bytes.count
    for _ in 0..<JournalRecord.headerByteCount / 8 { writer.uint64(0) }
  }

  private mutating func endRecord(_ kind: JournalRecordKind) {
    guard let start = openRecordStart else { return }
    openRecordStart = nil
    let end = writer.bytes.count
    if kind == .changes {
      let bytes = writer.bytes
      digest.update(bytes.span.extracting(start + JournalRecord.headerByteCount..<end))
      changeRecordCount += 1
    }
    records.append((kind, start..<end))
    while writer.bytes.count % JournalRecord.alignment != 0 { writer.uint8(0) }
  }

  /// The ranges in which a block differs from its base.
  mutating func change(_ entry: ChangeSet.Entry, blockByteCount: Int) {
    // Out of the way, so that the call below may change the rest.
    var ranges: [Range<Int>] = []
    swap(&ranges, &self.ranges)
    defer { swap(&ranges, &self.ranges) }
    ranges.removeAll(keepingCapacity: true)
    let lines = entry.version.notedLines
    forEachDifference(from: entry.base, to: entry.version, byteCount: blockByteCount, in: lines) { ranges.append($0) }
    assert(isComplete(ranges, of: entry, blockByteCount: blockByteCount), "a change was not noted")
    guard !ranges.isEmpty || entry.created != nil else { return }
    change(block: entry.block, created: entry.created, ranges: ranges, of: entry.version, from: entry.base)
  }

  /// Whether looking at the noted lines alone has missed nothing; for debug builds.
  private func isComplete(_ ranges: [Range<Int>], of entry: ChangeSet.Entry, blockByteCount: Int) -> Bool {
    var all: [Range<Int>] = []
    forEachDifference(from: entry.base, to: entry.version, byteCount: blockByteCount) { all.append($0) }
    return all == ranges
  }

  /// Given ranges of a block.
  mutating func change(
    block: UInt64, created: CreatedBlock?, ranges: [Range<Int>], of version: BlockBytes, from base: BlockBytes? = nil
  ) {
    if openRecordStart == nil { beginRecord() }
    BlockChangeHead(block: block, created: created, rangeCount: UInt64(ranges.count)).encode(into: &writer)
    var end = BlockHeader.byteCount
    for range in ranges {
      writer.varint(UInt64(range.lowerBound - end))
      writer.varint(UInt64(range.count))
      if isPlanted(.replayDifferences), let base {
        for offset in range { writer.uint8(version.u8(at: offset) ^ base.u8(at: offset)) }
      } else {
        version.withSpan(at: range.lowerBound, count: range.count) { writer.append($0) }
      }
      end = range.upperBound
    }
    rangeCount += UInt64(ranges.count)
    if let start = openRecordStart, writer.bytes.count - start >= DeviceLimits.changePayloadByteCountMax {
      endRecord(.changes)
    }
  }

  /// The last record.
  mutating func commit(annotation: CommitAnnotation, external: [ExternalData]) {
    endRecord(.changes)
    beginRecord()
    CommitRecord(
      annotation: annotation, changeCount: rangeCount, changeRecordCount: changeRecordCount,
      changesDigest: digest.finish(), external: external
    ).encode(into: &writer)
    endRecord(.commit)
  }

  /// Bytes of an opening record.
  static let openingByteCount = JournalRecord.headerByteCount + 8

  /// Fills the headers in and appends the sectors to a group; the checksum of the last record.
  ///
  /// The buffer that the records were encoded in comes back for the next commit, so that most take no memory of their own.
  ///
  /// With `previousEpoch` the commit is the first of its epoch and begins with a record that names the epoch before.
  consuming func seal(
    epoch: UInt64, previousEpoch: UInt64?, sequence: UInt64, flushNumber: UInt64, previousChecksum: UInt32,
    sectorByteCount: Int, appendingTo group: inout [UInt8]
  ) -> (checksum: UInt32, buffer: [UInt8]) {
    var checksum = previousChecksum
    let start = group.count
    if let previousEpoch {
      group.append(contentsOf: repeatElement(0, count: Self.openingByteCount))
      var span = group.mutableSpan
      var part = span._mutatingExtracting(start..<start + Self.openingByteCount)
      LittleEndian.store(previousEpoch, in: &part, at: JournalRecord.headerByteCount)
      checksum = JournalRecord.seal(
        &part, kind: .opening, epoch: epoch, sequence: sequence, flushNumber: flushNumber, previousChecksum: checksum)
    }
    let base = group.count
    group.append(contentsOf: writer.bytes)
    let padding = (sectorByteCount - (group.count - start) % sectorByteCount) % sectorByteCount
    group.append(contentsOf: repeatElement(0, count: padding))
    var span = group.mutableSpan
    for record in records {
      var part = span._mutatingExtracting(base + record.range.lowerBound..<base + record.range.upperBound)
      checksum = JournalRecord.seal(
        &part, kind: record.kind, epoch: epoch, sequence: sequence, flushNumber: flushNumber,
        previousChecksum: checksum)
    }
    return (checksum, writer.takeBytes())
  }
}
