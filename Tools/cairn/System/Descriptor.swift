internal import Glibc

/// An open file, folder or pipe; closed when the value ends.
struct Descriptor: ~Copyable {
  /// The system's number of it.
  let number: CInt
  /// What it is, for messages.
  let path: Path
  private let isOwned: Bool

  /// Takes over an open descriptor. A borrowed one (the standard streams) stays open when the value ends.
  init(_ number: CInt, path: Path, isOwned: Bool = true) {
    self.number = number
    self.path = path
    self.isOwned = isOwned
  }

  deinit {
    if isOwned { _ = Glibc.close(number) }
  }

  /// Standard input.
  static var standardInput: Descriptor {
    Descriptor(STDIN_FILENO, path: Path("standard input"), isOwned: false)
  }

  /// Standard output.
  static var standardOutput: Descriptor {
    Descriptor(STDOUT_FILENO, path: Path("standard output"), isOwned: false)
  }

  /// Opens a file by path.
  static func open(_ path: Path, _ flags: CInt, mode: mode_t = 0o666) throws(SystemFailure) -> Descriptor {
    let number = unsafe path.withCString { name in
      withoutInterruption { unsafe Glibc.open(name, flags | O_CLOEXEC, mode) }
    }
    guard let number else { throw .latest("open", path) }
    return Descriptor(number, path: path)
  }

  /// Opens an entry of this folder by its name.
  func open(_ name: [UInt8], _ flags: CInt, mode: mode_t = 0o666) throws(SystemFailure) -> Descriptor {
    let entry = path.appending(name)
    let number = unsafe Path(name).withCString { name in
      withoutInterruption { unsafe Glibc.openat(self.number, name, flags | O_CLOEXEC, mode) }
    }
    guard let number else { throw .latest("open", entry) }
    return Descriptor(number, path: entry)
  }

  /// Reads what is there, at most as much as `buffer` holds; 0 at the end.
  func read(into buffer: inout [UInt8]) throws(SystemFailure) -> Int {
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      withoutInterruption { unsafe Glibc.read(number, bytes.baseAddress, bytes.count) }
    }
    guard let count else { throw .latest("read", path) }
    return count
  }

  /// Reads until `buffer` is full or the end is reached; the bytes that were read.
  func fill(_ buffer: inout [UInt8]) throws(SystemFailure) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        withoutInterruption {
          unsafe Glibc.read(number, bytes.baseAddress.map { unsafe $0 + filled }, bytes.count - filled)
        }
      }
      guard let count else { throw .latest("read", path) }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Writes all of the bytes.
  func write(_ bytes: [UInt8]) throws(SystemFailure) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { bytes in
        withoutInterruption {
          unsafe Glibc.write(number, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
        }
      }
      guard let count else { throw .latest("write", path) }
      written += count
    }
  }

  /// Moves the position on without writing: a file gets a hole there.
  func skip(_ count: Int) throws(SystemFailure) {
    guard lseek(number, count, SEEK_CUR) != -1 else { throw .latest("skip in", path) }
  }

  /// Makes the file end at the position, when it is a file.
  func endHere() throws(SystemFailure) {
    guard try status().kind == .regular else { return }
    let end = lseek(number, 0, SEEK_CUR)
    guard end != -1, ftruncate(number, end) == 0 else { throw .latest("end", path) }
  }

  /// What the system says of the file: kind, mode, size, times.
  func status() throws(SystemFailure) -> FileStatus {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else { throw .latest("look at", path) }
    return FileStatus(status)
  }

  /// Makes the file's contents durable.
  func synchronize() throws(SystemFailure) {
    guard withoutInterruption({ fsync(number) }) != nil else { throw .latest("flush", path) }
  }

  /// Sets the permission bits.
  func setPermissions(_ permissions: UInt32) throws(SystemFailure) {
    guard fchmod(number, mode_t(permissions)) == 0 else { throw .latest("set the mode of", path) }
  }

  /// Sets when the file was last changed.
  func setModified(_ time: FileTime) throws(SystemFailure) {
    let times = [time.systemTime, time.systemTime]
    guard unsafe futimens(number, times) == 0 else { throw .latest("set the time of", path) }
  }

  /// Makes sure that the numbers 0, 1 and 2 are taken. A program started with one of them closed would otherwise get
  /// that number for its image, and print into it.
  static func occupyStandardStreams() {
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) == -1 {
      // The lowest free number is the one just found free.
      _ = unsafe Glibc.open("/dev/null", O_RDWR)
    }
  }
}
