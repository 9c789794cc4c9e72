/// Reads what ``KeyEncoding`` wrote, from bytes that nobody has checked yet.
///
/// Each read ends in a value or in a ``ByteReader/Failure``; only bytes that ``KeyEncoding`` writes are accepted.
public struct KeyReader: Sendable {
  @usableFromInline
  let bytes: [UInt8]

  @usableFromInline
  var position: Int

  /// How many bytes have been read.
  public var offset: Int { position }

  /// Starts at the first of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
  }

  /// How many bytes are left.
  @inlinable
  public var remaining: Int { bytes.count - position }

  /// The next unsigned or signed integer of the width of `Value`.
  @inlinable
  public mutating func integer<Value: FixedWidthInteger>(
    as type: Value.Type = Value.self
  ) throws(ByteReader.Failure) -> Value {
    let byteCount = Value.bitWidth / 8
    guard byteCount <= remaining else { throw .truncated }
    var bits: Value = 0
    for index in position..<position + byteCount {
      // Shifted in two halves: a whole byte is too wide a shift for an integer of one byte.
      bits = (bits << 4) << 4 | Value(truncatingIfNeeded: bytes[index])
    }
    position += byteCount
    return Value.isSigned ? bits ^ Value.min : bits
  }

  /// The next floating-point number.
  public mutating func double() throws(ByteReader.Failure) -> Double {
    let bits = try integer(as: UInt64.self)
    let sign: UInt64 = 1 << 63
    return Double(bitPattern: bits & sign == 0 ? ~bits : bits ^ sign)
  }

  /// The next truth value.
  public mutating func bool() throws(ByteReader.Failure) -> Bool {
    try flag()
  }

  /// The next byte string.
  public mutating func byteString() throws(ByteReader.Failure) -> [UInt8] {
    var value: [UInt8] = []
    var next = position
    while next + 1 < bytes.count {
      let byte = bytes[next]
      guard byte == 0 else {
        value.append(byte)
        next += 1
        continue
      }
      let escape = bytes[next + 1]
      next += 2
      switch escape {
      case 0xFF:
        value.append(0)
      case 0:
        position = next
        return value
      default:
        throw .malformed
      }
    }
    throw .truncated
  }

  /// The next string; bytes that are not UTF-8 are malformed.
  public mutating func string() throws(ByteReader.Failure) -> String {
    let start = position
    guard let value = String(validating: try byteString(), as: UTF8.self) else {
      position = start
      throw .malformed
    }
    return value
  }

  /// The next optional; `readValue` reads the value when there is one.
  @inlinable
  public mutating func optional<Value>(
    _ readValue: (inout KeyReader) throws(ByteReader.Failure) -> Value
  ) throws(ByteReader.Failure) -> Value? {
    let start = position
    guard try flag() else { return nil }
    do throws(ByteReader.Failure) {
      return try readValue(&self)
    } catch {
      position = start
      throw error
    }
  }

  /// Ends the reading: throws ``ByteReader/Failure/trailing`` when bytes are left.
  public func finish() throws(ByteReader.Failure) {
    guard remaining == 0 else { throw .trailing }
  }

  @usableFromInline
  mutating func flag() throws(ByteReader.Failure) -> Bool {
    guard remaining > 0 else { throw .truncated }
    let byte = bytes[position]
    guard byte <= 1 else { throw .malformed }
    position += 1
    return byte == 1
  }
}
