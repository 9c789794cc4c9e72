internal import Glibc

/// Files that tables come from: paths, or `-` for standard input.
enum TableFile {
  /// Opens a file for reading.
  static func open(_ file: ArgumentBytes) throws(SystemFailure) -> Descriptor {
    file.bytes == [UInt8(ascii: "-")] ? .standardInput : try Descriptor.open(file.path, O_RDONLY)
  }

  /// Opens a file for writing; without one, or with `-`, standard output.
  static func create(_ file: ArgumentBytes?) throws(SystemFailure) -> Descriptor {
    guard let file, file.bytes != [UInt8(ascii: "-")] else { return .standardOutput }
    return try Descriptor.open(file.path, O_WRONLY | O_CREAT | O_TRUNC)
  }

  /// The whole of a file that has no more than so many bytes.
  static func contents(_ file: ArgumentBytes, limit: Int) throws -> [UInt8] {
    let descriptor = try open(file)
    var buffer = [UInt8](repeating: 0, count: limit + 1)
    let count = try descriptor.fill(&buffer)
    guard count <= limit else { throw Failure("\(file.path.text): more than \(limit) bytes", .usage) }
    return Array(buffer.prefix(count))
  }
}
