import CairnBytes

/// Where the changes of one block stand in the ring.
struct BlockChangePlace {
  var sequence: UInt64
  /// Position of the entry's first byte.
  var position: UInt64
  /// Bytes of the entry.
  var byteCount: UInt32
  var created: CreatedBlock?
}

/// A commit as the chain shows it: verified, its changes only located.
struct ChainCommit {
  /// Where it begins.
  var place: JournalPlace
  var flushNumber: UInt64
  var epoch: UInt64
  var record: CommitRecord
  var changes: [(block: UInt64, place: BlockChangePlace)]
  /// Where the next commit begins.
  var end: JournalPlace
  /// Bytes from its first sector to its last.
  var byteCount: UInt64
}

/// Follows the chain of records: each must name its predecessor's checksum, carry the expected sequence and verify.
/// Nothing is ever searched for.
struct JournalChain {
  private var window: JournalWindow
  private let ring: JournalRing
  /// Where the next commit must begin.
  private(set) var place: JournalPlace
  /// No record may reach beyond this position.
  private let limit: UInt64

  init(_ ring: JournalRing, from place: JournalPlace, limit: UInt64? = nil) {
    self.ring = ring
    window = JournalWindow(ring)
    self.place = place
    self.limit = limit ?? place.position * UInt64(ring.layout.sectorByteCount) + ring.byteCount
  }

  /// The next whole commit; nil when the chain ends here.
  ///
  /// `epoch` is the epoch that the commit must have; nil: that of its predecessor, or a new one whose opening record names
  /// that of the predecessor.
  mutating func next(epoch expected: UInt64?) throws(StorageError) -> ChainCommit? {
    let sector = UInt64(ring.layout.sectorByteCount)
    let start = place.position * sector
    var position = start
    var checksum = place.previousChecksum
    var epoch = expected
    var changes: [(block: UInt64, place: BlockChangePlace)] = []
    var digest = XXHash64()
    var changeRecords: UInt64 = 0
    var ranges: UInt64 = 0

    while true {
      guard let (record, bytes) = try record(at: position),
        record.previousChecksum == checksum && record.sequence == place.sequence || isPlanted(.ignoreChain)
      else {
        guard isPlanted(.acceptUnfinishedCommit), changeRecords > 0, let epoch else { return nil }
        let none = CommitRecord(
          annotation: CommitAnnotation(), changeCount: 0, changeRecordCount: 0, changesDigest: 0, external: [])
        return whole(
          none, changes, epoch: epoch, flushNumber: place.sequence, checksum: checksum, end: position)
      }
      if position == start {
        if record.kind == .opening {
          guard openingNames(place.epoch, bytes) else { return nil }
          if epoch == nil { epoch = record.epoch }
        } else if epoch == nil {
          epoch = place.epoch
        }
      }
      guard record.epoch == epoch else { return nil }
      position += UInt64(JournalRecord.stride(record.byteCount))
      checksum = record.checksum

      switch record.kind {
      case .opening:
        guard position - UInt64(JournalRecord.stride(record.byteCount)) == start else { return nil }
      case .changes:
        changeRecords += 1
        digest.update(bytes.span.extracting(JournalRecord.headerByteCount..<bytes.count))
        guard
          let found = locate(
            bytes, sequence: place.sequence,
            at: position - UInt64(JournalRecord.stride(record.byteCount)), into: &changes)
        else { return nil }
        ranges += found
      case .commit:
        let payload = Array(bytes[(bytes.startIndex + JournalRecord.headerByteCount)...])
        guard let commit = try? CommitRecord(decoding: payload), commit.changeRecordCount == changeRecords,
          commit.changeCount == ranges,
          commit.changesDigest == digest.finish() || isPlanted(.ignoreChangesChecksum), let epoch
        else { return nil }
        return whole(
          commit, changes, epoch: epoch, flushNumber: record.flushNumber, checksum: checksum, end: position)
      }
    }
  }

  /// The commit whose last record ends at a position; the next one begins on the sector behind it.
  private mutating func whole(
    _ record: CommitRecord, _ changes: [(block: UInt64, place: BlockChangePlace)], epoch: UInt64, flushNumber: UInt64,
    checksum: UInt32, end position: UInt64
  ) -> ChainCommit {
    let sector = UInt64(ring.layout.sectorByteCount)
    let start = place
    place = JournalPlace(
      position: (position + sector - 1) / sector, sequence: start.sequence + 1, previousChecksum: checksum,
      epoch: epoch)
    return ChainCommit(
      place: start, flushNumber: flushNumber, epoch: epoch, record: record, changes: changes, end: place,
      byteCount: (place.position - start.position) * sector)
  }

