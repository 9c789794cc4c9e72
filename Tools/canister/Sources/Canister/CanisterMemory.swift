#if arch(wasm32)
  public import CairnMemory
  import CSystemAPI

  /// The stable memory of the canister that this code runs in.
  ///
  /// The replica takes back what a message wrote when it traps, and what a query wrote in any case, so ``guarantees`` is
  /// ``MemoryGuarantees/messageAtomic``, and a flush has nothing to do. There is one stable memory, and it belongs to
  /// ``shared``: nothing else of the canister may grow or write it.
  public final class CanisterMemory: StableMemory, @unchecked Sendable {
    /// The canister's stable memory.
    public static let shared = CanisterMemory()

    // A canister has one thread. The size is kept here, because asking the replica costs more than a small read; a
    // message that traps takes back the heap and the growth alike.
    private var size: UInt64

    private init() { size = ic0_stable64_size() }

    /// The size in pages.
    public var pageCount: UInt64 { size }

    /// The replica takes a message back as a whole.
    public var guarantees: MemoryGuarantees { .messageAtomic }

    /// Always true. What a query writes is gone when it ends.
    public var isWritable: Bool { true }

    /// Adds zeroed pages; `full` when the replica refuses, because the subnet has no room or the canister no cycles.
    public func grow(by pages: UInt64) throws(MemoryError) {
      let before = ic0_stable64_grow(pages)
      guard before != .max else { throw .full }
      size = before + pages
    }

    /// Fills `bytes` with what stands at `offset`.
    public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
      try checkBounds(offset: offset, count: bytes.byteCount)
      unsafe bytes.withUnsafeMutableBytes { target in
        unsafe ic0_stable64_read(SystemAddress.wide(target.baseAddress), offset, UInt64(target.count))
      }
    }

    /// Puts `bytes` at `offset`.
    public func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
      try checkBounds(offset: offset, count: bytes.byteCount)
      unsafe bytes.withUnsafeBytes { source in
        unsafe ic0_stable64_write(offset, SystemAddress.wide(source.baseAddress), UInt64(source.count))
      }
    }

    /// Does nothing: what a message wrote is durable when it ends.
    public func flush() {}

    /// Does nothing: there is no cache.
    public func discardCache() {}

    /// The replica would trap, and a caller could not say why.
    private func checkBounds(offset: UInt64, count: Int) throws(MemoryError) {
      let byteCount = size * MemoryPage.byteCount
      guard offset <= byteCount, UInt64(count) <= byteCount - offset else {
        throw .outOfBounds(offset: offset, count: UInt64(count), size: byteCount)
      }
    }
  }
#endif
