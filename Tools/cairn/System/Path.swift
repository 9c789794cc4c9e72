/// The name of a file or folder as the system sees it: any bytes but zero, in no particular encoding.
struct Path: Hashable, Sendable {
  /// The bytes, without the closing zero.
  let bytes: [UInt8]

  /// A path of these bytes.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// A path that this program spells itself.
  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// The entry `name` inside this folder.
  func appending(_ name: [UInt8]) -> Path {
    if bytes.isEmpty { return Path(name) }
    return Path(bytes.last == UInt8(ascii: "/") ? bytes + name : bytes + [UInt8(ascii: "/")] + name)
  }

  /// The entry `name` inside this folder.
  func appending(_ name: String) -> Path {
    appending(Array(name.utf8))
  }

  /// The path as one line of text, for messages.
  var text: String {
    Text.visible(bytes)
  }

  /// The path as a string, for those who take nothing else.
  var string: String {
    get throws {
      guard let string = Text.exact(bytes) else {
        throw Failure("\(text): the name of an image must be UTF-8; use another", .usage)
      }
      return string
    }
  }

  /// Lends the path as a C string.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    let terminated = bytes.map { CChar(bitPattern: $0) } + [0]
    return try unsafe terminated.withUnsafeBufferPointer { buffer in
      // An array of at least one element has an address.
      guard let address = buffer.baseAddress else { preconditionFailure("a terminated array is not empty") }
      return try unsafe body(address)
    }
  }
}
