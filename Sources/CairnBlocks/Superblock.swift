import CairnBytes

/// A life of the journal: the records that one opening for writing appended. The first one of a superblock's list may hold
/// several lives, of which it names the last.
package struct JournalSegment: Equatable, Sendable {
  /// The random salt of its records; of its last ones, when it holds several lives.
  package var epoch: UInt64
  /// Where it begins, in sectors since the ring was new.
  package var position: UInt64
  /// The first commit under it.
  package var sequence: UInt64
}

/// A place in the chain of records, with all that is needed to verify what stands there.
package struct JournalPlace: Equatable, Sendable {
  /// Sectors since the ring was new; the sector in the ring is this modulo the ring's length.
  package var position: UInt64
  /// The commit that begins here.
  package var sequence: UInt64
  /// The checksum of the record before it.
  package var previousChecksum: UInt32
  /// The epoch of the record before it.
  package var epoch: UInt64
}

/// The root of an image: its shape, and from where the journal must be read.
///
/// Two copies, in blocks 0 and 63, written alternately and never both in one flush. The newest valid one counts; what the
/// older one still needs of the ring is kept until it is overwritten too.
///
///     offset  size  field
///          0     8  magic             "CAIRN\r\n\u{1A}"
///          8     4  CRC-32 of bytes 12..<512
///         12     4  format version
///         16     4  features, compatible: unknown ones may be ignored
///         20     4  features, read-only compatible: with unknown ones the image may be read
///         24     4  features, incompatible: with unknown ones the image may not be opened
///         28     4  block size, bytes
///         32    16  store id
///         48     8  own block number
///         56     8  sequence of this superblock
///         64     8  blocks of the ring
///         72     4  image slots
///         76     4  blocks of an image slot
///         80    28  tail:   position 8, sequence 8, epoch 8, previous checksum 4
///        108    28  oldest: the first commit of the history that is still intact, likewise
///        136     4  closed: 1 when nothing follows `head`
///        140    28  head:   where the next commit goes, likewise; only valid when closed
///        168     4  journal segments
///        172     4  zero
///        176   192  segments: epoch 8, position 8, sequence 8 each; the first may hold several lives of the journal if another
///                   follows it: its epoch is that of its last commit
///        368   144  zero
package struct Superblock: Equatable, Sendable {
  package static let byteCount = 512
  package static let formatVersion: UInt32 = 1

  package var storeID: (low: UInt64, high: UInt64) {
    get { (storeIDLow, storeIDHigh) }
    set { (storeIDLow, storeIDHigh) = newValue }
  }
  private var storeIDLow: UInt64
  private var storeIDHigh: UInt64
  package var layout: DeviceLayout
  package var address: BlockNumber
  package var sequence: UInt64
  package var tail: JournalPlace
  package var oldest: JournalPlace
  /// Where the next commit goes, when the image was closed cleanly.
  package var closedHead: JournalPlace?
  package var segments: [JournalSegment]
  /// Features that this version does not know. They are kept as they are.
  package var features = Features()

  /// Unknown features that do not keep an image from being opened at all.
  package struct Features: Equatable, Sendable {
    /// May be ignored.
    package var compatible: UInt32 = 0
    /// Keep the image from being written to.
    package var readOnlyCompatible: UInt32 = 0
  }

  package init(
    storeID: (low: UInt64, high: UInt64), layout: DeviceLayout, address: BlockNumber, sequence: UInt64,
    tail: JournalPlace, oldest: JournalPlace, closedHead: JournalPlace?, segments: [JournalSegment]
  ) {
    (storeIDLow, storeIDHigh) = storeID
    self.layout = layout
    self.address = address
    self.sequence = sequence
    self.tail = tail
    self.oldest = oldest
    self.closedHead = closedHead
    self.segments = segments
  }

  /// The same, as the next write of a superblock: with the next number, in the place of the older copy.
  package var next: Superblock {
    var next = self
    next.sequence += 1
    next.address = BlockNumber(
      next.sequence % 2 == 0 || isPlanted(.oneSuperblock) ? DeviceLayout.superblockA : DeviceLayout.superblockB)
    return next
  }

  /// The epoch that all commits of a segment have; nil for the first one of several, which may hold more than one life of the
  /// journal.
  ///
  /// There the chain itself says where one life ends and the next begins: the first commit of a life names the epoch before it.
  /// Elsewhere it must not, since behind a torn tail stand records of the life that ended there. Nothing torn lies inside the
  /// first segment: an opening made it durable before it wrote the superblock that lists another one behind it.
  package func epoch(ofSegment index: Int) -> UInt64? {
    index == 0 && segments.count > 1 ? nil : segments[index].epoch
  }

  /// Makes one segment of the two oldest, so that the list always has room for the next life.
  package mutating func foldOldestSegments() {
    precondition(segments.count > 2, "the last segment is a life of its own, and a fold takes two others")
    segments[0].epoch = segments.remove(at: 1).epoch
  }

  /// Why bytes are no superblock that can be used.
  package enum DecodingFailure: Error, Equatable {
    case truncated
    case wrongMagic
    case checksumMismatch
    case newerVersion(UInt32)
    case unknownFeatures(UInt32)
    case malformed
  }

  private enum Layout {
    static let magic = 0
    static let checksum = 8
    static let version = 12
    static let featuresCompatible = 16
    static let featuresReadOnly = 20
    static let featuresIncompatible = 24
    static let blockByteCount = 28
    static let storeID = 32
    static let address = 48
    static let sequence = 56
    static let ringBlockCount = 64
    static let imageSlotCount = 72
    static let imageSlotBlockCount = 76
    static let tail = 80
    static let oldest = 108
    static let closed = 136
    static let head = 140
    static let segmentCount = 168
    static let segments = 176
    static let segmentByteCount = 24
    static let zero = 368
    static let end = 512
  }

  private static let magic: UInt64 = 0x1A_0A_0D_4E_52_49_41_43
}

