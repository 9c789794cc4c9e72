import CairnMemory

/// Changes to blocks that take effect together, or not at all.
///
/// There is one at a time. Its view shows the last committed state with its own changes. It belongs to the closure that
/// `BlockDevice.transaction` gave it to, and may not be used behind its end. An error from a call that had changed
/// something leaves the transaction fit for nothing but rolling back: let the error pass through the closure.
public final class BlockTransaction {
  /// The committed state with this transaction's changes over it.
  public let view: BlockView
  /// What the journal will say of the commit.
  public var annotation = CommitAnnotation()
  /// Whether it may use the blocks that are set aside: for deletes, so that they work on a full device.
  public var usesReserve = false
  /// Whether what it frees is overwritten with zeros: once the commit is durable and no view sees the time before it.
  public var erasesFreed = false
  let core: DeviceCore
  var changes = ChangeSet()
  private var isEnded = false
  /// Grows with every change: a caller sees whether a failed operation had changed something.
  package var changeCount: UInt64 { view.changeCount }
  /// Upper bound of the journal bytes that the changes since the last exact count can take.
  private var byteCountBound: UInt64 = 0

  init(core: DeviceCore) {
    self.core = core
    view = BlockView(core: core, slot: core.writerSlot, sequence: .max)
  }

  func end() { isEnded = true }

  private func requireRunning() {
    precondition(!isEnded, "the transaction has ended: it may not be used behind its closure")
  }

  /// Blocks that the transaction took minus blocks that it freed.
  public var blockDelta: Int64 { changes.grownBlockCount - changes.freeBlockDelta }

  /// Blocks that it could still take.
  public var freeBlockCount: UInt64 {
    core.lock.lock()
    defer { core.lock.unlock() }
    return core.availableBlockCount(changes, isPrivileged: usesReserve)
  }

  /// Allocates a metadata block; all zeros behind its header.
  ///
  /// - Parameters:
  ///   - kind: What it will hold; verified whenever it is read.
  ///   - owner: The volume; 255 for the device.
  ///   - level: Free for the kind.
  ///   - near: A block that it should lie close to.
  /// - Throws: `full`.
  public func allocate(
    kind: BlockKind, owner: UInt8, level: UInt8 = 0, near: BlockNumber? = nil
  ) throws(StorageError) -> BlockNumber {
    requireRunning()
    guard kind.rawValue > BlockKind.geometry.rawValue else {
      throw .invalidArgument("block kinds up to 0x03 belong to the device")
    }
    try boundBytes(UInt64(core.layout.blockByteCount))
    return try core.locked { () throws(StorageError) in
      try core.requireUsable()
      try core.requireAvailable(1, isPrivileged: usesReserve, in: &changes)
      // Before the block is taken: an error in here would leave it taken by nobody.
      try core.relieveCache()
      guard let extent = try core.takeOrCheckpoint(wanted: 1, least: 1, isData: false, near: near?.rawValue) else {
        throw .full(requestedBlocks: 1, freeBlocks: 0)
      }
      changes.allocated[extent.start.rawValue] = 1
      view.changeCount += 1
      try core.setAllocated(extent, in: &changes)
      _ = try core.makeCreated(
        extent.start.rawValue, CreatedBlock(kind: kind, owner: owner, level: level), in: &changes)
      return extent.start
    }
  }

  /// The bytes of a block, to be changed in place behind the header. Pointers that the view lent before show the old bytes.
  package func edit(_ block: BlockNumber) throws(StorageError) -> MutableBlockBytes {
    requireRunning()
    view.changeCount += 1
    if let newest = core.table.newest(block.rawValue), newest.sequence == .max { return newest.mutable }
    // What was counted when the block became private is the most that all changes of it can take.
    try boundBytes(UInt64(core.layout.blockByteCount))
    return try view.pinned { () throws(StorageError) in
      try core.locked { () throws(StorageError) in
        try core.relieveCache()
        return try core.makePrivate(block.rawValue, in: &changes)
      }
    }
  }

