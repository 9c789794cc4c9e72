internal import Glibc

/// A call to the system that did not work: what was tried, on what, and the system's reason.
struct SystemFailure: Error, Equatable {
  /// What was tried, as a verb: "open", "read" ...
  let operation: String
  /// The file, folder or stream in question, as text.
  let subject: String
  /// The system's number for the reason.
  let number: CInt

  /// The failure of the call that just returned, with the system's reason of this moment.
  static func latest(_ operation: String, _ path: Path) -> SystemFailure {
    SystemFailure(operation: operation, subject: path.text, number: errno)
  }

  /// The failure of the call that just returned, with the system's reason of this moment.
  static func latest(_ operation: String, _ subject: String) -> SystemFailure {
    SystemFailure(operation: operation, subject: subject, number: errno)
  }

  /// The system's reason in words.
  var reason: String {
    Self.reason(number)
  }

  /// The system's words for an error number.
  static func reason(_ number: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0 else {
        return "error \(number)"
      }
      return unsafe String(cString: start)
    }
  }
}

/// Repeats a call that a signal interrupted; -1 becomes nil, with the reason left in `errno`.
func withoutInterruption<Value: SignedInteger>(_ call: () -> Value) -> Value? {
  while true {
    let value = call()
    if value != -1 { return value }
    if errno != EINTR { return nil }
  }
}
