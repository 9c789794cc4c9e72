import CairnBlocks
import CairnBytes
import CairnTestSupport

/// An image of a device, to be changed behind its back.
struct DamagedImage {
  var bytes: [UInt8]
  /// The copies of the superblock that verify, the newest first.
  let superblocks: [Superblock]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // The block sizes of the rigs.
    superblocks = [(0, 0), (63, 512), (63, 4096)]
      .compactMap { block, size in
        let offset = block * size
        guard offset + Superblock.byteCount <= bytes.count else { return nil }
        return try? Superblock(
          decoding: bytes.span.extracting(offset..<offset + Superblock.byteCount), at: UInt64(block))
      }
      .sorted { $0.sequence > $1.sequence }
  }

  private var layout: DeviceLayout? { superblocks.first?.layout }
  private var blockByteCount: Int { layout?.blockByteCount ?? 512 }

  /// The bytes of the ring.
  var ring: Range<Int> {
    guard let layout else { return 0..<0 }
    let start = Int(layout.ringStart) * layout.blockByteCount
    return start..<start + Int(layout.ringBlockCount) * layout.blockByteCount
  }

  /// The bytes of a block.
  func range(of block: UInt64) -> Range<Int> {
    Int(block) * blockByteCount..<(Int(block) + 1) * blockByteCount
  }

  /// A block's header, if the block is sound.
  func header(of block: UInt64) -> BlockHeader? {
    guard let id = superblocks.first?.storeID.low else { return nil }
    return try? BlockHeader(decoding: bytes.span.extracting(range(of: block)), number: block, storeID: id)
  }

  mutating func rotNewestSuperblock(noise: UInt64) {
    guard let newest = superblocks.first else { return }
    let start = range(of: newest.address.rawValue).lowerBound
    var generator = SeededGenerator(seed: noise)
    bytes.replaceSubrange(start..<start + Superblock.byteCount, with: generator.bytes(Superblock.byteCount))
  }

  /// Fills a sector of the ring that the newest superblock's journal may lie in with noise.
  mutating func rotRing(_ random: inout SeededGenerator) {
    let sector = ring.lowerBound + random.below(ring.count / 512) * 512
    bytes.replaceSubrange(sector..<sector + 512, with: random.bytes(512))
  }

  mutating func flipBit(in range: Range<Int>, _ random: inout SeededGenerator) {
    let bit = random.below(range.count * 8)
    bytes[range.lowerBound + bit / 8] ^= 1 << UInt8(bit % 8)
  }

  mutating func flipDataBit(of start: UInt64, in state: RigState, _ random: inout SeededGenerator) {
    guard let extent = state.extents[start] else { return }
    let lower = range(of: start).lowerBound
    flipBit(in: lower..<lower + extent.bytes.count, &random)
  }

  /// Whether a whole record stands at a place.
  func record(at offset: Int) -> Bool {
    let rest = bytes.span.extracting(offset..<ring.upperBound)
    guard let count = JournalRecord.claimedByteCount(rest), count <= rest.count else { return false }
    return JournalRecord(verifying: rest.extracting(0..<count)) != nil
  }

  /// Where the records between the tail and the head of a cleanly closed image lie, padding excluded.
  var records: [Range<Int>] {
    guard let superblock = superblocks.first, let head = superblock.closedHead, let layout else { return [] }
    var found: [Range<Int>] = []
    let sector = layout.sectorByteCount
    let end = Int(head.position) * sector
    var position = Int(superblock.tail.position) * sector
    while position < end {
      let place = ring.lowerBound + position % ring.count
      let rest = bytes.span.extracting(place..<ring.upperBound)
      if let count = JournalRecord.claimedByteCount(rest), count <= rest.count,
        JournalRecord(verifying: rest.extracting(0..<count)) != nil
      {
        found.append(place..<place + count)
        position += JournalRecord.stride(count)
      } else {
        position = (position / sector + 1) * sector
      }
    }
    return found
  }
}
