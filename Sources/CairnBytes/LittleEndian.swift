/// Little-endian integers inside byte buffers: the byte order of everything that Cairn stores.
///
/// The bodies are flat on purpose. After the one precondition the compiler sees that every subscript is in bounds and
/// merges them into a single unaligned load or store; a loop over the bytes costs seven times as many instructions.
/// A place outside the buffer is a programmer's error and stops the program: whoever reads bytes that somebody else
/// made checks their length first, or uses ``ByteReader``.
package enum LittleEndian {
  /// The 16-bit integer at `offset`.
  @inlinable
  package static func uint16(_ bytes: Span<UInt8>, at offset: Int) -> UInt16 {
    precondition(offset >= 0 && offset <= bytes.count - 2, "a 16-bit integer outside its buffer")
    return UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
  }

  /// The 32-bit integer at `offset`.
  @inlinable
  package static func uint32(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset <= bytes.count - 4, "a 32-bit integer outside its buffer")
    let low = UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8
    return low | UInt32(bytes[offset + 2]) << 16 | UInt32(bytes[offset + 3]) << 24
  }

  /// The 64-bit integer at `offset`.
  @inlinable
  package static func uint64(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset <= bytes.count - 8, "a 64-bit integer outside its buffer")
    let first = UInt64(bytes[offset]) | UInt64(bytes[offset + 1]) << 8
    let second = UInt64(bytes[offset + 2]) << 16 | UInt64(bytes[offset + 3]) << 24
    let third = UInt64(bytes[offset + 4]) << 32 | UInt64(bytes[offset + 5]) << 40
    let fourth = UInt64(bytes[offset + 6]) << 48 | UInt64(bytes[offset + 7]) << 56
    return first | second | third | fourth
  }

  /// Puts a 16-bit integer at `offset`.
  @inlinable
  package static func store(_ value: UInt16, in bytes: inout MutableSpan<UInt8>, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - 2, "a 16-bit integer outside its buffer")
    bytes[offset] = UInt8(truncatingIfNeeded: value)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
  }

  /// Puts a 32-bit integer at `offset`.
  @inlinable
  package static func store(_ value: UInt32, in bytes: inout MutableSpan<UInt8>, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - 4, "a 32-bit integer outside its buffer")
    bytes[offset] = UInt8(truncatingIfNeeded: value)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 2] = UInt8(truncatingIfNeeded: value >> 16)
    bytes[offset + 3] = UInt8(truncatingIfNeeded: value >> 24)
  }

  /// Puts a 64-bit integer at `offset`.
  @inlinable
  package static func store(_ value: UInt64, in bytes: inout MutableSpan<UInt8>, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - 8, "a 64-bit integer outside its buffer")
    bytes[offset] = UInt8(truncatingIfNeeded: value)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 2] = UInt8(truncatingIfNeeded: value >> 16)
    bytes[offset + 3] = UInt8(truncatingIfNeeded: value >> 24)
    bytes[offset + 4] = UInt8(truncatingIfNeeded: value >> 32)
    bytes[offset + 5] = UInt8(truncatingIfNeeded: value >> 40)
    bytes[offset + 6] = UInt8(truncatingIfNeeded: value >> 48)
    bytes[offset + 7] = UInt8(truncatingIfNeeded: value >> 56)
  }
}
