import CairnBytes
public import CairnMemory

extension BlockDevice {
  /// Copies the device as a snapshot shows it to another memory: an image of its own, cleanly closed, with an empty
  /// journal and the same block numbers and store id. The device stays in use meanwhile.
  ///
  /// - Parameters:
  ///   - snapshot: What to copy.
  ///   - target: As large as the device at least; whatever it holds is lost. Same kind of guarantees.
  ///   - progress: Called with the blocks done and all blocks to do; false stops the copy.
  /// - Throws: `invalidArgument` when the target cannot take it, `limitExceeded` when it was stopped.
  public func copy(
    _ snapshot: Snapshot, to target: any StableMemory,
    progress: (_ done: UInt64, _ all: UInt64) -> Bool = { _, _ in true }
  ) throws(StorageError) {
    try DeviceCopy(core: core, view: snapshot.view, target: target).run(progress)
  }
}

/// A group that is being copied.
private struct GroupCopy {
  let number: UInt64
  /// Its first block.
  let start: UInt64
  /// One byte for each of its blocks.
  var generations: [UInt8]
  /// Room for one block.
  var block: [UInt8]

  init(_ number: UInt64, _ layout: DeviceLayout) {
    self.number = number
    start = layout.bitmapBlock(ofGroup: number)
    generations = [UInt8](repeating: 0, count: Int(layout.groupBlockCount))
    block = [UInt8](repeating: 0, count: layout.blockByteCount)
  }
}

/// Writes what a view shows as a new image.
private struct DeviceCopy {
  let core: DeviceCore
  let view: BlockView
  let target: any StableMemory
  /// Zeros that are written at one time.
  private static let zerosByteCount = 1 << 20

  func run(_ progress: (UInt64, UInt64) -> Bool) throws(StorageError) {
    let layout = core.layout
    let blockByteCount = UInt64(layout.blockByteCount)
    let map = try view.allocationMap()
    guard target.isWritable else { throw .readOnly }
    try view.requireAllocation(byteCount: UInt64(Self.zerosByteCount) + layout.groupBlockCount)
    guard target.pageCount * MemoryPage.byteCount >= map.blockCount * blockByteCount else {
      throw .invalidArgument("the target has \(target.pageCount) pages, too few for \(map.blockCount) blocks")
    }
    if case .sectors = target.guarantees, layout.imageSlotCount == 0 {
      throw .invalidArgument("an image made for a memory that tears no message cannot be copied to one that does")
    }
    let features = try core.locked { () throws(StorageError) in core.superblock.features }
    // Such a feature may mean more blocks than are known here.
    guard features.readOnlyCompatible == 0 else { throw .unsupportedFeatures(features.readOnlyCompatible) }
    try DeviceFormat.eraseSuperblocks(on: target)
    try zeroReserved()
    try copyBlocks(map, progress)
    try onMemory { () throws(MemoryError) in try target.flush() }
    try writeSuperblocks(features)
  }

  private func copyBlocks(_ map: AllocationMap, _ progress: (UInt64, UInt64) -> Bool) throws(StorageError) {
    let layout = core.layout
    var all: UInt64 = 0
    map.forEachAllocated { _ in all += 1 }
    var done: UInt64 = 0
    var group = GroupCopy(0, layout)
    try begin(&group)
    try map.forEachAllocated { number throws(StorageError) in
      while let its = layout.group(of: number.rawValue), its > group.number {
        try writeGenerations(of: group)
        group = GroupCopy(group.number + 1, layout)
        try begin(&group)
      }
      try copy(number, into: &group)
      done += 1
      if done % 256 == 0 || done == all {
        guard progress(done, all) else { throw .limitExceeded(what: "blocks before the copy was stopped", limit: done) }
      }
    }
    try writeGenerations(of: group)
    while group.number + 1 < map.groupCount {
      group = GroupCopy(group.number + 1, layout)
      try begin(&group)
      try writeGenerations(of: group)
    }
  }

  /// The ring and the image area: no record or image of whatever the target held may stay.
  private func zeroReserved() throws(StorageError) {
    let zeros = [UInt8](repeating: 0, count: Self.zerosByteCount)
    var offset = core.layout.ringStart * UInt64(core.layout.blockByteCount)
    let end = core.layout.groupStart * UInt64(core.layout.blockByteCount)
    while offset < end {
      let count = min(UInt64(zeros.count), end - offset)
      try writeMemory(target, zeros.span.extracting(0..<Int(count)), at: offset)
      offset += count
    }
  }