extension Superblock {
  /// Reads a superblock that stands in block `address`.
  package init(decoding bytes: Span<UInt8>, at address: UInt64) throws(DecodingFailure) {
    guard bytes.count >= Layout.end else { throw .truncated }
    guard LittleEndian.uint64(bytes, at: Layout.magic) == Self.magic else { throw .wrongMagic }
    // The checksum comes before every other field: nothing after this line reads a torn value.
    let stored = LittleEndian.uint32(bytes, at: Layout.checksum)
    guard stored == CRC32.checksum(bytes.extracting(Layout.version..<Layout.end)) else { throw .checksumMismatch }

    let version = LittleEndian.uint32(bytes, at: Layout.version)
    guard version == Self.formatVersion else {
      if version > Self.formatVersion { throw .newerVersion(version) }
      throw .malformed
    }
    let unknown = LittleEndian.uint32(bytes, at: Layout.featuresIncompatible)
    guard unknown == 0 else { throw .unknownFeatures(unknown) }

    let blockByteCount = LittleEndian.uint32(bytes, at: Layout.blockByteCount)
    let ringBlockCount = LittleEndian.uint64(bytes, at: Layout.ringBlockCount)
    let slotCount = LittleEndian.uint32(bytes, at: Layout.imageSlotCount)
    let slotBlockCount = LittleEndian.uint32(bytes, at: Layout.imageSlotBlockCount)
    guard
      let layout = DeviceLayout(
        blockByteCount: Int(truncatingIfNeeded: blockByteCount), ringBlockCount: ringBlockCount,
        imageSlotCount: Int(truncatingIfNeeded: slotCount), imageSlotBlockCount: Int(truncatingIfNeeded: slotBlockCount)
      ), LittleEndian.uint64(bytes, at: Layout.address) == address
    else { throw .malformed }

    let tail = Self.place(bytes, at: Layout.tail)
    let oldest = Self.place(bytes, at: Layout.oldest)
    let closed = LittleEndian.uint32(bytes, at: Layout.closed)
    let head = Self.place(bytes, at: Layout.head)
    let segmentCount = LittleEndian.uint32(bytes, at: Layout.segmentCount)
    guard closed <= 1, segmentCount >= 1, segmentCount <= UInt32(DeviceLimits.segmentCountMax),
      oldest.position <= tail.position, oldest.sequence <= tail.sequence,
      tail.position - oldest.position <= layout.ringSectorCount,
      // Far from where sums and products with the size of a sector would wrap.
      tail.position < 1 << 48, tail.sequence < DeviceLimits.sequenceEnd,
      LittleEndian.uint64(bytes, at: Layout.sequence) < DeviceLimits.sequenceEnd
    else { throw .malformed }
    if closed == 1 {
      guard head.position >= tail.position, head.position - tail.position <= layout.ringSectorCount,
        head.sequence >= tail.sequence, head.sequence - tail.sequence <= head.position - tail.position
      else { throw .malformed }
    }
    var segments: [JournalSegment] = []
    for index in 0..<Int(segmentCount) {
      let offset = Layout.segments + index * Layout.segmentByteCount
      let segment = JournalSegment(
        epoch: LittleEndian.uint64(bytes, at: offset),
        position: LittleEndian.uint64(bytes, at: offset + 8),
        sequence: LittleEndian.uint64(bytes, at: offset + 16))
      let isFirst = index == 0
      guard segment.position >= tail.position, segment.position - tail.position <= layout.ringSectorCount,
        isFirst ? segment.position == tail.position && segment.sequence == tail.sequence : true,
        isFirst
          ? true
          : segment.sequence > segments[index - 1].sequence && segment.position >= segments[index - 1].position
            && segment.sequence - tail.sequence <= segment.position - tail.position
      else { throw .malformed }
      segments.append(segment)
    }
    self.init(
      storeID: (
        low: LittleEndian.uint64(bytes, at: Layout.storeID), high: LittleEndian.uint64(bytes, at: Layout.storeID + 8)
      ),
      layout: layout, address: BlockNumber(address), sequence: LittleEndian.uint64(bytes, at: Layout.sequence),
      tail: tail, oldest: oldest, closedHead: closed == 1 ? head : nil, segments: segments)
    features = Features(
      compatible: LittleEndian.uint32(bytes, at: Layout.featuresCompatible),
      readOnlyCompatible: LittleEndian.uint32(bytes, at: Layout.featuresReadOnly))
  }

