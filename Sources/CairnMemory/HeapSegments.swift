#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The bytes of a ``HeapMemory``: segments of equal size, so that growing never moves what is there.
///
/// The owner holds a lock around every call and has checked the bounds.
final class HeapSegments: @unchecked Sendable {
  /// 16 pages: large enough that the system hands out untouched zeros, small enough for a little store.
  private static let pagesPerSegment: UInt64 = 16
  fileprivate static let byteCount = Int(pagesPerSegment * MemoryPage.byteCount)

  private var segments: [Segment] = []
  private(set) var pageCount: UInt64 = 0

  deinit {
    for segment in segments {
      segment.release()
    }
  }

  /// Adds zeroed pages.
  func append(pages: UInt64) {
    pageCount += pages
    while UInt64(segments.count) * Self.pagesPerSegment < pageCount {
      segments.append(Segment())
    }
  }

  func read(at offset: UInt64, into bytes: inout MutableRawSpan) {
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe forEachRun(at: offset, count: target.count) { segment, position, count in
        guard let base = target.baseAddress else { return }
        unsafe base.advanced(by: position).copyMemory(from: segment, byteCount: count)
      }
    }
  }

  func write(_ bytes: RawSpan, at offset: UInt64) {
    unsafe bytes.withUnsafeBytes { source in
      unsafe forEachRun(at: offset, count: source.count) { segment, position, count in
        guard let base = source.baseAddress else { return }
        unsafe segment.copyMemory(from: base.advanced(by: position), byteCount: count)
      }
    }
  }

  /// Calls `body` for each run of bytes in one segment: where it lies, its distance from `offset`, its length.
  @inline(__always)
  private func forEachRun(
    at offset: UInt64,
    count: Int,
    _ body: (_ segment: UnsafeMutableRawPointer, _ position: Int, _ count: Int) -> Void
  ) {
    var position = 0
    while position < count {
      let start = offset + UInt64(position)
      let inner = Int(start % UInt64(Self.byteCount))
      let run = min(count - position, Self.byteCount - inner)
      let segment = segments[Int(start / UInt64(Self.byteCount))]
      unsafe body(segment.base + inner, position, run)
      position += run
    }
  }
}

/// ``HeapSegments/byteCount`` bytes of the heap, zero at first. Whoever made it releases it.
@safe
private struct Segment {
  let base: UnsafeMutableRawPointer

  #if canImport(Glibc) || canImport(Musl) || canImport(Darwin)
    /// The system's zeros cost nothing until they are touched.
    init() {
      guard let base = unsafe calloc(1, HeapSegments.byteCount) else { preconditionFailure("out of memory") }
      unsafe self.base = base
    }

    func release() {
      unsafe free(base)
    }
  #else
    init() {
      unsafe base = .allocate(byteCount: HeapSegments.byteCount, alignment: 16)
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: HeapSegments.byteCount)
    }

    func release() {
      unsafe base.deallocate()
    }
  #endif
}
