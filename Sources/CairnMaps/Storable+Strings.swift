public import CairnBytes

// Bytes and strings: in front of others each 00 as 00 FF, and 00 00 at the end, as in `KeyEncoding`; alone as they are.

extension [UInt8]: Storable {
  /// Any number of bytes.
  public static var storedType: StoredType { StoredType("Bytes", .unbounded) }

  /// The bytes in byte order.
  public func encode(into bytes: inout [UInt8]) { KeyEncoding.append(self, to: &bytes) }

  /// Reads the bytes at an offset.
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    guard offset >= 0 else { throw .malformed }
    var value: [UInt8] = []
    var start = offset
    var next = offset
    while next < bytes.count {
      guard bytes[next] == 0 else {
        next += 1
        continue
      }
      guard next + 1 < bytes.count else { throw .truncated }
      let escape = bytes[next + 1]
      // A zero that belongs to the value goes over with what stands before it.
      BulkCopy.append(bytes.extracting(start..<(escape == 0xFF ? next + 1 : next)), to: &value)
      next += 2
      start = next
      if escape == 0 {
        offset = next
        self = value
        return
      }
      guard escape == 0xFF else { throw .malformed }
    }
    throw .truncated
  }

  /// The bytes as they are.
  public func encodeAlone(into bytes: inout [UInt8]) { bytes.append(contentsOf: self) }

  /// All of the bytes.
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) { self = BulkCopy.array(bytes) }
}

extension String: Storable {
  /// Any number of bytes of UTF-8; strings that merely look the same are different keys.
  public static var storedType: StoredType { StoredType("String", .unbounded) }

  /// The UTF-8 in byte order.
  public func encode(into bytes: inout [UInt8]) { KeyEncoding.append(self, to: &bytes) }

  /// Reads the string at an offset; bytes that are no UTF-8 are malformed.
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let start = offset
    guard let text = String(validating: try [UInt8](decoding: bytes, at: &offset), as: UTF8.self) else {
      offset = start
      throw .malformed
    }
    self = text
  }

  /// The UTF-8 as it is.
  public func encodeAlone(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }

  /// The string of all the bytes.
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    guard let text = String(validating: BulkCopy.array(bytes), as: UTF8.self) else { throw .malformed }
    self = text
  }
}
