import CairnBytes
public import CairnMemory

/// A commit as the journal shows it.
public struct JournalCommit: Equatable, Sendable {
  /// Its number.
  public let sequence: UInt64
  /// Which transaction and step it is, who made it, and when.
  public let annotation: CommitAnnotation
  /// How many byte ranges it changed.
  public let changeCount: UInt64
  /// Bytes of the ring that it takes.
  public let byteCount: UInt64
  /// Bytes of data that it wrote outside the journal, as far as their digests are in it.
  public let dataByteCount: UInt64
  /// The life of the journal that it belongs to.
  public let epoch: UInt64
  /// The flush that made it durable: the sequence of the first commit that it carried.
  public let flushNumber: UInt64
  /// Whether its records verify. Of a commit that does not, only the number is known.
  public let isValid: Bool
  /// The block of the device where its first record stands.
  public let block: BlockNumber
  fileprivate let places: [BlockChangePlace]
  /// The blocks that it changed.
  let blocks: [UInt64]

  /// Whether both describe the same commit in the same state.
  public static func == (left: Self, right: Self) -> Bool {
    left.sequence == right.sequence && left.annotation == right.annotation && left.changeCount == right.changeCount
      && left.byteCount == right.byteCount && left.epoch == right.epoch && left.isValid == right.isValid
  }
}

/// One change of a commit: bytes of a block.
public struct JournalChange: Equatable, Sendable {
  /// The block.
  public let block: BlockNumber
  /// From the start of the block.
  public let offset: Int
  /// The new bytes.
  public let bytes: [UInt8]
  /// Set when the commit allocated the block: what kind of block it is.
  public let createdKind: BlockKind?
}

/// Reads the commits that the ring still shows, from the oldest to the newest, across openings and crashes.
///
/// Works on an image that is open elsewhere, too: then the end may change while it is read. Memory: one commit at a
/// time. Time: proportional to the ring.
public final class JournalReader {
  private let memory: any StableMemory
  private let superblock: Superblock
  private let ring: JournalRing
  private var chain: JournalChain
  private var isAtEnd = false
  /// Commits whose records do not verify though they must be there, by number.
  public private(set) var damagedSequences: [UInt64] = []

  /// A reader at the oldest commit.
  public init(_ memory: any StableMemory) throws(StorageError) {
    self.memory = memory
    superblock = try SuperblockReader.read(memory)[0]
    ring = JournalRing(memory: memory, layout: superblock.layout)
    let found = memory.pageCount * MemoryPage.byteCount
    let least = superblock.layout.groupStart * UInt64(superblock.layout.blockByteCount)
    guard found >= least else { throw .truncated(expectedByteCount: least, foundByteCount: found) }
    chain = JournalChain(ring, from: superblock.oldest)
  }

  /// The next commit; nil at the end.
  public func next() throws(StorageError) -> JournalCommit? {
    guard !isAtEnd else { return nil }
    let place = chain.place
    if let closed = superblock.closedHead, place.sequence >= closed.sequence {
      isAtEnd = true
      // The last record's checksum is known: a chain that arrives with another one went astray.
      return place.previousChecksum == closed.previousChecksum ? nil : bad(place)
    }
    let segment = superblock.segments.lastIndex { $0.sequence <= place.sequence }
    if let segment, superblock.segments[segment].sequence == place.sequence {
      chain.resume(at: superblock.segments[segment].position)
    }
    if let commit = try chain.next(epoch: segment.flatMap { superblock.epoch(ofSegment: $0) }) {
      return JournalCommit(
        sequence: commit.place.sequence, annotation: commit.record.annotation, changeCount: commit.record.changeCount,
        byteCount: commit.byteCount, dataByteCount: commit.record.external.reduce(0) { $0 + $1.byteCount },
        epoch: commit.epoch, flushNumber: commit.flushNumber, isValid: true,
        block: BlockNumber(block(of: commit.place)), places: commit.changes.map { $0.place },
        blocks: commit.changes.map { $0.block })
    }
    return try end(at: place, segment: segment)
  }

  /// The chain ends: rightly, in a torn tail, or because something is damaged.
  private func end(at place: JournalPlace, segment: Int?) throws(StorageError) -> JournalCommit? {
    if place.sequence < superblock.tail.sequence {
      // History is broken; the part that recovery needs has a known start.
      chain = JournalChain(ring, from: superblock.tail)
      return bad(place)
    }
    isAtEnd = true
    if superblock.closedHead != nil { return bad(place) }
    guard let segment else { return bad(place) }
    if segment < superblock.segments.count - 1 { return bad(place) }
    if case .messageAtomic = memory.guarantees { return nil }
    let isProven = try JournalChain.holdsRecord(
      ring, epoch: superblock.segments[segment].epoch, ofFlushAfter: place.sequence)
    return isProven ? bad(place) : nil
  }

  private func bad(_ place: JournalPlace) -> JournalCommit {
    damagedSequences.append(place.sequence)
    return JournalCommit(
      sequence: place.sequence, annotation: CommitAnnotation(), changeCount: 0, byteCount: 0, dataByteCount: 0,
      epoch: 0, flushNumber: 0, isValid: false, block: BlockNumber(block(of: place)), places: [], blocks: [])
  }

  private func block(of place: JournalPlace) -> UInt64 {
    ring.block(at: place.position * UInt64(ring.layout.sectorByteCount))
  }

  /// The changes of a commit that this reader returned and that the ring has not overwritten since.
  public func changes(of commit: JournalCommit) throws(StorageError) -> [JournalChange] {
    var changes: [JournalChange] = []
    for (number, place) in zip(commit.blocks, commit.places) {
      var reader = ByteReader(try ring.read(at: place.position, count: Int(place.byteCount)))
      do throws(ByteReader.Failure) {
        let head = try BlockChangeHead(decoding: &reader)
        guard head.block == number else { throw .malformed }
        if head.rangeCount == 0, let created = head.created {
          changes.append(
            JournalChange(
              block: BlockNumber(number), offset: BlockHeader.byteCount, bytes: [], createdKind: created.kind))
        }
        try decodeRanges(head, blockByteCount: ring.layout.blockByteCount, from: &reader) { offset, bytes in
          changes.append(
            JournalChange(
              block: BlockNumber(number), offset: offset, bytes: bytes, createdKind: head.created?.kind))
        }
      } catch {
        throw .damaged(ring.block(at: place.position), .journal(sequence: commit.sequence))
      }
    }
    return changes
  }
}

extension BlockDevice {
  /// A reader over this device's journal; it sees what was flushed when it was made.
  public func journalReader() throws(StorageError) -> JournalReader {
    try JournalReader(core.memory)
  }
}
