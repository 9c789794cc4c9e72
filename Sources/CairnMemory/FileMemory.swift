#if !hasFeature(Embedded)
  /// A stable memory in a file.
  ///
  /// The file holds the pages one after the other and nothing else; bytes behind the last whole page are not part of
  /// the memory. As long as it is open for writing nobody else can open it, except to watch it
  /// (``Mode/live``). Its space is allocated before ``grow(by:)`` returns.
  public final class FileMemory: StableMemory, @unchecked Sendable {
    /// For what a file is opened, and whom that keeps out.
    public enum Mode: Sendable {
      /// For reading and writing: no other opener.
      case readWrite
      /// For reading: other readers, but no writer.
      case readOnly
      /// For reading while somebody else may write: what is read may be half old and half new.
      case live
    }

    /// What still works.
    private enum Health {
      case sound
      /// A write failed, so the contents are unknown: reading goes on, writing does not.
      case writeFailed
      /// A flush failed, so that even what was read back may never have reached the device.
      case flushFailed
      case closed
    }

    /// The path that the file was opened by.
    public let path: String

    private let file: FileDescriptor
    private let mode: Mode
    /// Whether space is written with zeros before it is promised, not just set aside.
    private let isZeroFilled: Bool

    /// Bytes of a write from which on the system is asked to begin with it at once.
    private static let writebackByteCountMin = 256 << 10

    /// Guards the three variables below, and is never held during a system call.
    private let state = Lock()
    private let idle = Condition()
    private var pages: UInt64
    private var health = Health.sound
    private var callsInside = 0

    /// Held while growing: two growers would take the same space.
    private let growth = Lock()

    private init(file: FileDescriptor, mode: Mode, pages: UInt64, isZeroFilled: Bool = false) {
      self.file = file
      self.isZeroFilled = isZeroFilled
      self.mode = mode
      self.pages = pages
      path = file.path
    }

    deinit {
      if health != .closed { file.close() }
    }

    // MARK: Opening and closing

    /// Makes a new file of `byteCount` zeroed bytes, rounded up to whole pages, and opens it for writing. An existing
    /// file is never touched. The file and its name are durable when it returns.
    ///
    /// - Parameter isZeroFilled: Writes the zeros, here and whenever this object grows the file. Making it takes as long as
    ///   writing so many bytes; afterwards no flush has to tell the file system that space which was only set aside is in use
    ///   now, which costs a flush as much again.
    public static func create(
      path: String, byteCount: UInt64, isZeroFilled: Bool = false
    ) throws(MemoryError) -> FileMemory {
      try create(path: path, byteCount: byteCount, isZeroFilled: isZeroFilled, faults: nil)
    }

    /// ``create(path:byteCount:)`` with faults that a test injects.
    package static func create(
      path: String,
      byteCount: UInt64,
      isZeroFilled: Bool = false,
      faults: FileFaultPlan?
    ) throws(MemoryError) -> FileMemory {
      guard byteCount <= UInt64(Int64.max) - MemoryPage.byteCount else { throw .full }
      let file = try FileDescriptor(path: path, access: .create, faults: faults)
      let memory = FileMemory(file: file, mode: .readWrite, pages: 0, isZeroFilled: isZeroFilled)
      do throws(MemoryError) {
        try lock(file, mode: .readWrite)
        try memory.grow(by: (byteCount + MemoryPage.byteCount - 1) / MemoryPage.byteCount)
        try memory.flush()
        // Zeros that were written a MiB at a time stand in the system's cache in pieces as large; every later write of one
        // block, and each flush behind it, would look at all of the piece's blocks.
        if isZeroFilled { try file.forgetCache() }
        try FileDescriptor.syncDirectory(of: path, faults: faults)
        return memory
      } catch {
        // Ours since O_EXCL, and useless: the name goes, so that trying again works.
        memory.close()
        FileDescriptor.remove(path: path)
        throw error
      }
    }

    /// Opens an existing file. When another opener is in the way, the error says who it is.
    public static func open(path: String, mode: Mode) throws(MemoryError) -> FileMemory {
      try open(path: path, mode: mode, faults: nil)
    }

    /// ``open(path:mode:)`` with faults that a test injects.
    package static func open(path: String, mode: Mode, faults: FileFaultPlan?) throws(MemoryError) -> FileMemory {
      let file = try FileDescriptor(path: path, access: mode == .readWrite ? .readWrite : .readOnly, faults: faults)
      do throws(MemoryError) {
        guard try file.status().isRegularFile else { throw .notAFile(path: path) }
        try lock(file, mode: mode)
        // The size only now: before it had the lock, the file could still grow.
        let size = try file.status().byteCount
        return FileMemory(file: file, mode: mode, pages: size / MemoryPage.byteCount)
      } catch {
        file.close()
        throw error
      }
    }

    private static func lock(_ file: FileDescriptor, mode: Mode) throws(MemoryError) {
      guard mode != .live else { return }
      guard try file.lock(exclusive: mode == .readWrite) else {
        throw .inUse(path: file.path, holder: LockHolder.name(of: try file.status()))
      }
    }

    /// Waits for calls that are running, and closes the file, which gives up its lock. It does not flush. Every call
    /// after it fails; closing again does nothing.
    public func close() {
      state.lock()
      defer { state.unlock() }
      guard health != .closed else { return }
      health = .closed
      while callsInside > 0 { idle.wait(for: state) }
      file.close()
    }

    // MARK: The contract

    /// The size in whole pages.
    public var pageCount: UInt64 { state.withLock { pages } }

    /// Sectors of 4 KiB, which is what file systems write at once.
    public var guarantees: MemoryGuarantees { .sectors(byteCount: 4096) }

    /// Whether the file was opened for writing.
    public var isWritable: Bool { mode == .readWrite }

    /// Adds zeroed pages and allocates their space. On failure the file has its old size.
    public func grow(by pages: UInt64) throws(MemoryError) {
      growth.lock()
      defer { growth.unlock() }
      let oldPages = try enter(writing: true)
      defer { leave() }
      let (newPages, overflow) = oldPages.addingReportingOverflow(pages)
      guard !overflow, newPages <= UInt64(Int64.max) / MemoryPage.byteCount else { throw .full }
      guard pages > 0 else { return }
      try extend(from: oldPages * MemoryPage.byteCount, to: newPages * MemoryPage.byteCount)
      state.withLock { self.pages = newPages }
    }

    /// Fills `bytes` with what stands at `offset`.
    public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
      let pages = try enter(writing: false)
      defer { leave() }
      try Self.checkBounds(offset: offset, count: bytes.byteCount, pages: pages)
      try file.read(at: offset, into: &bytes)
    }

    /// Puts `bytes` at `offset`. After a failure nothing can be written any more.
    public func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
      let pages = try enter(writing: true)
      defer { leave() }
      try Self.checkBounds(offset: offset, count: bytes.byteCount, pages: pages)
      do throws(MemoryError) {
        try file.write(bytes, at: offset)
      } catch {
        fail(.writeFailed)
        throw error
      }
      // Large data: the device need not wait for the flush to begin.
      if bytes.byteCount >= Self.writebackByteCountMin {
        file.beginWriteback(from: offset, byteCount: UInt64(bytes.byteCount))
      }
    }

    /// Makes everything durable that was written or grown. After a failure every call fails. On a file that was opened
    /// for reading there is nothing to do.
    public func flush() throws(MemoryError) {
      _ = try enter(writing: false)
      defer { leave() }
      guard isWritable else { return }
      guard state.withLock({ health }) == .sound else { throw .poisoned }
      do throws(MemoryError) {
        try file.flush()
      } catch {
        fail(.flushFailed)
        throw error
      }
    }

    /// Flushes, and drops what the operating system has cached of the file.
    public func discardCache() throws(MemoryError) {
      try flush()
      _ = try enter(writing: false)
      defer { leave() }
      try file.forgetCache()
    }

    // MARK: Inside

    /// Allocates from the end of the last page to a new end, or leaves the file as it was.
    private func extend(from oldEnd: UInt64, to newEnd: UInt64) throws(MemoryError) {
      let size = try file.status().byteCount
      guard size >= oldEnd else { throw .truncated(offset: size, path: path) }
      do throws(MemoryError) {
        try file.allocate(from: oldEnd, byteCount: newEnd - oldEnd)
        // What stood behind the last whole page was never part of the memory, and new pages are zeros.
        if isZeroFilled {
          try file.writeZeros(from: oldEnd, byteCount: newEnd - oldEnd)
        } else if size > oldEnd {
          try file.writeZeros(from: oldEnd, byteCount: min(size, newEnd) - oldEnd)
        }
      } catch {
        do throws(MemoryError) {
          try file.truncate(to: size)
        } catch {
          fail(.writeFailed)
        }
        throw error
      }
    }

    /// Begins a call that uses the file, and returns the size in pages. The file stays open until ``leave()``.
    private func enter(writing: Bool) throws(MemoryError) -> UInt64 {
      state.lock()
      defer { state.unlock() }
      switch health {
      case .closed: throw .closed
      case .flushFailed: throw .poisoned
      case .writeFailed where writing: throw .poisoned
      case .writeFailed, .sound: break
      }
      guard isWritable || !writing else { throw .readOnly }
      callsInside += 1
      return pages
    }

    private func leave() {
      state.lock()
      defer { state.unlock() }
      callsInside -= 1
      if callsInside == 0, health == .closed { idle.broadcast() }
    }

    /// Remembers a failure; a worse one stays.
    private func fail(_ failure: Health) {
      state.withLock {
        if health == .sound || (health == .writeFailed && failure == .flushFailed) { health = failure }
      }
    }

    private static func checkBounds(offset: UInt64, count: Int, pages: UInt64) throws(MemoryError) {
      let size = pages * MemoryPage.byteCount
      guard offset <= size, UInt64(count) <= size - offset else {
        throw .outOfBounds(offset: offset, count: UInt64(count), size: size)
      }
    }
  }
#endif
