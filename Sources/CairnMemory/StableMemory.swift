/// One flat, growable memory: what a store lives in.
///
/// The contract mirrors the stable memory of a canister and adds what a file needs. Offsets are in bytes, the size
/// grows in pages of ``MemoryPage/byteCount`` bytes. All calls may come from any thread; a read that overlaps a write
/// of the same time sees any mixture of old and new bytes.
public protocol StableMemory: AnyObject, Sendable {
  /// The size in pages.
  var pageCount: UInt64 { get }

  /// What a crash can leave of writes that were not flushed.
  var guarantees: MemoryGuarantees { get }

  /// Whether ``grow(by:)`` and ``write(_:at:)`` are allowed.
  var isWritable: Bool { get }

  /// Adds zeroed pages at the end: all of them, or none and an error. The space is really there when it returns: later
  /// writes inside the size never fail for lack of it.
  func grow(by pages: UInt64) throws(MemoryError)

  /// Fills `bytes` with what stands at `offset`.
  func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError)

  /// Puts `bytes` at `offset`. They are durable after the next ``flush()``.
  func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError)

  /// Makes everything durable that was written or grown before.
  ///
  /// A failed flush is never repeated, because nobody knows any more which writes the device has dropped: from then on
  /// the memory is poisoned, and every call fails until it is opened anew.
  func flush() throws(MemoryError)

  /// Makes later reads come from the device and not from a cache of the operating system. It flushes first, because
  /// only bytes that the device has can be dropped. A memory without such a cache does nothing.
  func discardCache() throws(MemoryError)
}

extension StableMemory {
  /// The size in bytes.
  public var byteCount: UInt64 { pageCount * MemoryPage.byteCount }
}

/// The unit in which a stable memory grows.
public enum MemoryPage {
  /// 64 KiB, the page of WebAssembly.
  public static let byteCount: UInt64 = 65536
}

/// What a crash can leave of writes that were not flushed.
public enum MemoryGuarantees: Equatable, Sendable {
  /// A message's writes all happen or none: the memory of a canister, which the replica rolls back.
  case messageAtomic
  /// Any subset of sectors of `byteCount` bytes, in any order; a sector in flight may hold garbage: a file.
  case sectors(byteCount: Int)
}
