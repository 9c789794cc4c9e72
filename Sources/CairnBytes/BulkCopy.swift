/// Moves many bytes at once: between spans, and from spans into arrays.
///
/// The standard library of Swift 6.3 cannot copy between spans but byte by byte, so this is one of the few files that
/// go through raw memory. Every copy checks its bounds first.
package enum BulkCopy {
  /// A copy of `bytes`.
  package static func array(_ bytes: RawSpan) -> [UInt8] {
    unsafe bytes.withUnsafeBytes { source in unsafe [UInt8](source) }
  }

  /// A copy of `bytes`.
  package static func array(_ bytes: Span<UInt8>) -> [UInt8] {
    unsafe bytes.withUnsafeBufferPointer { source in unsafe [UInt8](source) }
  }

  /// Appends `bytes` to `array`.
  package static func append(_ bytes: RawSpan, to array: inout [UInt8]) {
    unsafe bytes.withUnsafeBytes { source in unsafe array.append(contentsOf: source) }
  }

  /// Appends `bytes` to `array`.
  package static func append(_ bytes: Span<UInt8>, to array: inout [UInt8]) {
    unsafe bytes.withUnsafeBufferPointer { source in unsafe array.append(contentsOf: source) }
  }

  /// Copies all of `source` into `target`, beginning at `offset` there.
  package static func copy(_ source: RawSpan, into target: inout MutableRawSpan, at offset: Int = 0) {
    precondition(offset >= 0 && source.byteCount <= target.byteCount - offset, "a copy beyond the end of its target")
    unsafe source.withUnsafeBytes { from in
      unsafe target.withUnsafeMutableBytes { to in
        guard let start = to.baseAddress, let bytes = from.baseAddress else { return }
        unsafe start.advanced(by: offset).copyMemory(from: bytes, byteCount: from.count)
      }
    }
  }

  /// Copies all of `source` into `target`, beginning at `offset` there.
  package static func copy(_ source: Span<UInt8>, into target: inout MutableSpan<UInt8>, at offset: Int = 0) {
    precondition(offset >= 0 && source.count <= target.count - offset, "a copy beyond the end of its target")
    unsafe source.withUnsafeBufferPointer { from in
      unsafe target.withUnsafeMutableBufferPointer { to in
        guard let start = to.baseAddress, let bytes = from.baseAddress else { return }
        unsafe start.advanced(by: offset).update(from: bytes, count: from.count)
      }
    }
  }

  /// Lends the bytes of a raw span as a span of bytes.
  package static func withBytes<R, E: Error>(
    of bytes: RawSpan, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try unsafe bytes.withUnsafeBytes { (buffer) throws(E) -> R in
      try unsafe body(buffer.assumingMemoryBound(to: UInt8.self).span)
    }
  }

  /// Lends the bytes of `array` as a raw span.
  package static func withRawSpan<R, E: Error>(
    of array: [UInt8],
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let span = array.span
    return try body(unsafe span.bytes)
  }

  /// Lends the bytes of `array` as a raw span that can be written.
  package static func withMutableRawSpan<R, E: Error>(
    of array: inout [UInt8],
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    var span = array.mutableSpan
    var bytes = unsafe span.mutableBytes
    return try body(&bytes)
  }
}
