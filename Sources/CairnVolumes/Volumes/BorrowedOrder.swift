/// Compares borrowed bytes. They are read through raw memory, inside the bounds that the span carries: the only place of
/// this layer.
enum BorrowedOrder {
  /// Whether borrowed bytes come before others in byte order.
  static func precedes(_ bytes: RawSpan, _ other: [UInt8]) -> Bool {
    unsafe bytes.withUnsafeBytes { (buffer) -> Bool in
      let shared = min(buffer.count, other.count)
      for index in 0..<shared {
        let byte = unsafe buffer[index]
        if byte != other[index] { return byte < other[index] }
      }
      return buffer.count < other.count
    }
  }
}
