import CairnMemory
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("File memory under faults")
struct FileFaultTests {
  private let folder: ScratchFolder
  private let faults = FaultPlan()

  init() throws {
    folder = try ScratchFolder()
  }

  private func made() throws -> FileMemory {
    try FileMemory.create(path: folder.image, byteCount: 4 * 65_536, faults: faults.plan)
  }

  @Test("repeats interrupted calls and completes short ones")
  func interruptions() throws {
    faults.next(.open, .fail(EINTR))
    faults.next(.lock, .fail(EINTR), .fail(EINTR))
    faults.next(.allocate, .fail(EINTR))
    faults.next(.flush, .fail(EINTR))
    faults.next(.syncDirectory, .fail(EINTR))
    let memory = try made()
    let bytes = pattern(30_000, seed: 11)
    faults.next(.write, .fail(EINTR), .limit(1), .limit(4096), .fail(EINTR), .limit(7))
    try memory.put(bytes, at: 1234)
    faults.next(.read, .limit(3), .fail(EINTR), .limit(20_000))
    #expect(try memory.bytes(at: 1234, count: 30_000) == bytes)
    #expect(faults.count(.write) == 6)
    #expect(faults.count(.read) == 4)
  }

  @Test("is poisoned by a failed flush: every later call fails")
  func failedFlush() throws {
    let memory = try made()
    try memory.put([1, 2, 3], at: 0)
    faults.next(.flush, .fail(EIO))
    #expect(throws: MemoryError.io(operation: "fdatasync", errno: EIO, path: folder.image)) { try memory.flush() }
    let flushes = faults.count(.flush)
    #expect(throws: MemoryError.poisoned) { try memory.flush() }
    #expect(throws: MemoryError.poisoned) { try memory.put([1], at: 0) }
    #expect(throws: MemoryError.poisoned) { try memory.bytes(at: 0, count: 1) }
    #expect(throws: MemoryError.poisoned) { try memory.grow(by: 1) }
    #expect(throws: MemoryError.poisoned) { try memory.discardCache() }
    #expect(faults.count(.flush) == flushes, "a failed flush is never tried again")
    memory.close()
    #expect(try FileMemory.open(path: folder.image, mode: .readWrite).bytes(at: 0, count: 3) == [1, 2, 3])
  }

  @Test("is poisoned for writing by a failed write", arguments: [EIO, ENOSPC])
  func failedWrite(errno: Int32) throws {
    let memory = try made()
    try memory.put([1, 2, 3], at: 0)
    faults.next(.write, .limit(2), .fail(errno))
    #expect(throws: MemoryError.io(operation: "pwrite", errno: errno, path: folder.image)) {
      try memory.put([9, 9, 9, 9], at: 0)
    }
    #expect(throws: MemoryError.poisoned) { try memory.put([1], at: 0) }
    #expect(throws: MemoryError.poisoned) { try memory.grow(by: 1) }
    #expect(throws: MemoryError.poisoned) { try memory.flush() }
    #expect(try memory.bytes(at: 0, count: 3) == [9, 9, 3])
  }

  @Test("survives a failed read")
  func failedRead() throws {
    let memory = try made()
    try memory.put([1, 2, 3], at: 0)
    faults.next(.read, .limit(1), .fail(EIO))
    #expect(throws: MemoryError.io(operation: "pread", errno: EIO, path: folder.image)) {
      try memory.bytes(at: 0, count: 3)
    }
    #expect(try memory.bytes(at: 0, count: 3) == [1, 2, 3])
    try memory.put([4], at: 0)
    try memory.flush()
  }

  @Test("that finds no room to grow keeps its size", arguments: [ENOSPC, EDQUOT, EFBIG])
  func noRoom(errno: Int32) throws {
    let memory = try made()
    faults.next(.allocate, .fail(errno))
    #expect(throws: MemoryError.full) { try memory.grow(by: 5) }
    #expect(memory.pageCount == 4)
    #expect(System.sizes(of: folder.image)?.bytes == 4 * 65_536)
    try memory.grow(by: 5)
    #expect(memory.pageCount == 9)
  }

  @Test("writes zeros where space cannot be set aside")
  func fallback() throws {
    let memory = try made()
    faults.next(.allocate, .fail(EOPNOTSUPP))
    try memory.grow(by: 40)
    #expect(memory.pageCount == 44)
    let grown = try #require(System.sizes(of: folder.image))
    #expect(grown.bytes == 44 * 65_536)
    #expect(grown.allocated >= 44 * 65_536)
  }

  @Test("that fills up in the middle of writing zeros is cut back")
  func fallbackFull() throws {
    let memory = try made()
    faults.next(.allocate, .fail(EOPNOTSUPP))
    faults.next(.write, .limit(1 << 20), .limit(5000), .fail(ENOSPC))
    #expect(throws: MemoryError.full) { try memory.grow(by: 40) }
    #expect(memory.pageCount == 4)
    #expect(System.sizes(of: folder.image)?.bytes == 4 * 65_536)
    try memory.put([1], at: 0)
  }

  @Test("that cannot be cut back after failing to grow is not trusted any more")
  func failedRollback() throws {
    let memory = try made()
    faults.next(.allocate, .fail(ENOSPC))
    faults.next(.truncate, .fail(EIO))
    #expect(throws: MemoryError.full) { try memory.grow(by: 5) }
    #expect(throws: MemoryError.poisoned) { try memory.put([1], at: 0) }
  }

  @Test(
    "leaves no file behind when creating fails",
    arguments: [
      (FileOperation.lock, ENOLCK), (.inspect, EIO), (.allocate, ENOSPC), (.flush, EIO), (.syncDirectory, EIO),
    ]
  )
  func failedCreation(operation: FileOperation, errno: Int32) throws {
    faults.next(operation, .fail(errno))
    #expect(throws: MemoryError.self) { try made() }
    #expect(System.sizes(of: folder.image) == nil)
    try made().close()
  }

  @Test("says that a file may not be written", arguments: [EACCES, EPERM, EROFS])
  func notWritable(errno: Int32) throws {
    try made().close()
    faults.next(.open, .fail(errno))
    #expect(throws: MemoryError.notWritable(path: folder.image)) {
      try FileMemory.open(path: folder.image, mode: .readWrite, faults: faults.plan)
    }
    faults.next(.open, .fail(EACCES))
    #expect(throws: MemoryError.io(operation: "open", errno: EACCES, path: folder.image)) {
      try FileMemory.open(path: folder.image, mode: .readOnly, faults: faults.plan)
    }
  }
}
