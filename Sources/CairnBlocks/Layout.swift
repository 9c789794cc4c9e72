package import CairnMemory

/// Where everything lies on a device: follows from a few numbers that the superblock holds.
///
///     block 0                superblock A
///     block 63               superblock B
///     ringStart              journal ring
///     imageStart             image area: slots of blocks, none on a `.messageAtomic` memory
///     groupStart             allocation groups, one behind the other, the last one may be cut short:
///                              1 block    bitmap
///                              8 blocks   generations, one byte for each block of the group
///                              the rest   blocks that the bitmap hands out; the first of group 0 is the geometry block
///
/// The ring and the image area begin at block 1 when they end before block 63, and behind it otherwise. A small image's
/// group 0 may contain block 63, its bit is set from the beginning; but not among its bitmap and generations: then group 0
/// begins behind it.
package struct DeviceLayout: Equatable, Sendable {
  package static let superblockA: UInt64 = 0
  package static let superblockB: UInt64 = DeviceLimits.blockCountMin - 1
  /// Blocks of a group that hold its generations.
  package static let generationBlockCount: UInt64 = 8
  /// Blocks at the start of a group that describe it.
  package static let groupOverhead: UInt64 = 1 + generationBlockCount

  package let blockByteCount: Int
  package let ringStart: UInt64
  package let ringBlockCount: UInt64
  package let imageStart: UInt64
  package let imageSlotCount: Int
  package let imageSlotBlockCount: Int

  /// Puts the ring and the image area in their places; nil when the numbers make no sense.
  package init?(blockByteCount: Int, ringBlockCount: UInt64, imageSlotCount: Int, imageSlotBlockCount: Int) {
    guard DeviceLimits.blockByteCounts.contains(blockByteCount), blockByteCount.nonzeroBitCount == 1,
      ringBlockCount >= DeviceLimits.ringBlockCountMin,
      ringBlockCount <= DeviceLimits.ringByteCountMax / UInt64(blockByteCount),
      (0...64).contains(imageSlotCount), (0...4096).contains(imageSlotBlockCount)
    else { return nil }
    self.blockByteCount = blockByteCount
    self.ringBlockCount = ringBlockCount
    self.imageSlotCount = imageSlotCount
    self.imageSlotBlockCount = imageSlotBlockCount
    var cursor: UInt64 = 1
    func place(_ count: UInt64) -> UInt64 {
      if cursor <= Self.superblockB && cursor + count > Self.superblockB { cursor = Self.superblockB + 1 }
      defer { cursor += count }
      return cursor
    }
    ringStart = place(ringBlockCount)
    imageStart = place(UInt64(imageSlotCount * imageSlotBlockCount))
    // A superblock in the middle of group 0 is a bit that is set; in the place of its bitmap or its table it would be damage.
    groupStart =
      cursor <= Self.superblockB && cursor + Self.groupOverhead > Self.superblockB
      ? Self.superblockB + 1 : cursor
  }

  /// The first block of group 0.
  package let groupStart: UInt64

  /// Bytes of a block that a bitmap or a generation table uses.
  package var payloadByteCount: Int { blockByteCount - BlockHeader.byteCount }
  /// Blocks of a whole group: as many as its bitmap has bits.
  package var groupBlockCount: UInt64 { UInt64(payloadByteCount) * 8 }
  /// Where commits may begin in the ring, in bytes: a sector that a later commit never writes again.
  package var sectorByteCount: Int { min(blockByteCount, 4096) }
  /// Sectors of the ring.
  package var ringSectorCount: UInt64 { ringBlockCount * UInt64(blockByteCount / sectorByteCount) }
  /// The block that holds size, free count and root.
  package var geometryBlock: UInt64 {
    let block = groupStart + Self.groupOverhead
    return block == Self.superblockB ? block + 1 : block
  }

  /// The group of a block; nil for the blocks before group 0.
  package func group(of block: UInt64) -> UInt64? {
    block < groupStart ? nil : (block - groupStart) / groupBlockCount
  }
  /// The first block of a group: its bitmap.
  package func bitmapBlock(ofGroup group: UInt64) -> UInt64 {
    groupStart + group * groupBlockCount
  }
  /// Whether a block is the bitmap of a group.
  package func isBitmap(_ block: UInt64) -> Bool {
    block >= groupStart && (block - groupStart) % groupBlockCount == 0
  }
  /// Whether a block is part of a generation table: these have no generation of their own.
  package func isGenerationTable(_ block: UInt64) -> Bool {
    guard block >= groupStart else { return false }
    let index = (block - groupStart) % groupBlockCount
    return index >= 1 && index < Self.groupOverhead
  }
  /// Groups on a device of `blockCount` blocks; a last group too short to hold anything does not count.
  package func groupCount(blockCount: UInt64) -> UInt64 {
    guard blockCount > groupStart else { return 0 }
    let blocks = blockCount - groupStart
    let rest = blocks % groupBlockCount
    return blocks / groupBlockCount + (rest > Self.groupOverhead ? 1 : 0)
  }
  /// Where the generation of a block stands: the table block and the byte in it. Nil for blocks outside the groups.
  package func generationPlace(of block: UInt64) -> (block: UInt64, offset: Int)? {
    guard block >= groupStart else { return nil }
    let index = (block - groupStart) % groupBlockCount
    let base = block - index
    let payload = UInt64(payloadByteCount)
    return (base + 1 + index / payload, BlockHeader.byteCount + Int(index % payload))
  }
  /// Generations that one commit logs at most: about a thirty-second of the ring.
  package var generationsPerCommitMax: Int {
    let ringByteCount = Int(ringBlockCount) * blockByteCount
    return min(max(ringByteCount / 32 / 16, 4), 1024)
  }
  /// Sectors that stay free in the ring for a commit of the device's own during a forced checkpoint.
  package var maintenanceSectorCount: UInt64 {
    let bytes = 3 * JournalRecord.headerByteCount + 64 + generationsPerCommitMax * 16
    return UInt64((bytes + sectorByteCount - 1) / sectorByteCount)
  }
  /// The most sectors that one commit may take.
  package var commitSectorCountMax: UInt64 {
    let aside = 2 * maintenanceSectorCount + 2
    return ringSectorCount > aside ? ringSectorCount - aside : 0
  }
}

