import CairnBlocks
import CairnBytes

/// Changes the bytes of a sample as an input says, and makes the checksums right again, so that what is behind them is
/// reached.
struct ImageMutator {
  private let sample: ImageSource
  private let blockByteCount: Int
  private(set) var image: [UInt8]
  /// Blocks that were changed.
  private var touched: Set<Int> = []
  /// Blocks with something in them: those are worth a change.
  private let blocks: [Int]

  /// Where changes go.
  enum Area {
    /// Superblocks, and every block that is in use.
    case everywhere
    /// The ring.
    case journal
    /// Tree nodes.
    case nodes
  }

  init(_ sample: ImageSource, area: Area) {
    self.sample = sample
    blockByteCount = sample.layout.blockByteCount
    image = sample.bytes
    let used = (0..<sample.blockCount).filter { number in sample.block(number).contains { $0 != 0 } }
    let ring = Int(sample.layout.ringStart)..<Int(sample.layout.ringStart + sample.layout.ringBlockCount)
    switch area {
    case .everywhere: blocks = used
    case .journal: blocks = used.filter { ring.contains($0) }
    case .nodes:
      let kind = BlockKind.treeNode.rawValue
      blocks = used.filter { sample.header($0)?.kind.rawValue == kind }
    }
  }

  /// Reads changes until the input ends, at most eight.
  mutating func apply(_ input: inout InputReader) {
    var count = 0
    repeat {
      change(&input)
      count += 1
    } while !input.isAtEnd && count < 8
  }

  private mutating func change(_ input: inout InputReader) {
    guard !blocks.isEmpty else { return }
    let block = blocks[input.below(blocks.count)]
    let start = block * blockByteCount
    // Most fields that matter stand at the front of a block.
    let reach = input.below(3) == 0 ? blockByteCount : min(blockByteCount, 128)
    let offset = input.below(reach)
    let room = blockByteCount - offset
    touched.insert(block)
    switch input.below(9) {
    case 0: image[start + offset] ^= 1 << UInt8(input.below(8))
    case 1: image[start + offset] = input.byte()
    case 2: store(input.suspicious(around: 256), at: start + offset, byteCount: min(room, 1))
    case 3: store(input.suspicious(around: UInt64(blockByteCount)), at: start + offset, byteCount: min(room, 2))
    case 4: store(input.suspicious(around: 1 << 20), at: start + offset, byteCount: min(room, 4))
    case 5:
      store(input.suspicious(around: UInt64(sample.blockCount)), at: start + offset / 8 * 8, byteCount: min(room, 8))
    case 6:
      // A run of bytes from another place of an interesting block.
      let from = blocks[input.below(blocks.count)] * blockByteCount + input.below(blockByteCount)
      let count = min(room, 1 + input.below(64), image.count - from)
      image.replaceSubrange(start + offset..<start + offset + count, with: Array(image[from..<from + count]))
    case 7:
      let bytes = input.rest(limit: min(room, 1 + input.below(48)))
      image.replaceSubrange(start + offset..<start + offset + bytes.count, with: bytes)
    default:
      // Another block in its place, under its own number or under the other's.
      let other = blocks[input.below(blocks.count)] * blockByteCount
      image.replaceSubrange(start..<start + blockByteCount, with: Array(image[other..<other + blockByteCount]))
      if input.below(2) == 0 { store(UInt64(block), at: start + BlockHeader.Layout.number, byteCount: 8) }
    }
  }

