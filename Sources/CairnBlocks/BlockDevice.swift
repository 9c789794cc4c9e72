public import CairnMemory
import Synchronization

/// Bytes of a device, by use.
public struct SpaceFigures: Equatable, Sendable {
  /// All of it.
  public var capacity: UInt64
  /// What can be written, worst-case metadata set aside. Freed blocks count at once, though they are used again only after
  /// a checkpoint.
  public var free: UInt64
  /// Held back so that deleting works on a full device.
  public var reserved: UInt64
  /// Everything else: data, metadata, journal.
  public var used: UInt64 { capacity - free - reserved }
  /// The journal ring.
  public var journal: UInt64
  /// Bytes of a block.
  public var blockByteCount: Int
}

/// A linear block device with a journal, on any stable memory.
///
/// Any number of threads may read beside one that writes. Calls block. Every error but those of arguments and space
/// leaves what was committed intact; after a failed write or flush the device takes no more calls until it is opened anew.
public final class BlockDevice: Sendable {
  let core: DeviceCore
  /// Damage of the journal that a read-only opening found; the device then shows the last commit before it.
  public var journalDamage: Damage? { core.journalDamage }

  private init(core: DeviceCore) { self.core = core }

  /// Makes a new device on a memory. Whatever the memory held is lost.
  ///
  /// - Throws: `alreadyFormatted`, unless the options say to overwrite; `invalidArgument` for impossible sizes.
  public static func format(
    _ memory: any StableMemory, options: FormatOptions = FormatOptions(), environment: Environment
  ) throws(StorageError) {
    try DeviceFormat(memory: memory, options: options, environment: environment).run()
  }

  /// Opens a device; after a crash, as the last durable commit left it.
  ///
  /// Time: the ring from its tail to its head is read once, and the whole ring after a crash; independent of the
  /// device's size.
  ///
  /// - Throws: `notCairn`, `unsupportedVersion`, `damaged`, `truncated`, `memory`.
  public static func open(
    _ memory: any StableMemory, options: OpenOptions = OpenOptions(), environment: Environment
  ) throws(StorageError) -> BlockDevice {
    guard options.isReadOnly || memory.isWritable else { throw .readOnly }
    var recovery = Recovery(memory: memory, environment: environment, options: options)
    let recovered = try recovery.run()
    let core = try DeviceCore(
      recovered: recovered, memory: memory, options: options, environment: environment)
    try core.start(recovered)
    return BlockDevice(core: core)
  }