extension DeviceLayout {
  /// The layout of a new image on a memory of `byteCount` bytes.
  package init(
    options: FormatOptions, byteCount: UInt64, guarantees: MemoryGuarantees
  ) throws(StorageError) {
    let blockByteCount = options.blockByteCount
    guard DeviceLimits.blockByteCounts.contains(blockByteCount), blockByteCount.nonzeroBitCount == 1 else {
      throw .invalidArgument("the block size is \(blockByteCount) bytes; it must be a power of two, 512...65536")
    }
    let blockCount = byteCount / UInt64(blockByteCount)
    guard blockCount >= DeviceLimits.blockCountMin else {
      throw .invalidArgument(
        "the image has \(byteCount) bytes; with this block size it needs at least \(64 * blockByteCount)")
    }
    let journalByteCount = options.journalByteCount ?? min(max(byteCount / 64, 1 << 20), 64 << 20)
    var ringBlockCount = max(DeviceLimits.ringBlockCountMin, journalByteCount / UInt64(blockByteCount))
    if options.journalByteCount == nil { ringBlockCount = min(ringBlockCount, max(16, blockCount / 4)) }

    var slotCount = options.imageSlotCount ?? (blockCount < 4096 ? 3 : 4)
    var slotBlockCount = options.imageSlotBlockCount ?? Int(min(128, max(2, blockCount / 64)))
    if case .messageAtomic = guarantees { (slotCount, slotBlockCount) = (0, 0) }
    guard
      let layout = DeviceLayout(
        blockByteCount: blockByteCount, ringBlockCount: ringBlockCount, imageSlotCount: slotCount,
        imageSlotBlockCount: slotBlockCount),
      layout.geometryBlock + 4 < blockCount, layout.groupCount(blockCount: blockCount) > 0,
      layout.commitSectorCountMax >= 4
    else {
      throw .invalidArgument(
        "a journal of \(journalByteCount) bytes does not fit an image of \(byteCount) bytes")
    }
    self = layout
  }
}