  /// A group's bitmap, and the geometry block with the first.
  private func begin(_ group: inout GroupCopy) throws(StorageError) {
    try copyMetadata(BlockNumber(group.start), into: &group)
    if group.number == 0 { try copyMetadata(BlockNumber(core.layout.geometryBlock), into: &group) }
  }

  /// Copies a block that may hold metadata or data: the cache knows all metadata that changed since they were read; any
  /// other block is what lies on the memory.
  private func copy(_ number: BlockNumber, into group: inout GroupCopy) throws(StorageError) {
    if isCached(number) { return try copyMetadata(number, into: &group) }
    var span = group.block.mutableSpan
    do {
      try readMemory(core.memory, at: number.rawValue * UInt64(core.layout.blockByteCount), into: &span)
    } catch { throw .memory(error) }
    // It may have been changed, and even written home, since: then the cache holds what the view sees.
    if isCached(number) { return try copyMetadata(number, into: &group) }
    // Of data this is any byte: nobody asks for their generation.
    group.generations[Int(number.rawValue - group.start)] = group.block[BlockHeader.Layout.generation]
    try put(number, group.block)
  }

  private func isCached(_ number: BlockNumber) -> Bool {
    core.lock.lock()
    defer { core.lock.unlock() }
    return core.table.find(number.rawValue, sequence: view.sequence) != nil || core.replay[number.rawValue] != nil
      || core.imageOverrides[number.rawValue] != nil
  }

  private func copyMetadata(_ number: BlockNumber, into group: inout GroupCopy) throws(StorageError) {
    try seal(number, payload: nil, into: &group.block)
    group.generations[Int(number.rawValue - group.start)] = 0
    try put(number, group.block)
  }

  /// The generations of the blocks as they were copied. Those that the view sees belong to other homes: a block may have
  /// gone home more than once since.
  private func writeGenerations(of group: GroupCopy) throws(StorageError) {
    let payload = core.layout.payloadByteCount
    var block = group.block
    for index in 0..<Int(DeviceLayout.generationBlockCount) {
      let number = BlockNumber(group.start + 1 + UInt64(index))
      try seal(number, payload: group.generations[index * payload..<(index + 1) * payload], into: &block)
      try put(number, block)
    }
  }

  /// A metadata block as the view sees it, or with another payload, and a header of generation 0.
  private func seal(
    _ number: BlockNumber, payload: ArraySlice<UInt8>?, into block: inout [UInt8]
  ) throws(StorageError) {
    let layout = core.layout
    try view.pinned { () throws(StorageError) in
      let bytes = try view.block(number)
      block.removeAll(keepingCapacity: true)
      bytes.withSpan(count: layout.blockByteCount) { BulkCopy.append($0, to: &block) }
      if let payload { block.replaceSubrange(BlockHeader.byteCount..., with: payload) }
      var span = block.mutableSpan
      BlockHeader(
        kind: BlockKind(rawValue: bytes.u8(at: BlockHeader.Layout.kind)), generation: 0,
        owner: bytes.u8(at: BlockHeader.Layout.owner), level: bytes.u8(at: BlockHeader.Layout.level),
        storeID: core.storeID.low, number: number, sequence: bytes.sequence
      ).seal(&span)
    }
  }

  private func put(_ number: BlockNumber, _ block: [UInt8]) throws(StorageError) {
    try writeMemory(target, block.span, at: number.rawValue * UInt64(core.layout.blockByteCount))
  }

  private func writeSuperblocks(_ features: Superblock.Features) throws(StorageError) {
    let start = JournalPlace(
      position: 0, sequence: view.sequence + 1, previousChecksum: 0, epoch: 0)
    var superblock = Superblock(
      storeID: core.storeID, layout: core.layout, address: BlockNumber(DeviceLayout.superblockB), sequence: 1,
      tail: start, oldest: start, closedHead: start,
      segments: [JournalSegment(epoch: core.environment.random(), position: 0, sequence: start.sequence)])
    superblock.features = features
    for (address, sequence) in [(DeviceLayout.superblockB, UInt64(1)), (DeviceLayout.superblockA, 2)] {
      superblock.address = BlockNumber(address)
      superblock.sequence = sequence
      var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
      var span = bytes.mutableSpan
      superblock.encode(into: &span)
      try writeMemory(target, bytes.span, at: address * UInt64(core.layout.blockByteCount))
      try onMemory { () throws(MemoryError) in try target.flush() }
    }
  }
}
