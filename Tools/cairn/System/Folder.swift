internal import Glibc

/// An open folder: its entries are named by their bytes, and every call is relative to the open folder, so that nobody
/// can swap a part of the path while the program works in it.
struct Folder: ~Copyable {
  /// The open folder.
  let descriptor: Descriptor

  /// The folder's path, for messages.
  var path: Path { descriptor.path }

  /// Opens a folder; a symbolic link as its last part is followed.
  init(_ path: Path) throws(SystemFailure) {
    descriptor = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
  }

  /// Makes a folder; one that is there already is fine.
  static func make(_ path: Path) throws(SystemFailure) {
    let result = unsafe path.withCString { unsafe mkdir($0, 0o777) }
    guard result == 0 || errno == EEXIST else { throw .latest("make the folder", path) }
  }

  /// Makes a folder of which nobody else knows, whose name begins with `prefix`.
  static func makeScratch(_ prefix: String) throws(SystemFailure) -> Path {
    var name = Array((prefix + "XXXXXX").utf8CString)
    guard unsafe mkdtemp(&name) != nil else { throw .latest("make a folder", Path(prefix)) }
    return Path(name.dropLast().map { UInt8(bitPattern: $0) })
  }

  /// Removes a file, if it is there.
  static func removeFile(_ path: Path) {
    _ = unsafe path.withCString { unsafe unlink($0) }
  }

  private init(_ descriptor: consuming Descriptor) {
    self.descriptor = descriptor
  }

  /// Opens a folder inside this one; never through a symbolic link.
  func folder(_ name: [UInt8]) throws(SystemFailure) -> Folder {
    Folder(try descriptor.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
  }

  /// The names inside, without `.` and `..`, in the order of their bytes.
  func names() throws(SystemFailure) -> [[UInt8]] {
    // The stream takes over the descriptor that it is given, and shares the position with its copies: open anew.
    let copy = withoutInterruption { unsafe openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard let copy else { throw .latest("open", path) }
    guard let stream = unsafe fdopendir(copy) else {
      _ = close(copy)
      throw .latest("open", path)
    }
    defer { unsafe closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else { break }
      let name = unsafe Self.name(of: entry)
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
    guard errno == 0 else { throw .latest("list", path) }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    // The name's field is declared with 256 bytes; the system's record may end behind the name, so only its own
    // bytes are read.
    let start = unsafe UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 0)
    let length = unsafe strlen(start.assumingMemoryBound(to: CChar.self))
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
  }

  /// What the system says of an entry itself, not of what a link points to.
  func status(_ name: [UInt8]) throws(SystemFailure) -> FileStatus {
    var status = stat()
    let result = unsafe Path(name).withCString { unsafe fstatat(descriptor.number, $0, &status, AT_SYMLINK_NOFOLLOW) }
    guard result == 0 else { throw .latest("look at", path.appending(name)) }
    return FileStatus(status)
  }

  /// Where a symbolic link points.
  func linkTarget(_ name: [UInt8]) throws(SystemFailure) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = unsafe Path(name).withCString { name in
      unsafe buffer.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return -1 }
        return unsafe readlinkat(descriptor.number, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
      }
    }
    guard count >= 0 else { throw .latest("read the link", path.appending(name)) }
    return Array(buffer.prefix(count))
  }

  /// Makes a folder inside this one; one that is there already is fine, anything else with the name is not.
  func makeFolder(_ name: [UInt8]) throws(SystemFailure) {
    let result = unsafe Path(name).withCString { unsafe mkdirat(descriptor.number, $0, 0o777) }
    guard result == 0 || errno == EEXIST else { throw .latest("make the folder", path.appending(name)) }
  }

  /// Gives a file a name that nothing has yet, instead of the one that it has.
  static func rename(_ path: Path, toNew newPath: Path) throws(SystemFailure) {
    // A second link fails where the name is taken; a plain rename would replace what has it.
    let result = unsafe path.withCString { old in unsafe newPath.withCString { unsafe link(old, $0) } }
    guard result == 0 else { throw .latest("make", newPath) }
    removeFile(path)
  }

  /// Makes a symbolic link.
  func makeLink(_ name: [UInt8], to target: [UInt8]) throws(SystemFailure) {
    let result = unsafe Path(target).withCString { target in
      unsafe Path(name).withCString { unsafe symlinkat(target, descriptor.number, $0) }
    }
    guard result == 0 else { throw .latest("make the link", path.appending(name)) }
  }

  /// Gives an entry another name, in the place of what had that name.
  func rename(_ name: [UInt8], to newName: [UInt8]) throws(SystemFailure) {
    let result = unsafe Path(name).withCString { old in
      unsafe Path(newName).withCString { unsafe renameat(descriptor.number, old, descriptor.number, $0) }
    }
    guard result == 0 else { throw .latest("replace", path.appending(newName)) }
  }

  /// Removes a file or a link, if it is there.
  func remove(_ name: [UInt8]) {
    _ = unsafe Path(name).withCString { unsafe unlinkat(descriptor.number, $0, 0) }
  }

  /// Sets when an entry itself, not what a link points to, was last changed.
  func setModified(_ name: [UInt8], _ time: FileTime) throws(SystemFailure) {
    let times = [time.systemTime, time.systemTime]
    let result = unsafe Path(name).withCString { unsafe utimensat(descriptor.number, $0, times, AT_SYMLINK_NOFOLLOW) }
    guard result == 0 else { throw .latest("set the time of", path.appending(name)) }
  }
}
