import CPrefetch

/// The memory that cached blocks live in.
///
/// A frame is a 64-byte head and the bytes of one version of one block:
///
///     offset  size  field
///        -64     8  address of the bytes of the next older version, 0 for none
///        -56     8  block number
///        -32     8  lines (64ths of the block) that were written to since the version became private, a bit each
///        -24     8  binary logarithm of the bytes of such a line
///        -16     8  for a private version, its place among the changes of its transaction
///          0        the block, as on the device (its header's sequence is the version's)
///
/// Frames come from arenas that are never given back before the store closes. A frame that is taken out of the block table
/// may still be read by a pinned view, so it is retired first and becomes free once no view is pinned at an epoch as old
/// (epoch-based reclamation; K. Fraser, "Practical lock-freedom", 2004). All methods but the accessors run under the
/// device's lock.
@safe
package final class FrameStore {
  private let blockByteCount: Int
  /// Bytes of a frame with its head.
  let stride: Int
  private let lineShift: Int
  private let framesPerArena: Int
  /// Frames that may be in use before others must be evicted.
  let frameCountSoft: Int
  /// Frames that may exist at all: room for what pinned views keep from being reclaimed.
  private let frameCountMax: Int
  private var arenas: [UnsafeMutableRawPointer] = unsafe []
  private var unusedInArena = 0
  /// Frames to be used again, the last one first: it may still be in the processor's cache.
  private var free: [UInt] = []
  /// Frames that views may still read, in the order in which they were retired, from `retiredStart` on. Lists of their own,
  /// because most of these frames are not in the processor's cache any more, and need not be.
  private var retired: [(frame: UInt, epoch: UInt64)] = []
  private var retiredStart = 0
  /// How many of them have their epoch.
  private var sealedCount = 0
  /// Frames that hold a version or are retired.
  private(set) var usedCount = 0

  static let headByteCount = 64
  /// A large page of the processor's, where there may be such.
  private static var arenaAlignment: Int {
    #if arch(wasm32)
      4096
    #else
      2 << 20
    #endif
  }
  private typealias Head = FrameHead

  init(blockByteCount: Int, memoryBudget: Int) {
    self.blockByteCount = blockByteCount
    stride = blockByteCount + Self.headByteCount
    lineShift = (blockByteCount / UInt64.bitWidth).trailingZeroBitCount
    #if arch(wasm32)
      let arenaByteCount = 1 << 20
    #else
      let arenaByteCount = 8 << 20
    #endif
    framesPerArena = max(4, arenaByteCount / stride)
    frameCountSoft = max(64, memoryBudget / stride)
    frameCountMax = frameCountSoft + max(64, frameCountSoft / 4)
  }

  deinit {
    for index in unsafe arenas.indices { unsafe arenas[index].deallocate() }
  }

  /// Whether another frame would exceed the budget, so that one should be evicted.
  var isFull: Bool { usedCount >= frameCountSoft }
  /// Bytes of the hard limit.
  var byteCountMax: UInt64 { UInt64(frameCountMax) * UInt64(stride) }

  /// A frame with undefined contents.
  func allocate(block: UInt64) throws(StorageError) -> MutableBlockBytes {
    guard usedCount < frameCountMax else { throw .memoryBudgetExceeded(limit: byteCountMax) }
    let bytes: UnsafeMutableRawPointer
    if let bits = free.popLast(), let frame = unsafe UnsafeMutableRawPointer(bitPattern: bits) {
      unsafe bytes = frame
      // The next one's head: like this one's it has not been used for long.
      if let next = free.last, let address = unsafe UnsafeRawPointer(bitPattern: next) {
        unsafe cairn_prefetch(address - Self.headByteCount)
      }
    } else {
      if unusedInArena == 0 {
        // One more head behind the last frame: the readable slack of 16 bytes.
        let byteCount = framesPerArena * stride + Self.headByteCount
        let arena = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.arenaAlignment)
        // Not the first one: a store that needs no more is not to pay for clearing pages of 2 MiB.
        if unsafe !arenas.isEmpty { unsafe cairn_prefer_huge_pages(arena, byteCount) }
        unsafe arenas.append(arena)
        unusedInArena = framesPerArena
      }
      let index = framesPerArena - unusedInArena
      unusedInArena -= 1
      unsafe bytes = arenas[arenas.count - 1] + (index * stride + Self.headByteCount)
    }
    usedCount += 1
    unsafe bytes.storeBytes(of: 0, toByteOffset: Head.older, as: UInt.self)
    unsafe bytes.storeBytes(of: block, toByteOffset: Head.block, as: UInt64.self)
    unsafe bytes.storeBytes(of: 0, toByteOffset: Head.lines, as: UInt64.self)
    unsafe bytes.storeBytes(of: lineShift, toByteOffset: Head.lineShift, as: Int.self)
    return unsafe MutableBlockBytes(bytes)
  }

  /// Gives back a frame that was never published.
  func discard(_ frame: BlockBytes) {
    free.append(unsafe UInt(bitPattern: frame.address))
    usedCount -= 1
  }

  /// Takes a frame that views pinned at `epoch` or before may still read.
  func retire(_ frame: BlockBytes, epoch: UInt64) {
    retire(frame)
    seal(epoch: epoch)
  }

  /// Takes a frame that nobody can find any more. It stays until `seal` has said which views may still read it.
  func retire(_ frame: BlockBytes) {
    retired.append((unsafe UInt(bitPattern: frame.address), .max))
  }

  /// Takes the frames behind changed versions, where they are known to be the last, as `retire` does.
  func retireBases(of changed: [PendingGroup.Change]) {
    for change in changed {
      guard let base = change.onlyBase else { continue }
      change.version.setOlder(nil)
      retired.append((unsafe UInt(bitPattern: base.address), .max))
    }
  }

  /// Says that frames which were retired since the last time may be read by views pinned at `epoch` or before.
  func seal(epoch: UInt64) {
    while sealedCount < retired.count {
      retired[sealedCount].epoch = epoch
      sealedCount += 1
    }
  }

  /// Whether retired frames have no epoch yet.
  var hasUnsealed: Bool { sealedCount < retired.count }

  /// Frees the retired frames of epochs before `epoch`.
  func reclaim(before epoch: UInt64) {
    while retiredStart < sealedCount, retired[retiredStart].epoch < epoch {
      free.append(retired[retiredStart].frame)
      retiredStart += 1
      usedCount -= 1
    }
    if retiredStart == retired.count {
      retired.removeAll(keepingCapacity: true)
      (retiredStart, sealedCount) = (0, 0)
    } else if retiredStart > 4096 && retiredStart * 2 > retired.count {
      retired.removeFirst(retiredStart)
      sealedCount -= retiredStart
      retiredStart = 0
    }
  }

  /// Whether retired frames wait for views to unpin.
  var hasRetired: Bool { retiredStart < retired.count }
}

