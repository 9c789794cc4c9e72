/// The memory that cached blocks live in.
///
/// A frame is a 64-byte head and the bytes of one version of one block:
///
///     offset  size  field
///        -64     8  address of the bytes of the next older version, 0 for none
///        -56     8  block number
///        -48     8  epoch in which the frame was retired
///        -40     8  address of the next frame in the free or the retired list
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
  private var freeList: UInt = 0
  private var retiredFirst: UInt = 0
  private var retiredLast: UInt = 0
  /// Frames that hold a version or are retired.
  private(set) var usedCount = 0

  static let headByteCount = 64
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
    if freeList != 0, let free = unsafe UnsafeMutableRawPointer(bitPattern: freeList) {
      unsafe bytes = free
      freeList = unsafe free.load(fromByteOffset: Head.next, as: UInt.self)
    } else {
      if unusedInArena == 0 {
        // One more head behind the last frame: the readable slack of 16 bytes.
        let arena = UnsafeMutableRawPointer.allocate(
          byteCount: framesPerArena * stride + Self.headByteCount, alignment: 4096)
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
    let bits = unsafe UInt(bitPattern: frame.address)
    unsafe UnsafeMutableRawPointer(mutating: frame.address).storeBytes(
      of: freeList, toByteOffset: Head.next, as: UInt.self)
    freeList = bits
    usedCount -= 1
  }

  /// Takes a frame that views pinned at `epoch` or before may still read.
  func retire(_ frame: BlockBytes, epoch: UInt64) {
    let pointer = unsafe UnsafeMutableRawPointer(mutating: frame.address)
    unsafe pointer.storeBytes(of: epoch, toByteOffset: Head.epoch, as: UInt64.self)
    unsafe pointer.storeBytes(of: 0, toByteOffset: Head.next, as: UInt.self)
    let bits = UInt(bitPattern: pointer)
    if let last = unsafe UnsafeMutableRawPointer(bitPattern: retiredLast) {
      unsafe last.storeBytes(of: bits, toByteOffset: Head.next, as: UInt.self)
    } else {
      retiredFirst = bits
    }
    retiredLast = bits
  }

  /// Frees the retired frames of epochs before `epoch`.
  func reclaim(before epoch: UInt64) {
    while let first = unsafe UnsafeMutableRawPointer(bitPattern: retiredFirst) {
      guard unsafe first.load(fromByteOffset: Head.epoch, as: UInt64.self) < epoch else { return }
      retiredFirst = unsafe first.load(fromByteOffset: Head.next, as: UInt.self)
      if retiredFirst == 0 { retiredLast = 0 }
      unsafe first.storeBytes(of: freeList, toByteOffset: Head.next, as: UInt.self)
      freeList = UInt(bitPattern: first)
      usedCount -= 1
    }
  }

  /// Whether retired frames wait for views to unpin.
  var hasRetired: Bool { retiredFirst != 0 }
}

/// Offsets in the head of a frame, from the block's first byte.
@usableFromInline
enum FrameHead {
  @inlinable static var older: Int { -64 }
  static var block: Int { -56 }
  static var epoch: Int { -48 }
  static var next: Int { -40 }
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

  /// The place of a private version among the changes of its transaction.
  var changeIndex: Int {
    get { unsafe address.load(fromByteOffset: FrameHead.changeIndex, as: Int.self) }
    nonmutating set {
      unsafe UnsafeMutableRawPointer(mutating: address).storeBytes(
        of: newValue, toByteOffset: FrameHead.changeIndex, as: Int.self)
    }
  }

  /// The same bytes for writing: only for the device, on frames that no view can see yet, or on header fields.
  var mutable: MutableBlockBytes { unsafe MutableBlockBytes(UnsafeMutableRawPointer(mutating: address)) }
}
