import CairnMemory
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("File memory")
struct FileMemoryTests {
  @Test("keeps its contents over close and open")
  func reopening() throws {
    let folder = try ScratchFolder()
    let bytes = pattern(50_000, seed: 3)
    let made = try FileMemory.create(path: folder.image, byteCount: 200_000)
    #expect(made.pageCount == 4, "rounded up to whole pages")
    #expect(made.guarantees == .sectors(byteCount: 4096))
    try made.put(bytes, at: 100_000)
    try made.flush()
    made.close()
    for mode in [FileMemory.Mode.readWrite, .readOnly, .live] {
      let memory = try FileMemory.open(path: folder.image, mode: mode)
      #expect(memory.pageCount == 4)
      #expect(try memory.bytes(at: 100_000, count: 50_000) == bytes)
      memory.close()
    }
  }

  @Test("has its space allocated before it is promised")
  func allocation() throws {
    let folder = try ScratchFolder()
    let memory = try FileMemory.create(path: folder.image, byteCount: 1 << 20)
    let made = try #require(System.sizes(of: folder.image))
    #expect(made.bytes == 1 << 20)
    #expect(made.allocated >= 1 << 20)
    try memory.grow(by: 16)
    let grown = try #require(System.sizes(of: folder.image))
    #expect(grown.bytes == 1 << 21)
    #expect(grown.allocated >= 1 << 21)
  }

  @Test("is written full of zeros when that is asked for, and when it grows")
  func zeroFilling() throws {
    let folder = try ScratchFolder()
    let faults = FaultPlan()
    let memory = try FileMemory.create(
      path: folder.image, byteCount: 1 << 20, isZeroFilled: true, faults: faults.plan)
    #expect(faults.count(.write) == 1)
    try memory.grow(by: 32)
    #expect(faults.count(.write) == 3)
    #expect(try memory.bytes(at: 0, count: 3 << 20).allSatisfy { $0 == 0 })
  }

  @Test("is made once, and an existing file stays as it is")
  func creation() throws {
    let folder = try ScratchFolder()
    try FileMemory.create(path: folder.image, byteCount: 65_536).close()
    #expect(throws: MemoryError.alreadyExists(path: folder.image)) {
      try FileMemory.create(path: folder.image, byteCount: 1 << 20)
    }
    #expect(System.sizes(of: folder.image)?.bytes == 65_536)
  }

  @Test("names what it cannot open")
  func unopenable() throws {
    let folder = try ScratchFolder()
    let missing = "\(folder.path)/missing"
    for mode in [FileMemory.Mode.readWrite, .readOnly, .live] {
      #expect(throws: MemoryError.notFound(path: missing)) { try FileMemory.open(path: missing, mode: mode) }
      #expect(throws: MemoryError.notFound(path: "")) { try FileMemory.open(path: "", mode: mode) }
      #expect(throws: MemoryError.notAFile(path: folder.path)) { try FileMemory.open(path: folder.path, mode: mode) }
    }
    #expect(throws: MemoryError.notFound(path: "\(missing)/image")) {
      try FileMemory.create(path: "\(missing)/image", byteCount: 65_536)
    }
    #expect(throws: MemoryError.notFound(path: "\(folder.image)\0x")) {
      try FileMemory.create(path: "\(folder.image)\0x", byteCount: 65_536)
    }
  }

  @Test("does not wait for the other end of a named pipe", .timeLimit(.minutes(10)))
  func pipe() throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/pipe"
    try #require(System.makePipe(path))
    #expect(throws: MemoryError.notAFile(path: path)) { try FileMemory.open(path: path, mode: .readOnly) }
    #expect(throws: MemoryError.notAFile(path: path)) { try FileMemory.open(path: path, mode: .readWrite) }
  }

  @Test("has only whole pages, and new ones are zeros", arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
  func oddSizes(byteCount: Int) throws {
    let folder = try ScratchFolder()
    try FileMemory.create(path: folder.image, byteCount: 4 * 65_536).close()
    let filled = try FileMemory.open(path: folder.image, mode: .readWrite)
    try filled.put([UInt8](repeating: 0xAB, count: 4 * 65_536), at: 0)
    filled.close()
    try #require(System.shorten(folder.image, to: byteCount))

    let memory = try FileMemory.open(path: folder.image, mode: .readWrite)
    let pages = byteCount / 65_536
    #expect(memory.pageCount == UInt64(pages))
    #expect(throws: MemoryError.self) { try memory.bytes(at: UInt64(pages) * 65_536, count: 1) }
    try memory.grow(by: 2)
    #expect(memory.pageCount == UInt64(pages) + 2)
    #expect(try memory.bytes(at: 0, count: pages * 65_536).allSatisfy { $0 == 0xAB })
    #expect(try memory.bytes(at: UInt64(pages) * 65_536, count: 131_072).allSatisfy { $0 == 0 })
  }

  @Test("that was shortened from outside gives an error, never a hang", .timeLimit(.minutes(10)))
  func shortened() throws {
    let folder = try ScratchFolder()
    let memory = try FileMemory.create(path: folder.image, byteCount: 4 * 65_536)
    try #require(System.shorten(folder.image, to: 70_000))
    #expect(try memory.bytes(at: 69_000, count: 1000).allSatisfy { $0 == 0 })
    #expect(throws: MemoryError.truncated(offset: 70_000, path: folder.image)) {
      try memory.bytes(at: 65_536, count: 65_536)
    }
    #expect(throws: MemoryError.truncated(offset: 70_000, path: folder.image)) { try memory.grow(by: 1) }
    #expect(System.sizes(of: folder.image)?.bytes == 70_000)
  }

  @Test("opened for reading takes no writes")
  func readOnly() throws {
    let folder = try ScratchFolder()
    try FileMemory.create(path: folder.image, byteCount: 65_536).close()
    for mode in [FileMemory.Mode.readOnly, .live] {
      let memory = try FileMemory.open(path: folder.image, mode: mode)
      #expect(!memory.isWritable)
      #expect(throws: MemoryError.readOnly) { try memory.put([1], at: 0) }
      #expect(throws: MemoryError.readOnly) { try memory.grow(by: 1) }
      try memory.flush()
      try memory.discardCache()
      memory.close()
    }
  }

  @Test("that is closed says so")
  func closed() throws {
    let folder = try ScratchFolder()
    let memory = try FileMemory.create(path: folder.image, byteCount: 65_536)
    memory.close()
    memory.close()
    #expect(throws: MemoryError.closed) { try memory.bytes(at: 0, count: 1) }
    #expect(throws: MemoryError.closed) { try memory.put([1], at: 0) }
    #expect(throws: MemoryError.closed) { try memory.grow(by: 1) }
    #expect(throws: MemoryError.closed) { try memory.flush() }
    #expect(throws: MemoryError.closed) { try memory.discardCache() }
  }

  @Test("can be closed while others read")
  func closingUnderReaders() async throws {
    let folder = try ScratchFolder()
    let memory = try FileMemory.create(path: folder.image, byteCount: 1 << 20)
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          var failure: MemoryError?
          while failure == nil {
            do throws(MemoryError) { _ = try memory.bytes(at: 0, count: 1 << 16) } catch { failure = error }
            // The pool has few threads: whoever closes must get one.
            await Task.yield()
          }
          #expect(failure == .closed)
        }
      }
      group.addTask {
        try? await Task.sleep(for: .milliseconds(20))
        memory.close()
      }
    }
  }
}