  /// Sets the kind's own byte in a block's header; only of blocks that this transaction allocated.
  package func setLevel(_ level: UInt8, of block: BlockNumber) throws(StorageError) {
    requireRunning()
    try core.locked { () throws(StorageError) in
      let newest = core.table.newest(block.rawValue)
      guard let created = changes.entry(of: newest)?.created else {
        throw .invalidArgument("the level of a block is set when it is allocated")
      }
      changes.setCreated(newest, CreatedBlock(kind: created.kind, owner: created.owner, level: level))
    }
  }

  /// Changes bytes of a metadata block.
  ///
  /// - Parameters:
  ///   - block: A block that a transaction allocated.
  ///   - offset: From the start of the block; the header (32 bytes) belongs to the device.
  ///   - bytes: What stands there afterwards.
  public func change(_ block: BlockNumber, at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
    guard offset >= BlockHeader.byteCount, offset <= view.blockByteCount, bytes.count <= view.blockByteCount - offset
    else {
      throw .invalidRange(
        lower: UInt64(max(0, offset)), upper: UInt64(max(0, offset)) + UInt64(bytes.count),
        byteCount: UInt64(view.blockByteCount))
    }
    let target = try edit(block)
    // Bitmaps, generations and geometry change through allocations alone, whatever a damaged pointer says.
    let kind = target.bytes.u8(at: BlockHeader.Layout.kind)
    guard kind > BlockKind.geometry.rawValue else {
      throw .damaged(block.rawValue, .wrongKind(found: kind, expected: BlockKind.treeNode.rawValue))
    }
    target.copy(bytes, to: offset)
  }

  /// Frees a metadata block. Its space is used again once nothing can need its old contents any more.
  public func free(_ block: BlockNumber) throws(StorageError) {
    requireRunning()
    try boundBytes(16)
    try core.locked { () throws(StorageError) in
      view.changeCount += 1
      try core.setFree(Extent(start: block, count: 1), in: &changes)
      let removed = changes.remove(core.table.newest(block.rawValue))
      if let entry = removed, entry.created != nil {
        // Nobody else ever saw it: it can be taken again at once.
        core.dropPrivate(entry)
        changes.allocated[block.rawValue] = nil
        core.allocator.putBack(Extent(start: block, count: 1))
      } else {
        if let removed { core.dropPrivate(removed) }
        changes.freedBlocks.append(block.rawValue)
        if erasesFreed { try noteErasure(of: Extent(start: block, count: 1)) }
      }
    }
  }

  /// Allocates blocks for data, in as few runs as the free space allows.
  ///
  /// - Throws: `full`, with nothing allocated.
  public func allocateExtents(
    blockCount: UInt64, near: BlockNumber? = nil
  ) throws(StorageError) -> [Extent] {
    requireRunning()
    return try core.locked { () throws(StorageError) in
      try core.requireAvailable(blockCount, isPrivileged: usesReserve, in: &changes)
      let extents = try core.takeExtents(blockCount: blockCount, near: near?.rawValue, mayCheckpoint: true)
      for extent in extents { changes.allocated[extent.start.rawValue] = extent.count }
      view.changeCount += 1
      for extent in extents { try core.setAllocated(extent, in: &changes) }
      return extents
    }
  }

  /// Makes space that was reserved outside of a transaction, and the data written there, part of this one.
  public func claim(_ reservation: ExtentReservation) throws(StorageError) -> [Extent] {
    requireRunning()
    return try core.locked { () throws(StorageError) in
      let extents = reservation.take()
      view.changeCount += 1
      for extent in extents {
        changes.allocated[extent.start.rawValue] = extent.count
        core.reservedCount -= UInt64(extent.count)
      }
      for extent in extents { try core.setAllocated(extent, in: &changes) }
      for data in reservation.external { changes.addExternal(data) }
      return extents
    }
  }

  /// Writes data to blocks that this transaction allocated, at once; they count once the transaction commits.
  ///
  /// - Parameters:
  ///   - bytes: Any number; the rest of the last block becomes zeros.
  ///   - start: The first block. The data must fit the extent that it was allocated in.
  /// - Returns: A digest for each 64 KiB, to be kept for reading.
  public func writeData(_ bytes: RawSpan, at start: BlockNumber) throws(StorageError) -> [UInt64] {
    requireRunning()
    guard changes.covers(start.rawValue, blockCount: blockCount(of: bytes.byteCount)) else {
      throw .invalidArgument("data may only be written to extents that the transaction allocated")
    }
    let digests = try core.writeData(bytes, at: start.rawValue)
    view.changeCount += 1
    changes.addExternal(
      ExternalData(start: start.rawValue, byteCount: UInt64(bytes.byteCount), digests: digests))
    return digests
  }

