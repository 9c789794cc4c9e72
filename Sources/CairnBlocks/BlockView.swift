import CairnMemory
public import Synchronization

/// A device's blocks as of one commit.
///
/// A view belongs to one thread. What it lends (`BlockBytes`) is valid while it is pinned.
@safe
public final class BlockView {
  @usableFromInline let table: BlockTable
  @usableFromInline let slots: ViewSlots
  @usableFromInline let slot: Int
  let core: DeviceCore
  /// The commit whose state the view shows; `.max` for the running transaction's own.
  public let sequence: UInt64
  /// Atomic, though a view belongs to one thread: as a variable, each access would check for exclusivity at run time.
  @usableFromInline let pinCount = Atomic<Int>(0)
  /// Grows with every change that the running transaction makes; always 0 on a snapshot. Cursors notice changes by it.
  @inlinable
  package internal(set) var changeCount: UInt64 {
    @inline(__always) get { changes.load(ordering: .relaxed) }
    set { changes.store(newValue, ordering: .relaxed) }
  }
  @usableFromInline let changes = Atomic<UInt64>(0)

  init(core: DeviceCore, slot: Int, sequence: UInt64) {
    self.core = core
    blockByteCount = core.layout.blockByteCount
    table = core.table
    slots = core.slots
    self.slot = slot
    self.sequence = sequence
  }

  /// Bytes of a block.
  public let blockByteCount: Int

  /// Blocks of the device.
  public var blockCount: UInt64 { core.blockCountSeen.load(ordering: .acquiring) }

  /// Throws `allocationRefused` unless the device's options admit a buffer of so many bytes
  /// (`OpenOptions.admitsAllocation`). For filesystems, before they make one whose size a stored number or a caller decides.
  public func requireAllocation(byteCount: UInt64) throws(StorageError) {
    guard core.options.admitsAllocation(byteCount) else { throw .allocationRefused(byteCount: byteCount) }
  }

  /// Makes pointers into cached blocks valid until the matching `unpin`. Calls nest.
  @inlinable @inline(__always)
  package func pin() {
    let count = pinCount.load(ordering: .relaxed)
    if count == 0 { slots.pin(slot) }
    pinCount.store(count &+ 1, ordering: .relaxed)
  }

  /// Ends what `pin` began.
  @inlinable @inline(__always)
  package func unpin() {
    let count = pinCount.load(ordering: .relaxed) &- 1
    pinCount.store(count, ordering: .relaxed)
    if count == 0 { slots.unpin(slot) }
  }

  /// Runs `body` while the view is pinned.
  @inlinable
  package func pinned<Result: ~Copyable>(
    _ body: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    pin()
    defer { unpin() }
    return try body()
  }

  /// A block's bytes. The view must be pinned. A few pointer steps when the block is cached.
  @inlinable @inline(__always)
  package func block(_ number: BlockNumber) throws(StorageError) -> BlockBytes {
    if let bytes = table.find(number.rawValue, sequence: sequence) { return bytes }
    return try load(number)
  }

  /// A block's bytes if they are cached: for touching what will be read next. The view must be pinned.
  @inlinable @inline(__always)
  package func resident(_ number: BlockNumber) -> BlockBytes? {
    table.find(number.rawValue, sequence: sequence)
  }

  /// The newest bytes of a block if they are cached, whether or not the view sees them: for asking for their lines alone,
  /// since nothing of them is looked at yet. The view must be pinned.
  @inlinable @inline(__always)
  package func newestResident(_ number: BlockNumber) -> BlockBytes? { table.newest(number.rawValue) }

  @usableFromInline @inline(never)
  func load(_ number: BlockNumber) throws(StorageError) -> BlockBytes {
    try core.loadForView(number.rawValue, sequence: sequence)
  }

  /// Lends a metadata block of a kind, header included.
  public func withBlock<Result>(
    _ number: BlockNumber, kind: BlockKind, _ body: (Span<UInt8>) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try pinned { () throws(StorageError) in
      let bytes = try block(number)
      let found = bytes.u8(at: BlockHeader.Layout.kind)
      guard found == kind.rawValue else {
        throw .damaged(number.rawValue, .wrongKind(found: found, expected: kind.rawValue))
      }
      return try bytes.withSpan(count: blockByteCount, body)
    }
  }

  /// The upper layer's root block; nil before it is set.
  public func rootBlock() throws(StorageError) -> BlockNumber? {
    let root = try pinned { () throws(StorageError) in
      Geometry(decoding: try block(BlockNumber(core.layout.geometryBlock))).root
    }
    return root == 0 ? nil : BlockNumber(root)
  }

  /// Reads data that begin at a block and verifies them.
  ///
  /// - Parameters:
  ///   - start: The first block.
  ///   - digests: One for each 64 KiB, in order; the last may cover less.
  ///   - bytes: Filled from its start to its end: as many bytes as the digests cover.
  ///   - fromDevice: Reads and verifies what is in the cache, too (`OpenOptions.dataBudget`).
  public func readData(
    at start: BlockNumber, digests: [UInt64], into bytes: inout MutableRawSpan, fromDevice: Bool = false
  ) throws(StorageError) {
    let byteCount = UInt64(bytes.byteCount)
    let blocks = (byteCount + UInt64(blockByteCount) - 1) / UInt64(blockByteCount)
    let (end, overflow) = start.rawValue.addingReportingOverflow(blocks)
    guard !overflow, start.rawValue >= core.layout.groupStart, end <= blockCount else {
      throw .damaged(start.rawValue, .outOfRange)
    }
    let chunk = UInt64(DeviceLimits.chunkByteCount)
    guard UInt64(digests.count) == (byteCount + chunk - 1) / chunk else { throw .damaged(start.rawValue, .digest) }
    try core.readData(at: start.rawValue, digests: digests, into: &bytes, fromDevice: fromDevice)
  }
}

/// A view that keeps the state of one commit readable until it ends.
///
/// Readers never block the writer. What a long-lived snapshot sees is kept in memory and on the device, so end it.
/// Belongs to one thread; ends by itself when it is released.
public final class Snapshot {
  /// What the snapshot shows.
  public let view: BlockView
  private var isEnded = false

  init(view: BlockView) {
    self.view = view
  }

  /// Gives back what the snapshot kept. The view must not be used any more.
  public func end() {
    guard !isEnded else { return }
    isEnded = true
    view.slots.release(view.slot)
  }

  deinit { end() }
}
