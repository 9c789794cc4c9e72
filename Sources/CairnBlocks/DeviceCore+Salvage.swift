import CairnMemory
import Synchronization

// Opening a device that may be damaged anywhere, to take out of it what verifies. Nothing is written. What the device says of
// itself is used as far as it verifies; nothing else is believed for it: blocks verify by themselves, or are damaged.

extension DeviceCore {
  /// Reads the geometry, if it can be read; otherwise the device is as large as its memory, and its root is not known.
  func startSalvaging() throws(StorageError) {
    let memoryBlockCount = min(
      memory.pageCount * MemoryPage.byteCount / UInt64(layout.blockByteCount), DeviceLimits.blockCountMax)
    geometry = Geometry(
      blockCount: memoryBlockCount, freeBlockCount: 0,
      formattedGroupCount: layout.groupCount(blockCount: memoryBlockCount), root: 0)
    if let block = try ifReadable({ () throws(StorageError) in try load(layout.geometryBlock, sequence: .max) }),
      block.u8(at: BlockHeader.Layout.kind) == BlockKind.geometry.rawValue
    {
      let known = Geometry(decoding: block)
      geometry = known
      // The end may have been cut off; what lies before it is still there.
      geometry.blockCount = min(known.blockCount, memoryBlockCount)
      geometry.formattedGroupCount = min(
        known.formattedGroupCount, layout.groupCount(blockCount: geometry.blockCount))
    }
    blockCountSeen.store(geometry.blockCount, ordering: .releasing)
    try forgetFreedBlocks()
  }

  /// The result of `body`; nil when what it reads is damaged or cannot be read.
  func ifReadable<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result? {
    do throws(StorageError) {
      return try body()
    } catch {
      guard error.hidesData else { throw error }
      return nil
    }
  }
}

extension StorageError {
  /// Whether the error says that something on the memory is not there any more: damage, or a sector that cannot be read.
  package var hidesData: Bool {
    switch self {
    case .damaged: true
    case .memory(.io), .memory(.outOfBounds), .memory(.truncated): true
    default: false
    }
  }

  /// How what is not there any more shows.
  package var lossDescription: String {
    switch self {
    case .damaged(let damage): damage.reason.description
    case .memory(let error): "\(error)"
    default: "\(self)"
    }
  }

  /// The block that is damaged.
  package var damagedBlock: BlockNumber? {
    if case .damaged(let damage) = self { damage.block } else { nil }
  }
}

extension BlockView {
  /// The bitmaps as far as they can be read; blocks of the other groups count as free.
  package func readableAllocationMap() throws(StorageError) -> AllocationMap {
    let layout = core.layout
    var words: [[UInt64]] = []
    for group in 0..<core.geometry.formattedGroupCount {
      let bitmap = try core.ifReadable { () throws(StorageError) in try bitmapWords(ofGroup: group) }
      words.append(bitmap ?? [UInt64](repeating: 0, count: layout.payloadByteCount / 8))
    }
    return AllocationMap(layout: layout, words: words, blockCount: core.geometry.blockCount)
  }

  /// Calls `body` with each block of a map that is a metadata block of the store, verified, ascending.
  package func forEachMetadataBlock(
    in map: AllocationMap,
    _ body: (_ block: BlockNumber, _ kind: BlockKind, _ owner: UInt8, _ level: UInt8) throws(StorageError) -> Void
  ) throws(StorageError) {
    try map.forEachAllocated { (number) throws(StorageError) in
      guard try mayBeMetadata(number) else { return }
      let header = try core.ifReadable { () throws(StorageError) in
        try pinned { () throws(StorageError) in
          let bytes = try block(number)
          return (
            kind: bytes.u8(at: BlockHeader.Layout.kind), owner: bytes.u8(at: BlockHeader.Layout.owner),
            level: bytes.u8(at: BlockHeader.Layout.level)
          )
        }
      }
      guard let header else { return }
      try body(number, BlockKind(rawValue: header.kind), header.owner, header.level)
    }
  }

  /// A quick look at the first bytes of a block: whether it says that it is a metadata block.
  private func mayBeMetadata(_ number: BlockNumber) throws(StorageError) -> Bool {
    try core.locked { () throws(StorageError) in
      // What stands at home does not count when the journal or an image has a newer version.
      if core.replay[number.rawValue] != nil || core.imageOverrides[number.rawValue] != nil { return true }
      var bytes = [UInt8](repeating: 0, count: BlockHeader.byteCount)
      var span = bytes.mutableSpan
      do throws(MemoryError) {
        try readMemory(core.memory, at: number.rawValue * UInt64(core.layout.blockByteCount), into: &span)
      } catch {
        let failure = StorageError.memory(error)
        guard failure.hidesData else { throw failure }
        return false
      }
      return BlockHeader.names(bytes.span, number: number.rawValue, storeID: core.storeID.low)
    }
  }
}

extension BlockDevice {
  /// How the device was made, for making another one like it.
  package var formatOptions: FormatOptions {
    let layout = core.layout
    let hasImages = layout.imageSlotCount > 0
    return FormatOptions(
      blockByteCount: layout.blockByteCount, journalByteCount: layout.ringBlockCount * UInt64(layout.blockByteCount),
      imageSlotCount: hasImages ? layout.imageSlotCount : nil,
      imageSlotBlockCount: hasImages ? layout.imageSlotBlockCount : nil, growsByItself: core.geometry.growsByItself)
  }
}
