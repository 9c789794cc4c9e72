import CairnBytes

// Rows and keys where they lie. This is the one file of the layer that loads numbers from raw memory: each load checks its
// bounds against the span, and any bytes are a number.

extension [UInt8] {
  /// Appends the low bytes of a number, the lowest first.
  @inline(__always)
  mutating func appendLittle(_ number: UInt64, byteCount: Int) {
    unsafe Swift.withUnsafeBytes(of: number.littleEndian) { bytes in
      unsafe append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(byteCount)))
    }
  }

  /// Appends zeros.
  @inline(__always)
  mutating func appendZeros(_ count: Int) { append(contentsOf: repeatElement(0, count: count)) }

  /// Puts the low bytes of a number in the place of others, the lowest first.
  @inline(__always)
  mutating func putLittle(_ number: UInt64, byteCount: Int, at offset: Int) {
    for index in 0..<byteCount { self[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
  }
}

extension RawSpan {
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

  @inline(__always)
  func little16(_ offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func little32(_ offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func little64(_ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  func big32(_ offset: Int) -> UInt32 {
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func big64(_ offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Less than, equal to or greater than zero, as a part of the bytes is ordered before, the same as or behind others.
  func compare(_ range: Range<Int>, with other: [UInt8]) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "a comparison outside its bytes")
    return unsafe withUnsafeBytes { (bytes) -> Int in
      let shared = min(range.count, other.count)
      for index in 0..<shared {
        let difference = unsafe Int(bytes[range.lowerBound &+ index]) &- Int(other[index])
        if difference != 0 { return difference }
      }
      return range.count &- other.count
    }
  }

  /// Whether a part of the bytes begins with others.
  func hasPrefix(_ range: Range<Int>, _ prefix: [UInt8]) -> Bool {
    guard range.count >= prefix.count else { return false }
    return compare(range.lowerBound..<range.lowerBound + prefix.count, with: prefix) == 0
  }

  /// Whether the bytes begin with others.
  @inline(__always)
  func hasPrefix(_ prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    return unsafe prefix.withUnsafeBytes { (prefix) -> Bool in
      var offset = 0
      while offset &+ 8 <= prefix.count {
        let wanted = unsafe UInt64(littleEndian: prefix.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        guard little64(offset) == wanted else { return false }
        offset &+= 8
      }
      while offset < prefix.count {
        guard unsafe byte(offset) == prefix[offset] else { return false }
        offset &+= 1
      }
      return true
    }
  }

  /// Whether a part of the bytes has others in it.
  func contains(_ range: Range<Int>, _ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "a search outside its bytes")
    guard range.count >= part.count else { return false }
    for start in range.lowerBound...(range.upperBound - part.count) where byte(start) == first {
      if compare(start..<start + part.count, with: part) == 0 { return true }
    }
    return false
  }

  /// A copy of a part of the bytes.
  func array(_ range: Range<Int>) -> [UInt8] { BulkCopy.array(extracting(range)) }

  /// A part of the bytes as text; bytes that are no UTF-8 are replaced.
  func string(_ range: Range<Int>) -> String {
    unsafe extracting(range).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}

/// Bytes as a key of a dictionary: hashed all at once, not one by one as an array is.
struct ByteString: Hashable, Sendable {
  var bytes: [UInt8] = []

  func hash(into hasher: inout Hasher) {
    unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
  }
}
