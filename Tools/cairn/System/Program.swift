internal import Glibc

/// What the system knows of this program.
enum Program {
  /// The arguments behind the program's name, byte by byte as the system passed them.
  static var arguments: [[UInt8]] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { return nil }
      return unsafe [UInt8](UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
    }
  }

  /// The file that this program was started from.
  static func executable() throws(SystemFailure) -> Path {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { throw .latest("find", "this program") }
    return Path(buffer.prefix(count).map { UInt8(bitPattern: $0) })
  }

  /// Makes the folder at `path` the one where relative paths begin.
  static func enter(_ path: Path) throws(SystemFailure) {
    guard unsafe path.withCString({ unsafe chdir($0) }) == 0 else { throw .latest("enter", path) }
  }
}
