// From the engine's byte spans to the memory contract's raw spans. The conversions only reinterpret bytes as bytes.

package import CairnMemory

/// Writes bytes to the memory.
package func writeMemory(
  _ memory: any StableMemory, _ bytes: Span<UInt8>, at offset: UInt64
) throws(StorageError) {
  do { try memory.write(unsafe bytes.bytes, at: offset) } catch { throw .memory(error) }
}

/// Reads bytes from the memory into a part of a span.
package func readMemory(
  _ memory: any StableMemory, at offset: UInt64, into bytes: inout MutableSpan<UInt8>, lower: Int = 0,
  count: Int? = nil
) throws(MemoryError) {
  var part = bytes._mutatingExtracting(lower..<(count.map { lower + $0 } ?? bytes.count))
  var raw = unsafe part.mutableBytes
  try memory.read(at: offset, into: &raw)
}
