/// Encodings that keep order: encoded keys, compared byte by byte, stand in the order of the values.
///
/// Encodings may be appended one after the other; the result orders by the first value, then by the second, and so on,
/// because no encoding is a prefix of another one of its kind. ``KeyReader`` reads them back.
///
///     value             bytes
///     unsigned integer  its width in bytes, the most significant first
///     signed integer    as the unsigned one, with the sign bit flipped
///     Double            8 bytes, most significant first: sign bit flipped, or all bits when it was set
///     Bool              00 or 01
///     byte string       each byte, 00 as 00 FF; then 00 00
///     String            the byte string of its UTF-8
///     optional          00 for none; 01 and the value for some
///
/// Doubles stand in IEEE 754's total order: negative NaN, -infinity, ..., -0, +0, ..., +infinity, NaN. Strings stand in
/// the order of their UTF-8, and strings that merely look equal have different keys.
public enum KeyEncoding {
  /// Appends an unsigned integer, or a signed one, at its full width.
  @inlinable
  public static func append<Value: FixedWidthInteger>(_ value: Value, to key: inout [UInt8]) {
    var bits = value
    if Value.isSigned { bits ^= Value.min }
    var shift = Value.bitWidth
    while shift > 0 {
      shift -= 8
      key.append(UInt8(truncatingIfNeeded: bits >> Value(shift)))
    }
  }

  /// Appends a floating-point number.
  public static func append(_ value: Double, to key: inout [UInt8]) {
    let bits = value.bitPattern
    let sign: UInt64 = 1 << 63
    append(bits & sign == 0 ? bits | sign : ~bits, to: &key)
  }

  /// Appends a truth value; false comes first.
  public static func append(_ value: Bool, to key: inout [UInt8]) {
    key.append(value ? 1 : 0)
  }

  /// Appends a byte string of any length.
  public static func append(_ value: [UInt8], to key: inout [UInt8]) {
    if value.contains(0) {
      for byte in value { append(escaping: byte, to: &key) }
    } else {
      key.append(contentsOf: value)
    }
    appendTerminator(to: &key)
  }

  /// Appends a string as its UTF-8 bytes.
  public static func append(_ value: String, to key: inout [UInt8]) {
    let start = key.count
    key.append(contentsOf: value.utf8)
    // Zeros are rare: then it is done again, byte by byte.
    if key[start...].contains(0) {
      key.removeLast(key.count - start)
      for byte in value.utf8 { append(escaping: byte, to: &key) }
    }
    appendTerminator(to: &key)
  }

  /// Appends an optional: none stands before every value. `appendValue` appends the value that is there.
  @inlinable
  public static func append<Value>(
    _ value: Value?,
    to key: inout [UInt8],
    _ appendValue: (Value, inout [UInt8]) -> Void
  ) {
    guard let value else {
      key.append(0)
      return
    }
    key.append(1)
    appendValue(value, &key)
  }

  private static func append(escaping byte: UInt8, to key: inout [UInt8]) {
    key.append(byte)
    if byte == 0 { key.append(0xFF) }
  }

  private static func appendTerminator(to key: inout [UInt8]) {
    key.append(0)
    key.append(0)
  }
}
