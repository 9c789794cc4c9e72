/// A stable memory on the heap: for tests, for scratch stores, and to see what the device itself costs.
///
/// Nothing survives the process, so a crash leaves nothing, and ``guarantees`` is ``MemoryGuarantees/messageAtomic``.
public final class HeapMemory: StableMemory {
  private let lock = Lock()
  private let segments: HeapSegments
  private let maximumPageCount: UInt64

  /// A memory of `pageCount` zeroed pages that can grow to `maximumPageCount`.
  public init(pageCount: UInt64 = 0, maximumPageCount: UInt64 = HeapMemory.defaultMaximumPageCount) {
    precondition(pageCount <= maximumPageCount, "a memory larger than its own limit")
    self.maximumPageCount = maximumPageCount
    segments = HeapSegments()
    segments.append(pages: pageCount)
  }

  /// 64 GiB on hosts; on a 32-bit machine the address space ends before.
  public static let defaultMaximumPageCount: UInt64 = 1 << 20

  /// The size in pages.
  public var pageCount: UInt64 {
    lock.withLock { segments.pageCount }
  }

  /// A heap dies as a whole.
  public var guarantees: MemoryGuarantees { .messageAtomic }

  /// Always true.
  public var isWritable: Bool { true }

  /// Adds zeroed pages.
  public func grow(by pages: UInt64) throws(MemoryError) {
    try lock.withLock { () throws(MemoryError) in
      guard pages <= maximumPageCount - segments.pageCount else { throw .full }
      segments.append(pages: pages)
    }
  }

  /// Fills `bytes` with what stands at `offset`.
  public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
    lock.lock()
    defer { lock.unlock() }
    try checkBounds(offset: offset, count: bytes.byteCount)
    segments.read(at: offset, into: &bytes)
  }

  /// Puts `bytes` at `offset`.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
    lock.lock()
    defer { lock.unlock() }
    try checkBounds(offset: offset, count: bytes.byteCount)
    segments.write(bytes, at: offset)
  }

  /// Does nothing: there is nothing more durable than the heap here.
  public func flush() {}

  /// Does nothing: there is no cache.
  public func discardCache() {}

  private func checkBounds(offset: UInt64, count: Int) throws(MemoryError) {
    let size = segments.pageCount * MemoryPage.byteCount
    guard offset <= size, UInt64(count) <= size - offset else {
      throw .outOfBounds(offset: offset, count: UInt64(count), size: size)
    }
  }
}
