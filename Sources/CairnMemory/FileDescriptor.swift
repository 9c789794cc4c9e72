#if !hasFeature(Embedded)
  import CWriteback

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #elseif canImport(Darwin)
    import Darwin
  #endif

  /// One open file and the system calls on it.
  ///
  /// All raw memory of files is here. Interrupted calls are repeated, short transfers are completed, and every failure
  /// becomes a ``MemoryError``. The owner closes it once, when no call is running.
  @safe
  struct FileDescriptor: Sendable {
    /// How a path is opened.
    enum Access {
      case readOnly
      case readWrite
      /// For reading and writing; the path must not exist.
      case create
    }

    /// The whole file, as `fstat` tells.
    struct Status {
      var byteCount: UInt64
      var device: UInt64
      var inode: UInt64
      var isRegularFile: Bool
    }

    let path: String
    private let number: Int32
    private let faults: FileFaultPlan?

    init(path: String, access: Access, faults: FileFaultPlan? = nil) throws(MemoryError) {
      // A path that C would cut off at its first NUL names nothing.
      guard !path.isEmpty, !path.utf8.contains(0) else { throw .notFound(path: path) }
      let flags =
        switch access {
        // Not to hang on a named pipe; for a regular file O_NONBLOCK means nothing.
        case .readOnly: O_RDONLY | O_NONBLOCK
        case .readWrite: O_RDWR | O_NONBLOCK
        case .create: O_RDWR | O_CREAT | O_EXCL
        }
      var number: Int32 = -1
      let failure = Self.repeatWhileInterrupted(faults, .open) {
        number = Self.openFile(path, flags | O_CLOEXEC, 0o644)
        return number >= 0 ? 0 : errno
      }
      switch failure {
      case 0: break
      case ENOENT: throw .notFound(path: path)
      case EEXIST: throw .alreadyExists(path: path)
      case EISDIR: throw .notAFile(path: path)
      case EACCES, EPERM, EROFS:
        throw access == .readOnly ? Self.error(.open, failure, path) : .notWritable(path: path)
      default: throw Self.error(.open, failure, path)
      }
      self.number = number
      self.path = path
      self.faults = faults
    }

    func close() {
      closeFile(number)
    }

    func status() throws(MemoryError) -> Status {
      var result = stat()
      try check(.inspect) { unsafe fstat(number, &result) }
      return Status(
        byteCount: UInt64(max(0, result.st_size)),
        device: UInt64(truncatingIfNeeded: result.st_dev),
        inode: UInt64(result.st_ino),
        isRegularFile: result.st_mode & S_IFMT == S_IFREG
      )
    }

    /// Takes the file's lock without waiting; false when another opener's lock is in the way.
    func lock(exclusive: Bool) throws(MemoryError) -> Bool {
      let mode = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB
      let failure = Self.repeatWhileInterrupted(faults, .lock) { flock(number, mode) == 0 ? 0 : errno }
      switch failure {
      case 0: return true
      case EWOULDBLOCK: return false
      default: throw Self.error(.lock, failure, path)
      }
    }

    /// Gives the bytes from `offset` on space on the device, as zeros, and makes the file end behind them.
    func allocate(from offset: UInt64, byteCount: UInt64) throws(MemoryError) {
      #if canImport(Glibc) || canImport(Musl)
        let failure = Self.repeatWhileInterrupted(faults, .allocate) {
          posix_fallocate(number, off_t(offset), off_t(byteCount))
        }
      #else
        let failure = Self.repeatWhileInterrupted(faults, .allocate) { EOPNOTSUPP }
      #endif
      switch failure {
      case 0: return
      case ENOSPC, EDQUOT, EFBIG: throw .full
      case EOPNOTSUPP, ENOSYS, EINVAL:
        // Not every file system can set space aside: then zeros are written. One that compresses or copies on write
        // still promises nothing, and a later write may find it full.
        try writeZeros(from: offset, byteCount: byteCount)
      default: throw Self.error(.allocate, failure, path)
      }
    }

    func truncate(to byteCount: UInt64) throws(MemoryError) {
      try check(.truncate) { ftruncate(number, off_t(byteCount)) }
    }

    /// Fills `bytes`; a file that ends before is an error.
    func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
      try unsafe bytes.withUnsafeMutableBytes { (buffer: UnsafeMutableRawBufferPointer) throws(MemoryError) in
        var done = 0
        while done < buffer.count {
          let position = offset + UInt64(done)
          let count = try transfer(.read, buffer.count - done) { limit in
            unsafe pread(number, buffer.baseAddress?.advanced(by: done), limit, off_t(position))
          }
          guard count > 0 else { throw .truncated(offset: position, path: path) }
          done += count
        }
      }
    }

    func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
      try unsafe bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) throws(MemoryError) in
        var done = 0
        while done < buffer.count {
          let position = offset + UInt64(done)
          let count = try transfer(.write, buffer.count - done) { limit in
            unsafe pwrite(number, buffer.baseAddress?.advanced(by: done), limit, off_t(position))
          }
          // No regular file takes nothing without an error; if one did, waiting for it would never end.
          guard count > 0 else { throw Self.error(.write, EIO, path) }
          done += count
        }
      }
    }

    /// Lets the system begin to bring written bytes to the device. A hint: nothing is durable before a flush, and whether the
    /// system takes it makes no difference to anything but time.
    func beginWriteback(from offset: UInt64, byteCount: UInt64) {
      begin_writeback(number, Int64(offset), Int64(byteCount))
    }

    func writeZeros(from offset: UInt64, byteCount: UInt64) throws(MemoryError) {
      let zeros = [UInt8](repeating: 0, count: Int(min(byteCount, 1 << 20)))
      var done: UInt64 = 0
      while done < byteCount {
        let count = Int(min(byteCount - done, UInt64(zeros.count)))
        do throws(MemoryError) {
          let span = zeros.span.extracting(first: count)
          try write(unsafe span.bytes, at: offset + done)
        } catch .io(_, ENOSPC, _), .io(_, EDQUOT, _), .io(_, EFBIG, _) {
          throw .full
        }
        done += UInt64(count)
      }
    }

    /// What stands in a small file of unknown size, such as those of `/proc`: at most `limit` bytes.
    func readToEnd(limit: Int) throws(MemoryError) -> [UInt8] {
      var contents: [UInt8] = []
      var part = [UInt8](repeating: 0, count: 4096)
      while contents.count < limit {
        var span = part.mutableSpan
        let count = try unsafe span.withUnsafeMutableBytes {
          (buffer: UnsafeMutableRawBufferPointer) throws(MemoryError) in
          try transfer(.read, buffer.count) { size in
            unsafe pread(number, buffer.baseAddress, size, off_t(contents.count))
          }
        }
        guard count > 0 else { break }
        contents += part[..<count]
      }
      return contents
    }

    /// Makes the contents and the size durable.
    func flush() throws(MemoryError) {
      try check(.flush) {
        #if canImport(Darwin)
          fcntl(number, F_FULLFSYNC)
        #else
          fdatasync(number)
        #endif
      }
    }

    /// Drops what the operating system has cached of the file and needs not write any more.
    func forgetCache() throws(MemoryError) {
      #if canImport(Glibc) || canImport(Musl)
        let failure = Self.repeatWhileInterrupted(faults, .forgetCache) {
          posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED)
        }
        guard failure == 0 else { throw Self.error(.forgetCache, failure, path) }
      #endif
    }

    /// Makes durable which files the directory of `path` has.
    static func syncDirectory(of path: String, faults: FileFaultPlan?) throws(MemoryError) {
      let directory = parent(of: path)
      var number: Int32 = -1
      var failure = repeatWhileInterrupted(faults, .syncDirectory) {
        number = openFile(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        return number >= 0 ? 0 : errno
      }
      guard failure == 0 else { throw error(.syncDirectory, failure, directory) }
      failure = repeatWhileInterrupted(nil, .syncDirectory) { fsync(number) == 0 ? 0 : errno }
      closeFile(number)
      // Some file systems have nothing to sync in a directory and say so with EINVAL.
      guard failure == 0 || failure == EINVAL else { throw error(.syncDirectory, failure, directory) }
    }

    /// Removes the name `path`. For undoing a creation: whether it worked changes nothing for the caller.
    static func remove(path: String) {
      _ = unsafe unlink(path)
    }

    static func parent(of path: String) -> String {
      guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
      return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Runs a call that returns 0 or, with `errno` set, something else.
    private func check(_ operation: FileOperation, _ call: () -> Int32) throws(MemoryError) {
      let failure = Self.repeatWhileInterrupted(faults, operation) { call() == 0 ? 0 : errno }
      guard failure == 0 else { throw Self.error(operation, failure, path) }
    }

    /// Runs a call that moves at most so many bytes and returns how many, or -1 with `errno` set.
    private func transfer(
      _ operation: FileOperation,
      _ byteCount: Int,
      _ call: (_ limit: Int) -> Int
    ) throws(MemoryError) -> Int {
      while true {
        var limit = byteCount
        var failure: Int32 = 0
        switch faults?(operation) ?? .pass {
        case .pass: break
        case .limit(let most): limit = min(limit, most)
        case .fail(let number): failure = number
        }
        if failure == 0 {
          let moved = call(limit)
          guard moved < 0 else { return moved }
          failure = errno
        }
        guard failure == EINTR else { throw Self.error(operation, failure, path) }
      }
    }

    /// Runs a call that returns its `errno`, until a signal does not interrupt it.
    private static func repeatWhileInterrupted(
      _ faults: FileFaultPlan?,
      _ operation: FileOperation,
      _ call: () -> Int32
    ) -> Int32 {
      while true {
        var failure: Int32 = 0
        if case .fail(let number) = faults?(operation) ?? .pass { failure = number }
        if failure == 0 { failure = call() }
        if failure != EINTR { return failure }
      }
    }

    private static func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
      unsafe open(path, flags, mode)
    }

    private static func error(_ operation: FileOperation, _ number: Int32, _ path: String) -> MemoryError {
      .io(operation: operation.rawValue, errno: number, path: path)
    }
  }

  /// `close` of the C library, out of the reach of the method of the same name.
  private func closeFile(_ number: Int32) {
    // Its error says nothing: what had to be durable was flushed before.
    _ = close(number)
  }
#endif
