import CairnMemory

/// A memory that is flushed once, at the end: for making a store that nobody relies on before it is whole.
final class DeferredFlushMemory: StableMemory {
  private let memory: any StableMemory

  init(_ memory: any StableMemory) { self.memory = memory }

  var pageCount: UInt64 { memory.pageCount }
  var guarantees: MemoryGuarantees { memory.guarantees }
  var isWritable: Bool { memory.isWritable }

  func grow(by pages: UInt64) throws(MemoryError) { try memory.grow(by: pages) }
  func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
    try memory.read(at: offset, into: &bytes)
  }
  func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) { try memory.write(bytes, at: offset) }

  /// Does nothing: `finish()` flushes.
  func flush() {}
  /// Does nothing: what is read must be what was written, durable or not.
  func discardCache() {}

  /// Makes everything durable.
  func finish() throws(MemoryError) { try memory.flush() }
}