  /// Goes on at a place that is known from elsewhere: the start of a segment.
  mutating func resume(at position: UInt64) {
    place.position = position
  }

  private mutating func record(
    at position: UInt64
  ) throws(StorageError) -> (record: JournalRecord, bytes: ArraySlice<UInt8>)? {
    guard position + UInt64(JournalRecord.headerByteCount) <= limit else { return nil }
    let header = try window.read(at: position, count: JournalRecord.headerByteCount)
    guard let byteCount = JournalRecord.claimedByteCount(header.span), UInt64(byteCount) <= limit - position else {
      return nil
    }
    let bytes = try window.read(at: position, count: byteCount)
    guard let record = JournalRecord(verifying: bytes.span) else { return nil }
    return (record, bytes)
  }

  private func openingNames(_ epoch: UInt64, _ record: ArraySlice<UInt8>) -> Bool {
    record.count == JournalRecord.headerByteCount + 8
      && LittleEndian.uint64(record.span, at: JournalRecord.headerByteCount) == epoch
  }

  /// Finds the entries of a change record; the number of their ranges, nil when they are malformed.
  private func locate(
    _ record: ArraySlice<UInt8>, sequence: UInt64, at position: UInt64,
    into changes: inout [(block: UInt64, place: BlockChangePlace)]
  ) -> UInt64? {
    var reader = ByteReader(Array(record[(record.startIndex + JournalRecord.headerByteCount)...]))
    var ranges: UInt64 = 0
    do {
      while reader.remaining > 0 {
        let offset = reader.offset
        let head = try BlockChangeHead(decoding: &reader)
        try skipRanges(head, blockByteCount: ring.layout.blockByteCount, from: &reader)
        ranges += head.rangeCount
        changes.append(
          (
            head.block,
            BlockChangePlace(
              sequence: sequence, position: position + UInt64(JournalRecord.headerByteCount + offset),
              byteCount: UInt32(reader.offset - offset), created: head.created)
          ))
      }
    } catch { return nil }
    return ranges
  }

  /// Whether a valid record of `epoch` stands anywhere in the ring that belongs to a flush whose first commit comes after
  /// `sequence`: proof that this commit was durable once, for no record of a flush is issued before the flush before it has
  /// returned.
  ///
  /// Records do not overlap, so those that look like such a one have no more bytes together than the ring. A forged ring can
  /// show one at every eighth byte: then the answer is yes, which keeps it from being written to, before time runs away.
  static func holdsRecord(
    _ ring: JournalRing, epoch: UInt64, ofFlushAfter sequence: UInt64
  ) throws(StorageError) -> Bool {
    let step = 1 << 20
    let header = JournalRecord.headerByteCount
    var position: UInt64 = 0
    var claimedByteCount: UInt64 = 0
    while position < ring.byteCount {
      // The windows overlap by a header, so that one across their edge is seen; the ring wraps for the last.
      let count = Int(min(UInt64(step), ring.byteCount - position))
      let bytes = try ring.read(at: position, count: min(count + header, Int(ring.byteCount)))
      let span = bytes.span
      let end = min(count, span.count - header + 1)
      var offset = 0
      while offset < end,
        let place = span.firstOffset(
          of: epoch, from: offset + JournalRecord.Layout.epoch, to: end + JournalRecord.Layout.epoch)
      {
        offset = place - JournalRecord.Layout.epoch
        if let byteCount = JournalRecord.claimedByteCount(span.extracting(offset..<offset + header)),
          UInt64(byteCount) <= ring.byteCount,
          LittleEndian.uint64(span, at: offset + JournalRecord.Layout.flushNumber) > sequence
        {
          claimedByteCount += UInt64(byteCount)
          if claimedByteCount > ring.byteCount { return true }
          let whole = try ring.read(at: position + UInt64(offset), count: byteCount)
          if JournalRecord(verifying: whole.span) != nil { return true }
        }
        offset += JournalRecord.alignment
      }
      position += UInt64(count)
    }
    return false
  }
}