/// Offsets in the head of a frame, from the block's first byte.
@usableFromInline
enum FrameHead {
  @inlinable static var older: Int { -64 }
  static var block: Int { -56 }
  @inlinable static var lines: Int { -32 }
  @inlinable static var lineShift: Int { -24 }
  static var changeIndex: Int { -16 }
}

/// Which lines of a block were written to.
package struct NotedLines {
  /// A bit for each line.
  var bits: UInt64
  /// Binary logarithm of the bytes of a line.
  var shift: Int

  /// All lines of a block, however large it is.
  package static var all: NotedLines {
    NotedLines(bits: .max, shift: (DeviceLimits.blockByteCounts.upperBound / UInt64.bitWidth).trailingZeroBitCount)
  }

  /// The next run of bytes in such lines, from `offset` on; empty at `end` when there is none.
  func run(from offset: Int, end: Int) -> Range<Int> {
    let line = offset &>> shift
    guard line < UInt64.bitWidth else { return end..<end }
    let skipped = (bits &>> UInt64(line)).trailingZeroBitCount
    guard line + skipped < UInt64.bitWidth else { return end..<end }
    let first = line + skipped
    let length = (~(bits &>> UInt64(first))).trailingZeroBitCount
    let lower = skipped == 0 ? offset : first &<< shift
    return min(lower, end)..<min((first + length) &<< shift, end)
  }
}

extension BlockBytes {
  /// The next older version of the same block that is in memory.
  @inlinable @inline(__always)
  package var older: BlockBytes? {
    let bits = unsafe address.load(fromByteOffset: FrameHead.older, as: UInt.self)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe BlockBytes(pointer)
  }

  /// Links a version to the next older one.
  func setOlder(_ other: BlockBytes?) {
    let bits: UInt = if let other { unsafe UInt(bitPattern: other.address) } else { 0 }
    unsafe UnsafeMutableRawPointer(mutating: address).storeBytes(
      of: bits, toByteOffset: FrameHead.older, as: UInt.self)
  }

  /// The block that this frame holds a version of.
  var number: UInt64 { unsafe address.load(fromByteOffset: FrameHead.block, as: UInt64.self) }

  /// The lines of a private version that were written to.
  var notedLines: NotedLines {
    unsafe NotedLines(
      bits: address.load(fromByteOffset: FrameHead.lines, as: UInt64.self),
      shift: address.load(fromByteOffset: FrameHead.lineShift, as: Int.self))
  }

  /// Asks the processor for the frame's head, without waiting for it.
  func prefetchHead() { unsafe cairn_prefetch(address - FrameStore.headByteCount) }

  /// Asks the processor for the noted lines, here and in another version; of many, for the first ones.
  func prefetchNotedLines(besides other: BlockBytes?) {
    let lines = notedLines
    var bits = lines.bits
    var left = 12
    while bits != 0 && left > 0 {
      let offset = bits.trailingZeroBitCount &<< lines.shift
      unsafe cairn_prefetch(address + offset)
      if let other { unsafe cairn_prefetch(other.address + offset) }
      bits &= bits &- 1
      left &-= 1
    }
  }

  /// The place of a private version among the changes of its transaction.
  var changeIndex: Int {
    get { unsafe address.load(fromByteOffset: FrameHead.changeIndex, as: Int.self) }
    nonmutating set {
      unsafe UnsafeMutableRawPointer(mutating: address).storeBytes(
        of: newValue, toByteOffset: FrameHead.changeIndex, as: Int.self)
    }
  }

  /// Sets the header's sequence. Not a change to be noted: recovery derives it.
  func setSequence(_ value: UInt64) {
    unsafe UnsafeMutableRawPointer(mutating: address).storeBytes(
      of: value.littleEndian, toByteOffset: BlockHeader.Layout.sequence, as: UInt64.self)
  }

  /// The same bytes for writing: only for the device, on frames that no view can see yet, or on header fields.
  var mutable: MutableBlockBytes { unsafe MutableBlockBytes(UnsafeMutableRawPointer(mutating: address)) }
}
