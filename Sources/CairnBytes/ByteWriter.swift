/// Builds a byte string out of integers and byte strings: what ``ByteReader`` reads back.
public struct ByteWriter: Sendable {
  /// What has been written so far.
  public private(set) var bytes: [UInt8]

  /// Starts with no bytes.
  public init() {
    bytes = []
  }

  /// Starts with no bytes in the memory of an array that is not needed any more.
  package init(reusing buffer: consuming [UInt8]) {
    buffer.removeAll(keepingCapacity: true)
    bytes = buffer
  }

  /// Hands the bytes out and starts anew.
  package mutating func takeBytes() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return taken
  }

  /// Appends one byte.
  public mutating func uint8(_ value: UInt8) {
    bytes.append(value)
  }

  /// Appends an integer of two bytes.
  public mutating func uint16(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }

  /// Appends an integer of four bytes.
  public mutating func uint32(_ value: UInt32) {
    uint16(UInt16(truncatingIfNeeded: value))
    uint16(UInt16(truncatingIfNeeded: value >> 16))
  }

  /// Appends an integer of eight bytes.
  public mutating func uint64(_ value: UInt64) {
    uint32(UInt32(truncatingIfNeeded: value))
    uint32(UInt32(truncatingIfNeeded: value >> 32))
  }

  /// Appends an integer in as few bytes as it needs (LEB128): seven bits a byte, the lowest first, 1 to 10 bytes.
  public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Appends bytes as they are.
  public mutating func append(_ more: [UInt8]) {
    bytes.append(contentsOf: more)
  }

  /// Appends bytes as they are.
  public mutating func append(_ more: Span<UInt8>) {
    BulkCopy.append(more, to: &bytes)
  }

  /// Appends the length of `more` (a varint) and then `more`.
  public mutating func lengthPrefixed(_ more: [UInt8]) {
    varint(UInt64(more.count))
    bytes.append(contentsOf: more)
  }
}
