#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system's words for an error number.
enum SystemErrorText {
  /// The text of `number`, and the number itself.
  static func describe(_ number: Int32) -> String {
    #if hasFeature(Embedded)
      return "error \(number)"
    #else
      // Not strerror, whose buffer all threads share.
      var text = [CChar](repeating: 0, count: 256)
      let status = unsafe text.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return Int32(-1) }
        return unsafe strerror_r(number, start, buffer.count - 1)
      }
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      guard status == 0, !bytes.isEmpty else { return "error \(number)" }
      return "\(String(decoding: bytes, as: UTF8.self)) (error \(number))"
    #endif
  }
}
