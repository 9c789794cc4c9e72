package import CairnBytes

/// What a journal record holds.
package enum JournalRecordKind: UInt8 {
  /// The first record of an epoch: names the epoch of the record before it.
  case opening = 1
  /// Byte-range changes of blocks.
  case changes = 2
  /// The end of a commit.
  case commit = 3
}

/// The head of every journal record.
///
///     offset  size  field
///          0     4  CRC-32 of bytes 4..<length
///          4     4  length of the record, bytes, this header included
///          8     8  epoch: the random salt of this life of the journal
///         16     8  sequence of the commit that the record is part of
///         24     8  number of the flush that makes it durable: the sequence of the first commit that it carries
///         32     4  CRC-32 field of the record before it
///         36     2  magic 0x4352
///         38     1  kind
///         39     1  zero
///         40        payload
///
/// Records follow each other at multiples of 8 bytes; a commit begins on a fresh sector. The checksum stands in front
/// of what it covers, so that the chain of checksums never runs a CRC over data followed by their own CRC (which is a
/// constant for any data).
package struct JournalRecord: Equatable {
  package static let headerByteCount = 40
  package static let alignment = 8

  package var checksum: UInt32
  package var byteCount: Int
  package var epoch: UInt64
  package var sequence: UInt64
  package var flushNumber: UInt64
  package var previousChecksum: UInt32
  package var kind: JournalRecordKind

  package enum Layout {
    package static let checksum = 0
    package static let byteCount = 4
    package static let epoch = 8
    package static let sequence = 16
    package static let flushNumber = 24
    package static let previousChecksum = 32
    package static let magic = 36
    package static let kind = 38
    package static let zero = 39
  }

  package static let magic: UInt16 = 0x4352

  /// Bytes from the start of a record of `byteCount` bytes to the next one.
  package static func stride(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) & ~(alignment - 1)
  }

  /// The length that a header claims, if it looks like a record's at all; nothing is verified yet.
  package static func claimedByteCount(_ header: Span<UInt8>) -> Int? {
    guard header.count >= headerByteCount, LittleEndian.uint16(header, at: Layout.magic) == magic else { return nil }
    let byteCount = Int(truncatingIfNeeded: LittleEndian.uint32(header, at: Layout.byteCount))
    guard byteCount >= headerByteCount, byteCount <= DeviceLimits.recordByteCountMax else { return nil }
    return byteCount
  }

  /// Verifies a whole record; nil when it is none.
  package init?(verifying record: Span<UInt8>) {
    guard record.count >= Self.headerByteCount, Self.claimedByteCount(record) == record.count else { return nil }
    let stored = LittleEndian.uint32(record, at: Layout.checksum)
    guard let kind = JournalRecordKind(rawValue: record[Layout.kind]), record[Layout.zero] == 0,
      stored == Self.checksum(record)
        || isPlanted(kind == .commit ? .ignoreCommitChecksum : .ignoreChangesChecksum) && kind != .opening,
      LittleEndian.uint64(record, at: Layout.sequence) < DeviceLimits.sequenceEnd,
      LittleEndian.uint64(record, at: Layout.flushNumber) <= LittleEndian.uint64(record, at: Layout.sequence)
    else { return nil }
    checksum = stored
    byteCount = record.count
    epoch = LittleEndian.uint64(record, at: Layout.epoch)
    sequence = LittleEndian.uint64(record, at: Layout.sequence)
    flushNumber = LittleEndian.uint64(record, at: Layout.flushNumber)
    previousChecksum = LittleEndian.uint32(record, at: Layout.previousChecksum)
    self.kind = kind
  }

  /// Fills in the header of a record whose payload stands already; returns its checksum.
  package static func seal(
    _ record: inout MutableSpan<UInt8>, kind: JournalRecordKind, epoch: UInt64, sequence: UInt64,
    flushNumber: UInt64, previousChecksum: UInt32
  ) -> UInt32 {
    LittleEndian.store(UInt32(record.count), in: &record, at: Layout.byteCount)
    LittleEndian.store(epoch, in: &record, at: Layout.epoch)
    LittleEndian.store(sequence, in: &record, at: Layout.sequence)
    LittleEndian.store(flushNumber, in: &record, at: Layout.flushNumber)
    LittleEndian.store(previousChecksum, in: &record, at: Layout.previousChecksum)
    LittleEndian.store(magic, in: &record, at: Layout.magic)
    record[Layout.kind] = kind.rawValue
    record[Layout.zero] = 0
    let checksum = Self.checksum(record.span)
    LittleEndian.store(checksum, in: &record, at: Layout.checksum)
    return checksum
  }

  private static func checksum(_ record: Span<UInt8>) -> UInt32 {
    let first = isPlanted(.recordChecksumSkipsHeader) ? headerByteCount : Layout.byteCount
    return CRC32.checksum(record.extracting(first..<record.count))
  }
}