  /// Writes the superblock into at least 512 bytes, the rest of which stay as they are.
  package func encode(into bytes: inout MutableSpan<UInt8>) {
    precondition(bytes.count >= Layout.end, "a superblock takes 512 bytes")
    precondition(!segments.isEmpty && segments.count <= DeviceLimits.segmentCountMax, "the list of segments is bounded")
    for offset in 0..<Layout.end { bytes[offset] = 0 }
    LittleEndian.store(Self.magic, in: &bytes, at: Layout.magic)
    LittleEndian.store(Self.formatVersion, in: &bytes, at: Layout.version)
    LittleEndian.store(features.compatible, in: &bytes, at: Layout.featuresCompatible)
    LittleEndian.store(features.readOnlyCompatible, in: &bytes, at: Layout.featuresReadOnly)
    LittleEndian.store(UInt32(layout.blockByteCount), in: &bytes, at: Layout.blockByteCount)
    LittleEndian.store(storeID.low, in: &bytes, at: Layout.storeID)
    LittleEndian.store(storeID.high, in: &bytes, at: Layout.storeID + 8)
    LittleEndian.store(address.rawValue, in: &bytes, at: Layout.address)
    LittleEndian.store(sequence, in: &bytes, at: Layout.sequence)
    LittleEndian.store(layout.ringBlockCount, in: &bytes, at: Layout.ringBlockCount)
    LittleEndian.store(UInt32(layout.imageSlotCount), in: &bytes, at: Layout.imageSlotCount)
    LittleEndian.store(UInt32(layout.imageSlotBlockCount), in: &bytes, at: Layout.imageSlotBlockCount)
    Self.store(tail, in: &bytes, at: Layout.tail)
    Self.store(oldest, in: &bytes, at: Layout.oldest)
    if let closedHead {
      LittleEndian.store(UInt32(1), in: &bytes, at: Layout.closed)
      Self.store(closedHead, in: &bytes, at: Layout.head)
    }
    LittleEndian.store(UInt32(segments.count), in: &bytes, at: Layout.segmentCount)
    for (index, segment) in segments.enumerated() {
      let offset = Layout.segments + index * Layout.segmentByteCount
      LittleEndian.store(segment.epoch, in: &bytes, at: offset)
      LittleEndian.store(segment.position, in: &bytes, at: offset + 8)
      LittleEndian.store(segment.sequence, in: &bytes, at: offset + 16)
    }
    let checksum = CRC32.checksum(bytes.span.extracting(Layout.version..<Layout.end))
    LittleEndian.store(checksum, in: &bytes, at: Layout.checksum)
  }

  private static func place(_ bytes: Span<UInt8>, at offset: Int) -> JournalPlace {
    JournalPlace(
      position: LittleEndian.uint64(bytes, at: offset),
      sequence: LittleEndian.uint64(bytes, at: offset + 8),
      previousChecksum: LittleEndian.uint32(bytes, at: offset + 24),
      epoch: LittleEndian.uint64(bytes, at: offset + 16))
  }

  private static func store(_ place: JournalPlace, in bytes: inout MutableSpan<UInt8>, at offset: Int) {
    LittleEndian.store(place.position, in: &bytes, at: offset)
    LittleEndian.store(place.sequence, in: &bytes, at: offset + 8)
    LittleEndian.store(place.epoch, in: &bytes, at: offset + 16)
    LittleEndian.store(place.previousChecksum, in: &bytes, at: offset + 24)
  }
}
