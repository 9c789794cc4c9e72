#if arch(wasm32)
  import CairnMemory

  /// L1: the memory contract, through the heap's.
  func smokeMemory() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 1, maximumPageCount: 40)
    do throws(MemoryError) {
      try memory.grow(by: 20)
      let sent: [UInt8] = [1, 2, 3, 4]
      try write(sent, to: memory, at: 1_048_574)
      try memory.flush()
      try memory.discardCache()
      guard try bytes(of: memory, at: 1_048_574, count: 4) == sent else { return false }
    } catch {
      return false
    }
    guard memory.pageCount == 21, memory.byteCount == 21 * MemoryPage.byteCount, memory.isWritable,
      memory.guarantees == .messageAtomic
    else { return false }
    do throws(MemoryError) {
      try memory.grow(by: 20)
      return false
    } catch {
      return error == .full && !error.description.utf8.isEmpty
    }
  }

  /// Writes an array.
  func write(_ array: [UInt8], to memory: any StableMemory, at offset: UInt64) throws(MemoryError) {
    let span = array.span
    try memory.write(unsafe span.bytes, at: offset)
  }

  /// Reads an array.
  func bytes(of memory: any StableMemory, at offset: UInt64, count: Int) throws(MemoryError) -> [UInt8] {
    var array = [UInt8](repeating: 0, count: count)
    var span = array.mutableSpan
    var bytes = unsafe span.mutableBytes
    try memory.read(at: offset, into: &bytes)
    return array
  }
#endif
