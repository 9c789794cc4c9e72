// The bytes of cached blocks. With `FrameStore.swift` and `BlockTable.swift` this is the only place of the layer that
// touches raw memory: offsets are not checked here, because a block's contents are validated when it enters the cache
// and its users compute offsets from validated numbers.

/// Borrowed bytes of one cached block.
///
/// Valid as long as the view that lent them is pinned. Sixteen bytes behind the block may be read (never interpreted).
@safe
public struct BlockBytes {
  /// The first byte.
  @usableFromInline package let address: UnsafeRawPointer

  @inlinable
  package init(_ address: UnsafeRawPointer) {
    unsafe self.address = address
  }

  @inlinable @inline(__always)
  package func u8(at offset: Int) -> UInt8 { unsafe address.load(fromByteOffset: offset, as: UInt8.self) }

  @inlinable @inline(__always)
  package func u16(at offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: address.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inlinable @inline(__always)
  package func u32(at offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: address.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  package func u64(at offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: address.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Lends `count` bytes from `offset` on.
  @inlinable
  package func withSpan<Result: ~Copyable, Failure: Error>(
    at offset: Int = 0, count: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = unsafe UnsafeBufferPointer(
      start: (address + offset).assumingMemoryBound(to: UInt8.self), count: count)
    return try unsafe body(buffer.span)
  }

  /// The first offset from `start` on, in steps of a word, at which the block differs from another one (from zeros, with
  /// nil); `end` when there is none. Four words at a time: most of a block that was changed is as it was.
  package func firstDifference(from start: Int, to other: BlockBytes?, end: Int) -> Int {
    var offset = start
    if let other {
      while offset &+ 32 <= end {
        let first = (u64(at: offset) ^ other.u64(at: offset)) | (u64(at: offset &+ 8) ^ other.u64(at: offset &+ 8))
        let second =
          (u64(at: offset &+ 16) ^ other.u64(at: offset &+ 16)) | (u64(at: offset &+ 24) ^ other.u64(at: offset &+ 24))
        if (first | second) != 0 { break }
        offset &+= 32
      }
      while offset < end && u64(at: offset) == other.u64(at: offset) { offset &+= 8 }
    } else {
      while offset < end && u64(at: offset) == 0 { offset &+= 8 }
    }
    return offset
  }

  /// Whether both are the same frame.
  static func == (left: BlockBytes, right: BlockBytes) -> Bool { unsafe left.address == right.address }

  /// Whether `count` bytes equal those of another block.
  package func isEqual(to other: BlockBytes, count: Int) -> Bool {
    var offset = 0
    while offset &+ 8 <= count {
      if u64(at: offset) != other.u64(at: offset) { return false }
      offset &+= 8
    }
    while offset < count {
      if u8(at: offset) != other.u8(at: offset) { return false }
      offset &+= 1
    }
    return true
  }

  /// The header's sequence (`BlockHeader.Layout.sequence`): the commit that made this version, `.max` while its transaction
  /// runs.
  @inlinable @inline(__always)
  package var sequence: UInt64 { u64(at: 24) }
}

extension Span<UInt8> {
  /// The first offset from `start` to before `end`, in steps of eight bytes, at which a word stands; nil when there is none.
  /// For going through very many bytes.
  func firstOffset(of word: UInt64, from start: Int, to end: Int) -> Int? {
    precondition(start >= 0 && end <= count - 7, "a word beyond the end of a span")
    return unsafe withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      var offset = start
      while offset < end {
        if unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == word.littleEndian { return offset }
        offset &+= 8
      }
      return nil
    }
  }
}

/// Bytes of a cached block that the running transaction may change.
@safe
public struct MutableBlockBytes {
  /// The first byte.
  @usableFromInline package let address: UnsafeMutableRawPointer

  @inlinable
  package init(_ address: UnsafeMutableRawPointer) {
    unsafe self.address = address
  }

  /// The same bytes for reading.
  @inlinable @inline(__always)
  package var bytes: BlockBytes { unsafe BlockBytes(UnsafeRawPointer(address)) }

  /// Notes that `count` bytes from `offset` on change: whatever is written to a block goes through here, so that a commit
  /// looks for changes only where there can be some.
  @inlinable @inline(__always)
  func note(_ offset: Int, count: Int) {
    let shift = unsafe address.load(fromByteOffset: FrameHead.lineShift, as: Int.self)
    let lines = unsafe address.load(fromByteOffset: FrameHead.lines, as: UInt64.self)
    let first = UInt64.max &<< UInt64(truncatingIfNeeded: offset &>> shift)
    let last = UInt64.max &>> UInt64(truncatingIfNeeded: 63 &- (offset &+ count &- 1) &>> shift)
    unsafe address.storeBytes(of: lines | (first & last), toByteOffset: FrameHead.lines, as: UInt64.self)
  }

  /// Forgets which bytes changed: from here on the block is compared with what it is now.
  func forgetNotes() {
    unsafe address.storeBytes(of: 0, toByteOffset: FrameHead.lines, as: UInt64.self)
  }

  @inlinable @inline(__always)
  package func store(_ value: UInt8, at offset: Int) {
    note(offset, count: 1)
    unsafe address.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  @inlinable @inline(__always)
  package func store(_ value: UInt16, at offset: Int) {
    note(offset, count: 2)
    unsafe address.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inlinable @inline(__always)
  package func store(_ value: UInt32, at offset: Int) {
    note(offset, count: 4)
    unsafe address.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(__always)
  package func store(_ value: UInt64, at offset: Int) {
    note(offset, count: 8)
    unsafe address.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// Copies bytes in from elsewhere.
  @inlinable @inline(__always)
  package func copy(from source: UnsafeRawPointer, count: Int, to offset: Int) {
    guard count > 0 else { return }
    note(offset, count: count)
    unsafe (address + offset).copyMemory(from: source, byteCount: count)
  }

  /// Copies the first `count` bytes of another block, as what later changes are compared with.
  func copyBlock(_ source: BlockBytes, count: Int) {
    unsafe address.copyMemory(from: source.address, byteCount: count)
    forgetNotes()
  }

  /// Copies a span in.
  @inlinable
  package func copy(_ source: Span<UInt8>, to offset: Int) {
    unsafe source.withUnsafeBytes { buffer in
      if let base = buffer.baseAddress { unsafe copy(from: base, count: buffer.count, to: offset) }
    }
  }

  /// Moves bytes inside the block; the ranges may overlap.
  @inlinable @inline(__always)
  package func move(from source: Int, to target: Int, count: Int) {
    guard count > 0 else { return }
    note(target, count: count)
    // `copyMemory` allows overlap: it is memmove.
    unsafe (address + target).copyMemory(from: address + source, byteCount: count)
  }

  /// Fills bytes.
  @inlinable
  package func fill(_ value: UInt8, at offset: Int, count: Int) {
    guard count > 0 else { return }
    note(offset, count: count)
    unsafe (address + offset).initializeMemory(as: UInt8.self, repeating: value, count: count)
  }

  /// Lends `count` bytes from `offset` on for writing.
  @inlinable
  package func withMutableSpan<Result: ~Copyable, Failure: Error>(
    at offset: Int = 0, count: Int, _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if count > 0 { note(offset, count: count) }
    let buffer = unsafe UnsafeMutableBufferPointer(
      start: (address + offset).assumingMemoryBound(to: UInt8.self), count: count)
    var span = unsafe buffer.mutableSpan
    return try body(&span)
  }

  /// Lends `count` bytes from `offset` on for reading.
  @inlinable
  package func withSpan<Result: ~Copyable, Failure: Error>(
    at offset: Int = 0, count: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withSpan(at: offset, count: count, body)
  }
}
