internal import Glibc

/// Memory that values are copied to.
@safe
final class ReadBuffer {
  private let address: UnsafeMutableRawPointer
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    unsafe address = .allocate(byteCount: max(capacity, 16), alignment: 4096)
    unsafe address.initializeMemory(as: UInt8.self, repeating: 0, count: max(capacity, 16))
  }

  deinit { unsafe address.deallocate() }

  /// Copies bytes in, as many as there is room for; how many there are.
  @inline(__always)
  func fill(_ bytes: RawSpan) -> Int {
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return 0 }
      return unsafe fill(start, count: source.count)
    }
  }

  /// Copies bytes in, as many as there is room for; how many there are.
  @inline(__always)
  func fill(_ source: UnsafeRawPointer, count: Int) -> Int {
    unsafe address.copyMemory(from: source, byteCount: min(count, capacity))
    return count
  }

  /// Lends the memory to be written.
  func withMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: address, count: capacity))
  }

  /// Lends the memory to be written, as a span.
  func withMutableSpan<Result, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: address, count: capacity)
    var span = unsafe buffer.mutableBytes
    return try body(&span)
  }

  /// Whether the first bytes equal those of a span.
  func begins(with bytes: RawSpan) -> Bool {
    unsafe bytes.withUnsafeBytes { other in
      guard let start = other.baseAddress else { return true }
      return unsafe memcmp(address, start, other.count) == 0
    }
  }

  /// Whether the bytes at an offset equal those of a span.
  func contains(_ bytes: RawSpan, at offset: Int) -> Bool {
    unsafe bytes.withUnsafeBytes { other in
      guard let start = other.baseAddress else { return true }
      return unsafe memcmp(address + offset, start, other.count) == 0
    }
  }

  /// The first eight bytes as a number.
  var firstWord: UInt64 {
    get { unsafe address.loadUnaligned(as: UInt64.self) }
    set { unsafe address.storeBytes(of: newValue, as: UInt64.self) }
  }

  /// Lends the first `count` bytes for reading.
  func withBytes<Result>(_ count: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
    let buffer = unsafe UnsafeRawBufferPointer(start: address, count: count)
    return try unsafe body(buffer.bytes)
  }
}

extension Touch {
  /// Looks at a record.
  @inline(__always)
  mutating func add(_ key: RawSpan, _ value: RawSpan) {
    unsafe add(
      key.unsafeLoadUnaligned(as: UInt64.self), value.unsafeLoadUnaligned(as: UInt64.self))
  }

  /// Looks at a record.
  @inline(__always)
  mutating func add(_ key: UnsafeRawPointer, _ value: UnsafeRawPointer) {
    unsafe add(key.loadUnaligned(as: UInt64.self), value.loadUnaligned(as: UInt64.self))
  }
}