  private func blockCount(of byteCount: Int) -> UInt64 {
    (UInt64(byteCount) + UInt64(view.blockByteCount) - 1) / UInt64(view.blockByteCount)
  }

  /// Frees an extent of data, or a part of one.
  public func free(_ extent: Extent) throws(StorageError) {
    requireRunning()
    try boundBytes(UInt64(extent.count) / 8 + 32)
    try core.locked { () throws(StorageError) in
      view.changeCount += 1
      try core.setFree(extent, in: &changes)
      if core.isNew(extent, changes) && changes.forgetAllocated(extent) {
        // Data go to the device before the commit; nobody else ever saw these.
        if erasesFreed { try core.erase(extent) }
        core.allocator.putBack(extent)
      } else {
        changes.freedExtents.append(extent)
        if erasesFreed { try noteErasure(of: extent) }
      }
    }
  }

  /// What is freed becomes zeros when the commit is durable.
  private func noteErasure(of extent: Extent) throws(StorageError) {
    if isPlanted(.eraseBeforeFlush) { try core.erase(extent) }
    changes.erased.append(extent)
  }

  /// Undoes everything that this transaction did, but keeps some of the data extents that it allocated, with the data in
  /// them. For staging: the operations were only tried, their data are to stay.
  public func reset(keeping kept: [Extent]) throws(StorageError) {
    requireRunning()
    try core.locked { () throws(StorageError) in
      var keptExternal: [ExternalData] = []
      for extent in kept {
        guard changes.covers(extent.start.rawValue, blockCount: UInt64(extent.count)) else {
          throw .invalidArgument("only extents that the transaction allocated can be kept")
        }
      }
      for data in changes.external.values
      where kept.contains(where: { data.start >= $0.start.rawValue && data.start < $0.end }) {
        keptExternal.append(data)
      }
      core.rollBack(&changes)
      view.changeCount += 1
      byteCountBound = 0
      // Where the device grew for them, it stays as large as they need.
      let end = kept.reduce(0) { max($0, $1.end) }
      if end > core.geometry.blockCount {
        guard try core.grow(byBlocks: end - core.geometry.blockCount, in: &changes) else { throw .memory(.full) }
      }
      for extent in kept {
        if let group = core.layout.group(of: extent.start.rawValue) { try core.loadGroup(group) }
        // Nobody can have taken them meanwhile: the lock was held.
        core.allocator.takeBack(extent)
        changes.allocated[extent.start.rawValue] = extent.count
      }
      for extent in kept { try core.setAllocated(extent, in: &changes) }
      for data in keptExternal { changes.addExternal(data) }
    }
  }

  /// The upper layer's root block.
  public var root: BlockNumber? {
    get { core.geometry.root == 0 ? nil : BlockNumber(core.geometry.root) }
  }

  /// Sets the upper layer's root block.
  public func setRoot(_ root: BlockNumber) throws(StorageError) {
    requireRunning()
    view.changeCount += 1
    try core.locked { () throws(StorageError) in
      let block = try core.makePrivate(core.layout.geometryBlock, in: &changes)
      core.geometry.root = root.rawValue
      core.geometry.encode(into: block)
    }
  }

  /// Makes the device larger; the memory below grows at once, the device with the commit.
  ///
  /// - Throws: `memory(.full)` when the memory has no more.
  public func grow(byBlocks blocks: UInt64) throws(StorageError) {
    requireRunning()
    view.changeCount += 1
    try core.locked { () throws(StorageError) in
      guard try core.grow(byBlocks: blocks, in: &changes) else { throw .memory(.full) }
    }
  }

