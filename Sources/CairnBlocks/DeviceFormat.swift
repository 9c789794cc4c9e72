import CairnBytes
import CairnMemory

/// Makes a new, empty device on a memory.
struct DeviceFormat {
  let memory: any StableMemory
  let options: FormatOptions
  let environment: Environment

  func run() throws(StorageError) {
    guard memory.isWritable else { throw .readOnly }
    let byteCount = memory.pageCount * MemoryPage.byteCount
    let layout = try DeviceLayout(options: options, byteCount: byteCount, guarantees: memory.guarantees)
    if !options.overwrites { try requireEmpty() }
    try Self.eraseSuperblocks(on: memory)

    let storeID = (low: environment.random() | 1, high: environment.random())
    let blockCount = min(byteCount / UInt64(layout.blockByteCount), DeviceLimits.blockCountMax)
    try writeGroup(layout, storeID: storeID.low, blockCount: blockCount)
    if case .sectors = memory.guarantees {
      // Unwritten extents would cost a change of the file system's metadata at each commit.
      try fillZeros(from: layout.ringStart, to: layout.groupStart, layout)
    }
    try onMemory { () throws(MemoryError) in try memory.flush() }

    let start = JournalPlace(position: 0, sequence: 1, previousChecksum: 0, epoch: 0)
    var superblock = Superblock(
      storeID: storeID, layout: layout, address: BlockNumber(DeviceLayout.superblockB), sequence: 1, tail: start,
      oldest: start, closedHead: start,
      segments: [JournalSegment(epoch: environment.random(), position: 0, sequence: 1)])
    try write(superblock)
    try onMemory { () throws(MemoryError) in try memory.flush() }
    superblock.address = BlockNumber(DeviceLayout.superblockA)
    superblock.sequence = 2
    try write(superblock)
    try onMemory { () throws(MemoryError) in try memory.flush() }
  }

  private func requireEmpty() throws(StorageError) {
    do {
      _ = try SuperblockReader.read(memory)
    } catch {
      if case .notCairn = error { return }
      if case .memory = error { throw error }
      throw .alreadyFormatted
    }
    throw .alreadyFormatted
  }

  /// No copy of an older image survives, whatever its block size: it could be taken for this one's second copy.
  static func eraseSuperblocks(on memory: any StableMemory) throws(StorageError) {
    let byteCount = memory.pageCount * MemoryPage.byteCount
    let zeros = [UInt8](repeating: 0, count: Superblock.byteCount)
    try writeMemory(memory, zeros.span, at: 0)
    var blockByteCount = DeviceLimits.blockByteCounts.lowerBound
    while blockByteCount <= DeviceLimits.blockByteCounts.upperBound {
      let offset = DeviceLayout.superblockB * UInt64(blockByteCount)
      if offset + UInt64(Superblock.byteCount) <= byteCount { try writeMemory(memory, zeros.span, at: offset) }
      blockByteCount *= 2
    }
    try onMemory { () throws(MemoryError) in try memory.flush() }
  }

  /// Group 0: its bitmap, its table and the geometry block. The others are made when they are first used.
  private func writeGroup(_ layout: DeviceLayout, storeID: UInt64, blockCount: UInt64) throws(StorageError) {
    let frames = FrameStore(blockByteCount: layout.blockByteCount, memoryBudget: 1)
    let frame = try frames.allocate(block: 0)
    func put(_ kind: BlockKind, _ number: UInt64, _ body: (MutableBlockBytes) -> Void) throws(StorageError) {
      frame.fill(0, at: 0, count: layout.blockByteCount)
      body(frame)
      try frame.withMutableSpan(count: layout.blockByteCount) { span throws(StorageError) in
        BlockHeader(
          kind: kind, generation: 0, owner: DeviceLimits.deviceOwner, level: 0, storeID: storeID,
          number: BlockNumber(number), sequence: 0
        ).seal(&span)
        try writeMemory(memory, span.span, at: number * UInt64(layout.blockByteCount))
      }
    }
    let bitmap = layout.bitmapBlock(ofGroup: 0)
    try put(.bitmap, bitmap) { DeviceCore.setOverheadBits(in: $0, layout: layout, group: 0) }
    for index in 1...DeviceLayout.generationBlockCount { try put(.generations, bitmap + index) { _ in } }
    let free = DeviceCore.usableBlockCount(layout: layout, blockCount: blockCount) - 1
    try put(.geometry, layout.geometryBlock) {
      Geometry(
        blockCount: blockCount, freeBlockCount: free, formattedGroupCount: 1, root: 0,
        growsByItself: options.growsByItself
      ).encode(into: $0)
    }
  }

  private func fillZeros(from start: UInt64, to end: UInt64, _ layout: DeviceLayout) throws(StorageError) {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    var offset = start * UInt64(layout.blockByteCount)
    let limit = end * UInt64(layout.blockByteCount)
    // The superblock may lie in between; it is written later.
    while offset < limit {
      let count = min(UInt64(zeros.count), limit - offset)
      try writeMemory(memory, zeros.span.extracting(0..<Int(count)), at: offset)
      offset += count
    }
  }

  private func write(_ superblock: Superblock) throws(StorageError) {
    var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
    var span = bytes.mutableSpan
    superblock.encode(into: &span)
    try writeMemory(
      memory, bytes.span, at: superblock.address.rawValue * UInt64(superblock.layout.blockByteCount))
  }
}
