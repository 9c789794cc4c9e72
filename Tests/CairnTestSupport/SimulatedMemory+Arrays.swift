import CairnBytes
public import CairnMemory

extension SimulatedMemory {
  /// Writes the bytes of an array.
  public func write(_ bytes: [UInt8], at offset: Int) throws(MemoryError) {
    try BulkCopy.withRawSpan(of: bytes) { span throws(MemoryError) in try write(span, at: UInt64(offset)) }
  }

  /// Reads over the bytes of an array.
  public func read(into bytes: inout [UInt8], at offset: Int) throws(MemoryError) {
    try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(MemoryError) in try read(at: UInt64(offset), into: &span)
    }
  }
}