  /// Throws `transactionTooLarge` when the changes so far could not be committed: while they are made, not at commit.
  ///
  /// The bound counts a whole block for every edit; when it passes the limit, the changes are counted exactly, which costs
  /// time proportional to the blocks changed and happens once for every so many edits.
  private func boundBytes(_ byteCount: UInt64) throws(StorageError) {
    byteCountBound += byteCount
    let limit = core.layout.commitSectorCountMax * UInt64(core.layout.sectorByteCount)
    let frameLimit = UInt64(core.frames.frameCountSoft) / 2
    if UInt64(changes.entries.count) > frameLimit {
      throw .transactionTooLarge(
        byteCount: UInt64(changes.entries.count * core.layout.blockByteCount),
        limit: frameLimit * UInt64(core.layout.blockByteCount))
    }
    guard byteCountBound > limit else { return }
    let exact = journalByteCount()
    guard exact <= limit else { throw .transactionTooLarge(byteCount: exact, limit: limit) }
    byteCountBound = exact + byteCount
    // Close to the limit every edit would count again; a sixteenth of slack is allowed, and the commit itself decides.
    if limit - exact < limit / 16 { throw .transactionTooLarge(byteCount: exact, limit: limit) }
  }

  /// Bytes that the changes so far would take in the journal. Time proportional to the blocks changed.
  public func journalByteCount() -> UInt64 {
    var total: UInt64 = 512
    for entry in changes.entries {
      total += 16
      let lines = entry.version.notedLines
      forEachDifference(from: entry.base, to: entry.version, byteCount: core.layout.blockByteCount, in: lines) {
        total += UInt64($0.count) + 4
      }
    }
    for data in changes.external.values { total += 24 + UInt64(data.digests.count) * 8 }
    return total
  }
}

/// Space for data, taken outside of any transaction, so that a long write does not keep others from committing.
///
/// Nothing of it is on the device before a transaction claims it; dropped, or after a crash, the space is free again.
/// Belongs to one thread.
public final class ExtentReservation {
  /// The space, in order.
  public private(set) var extents: [Extent]
  private(set) var external: [ExternalData] = []
  private let core: DeviceCore

  init(core: DeviceCore, extents: [Extent]) {
    self.core = core
    self.extents = extents
  }

  /// Writes data to the space; see `BlockTransaction.writeData`.
  public func writeData(_ bytes: RawSpan, at start: BlockNumber) throws(StorageError) -> [UInt64] {
    let blockByteCount = UInt64(core.layout.blockByteCount)
    let blocks = (UInt64(bytes.byteCount) + blockByteCount - 1) / blockByteCount
    guard
      extents.contains(where: { start >= $0.start && start.rawValue <= $0.end && blocks <= $0.end - start.rawValue })
    else { throw .invalidArgument("data may only be written to the reserved extents") }
    let digests = try core.writeData(bytes, at: start.rawValue)
    external.append(ExternalData(start: start.rawValue, byteCount: UInt64(bytes.byteCount), digests: digests))
    return digests
  }

  /// Takes more space.
  public func extend(blockCount: UInt64) throws(StorageError) -> [Extent] {
    let more = try core.reserveExtents(blockCount: blockCount)
    extents += more
    return more
  }

  /// Gives space at the end back that was not needed after all: whole blocks behind `keep` in the last extent.
  public func trimLast(to keep: UInt32) {
    guard let last = extents.last, keep < last.count else { return }
    core.lock.lock()
    defer { core.lock.unlock() }
    extents.removeLast()
    if keep > 0 { extents.append(Extent(start: last.start, count: keep)) }
    core.release([Extent(start: last.start.advanced(by: UInt64(keep)), count: last.count - keep)])
  }

  /// Makes zeros of what was written; what can not be written stays.
  public func erase() {
    guard !extents.isEmpty else { return }
    for data in external {
      let blocks = (data.byteCount + UInt64(core.layout.blockByteCount) - 1) / UInt64(core.layout.blockByteCount)
      guard let count = UInt32(exactly: blocks) else { continue }
      do { try core.erase(Extent(start: BlockNumber(data.start), count: count)) } catch { continue }
    }
    external = []
  }

  func take() -> [Extent] {
    let taken = extents
    extents = []
    return taken
  }

  deinit {
    guard !extents.isEmpty else { return }
    core.lock.lock()
    core.release(extents)
    core.lock.unlock()
  }
}
