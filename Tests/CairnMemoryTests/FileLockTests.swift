@testable import CairnMemory
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("File memory and other openers")
struct FileLockTests {
  private let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try FileMemory.create(path: folder.image, byteCount: 65_536).close()
  }

  enum Outcome { case opens, inUse }

  @Test(
    "lets in a second opener or names the first",
    arguments: [
      (FileMemory.Mode.readWrite, FileMemory.Mode.readWrite, Outcome.inUse),
      (.readWrite, .readOnly, .inUse), (.readWrite, .live, .opens),
      (.readOnly, .readWrite, .inUse), (.readOnly, .readOnly, .opens), (.readOnly, .live, .opens),
      (.live, .readWrite, .opens), (.live, .readOnly, .opens), (.live, .live, .opens),
    ]
  )
  func secondOpener(first: FileMemory.Mode, second: FileMemory.Mode, outcome: Outcome) throws {
    let holder = try FileMemory.open(path: folder.image, mode: first)
    switch outcome {
    case .opens:
      try FileMemory.open(path: folder.image, mode: second).close()
    case .inUse:
      let error = #expect(throws: MemoryError.self) { try FileMemory.open(path: folder.image, mode: second) }
      guard case .inUse(let path, let name) = error else {
        Issue.record("not in use, but \(String(describing: error))")
        return
      }
      #expect(path == folder.image)
      #if os(Linux)
        #expect(name == "this process (pid \(getpid()))")
      #endif
      holder.close()
      try FileMemory.open(path: folder.image, mode: second).close()
    }
  }

  @Test("gives its lock up when it is dropped")
  func dropping() throws {
    do {
      _ = try FileMemory.open(path: folder.image, mode: .readWrite)
    }
    try FileMemory.open(path: folder.image, mode: .readWrite).close()
  }

  #if os(Linux)
    @Test("names a holder in another process by its command", .enabled(if: System.isExecutable("/usr/bin/flock")))
    func otherProcess() throws {
      let words = ["flock", "--no-fork", folder.image, "sleep", "60"]
      let process = try #require(ChildProcess("/usr/bin/flock", words))
      var holder: String?
      // The lock first, then the command: the child takes both one after the other.
      for _ in 0..<500 where holder != "sleep (pid \(process.id))" {
        do throws(MemoryError) {
          try FileMemory.open(path: folder.image, mode: .readOnly).close()
        } catch .inUse(_, let name) {
          holder = name
        } catch {
          Issue.record(error)
        }
        usleep(10_000)
      }
      #expect(holder == "sleep (pid \(process.id))")
    }
  #endif

  @Test("finds the process in the system's list of locks")
  func parsing() {
    let list = """
      1: POSIX  ADVISORY  WRITE 11 fe:01:77 0 EOF
      2: FLOCK  ADVISORY  WRITE 12 fe:02:77 0 EOF
      2: -> FLOCK  ADVISORY  WRITE 13 fe:01:77 0 EOF
      3: FLOCK  ADVISORY  READ  14 fe:01:77 0 EOF
      4: FLOCK  ADVISORY  READ  15 fe:01:77 0 EOF
      5: FLOCK  ADVISORY
      6: FLOCK  ADVISORY  READ  0 fe:01:88 0 EOF
      7: FLOCK  ADVISORY  READ  x fe:01:88 0 EOF
      8: FLOCK  ADVISORY  READ  16 01:88 0 EOF
      """
    func holder(device: UInt64, inode: UInt64) -> Int32? {
      let status = FileDescriptor.Status(byteCount: 0, device: device, inode: inode, isRegularFile: true)
      return LockHolder.process(holding: status, in: Array(list.utf8))
    }
    #expect(holder(device: 0xFE01, inode: 77) == 14)
    #expect(holder(device: 0xFE02, inode: 77) == 12)
    #expect(holder(device: 0x0001, inode: 77) == 12, "the inode alone decides when no device fits")
    #expect(holder(device: 0xFE01, inode: 88) == nil)
    #expect(holder(device: 0xFE01, inode: 99) == nil)
  }

  @Test("finds the directory of a path")
  func parents() {
    #expect(FileDescriptor.parent(of: "a") == ".")
    #expect(FileDescriptor.parent(of: "/a") == "/")
    #expect(FileDescriptor.parent(of: "a/b") == "a")
    #expect(FileDescriptor.parent(of: "/a/b/c") == "/a/b")
  }
}

@Suite("Memory errors")
struct MemoryErrorTests {
  @Test("say what happened in one line")
  func descriptions() {
    let all: [MemoryError] = [
      .outOfBounds(offset: 1, count: 2, size: 3), .io(operation: "pread", errno: EIO, path: "a.img"),
      .truncated(offset: 5, path: "a.img"), .inUse(path: "a.img", holder: "cairn (pid 7)"), .full, .readOnly,
      .notWritable(path: "a.img"), .poisoned, .closed, .notFound(path: "a.img"), .alreadyExists(path: "a.img"),
      .notAFile(path: "a.img"),
    ]
    #expect(all.allSatisfy { !$0.description.isEmpty && !$0.description.contains("\n") })
    #expect(
      MemoryError.io(operation: "pread", errno: EIO, path: "a.img").description
        == "a.img: pread failed: Input/output error (error 5)")
    #expect(
      MemoryError.inUse(path: "a.img", holder: "cairn (pid 7)").description
        == "a.img is in use by cairn (pid 7); close it there and try again")
  }
}
