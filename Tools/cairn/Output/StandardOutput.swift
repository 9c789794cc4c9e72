internal import Glibc

/// Standard output was closed by its reader, as `head` does: a quiet end, no failure.
struct OutputClosed: Error {}

/// What a command prints for its caller. Gathered and written in large pieces; `flush` before the command ends.
struct StandardOutput: ~Copyable {
  private let descriptor = Descriptor(STDOUT_FILENO, path: Path("standard output"), isOwned: false)
  private let isTerminal = Terminal.hasOutputStream
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

  /// Prints bytes as they are, past the lines gathered so far.
  mutating func bytes(_ bytes: RawSpan) throws {
    try flush()
    try write(bytes)
  }

  /// Hands over everything that was printed.
  mutating func flush() throws {
    if buffer.isEmpty { return }
    let pending = buffer
    buffer.removeAll(keepingCapacity: true)
    try write(unsafe pending.span.bytes)
  }

  private mutating func endLine() throws {
    buffer.append(0x0A)
    if isTerminal || buffer.count >= Self.bufferByteCount { try flush() }
  }

  private func write(_ bytes: RawSpan) throws {
    do {
      try descriptor.write(bytes)
    } catch let failure where failure.number == EPIPE {
      throw OutputClosed()
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
    let bytes = Array(text.utf8)
    try? descriptor.write(unsafe bytes.span.bytes)
  }
}
