// Keys and values by address. This file, `TreeNode.swift`, `MutableTreeNode.swift`, `TreeNodeBuilder.swift` and
// `TreeWorkspace.swift` are the only ones of the layer that touch raw memory: the search spends its time here, and a
// bounds check for each load costs a fifth of it.

import CairnBlocks

/// Borrowed bytes: a key, the part of a key behind a node's prefix, or a value.
///
/// Valid only as long as what lends it: a pinned view, a workspace, or the span of a caller.
@safe
@usableFromInline
package struct BorrowedBytes {
  @usableFromInline let address: UnsafeRawPointer
  @usableFromInline package let count: Int

  @inlinable @inline(__always)
  init(_ address: UnsafeRawPointer, count: Int) {
    unsafe self.address = address
    self.count = count
  }

  /// The bytes of a span that the caller was given as a parameter, so that they outlive the call.
  @inline(__always)
  init(_ span: RawSpan) {
    self = unsafe span.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return .empty }
      return unsafe BorrowedBytes(base, count: buffer.count)
    }
  }

  /// Nothing. The address is never read.
  @inline(__always)
  static var empty: BorrowedBytes {
    unsafe BorrowedBytes(UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped, count: 0)
  }

  /// The bytes behind the first `length`, which must not be more than there are.
  @inline(__always)
  func dropping(_ length: Int) -> BorrowedBytes {
    unsafe BorrowedBytes(address + length, count: count &- length)
  }

  /// A part of the bytes, within them.
  @inline(__always)
  func part(_ range: Range<Int>) -> BorrowedBytes {
    unsafe BorrowedBytes(address + range.lowerBound, count: range.count)
  }

  /// The first `length` bytes, or all.
  @inline(__always)
  func prefix(_ length: Int) -> BorrowedBytes {
    unsafe BorrowedBytes(address, count: min(length, count))
  }

  @inline(__always)
  subscript(_ index: Int) -> UInt8 { unsafe address.load(fromByteOffset: index, as: UInt8.self) }

  /// The first four bytes as a number, the first byte the most significant, with zeros for missing ones: in the order of
  /// keys, except that equal heads decide nothing.
  @inline(__always)
  var head: UInt32 {
    if count >= 4 { return unsafe UInt32(bigEndian: address.loadUnaligned(as: UInt32.self)) }
    var head: UInt32 = 0
    var index = 0
    while index < count {
      head |= UInt32(self[index]) &<< UInt32(24 &- 8 &* index)
      index &+= 1
    }
    return head
  }

  /// The bytes that do not fit in the head.
  @inline(__always)
  var rest: BorrowedBytes { count > 4 ? dropping(4) : dropping(count) }

  /// Less than, equal to or greater than zero, as the bytes are ordered before, the same as or behind `other`.
  @inline(__always)
  func compare(_ other: BorrowedBytes) -> Int {
    let common = min(count, other.count)
    if common >= 8 {
      var offset = 0
      while true {
        let mine = unsafe address.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let theirs = unsafe other.address.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        if mine != theirs { return UInt64(bigEndian: mine) < UInt64(bigEndian: theirs) ? -1 : 1 }
        if offset &+ 8 >= common { return count &- other.count }
        // The last step goes over some bytes again rather than byte by byte.
        offset = min(offset &+ 8, common &- 8)
      }
    }
    var offset = 0
    while offset < common {
      let difference = Int(self[offset]) &- Int(other[offset])
      if difference != 0 { return difference }
      offset &+= 1
    }
    return count &- other.count
  }

  /// How many bytes both begin with.
  func commonPrefixByteCount(_ other: BorrowedBytes) -> Int {
    let common = min(count, other.count)
    var offset = 0
    while offset < common && self[offset] == other[offset] { offset &+= 1 }
    return offset
  }

  /// A copy.
  func array() -> [UInt8] {
    unsafe [UInt8](UnsafeRawBufferPointer(start: address, count: count))
  }

  /// Appends a copy to an array.
  func append(to array: inout [UInt8]) {
    unsafe array.append(contentsOf: UnsafeRawBufferPointer(start: address, count: count))
  }

  /// Lends the bytes as a span.
  @inlinable @inline(__always)
  func withSpan<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = unsafe UnsafeRawBufferPointer(start: address, count: count)
    return try unsafe body(buffer.bytes)
  }
}

extension Array where Element == UInt8 {
  /// Borrows the elements, which stay where they are while `body` runs.
  @inline(__always)
  func withBorrowedBytes<Result, Failure: Error>(
    _ body: (BorrowedBytes) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe span.withUnsafeBytes { (buffer) throws(Failure) -> Result in
      guard let base = buffer.baseAddress else { return try body(.empty) }
      return try unsafe body(BorrowedBytes(base, count: buffer.count))
    }
  }
}

extension ArraySlice where Element == UInt8 {
  /// Borrows the elements, which stay where they are while `body` runs.
  func withBorrowedBytes<Result, Failure: Error>(
    _ body: (BorrowedBytes) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe span.withUnsafeBytes { (buffer) throws(Failure) -> Result in
      guard let base = buffer.baseAddress else { return try body(.empty) }
      return try unsafe body(BorrowedBytes(base, count: buffer.count))
    }
  }
}

extension Span where Element == UInt8 {
  /// Borrows the bytes as those of a block. Nothing may be read behind them.
  func withBorrowedBlock<Result>(_ body: (BlockBytes) -> Result) -> Result {
    unsafe withUnsafeBytes { buffer in
      unsafe body(BlockBytes(buffer.baseAddress ?? BorrowedBytes.empty.address))
    }
  }
}
