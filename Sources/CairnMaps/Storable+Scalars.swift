public import CairnBytes

// Integers, truth values and floating-point numbers: fixed sizes, the most significant byte first, as in `KeyEncoding`.

extension Storable where Self: FixedWidthInteger {
  /// The most significant byte first; the sign bit is flipped where there is one.
  @inlinable
  public func encode(into bytes: inout [UInt8]) { KeyEncoding.append(self, to: &bytes) }

  /// Reads the integer at an offset.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let byteCount = Self.bitWidth / 8
    guard offset >= 0, bytes.count - offset >= byteCount else { throw .truncated }
    var bits: Self = 0
    for index in offset..<offset + byteCount {
      // Shifted in two halves: a whole byte is too wide a shift for an integer of one byte.
      bits = (bits &<< 4) &<< 4 | Self(truncatingIfNeeded: bytes[index])
    }
    offset += byteCount
    self = Self.isSigned ? bits ^ Self.min : bits
  }
}

extension UInt8: Storable {
  /// One byte.
  public static var storedType: StoredType { StoredType("UInt8", .fixed(1)) }
}

extension UInt16: Storable {
  /// Two bytes.
  public static var storedType: StoredType { StoredType("UInt16", .fixed(2)) }
}

extension UInt32: Storable {
  /// Four bytes.
  public static var storedType: StoredType { StoredType("UInt32", .fixed(4)) }
}

extension UInt64: Storable {
  /// Eight bytes.
  public static var storedType: StoredType { StoredType("UInt64", .fixed(8)) }
}

extension Int8: Storable {
  /// One byte.
  public static var storedType: StoredType { StoredType("Int8", .fixed(1)) }
}

extension Int16: Storable {
  /// Two bytes.
  public static var storedType: StoredType { StoredType("Int16", .fixed(2)) }
}

extension Int32: Storable {
  /// Four bytes.
  public static var storedType: StoredType { StoredType("Int32", .fixed(4)) }
}

extension Int64: Storable {
  /// Eight bytes.
  public static var storedType: StoredType { StoredType("Int64", .fixed(8)) }
}

extension Int: Storable {
  /// The same as `Int64`, on machines of 32 bits, too.
  public static var storedType: StoredType { Int64.storedType }

  /// Eight bytes.
  @inlinable
  public func encode(into bytes: inout [UInt8]) { Int64(self).encode(into: &bytes) }

  /// Reads the integer at an offset; one that this machine has no `Int` for is malformed.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    guard let value = Int(exactly: try Int64(decoding: bytes, at: &offset)) else { throw .malformed }
    self = value
  }
}

extension UInt: Storable {
  /// The same as `UInt64`, on machines of 32 bits, too.
  public static var storedType: StoredType { UInt64.storedType }

  /// Eight bytes.
  @inlinable
  public func encode(into bytes: inout [UInt8]) { UInt64(self).encode(into: &bytes) }

  /// Reads the integer at an offset; one that this machine has no `UInt` for is malformed.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    guard let value = UInt(exactly: try UInt64(decoding: bytes, at: &offset)) else { throw .malformed }
    self = value
  }
}

extension Bool: Storable {
  /// One byte, 0 or 1.
  public static var storedType: StoredType { StoredType("Bool", .fixed(1)) }

  /// One byte.
  public func encode(into bytes: inout [UInt8]) { KeyEncoding.append(self, to: &bytes) }

  /// Reads the value at an offset.
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let byte = try UInt8(decoding: bytes, at: &offset)
    guard byte <= 1 else { throw .malformed }
    self = byte == 1
  }
}

extension Double: Storable {
  /// Eight bytes in IEEE 754's total order.
  public static var storedType: StoredType { StoredType("Double", .fixed(8)) }

  /// Eight bytes.
  public func encode(into bytes: inout [UInt8]) { KeyEncoding.append(self, to: &bytes) }

  /// Reads the number at an offset.
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let bits = try UInt64(decoding: bytes, at: &offset)
    let sign: UInt64 = 1 << 63
    self = Double(bitPattern: bits & sign == 0 ? ~bits : bits ^ sign)
  }
}
