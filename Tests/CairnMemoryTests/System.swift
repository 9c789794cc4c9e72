import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder of its own for one test; it goes with the test.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/cairn-memory-XXXXXX".utf8CString)
    let name = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
    }
    path = try #require(name)
  }

  deinit {
    for name in ["image", "pipe"] { _ = unsafe unlink("\(path)/\(name)") }
    _ = unsafe rmdir(path)
  }

  var image: String { "\(path)/image" }
}

/// The system calls that tests need beside those of the memory itself.
enum System {
  /// The size of a file and the space that it really takes, or nil when there is none.
  static func sizes(of path: String) -> (bytes: Int, allocated: Int)? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return (Int(status.st_size), Int(status.st_blocks) * 512)
  }

  static func shorten(_ path: String, to byteCount: Int) -> Bool {
    unsafe truncate(path, off_t(byteCount)) == 0
  }

  static func makePipe(_ path: String) -> Bool {
    unsafe mkfifo(path, 0o600) == 0
  }

  static func isExecutable(_ path: String) -> Bool {
    unsafe access(path, X_OK) == 0
  }
}

#if os(Linux)
  /// A running program; it ends with this value.
  final class ChildProcess {
    let id: pid_t

    init?(_ program: String, _ words: [String]) {
      var process: pid_t = 0
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
      let failure = unsafe posix_spawn(&process, program, nil, nil, &arguments, environ)
      unsafe arguments.forEach { unsafe free($0) }
      guard failure == 0 else { return nil }
      id = process
    }

    deinit {
      kill(id, SIGKILL)
      waitpid(id, nil, 0)
    }
  }
#endif
