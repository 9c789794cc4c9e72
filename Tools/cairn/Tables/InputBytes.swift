/// A file or pipe, byte by byte, with the number of the line that is being read.
final class InputBytes {
  private let file: Descriptor
  private var buffer: [UInt8]
  private var position = 0
  private var end = 0
  private let progress: (UInt64) -> Void

  /// The line of the next byte, counted from 1.
  private(set) var line: UInt64 = 1

  private static let pieceByteCount = 1 << 16

  /// Reads from the file's position on; `progress` hears of each piece.
  init(_ file: consuming Descriptor, progress: @escaping (UInt64) -> Void = { _ in }) {
    self.file = file
    self.progress = progress
    buffer = [UInt8](repeating: 0, count: Self.pieceByteCount)
  }

  /// The next byte, which stays; nil at the end.
  func peek() throws(SystemFailure) -> UInt8? {
    if position == end {
      end = try file.read(into: &buffer)
      position = 0
      progress(UInt64(end))
    }
    return position < end ? buffer[position] : nil
  }

  /// The next byte; nil at the end.
  func next() throws(SystemFailure) -> UInt8? {
    guard let byte = try peek() else { return nil }
    position += 1
    if byte == UInt8(ascii: "\n") { line += 1 }
    return byte
  }

  /// Steps over a byte order mark at the very beginning, which some programs write before UTF-8.
  func skipByteOrderMark() throws(SystemFailure) {
    guard try peek() == 0xEF, end - position >= 3, buffer[position + 1] == 0xBB, buffer[position + 2] == 0xBF else {
      return
    }
    position += 3
  }

  /// The next line without its end; nil at the end of the file.
  func nextLine(limit: Int) throws -> [UInt8]? {
    guard try peek() != nil else { return nil }
    let number = line
    var bytes: [UInt8] = []
    while let byte = try next(), byte != UInt8(ascii: "\n") {
      guard bytes.count < limit else {
        throw Failure("line \(number): more than \(limit) bytes in one line", .usage)
      }
      bytes.append(byte)
    }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    return bytes
  }
}
