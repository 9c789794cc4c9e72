public import Synchronization

/// From block number to the newest version in memory: two levels of arrays, so that a lookup is two loads.
///
/// Only the holder of the device's lock (and the writer, for blocks of its own) stores into the table; views read it
/// without a lock. A chunk, once made, stays until the store closes; so does the first level, which is replaced by a
/// larger one when the device grows.
@safe
@usableFromInline
package struct BlockTable {
  /// Blocks of a chunk.
  @usableFromInline static let chunkBlockCount = 4096

  @usableFromInline struct Root: ~Copyable {
    @usableFromInline let chunks: Atomic<UInt>
    @usableFromInline let chunkCount: Atomic<Int>
    init(chunks: UInt, count: Int) {
      self.chunks = Atomic(chunks)
      chunkCount = Atomic(count)
    }
  }

  @usableFromInline let root: UnsafeMutablePointer<Root>

  init(blockCount: UInt64) {
    unsafe root = .allocate(capacity: 1)
    let count = Self.chunkCount(blockCount)
    unsafe root.initialize(to: Root(chunks: Self.makeFirstLevel(count: count), count: count))
  }

  /// Bytes of the first level for so many blocks.
  static func firstLevelByteCount(blockCount: UInt64) -> Int { chunkCount(blockCount) * MemoryLayout<UInt>.size }

  /// Bytes of a chunk.
  static var chunkByteCount: Int {
    (chunkBlockCount + chunkBlockCount / UInt.bitWidth) * MemoryLayout<UInt>.size
  }

  private static func chunkCount(_ blockCount: UInt64) -> Int {
    Int((max(blockCount, 1) + UInt64(chunkBlockCount) - 1) / UInt64(chunkBlockCount))
  }

  private static func makeFirstLevel(count: Int) -> UInt {
    let level = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: count)
    for index in 0..<count { unsafe (level + index).initialize(to: Atomic(0)) }
    return UInt(bitPattern: level)
  }

  /// Frees everything; no view may exist any more.
  func deallocate(retired: [UInt]) {
    let count = unsafe root.pointee.chunkCount.load(ordering: .relaxed)
    let bits = unsafe root.pointee.chunks.load(ordering: .relaxed)
    if let level = unsafe UnsafeMutablePointer<Atomic<UInt>>(bitPattern: bits) {
      for index in 0..<count {
        let chunk = unsafe level[index].load(ordering: .relaxed)
        unsafe UnsafeMutableRawPointer(bitPattern: chunk)?.deallocate()
      }
      unsafe level.deallocate()
    }
    for old in retired { unsafe UnsafeMutableRawPointer(bitPattern: old)?.deallocate() }
    unsafe root.deinitialize(count: 1)
    unsafe root.deallocate()
  }

  /// Makes room for more blocks; the old first level is returned, to be freed with the table.
  func grow(blockCount: UInt64) -> UInt? {
    let count = Self.chunkCount(blockCount)
    let oldCount = unsafe root.pointee.chunkCount.load(ordering: .relaxed)
    guard count > oldCount else { return nil }
    let oldBits = unsafe root.pointee.chunks.load(ordering: .relaxed)
    let newBits = Self.makeFirstLevel(count: max(count, oldCount * 2))
    if let old = unsafe UnsafeMutablePointer<Atomic<UInt>>(bitPattern: oldBits),
      let new = unsafe UnsafeMutablePointer<Atomic<UInt>>(bitPattern: newBits)
    {
      for index in 0..<oldCount {
        unsafe new[index].store(old[index].load(ordering: .relaxed), ordering: .relaxed)
      }
    }
    unsafe root.pointee.chunks.store(newBits, ordering: .releasing)
    unsafe root.pointee.chunkCount.store(max(count, oldCount * 2), ordering: .releasing)
    return oldBits
  }

  @inlinable @inline(__always)
  func chunk(_ block: UInt64) -> UnsafeMutablePointer<Atomic<UInt>>? {
    let index = Int(truncatingIfNeeded: block &>> 12)
    let count = unsafe root.pointee.chunkCount.load(ordering: .acquiring)
    guard index < count, index >= 0 else { return nil }
    let level = unsafe UnsafeMutablePointer<Atomic<UInt>>(
      bitPattern: root.pointee.chunks.load(ordering: .acquiring))
    let bits = unsafe level.unsafelyUnwrapped[index].load(ordering: .acquiring)
    return unsafe UnsafeMutablePointer<Atomic<UInt>>(bitPattern: bits)
  }

  /// The newest version of a block, committed or not.
  @inlinable @inline(__always)
  package func newest(_ block: UInt64) -> BlockBytes? {
    guard let chunk = unsafe chunk(block) else { return nil }
    let index = Int(truncatingIfNeeded: block & 4095)
    let bits = unsafe chunk[index].load(ordering: .acquiring)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    // The mark for the clock hand: written only when it is not there yet, so that hot blocks stay shared between cores.
    let mark = unsafe chunk + (Self.chunkBlockCount &+ index &>> Self.marksShift)
    let bit: UInt = 1 &<< UInt(index & Self.marksMask)
    let marks = unsafe mark.pointee.load(ordering: .relaxed)
    if marks & bit == 0 { unsafe mark.pointee.bitwiseOr(bit, ordering: .relaxed) }
    return unsafe BlockBytes(pointer)
  }

  /// The version of a block that a view of commit `sequence` sees; nil when it is not in memory.
  @inlinable @inline(__always)
  package func find(_ block: UInt64, sequence: UInt64) -> BlockBytes? {
    guard var version = newest(block) else { return nil }
    while version.sequence > sequence {
      guard let older = version.older else { return nil }
      version = older
    }
    return version
  }

  @inlinable @inline(__always) static var marksShift: Int { UInt.bitWidth == 64 ? 6 : 5 }
  @inlinable @inline(__always) static var marksMask: Int { UInt.bitWidth &- 1 }

  /// Publishes (or, with nil, removes) the newest version of a block.
  func set(_ block: UInt64, _ version: BlockBytes?) {
    let index = Int(truncatingIfNeeded: block & 4095)
    let existing = unsafe chunk(block)
    let chunk: UnsafeMutablePointer<Atomic<UInt>>
    if let existing = unsafe existing {
      unsafe chunk = existing
    } else {
      if version == nil { return }
      let words = Self.chunkBlockCount + Self.chunkBlockCount / UInt.bitWidth
      let made = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: words)
      for word in 0..<words { unsafe (made + word).initialize(to: Atomic(0)) }
      let level = unsafe UnsafeMutablePointer<Atomic<UInt>>(
        bitPattern: root.pointee.chunks.load(ordering: .acquiring))
      unsafe level.unsafelyUnwrapped[Int(truncatingIfNeeded: block &>> 12)].store(
        UInt(bitPattern: made), ordering: .releasing)
      unsafe chunk = made
    }
    let bits: UInt = if let version { unsafe UInt(bitPattern: version.address) } else { 0 }
    unsafe chunk[index].store(bits, ordering: .releasing)
  }

  /// The newest version of a block, without leaving a mark.
  func peek(_ block: UInt64) -> BlockBytes? {
    guard let chunk = unsafe chunk(block) else { return nil }
    let bits = unsafe chunk[Int(truncatingIfNeeded: block & 4095)].load(ordering: .acquiring)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe BlockBytes(pointer)
  }

  /// The version without leaving a mark, and whether there was one since the last look: for the clock hand.
  func sweep(_ block: UInt64) -> (version: BlockBytes?, wasUsed: Bool) {
    guard let chunk = unsafe chunk(block) else { return (nil, false) }
    let index = Int(truncatingIfNeeded: block & 4095)
    let bits = unsafe chunk[index].load(ordering: .acquiring)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return (nil, false) }
    let bit: UInt = 1 &<< UInt(index & Self.marksMask)
    let mark = unsafe chunk + (Self.chunkBlockCount + index >> Self.marksShift)
    let old = unsafe mark.pointee.bitwiseAnd(~bit, ordering: .relaxed).oldValue
    return unsafe (BlockBytes(pointer), old & bit != 0)
  }

  /// Whether a whole chunk was never used, so that the clock hand can skip it.
  func isChunkEmpty(_ block: UInt64) -> Bool { unsafe chunk(block) == nil }
}
