internal import Glibc

/// Standard output was closed by its reader, as `head` does: a quiet end, no failure.
struct OutputClosed: Error {}

/// What a command prints for its caller. Gathered and written in large pieces; `flush` before the command ends.
struct StandardOutput: ~Copyable {
  private let descriptor = Descriptor.standardOutput
  /// Whether a person looks at it.
  let isTerminal = Terminal.hasOutputStream
  private var buffer: [UInt8] = []

  private static let bufferByteCount = 1 << 16

  /// Prints a line.
  mutating func line(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    try endLine()
  }

  /// Prints an object on a line.
  mutating func line(_ object: JSONLine) throws {
    try line(object.text)
  }

  /// Prints a line that ends with a name of any bytes: exactly those bytes, but on a terminal nothing that it obeys.
  mutating func line(_ text: String = "", name: [UInt8], after: String = "") throws {
    buffer.append(contentsOf: text.utf8)
    buffer.append(contentsOf: isTerminal ? Array(Text.visible(name).utf8) : name)
    buffer.append(contentsOf: after.utf8)
    try endLine()
  }

  /// Hands over everything that was printed.
  mutating func flush() throws {
    if buffer.isEmpty { return }
    let pending = buffer
    buffer.removeAll(keepingCapacity: true)
    try Self.write(pending, to: descriptor)
  }

  private mutating func endLine() throws {
    buffer.append(0x0A)
    if isTerminal || buffer.count >= Self.bufferByteCount { try flush() }
  }

  /// Writes bytes to where a command's result goes, be it standard output or a file.
  static func write(_ bytes: [UInt8], to descriptor: borrowing Descriptor) throws {
    do throws(SystemFailure) {
      try descriptor.write(bytes)
    } catch {
      if error.number == EPIPE { throw OutputClosed() }
      throw error
    }
  }
}

/// What a command tells the person in front of it, beside its result.
enum StandardError {
  /// Prints one line; that it cannot be printed is nobody's concern.
  static func line(_ text: String) {
    write(text + "\n")
  }

  /// Prints text as it is.
  static func write(_ text: String) {
    let descriptor = Descriptor(STDERR_FILENO, path: Path("standard error"), isOwned: false)
    try? descriptor.write(Array(text.utf8))
  }
}