  /// Runs a write transaction: commits when the closure returns, rolls back when it throws. Returns once the commit is
  /// durable.
  ///
  /// One runs at a time, others wait; those that wait for durability share flushes. Do not start one inside another.
  public func transaction<Result>(
    _ body: (BlockTransaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    guard !core.options.isReadOnly else { throw .readOnly }
    let (result, sequence) = try core.write(body)
    if let sequence {
      try core.locked { () throws(StorageError) in try core.waitUntilDurable(sequence) }
    }
    return result
  }

  /// A view of the last durable commit that stays readable until it ends.
  public func snapshot() throws(StorageError) -> Snapshot {
    try core.locked { () throws(StorageError) in try core.requireUsable() }
    return try makeSnapshot()
  }

  private func makeSnapshot() throws(StorageError) -> Snapshot {
    let (slot, sequence) = try core.slots.acquire()
    return Snapshot(view: BlockView(core: core, slot: slot, sequence: sequence))
  }

  /// Reads the last durable commit.
  public func read<Result>(
    _ body: (BlockView) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let snapshot = try makeSnapshot()
    defer { snapshot.end() }
    return try body(snapshot.view)
  }

  /// Takes space for data outside of any transaction.
  public func reserveExtents(blockCount: UInt64) throws(StorageError) -> ExtentReservation {
    guard !core.options.isReadOnly else { throw .readOnly }
    return ExtentReservation(core: core, extents: try core.reserveExtents(blockCount: blockCount))
  }

  /// The upper layer's root block, as of the last durable commit.
  public func rootBlock() throws(StorageError) -> BlockNumber? {
    try read { view throws(StorageError) in try view.rootBlock() }
  }

  /// How the device's bytes are used.
  public var space: SpaceFigures {
    core.lock.lock()
    defer { core.lock.unlock() }
    let block = UInt64(core.layout.blockByteCount)
    let free = core.availableBlockCount(nil, isPrivileged: false)
    let all = core.availableBlockCount(nil, isPrivileged: true)
    return SpaceFigures(
      capacity: core.geometry.blockCount * block, free: free * block, reserved: (all - free) * block,
      journal: core.layout.ringBlockCount * block, blockByteCount: core.layout.blockByteCount)
  }

  /// The store's 128-bit id.
  public var storeID: (low: UInt64, high: UInt64) { core.storeID }

  /// The number of the last durable commit.
  public var durableSequence: UInt64 { core.durableSequence }

  /// Brings all committed blocks home. Not needed for safety: it happens by itself, spread over commits.
  public func checkpoint() throws(StorageError) {
    guard !core.options.isReadOnly else { throw .readOnly }
    core.writer.lock()
    defer { core.writer.unlock() }
    try core.locked { () throws(StorageError) in try core.forceCheckpoint() }
  }

  /// Makes the device larger by at least `byteCount` bytes (whole pages of 64 KiB).
  ///
  /// A crash leaves the old size or the new one; memory behind the device's size is ignored.
  public func grow(byBytes byteCount: UInt64) throws(StorageError) {
    guard !core.options.isReadOnly else { throw .readOnly }
    let blockByteCount = UInt64(core.layout.blockByteCount)
    let blocks = byteCount / blockByteCount + (byteCount % blockByteCount == 0 ? 0 : 1)
    guard blocks > 0 else { return }
    try transaction { transaction throws(StorageError) in
      transaction.annotation.event = .maintenance
      try transaction.grow(byBlocks: blocks)
    }
  }

  /// Closes the device: what is pending is flushed, and the superblock says that nothing is missing behind the last
  /// commit. Later calls throw `closed`.
  public func close() throws(StorageError) {
    core.writer.lock()
    defer { core.writer.unlock() }
    try core.locked { () throws(StorageError) in
      guard !core.isClosed else { return }
      if !core.options.isReadOnly && !core.isPoisoned {
        // Commits that wait for their flush come first: a superblock that names a head must not arrive before it.
        while core.isFlushing || !core.pending.isEmpty {
          if core.isFlushing { core.flushed.wait(for: core.lock) } else { try core.flushGroup(.riding) }
          try core.requireUsable()
        }
        try core.flushGroup(.closing)
        try core.eraseRest()
      }
      core.isClosed = true
    }
  }
}

extension DeviceCore {
  /// What is left to do once the state stands: read the geometry, forget what the ring says is free, empty a ring that is full.
  func start(_ recovered: Recovered) throws(StorageError) {
    try locked { () throws(StorageError) in
      if options.isSalvaging { return try startSalvaging() }
      let block = try load(layout.geometryBlock, sequence: .max)
      guard block.u8(at: BlockHeader.Layout.kind) == BlockKind.geometry.rawValue else {
        throw .damaged(layout.geometryBlock, .malformed)
      }
      let found = memory.pageCount * MemoryPage.byteCount
      geometry = Geometry(decoding: block)
      blockCountSeen.store(geometry.blockCount, ordering: .releasing)
      let expected = geometry.blockCount * UInt64(layout.blockByteCount)
      guard found >= expected else { throw .truncated(expectedByteCount: expected, foundByteCount: found) }
      allocator = Allocator(
        layout: layout, blockCount: geometry.blockCount,
        // The ring may name any block; bitmaps that the geometry does not know are nobody's.
        recovered: recovered.bitmapRanges.filter { $0.key < geometry.formattedGroupCount },
        recoveredSequence: head.sequence - 1)
      try forgetFreedBlocks()
      // Lives of one or two commits each leave checkpoints half done, and at last a ring without room for the entries that would
      // let its tail go on. So a ring that several lives have filled is emptied while there is room.
      if !options.isReadOnly, superblock.segments.count >= DeviceLimits.segmentCountMax / 2,
        roomSectorCount < layout.ringSectorCount / 2
      {
        try forceCheckpoint(keepingHistory: true)
      }
    }
  }

  /// Blocks with changes in the ring that a later commit there freed owe nothing, and must not be read: the home of one may
  /// never have been written.
  func forgetFreedBlocks() throws(StorageError) {
    for block in replay.keys.sorted() {
      guard let group = layout.group(of: block), group < geometry.formattedGroupCount else {
        forget(block)
        continue
      }
      let index = Int(block - layout.bitmapBlock(ofGroup: group))
      let bits: UInt8
      do throws(StorageError) {
        bits = try bitmap(ofGroup: group).u8(at: BlockHeader.byteCount + index / 8)
      } catch {
        guard options.isSalvaging, error.hidesData else { throw error }
        continue
      }
      if bits & (1 << UInt8(index % 8)) == 0 { forget(block) }
    }
  }

  /// Runs a transaction up to its place in the chain; the sequence to wait for, nil when nothing changed.
  func write<Result>(
    _ body: (BlockTransaction) throws(StorageError) -> Result
  ) throws(StorageError) -> (Result, UInt64?) {
    writer.lock()
    defer { writer.unlock() }
    try locked { () throws(StorageError) in try requireUsable() }
    let transaction = BlockTransaction(core: self)
    transaction.annotation.time = 0
    defer { transaction.end() }
    do {
      let result = try body(transaction)
      let sequence = try locked { () throws(StorageError) -> UInt64? in
        if transaction.changes.isEmpty { return nil }
        if transaction.annotation.time == 0 { transaction.annotation.time = environment.now() }
        return try appendCommit(&transaction.changes, annotation: transaction.annotation)
      }
      return (result, sequence)
    } catch {
      lock.lock()
      rollBack(&transaction.changes)
      lock.unlock()
      throw error
    }
  }
}