  private mutating func store(_ value: UInt64, at offset: Int, byteCount: Int) {
    for index in 0..<byteCount { image[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }

  /// Makes every checksum right again but those that the input keeps wrong.
  mutating func repair(_ input: inout InputReader) {
    let layout = sample.layout
    let ring = Int(layout.ringStart)..<Int(layout.ringStart + layout.ringBlockCount)
    for block in touched.sorted() {
      if block == Int(DeviceLayout.superblockA) || block == Int(DeviceLayout.superblockB) {
        let start = block * blockByteCount
        seal(start, from: start + 12, to: start + Superblock.byteCount, checksumAt: start + 8)
      } else if !ring.contains(block) && isMetadata(block) {
        let start = block * blockByteCount
        seal(start, from: start + 4, to: start + blockByteCount, checksumAt: start)
      }
    }
    if touched.contains(where: { ring.contains($0) }) {
      JournalRepair(sample, flags: input.byte()).run(&image)
    }
  }

  /// Whether the block was metadata before it was changed: data stay what they are, their digests are elsewhere.
  private func isMetadata(_ block: Int) -> Bool {
    let bytes = Array(sample.block(block))
    let number = LittleEndian.uint64(bytes.span, at: BlockHeader.Layout.number)
    return (try? BlockHeader(decoding: bytes.span, number: number, storeID: sample.storeID)) != nil
  }

  private mutating func seal(_ start: Int, from lower: Int, to upper: Int, checksumAt place: Int) {
    store(UInt64(CRC32.checksum(image.span.extracting(lower..<upper))), at: place, byteCount: 4)
  }
}

/// Follows the records of a sample's journal by the lengths that they claim now, and seals each anew: so a change of one
/// field breaks nothing but the rule that it breaks.
struct JournalRepair {
  private let sample: ImageSource
  private let keepsDigests: Bool

  /// With bit 0 of the flags, the digests over changes stay wrong.
  init(_ sample: ImageSource, flags: UInt8) {
    self.sample = sample
    keepsDigests = flags & 1 != 0
  }

  func run(_ image: inout [UInt8]) {
    let layout = sample.layout
    let blockByteCount = UInt64(layout.blockByteCount)
    guard let superblock = newestSuperblock() else { return }
    let (base, size) = (layout.ringStart * blockByteCount, layout.ringBlockCount * blockByteCount)
    let sector = UInt64(layout.sectorByteCount)
    var position = superblock.tail.position * sector
    let end = position + size
    var checksum = superblock.tail.previousChecksum
    var digest = XXHash64()
    var changeRecords: UInt64 = 0
    while position + UInt64(JournalRecord.headerByteCount) <= end {
      let start = Int(base + position % size)
      let rest = Int(min(base + size - UInt64(start), end - position))
      guard rest >= JournalRecord.headerByteCount,
        let byteCount = JournalRecord.claimedByteCount(
          image.span.extracting(start..<start + JournalRecord.headerByteCount)), byteCount <= rest
      else { return }
      let kind = image[start + JournalRecord.Layout.kind]
      if kind == JournalRecordKind.changes.rawValue {
        digest.update(image.span.extracting(start + JournalRecord.headerByteCount..<start + byteCount))
        changeRecords += 1
      } else if kind == JournalRecordKind.commit.rawValue {
        if !keepsDigests {
          repairCommit(&image, start..<start + byteCount, digest: digest.finish(), changeRecords: changeRecords)
        }
        digest = XXHash64()
        changeRecords = 0
      }
      checksum = reseal(&image, start..<start + byteCount, previous: checksum)
      position += UInt64(JournalRecord.stride(byteCount))
      if kind == JournalRecordKind.commit.rawValue { position = (position + sector - 1) / sector * sector }
    }
  }

  private func newestSuperblock() -> Superblock? {
    let copies = [DeviceLayout.superblockA, DeviceLayout.superblockB].compactMap { address in
      try? Superblock(decoding: Array(sample.block(Int(address))).span, at: address)
    }
    return copies.max { $0.sequence < $1.sequence }
  }

  private func reseal(_ image: inout [UInt8], _ range: Range<Int>, previous: UInt32) -> UInt32 {
    var span = image.mutableSpan
    LittleEndian.store(previous, in: &span, at: range.lowerBound + JournalRecord.Layout.previousChecksum)
    let checksum = CRC32.checksum(
      span.span.extracting(range.lowerBound + JournalRecord.Layout.byteCount..<range.upperBound))
    LittleEndian.store(checksum, in: &span, at: range.lowerBound)
    return checksum
  }

  /// Puts the digest of the changes into a commit record that can still be read.
  private func repairCommit(_ image: inout [UInt8], _ range: Range<Int>, digest: UInt64, changeRecords: UInt64) {
    let payload = range.lowerBound + JournalRecord.headerByteCount
    guard var record = try? CommitRecord(decoding: Array(image[payload..<range.upperBound])) else { return }
    record.changesDigest = digest
    record.changeRecordCount = changeRecords
    var writer = ByteWriter()
    record.encode(into: &writer)
    guard payload + writer.bytes.count == range.upperBound else { return }
    image.replaceSubrange(payload..<range.upperBound, with: writer.bytes)
  }
}
