// Copies and comparisons of borrowed bytes: the only place of the layer that touches raw memory, inside the bounds that
// the span carries.

/// The bytes of a span in an array of their own.
func array(_ bytes: RawSpan) -> [UInt8] {
  unsafe bytes.withUnsafeBytes { unsafe Array($0) }
}

/// Whether borrowed bytes come before others in byte order.
func precedes(_ bytes: RawSpan, _ other: [UInt8]) -> Bool {
  unsafe bytes.withUnsafeBytes { (buffer) -> Bool in
    let shared = min(buffer.count, other.count)
    for index in 0..<shared {
      let byte = unsafe buffer[index]
      if byte != other[index] { return byte < other[index] }
    }
    return buffer.count < other.count
  }
}
