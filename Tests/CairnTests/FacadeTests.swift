import Cairn
import Foundation
import Testing

/// A folder that goes away with the test.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

@Suite("The facade")
struct FacadeTests {
  @Test("the README's first program runs, again and again")
  func readme() throws {
    let scratch = try Scratch()
    let path = scratch.path("app.cairn")
    for _ in 0..<2 { try firstProgram(path) }
    let store = try Store.open(path, isReadOnly: true)
    let keys = try store.read { txn in try txn.bucket("media").list().objects.map { $0.key } }
    #expect(keys == ["2026/cat.jpg"])
    #expect(try store.check(deep: true).isClean)
    try store.close()
  }

  @Test("the README shows that program")
  func readmeText() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let source = try String(contentsOf: tests.appendingPathComponent("FirstProgram.swift"), encoding: .utf8)
    let program = try #require(
      source.components(separatedBy: "// begin\n").last?.components(separatedBy: "// end").first)
    let readme = tests.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("README.md")
    guard let text = try? String(contentsOf: readme, encoding: .utf8), text.contains("firstProgram") else { return }
    #expect(text.contains(program))
  }

  @Test("makes and opens files, and lets go of them when they are closed")
  func files() throws {
    let scratch = try Scratch()
    let path = scratch.path("s.cairn")
    #expect(throws: StorageError.memory(.notFound(path: path))) { try Store.open(path) }
    let store = try Store.create(path, size: 8 << 20)
    #expect(store.space.capacity == 8 << 20)
    #expect(try store.volumes().map { $0.name } == ["objects"])
    #expect(throws: StorageError.self) { try Store.create(path) }
    #expect(throws: StorageError.self) { try Store.open(path) }
    try store.close()
    let again = try Store.open(path)
    try again.createDisk("d", DiskGeometry(blockCount: 10))
    try again.transaction { txn in try txn.disk("d").write(3, [UInt8](repeating: 7, count: 4096)) }
    try again.close()
    let reader = try Store.open(path, isReadOnly: true)
    #expect(reader.isReadOnly)
    #expect(try reader.read { txn in try txn.disk("d").read(3).allSatisfy { $0 == 7 } })
    #expect(throws: StorageError.readOnly) { try reader.transaction { txn in try txn.createBucket("b") } }
    try reader.close()
    #expect(throws: StorageError.closed) { try reader.read { txn in _ = try txn.objects() } }
  }

  @Test("a store that could not be made leaves no file")
  func failedCreation() throws {
    let scratch = try Scratch()
    let path = scratch.path("s.cairn")
    #expect(throws: StorageError.self) {
      try Store.create(path, size: 8 << 20, format: FormatOptions(blockByteCount: 7))
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    try Data("something else".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: StorageError.self) { try Store.open(path, createIfMissing: true) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("something else".utf8))
  }

  struct OwnError: Error, Equatable { let number: Int }

  @Test("closures may throw errors of their own, which roll back and come out")
  func ownErrors() throws {
    let store = try memoryStore()
    #expect(throws: OwnError(number: 1)) {
      try store.transaction { txn in
        try txn.createBucket("b")
        throw OwnError(number: 1)
      }
    }
    #expect(try store.read { txn in try txn.objects().buckets().isEmpty })
    #expect(throws: OwnError(number: 2)) { try store.read { _ in throw OwnError(number: 2) } }
    #expect(throws: StorageError.notFound(Subject("bucket", "x"))) {
      try store.transaction { txn in
        _ = try txn.bucket("x").list()
        throw OwnError(number: 3)
      }
    }
    let id = try store.begin()
    try store.resume(id) { txn in
      try txn.createBucket("b")
      try txn.bucket("b").put("kept", [1])
    }
    #expect(throws: OwnError(number: 4)) {
      try store.resume(id) { txn in
        try txn.bucket("b").put("dropped", [1])
        throw OwnError(number: 4)
      }
    }
    let first = try store.resume(id, callNumber: 1) { txn in
      try txn.bucket("b").put("numbered", [1])
      return try txn.bucket("b").list().objects.count
    }
    #expect(first == 2)
    let repeated = try store.resume(id, callNumber: 1) { txn in try txn.bucket("b").list().objects.count }
    #expect(repeated == nil)
    try store.commit(id)
    #expect(try store.read { txn in try txn.bucket("b").list().objects.map { $0.key } } == ["kept", "numbered"])
    // The core's own form stays at hand.
    let count = try store.read { (txn) throws(StorageError) -> Int in try txn.objects().buckets().count }
    #expect(count == 1)
  }

  @Test("takes and gives Data, Date and files")
  func foundation() throws {
    let store = try memoryStore(pageCount: 160)
    let scratch = try Scratch()
    var large = Data(count: 2_500_000)
    large[7] = 1
    large[2_499_999] = 2
    let source = scratch.url.appendingPathComponent("source")
    try large.write(to: source)
    let writer = try store.objectWriter(contentsOf: source)
    try store.transaction { txn in
      try txn.createBucket("b")
      let bucket = try txn.bucket("b")
      try bucket.put("data", Data([1, 2, 3]))
      try bucket.put("file", writer)
    }
    try store.read { txn in
      let bucket = try txn.bucket("b")
      #expect(try bucket.data(for: "data") == Data([1, 2, 3]))
      #expect(try bucket.data(for: "file", range: .last(1)) == Data([2]))
      let target = scratch.url.appendingPathComponent("target")
      for _ in 0..<2 {
        let info = try bucket.download("file", to: target)
        #expect(try Data(contentsOf: target) == large)
        #expect(abs(info.modifiedDate.timeIntervalSinceNow) < 3600)
      }
      #expect(throws: StorageError.notFound(Subject("key", "none"))) { try bucket.download("none", to: target) }
      #expect(try Data(contentsOf: target) == large)
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).sorted() == ["source", "target"])
      let info = try bucket.head("data")
      let since = ObjectConditions(modifiedSince: info.modifiedDate)
      #expect(throws: StorageError.preconditionFailed(Subject("unmodified key", "data"))) {
        try bucket.head("data", if: since)
      }
      #expect(try txn.objects().head(bucket: "b").createdDate <= info.modifiedDate.addingTimeInterval(1))
      #expect(try bucket.list().objects.first?.modifiedDate == info.modifiedDate)
    }
    #expect(Date(timeIntervalSince1970: -5).nanosecondsSince1970 == 0)
    #expect(Date.distantFuture.nanosecondsSince1970 == .max)
    #expect(Date(nanosecondsSince1970: 1_500_000_000).timeIntervalSince1970 == 1.5)
  }

  private func memoryStore(pageCount: UInt64 = 64) throws -> Store {
    let store = try Store.create(
      on: HeapMemory(pageCount: pageCount), options: StoreOptions(filesystems: Store.standardFilesystems))
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    return store
  }
}