/// Data that a commit wrote outside the journal: they must match for the commit to count, unless a later flush proves
/// that they were durable.
package struct ExternalData: Equatable, Sendable {
  /// Where they begin.
  package var start: UInt64
  /// How many bytes.
  package var byteCount: UInt64
  /// One digest for each 64 KiB.
  package var digests: [UInt64]
}

/// The payload of a commit record.
///
///     8        time, nanoseconds since 1970
///     8        multi-call transaction, 0 for none
///     1        event
///     1 + n    principal: its length and bytes
///     varint   changes (byte ranges)
///     varint   change records
///     8        XXH64 of the payloads of all change records, one behind the other
///     varint   runs of external data; each: varint start block, varint bytes, 8 for each 64 KiB digest
package struct CommitRecord: Equatable, Sendable {
  package var annotation: CommitAnnotation
  package var changeCount: UInt64
  package var changeRecordCount: UInt64
  package var changesDigest: UInt64
  package var external: [ExternalData]

  package init(
    annotation: CommitAnnotation, changeCount: UInt64, changeRecordCount: UInt64, changesDigest: UInt64,
    external: [ExternalData]
  ) {
    self.annotation = annotation
    self.changeCount = changeCount
    self.changeRecordCount = changeRecordCount
    self.changesDigest = changesDigest
    self.external = external
  }

  package func encode(into writer: inout ByteWriter) {
    writer.uint64(annotation.time)
    writer.uint64(annotation.transaction)
    writer.uint8(annotation.event.rawValue)
    writer.uint8(UInt8(annotation.principal.count))
    writer.append(annotation.principal)
    writer.varint(changeCount)
    writer.varint(changeRecordCount)
    writer.uint64(changesDigest)
    writer.varint(UInt64(external.count))
    for run in external {
      writer.varint(run.start)
      writer.varint(run.byteCount)
      for digest in run.digests { writer.uint64(digest) }
    }
  }

  package init(decoding payload: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(payload)
    let time = try reader.uint64()
    let transaction = try reader.uint64()
    guard let event = CommitAnnotation.Event(rawValue: try reader.uint8()) else { throw .malformed }
    let principalByteCount = Int(try reader.uint8())
    guard principalByteCount <= DeviceLimits.principalByteCountMax else { throw .malformed }
    let principal = try reader.bytes(count: principalByteCount)
    changeCount = try reader.varint()
    changeRecordCount = try reader.varint()
    changesDigest = try reader.uint64()
    let runCount = try reader.varint()
    var external: [ExternalData] = []
    for _ in 0..<min(runCount, UInt64(reader.remaining)) {
      let start = try reader.varint()
      let byteCount = try reader.varint()
      let digestCount =
        byteCount / UInt64(DeviceLimits.chunkByteCount)
        + (byteCount % UInt64(DeviceLimits.chunkByteCount) == 0 ? 0 : 1)
      guard byteCount > 0, digestCount <= UInt64(reader.remaining) / 8 else { throw .malformed }
      var digests: [UInt64] = []
      digests.reserveCapacity(Int(digestCount))
      for _ in 0..<digestCount { digests.append(try reader.uint64()) }
      external.append(ExternalData(start: start, byteCount: byteCount, digests: digests))
    }
    guard UInt64(external.count) == runCount else { throw .malformed }
    try reader.finish()
    self.external = external
    annotation = CommitAnnotation(event: event, transaction: transaction, principal: principal, time: time)
  }
}
