/// Reads integers and byte strings one after the other from bytes that nobody has checked yet.
///
/// Whatever the bytes are, a read ends in a value or in a ``Failure``: it never stops the program, and it never
/// allocates more than the bytes that are there. Integers are little-endian. After a failure the reader stays where it
/// was before the failing call.
public struct ByteReader: Sendable {
  /// Why bytes could not be read.
  public enum Failure: Error, Equatable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// The bytes are there, but no writer makes such bytes.
    case malformed
    /// The value was complete, and bytes are left behind it.
    case trailing
  }

  private let bytes: [UInt8]

  /// How many bytes have been read.
  public private(set) var offset: Int

  /// Starts at the first of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    offset = 0
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.count - offset }

  /// The next byte.
  public mutating func uint8() throws(Failure) -> UInt8 {
    let start = try take(1)
    return bytes[start]
  }

  /// The next two bytes as an integer.
  public mutating func uint16() throws(Failure) -> UInt16 {
    let start = try take(2)
    return LittleEndian.uint16(bytes.span, at: start)
  }

  /// The next four bytes as an integer.
  public mutating func uint32() throws(Failure) -> UInt32 {
    let start = try take(4)
    return LittleEndian.uint32(bytes.span, at: start)
  }

  /// The next eight bytes as an integer.
  public mutating func uint64() throws(Failure) -> UInt64 {
    let start = try take(8)
    return LittleEndian.uint64(bytes.span, at: start)
  }

  /// The next integer of variable length (LEB128). Only the shortest form of each integer is accepted, so that equal
  /// values have equal bytes.
  public mutating func varint() throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    var position = offset
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard position < bytes.count else { throw .truncated }
      let byte = bytes[position]
      position += 1
      // The tenth byte holds the one bit that is left of 64.
      guard shift < 63 || byte <= 1 else { throw .malformed }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 {
        guard byte != 0 || shift == 0 else { throw .malformed }
        offset = position
        return value
      }
    }
    throw .malformed
  }

  /// The next `count` bytes.
  public mutating func bytes(count: Int) throws(Failure) -> [UInt8] {
    let start = try take(count)
    return [UInt8](bytes[start..<offset])
  }

  /// Steps over the next `count` bytes.
  public mutating func skip(_ count: Int) throws(Failure) { _ = try take(count) }

  /// A byte string behind its length. A length above `limit` is malformed, and nothing is allocated for it.
  public mutating func lengthPrefixed(limit: Int) throws(Failure) -> [UInt8] {
    let start = offset
    do throws(Failure) {
      let count = try varint()
      guard limit >= 0, count <= UInt64(limit) else { throw .malformed }
      return try bytes(count: Int(count))
    } catch {
      offset = start
      throw error
    }
  }

  /// Ends the reading: throws ``Failure/trailing`` when bytes are left.
  public func finish() throws(Failure) {
    guard remaining == 0 else { throw .trailing }
  }

  /// Steps over `count` bytes and returns where they begin.
  private mutating func take(_ count: Int) throws(Failure) -> Int {
    guard count >= 0 else { throw .malformed }
    guard count <= remaining else { throw .truncated }
    let start = offset
    offset += count
    return start
  }
}
