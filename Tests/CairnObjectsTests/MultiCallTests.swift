import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Objects in multi-call transactions")
struct MultiCallTests {
  @Test("are seen inside at once, and by others after the commit")
  func visibility() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    try fixture.put("old", contents(5000))
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      let bucket = try objects.bucket("b")
      try bucket.put("small", [1, 2])
      try bucket.put("middle", contents(70_000))
      try bucket.put("large", contents(1_500_000))
      try bucket.delete("old")
      try objects.createBucket("c")
      try objects.bucket("c").put("k", [3])
    }
    #expect(try fixture.list().objects.map { $0.key } == ["old"])
    try fixture.reopen(cleanly: false)
    #expect(try fixture.findings() == [])
    try fixture.resume(id) { (objects) throws in
      let bucket = try objects.bucket("b")
      #expect(try bucket.list().objects.map { $0.key.description } == ["large", "middle", "small"])
      #expect(try bucket.get("large") == contents(1_500_000))
      #expect(try bucket.get("small") == [1, 2])
      #expect(try objects.bucket("c").get("k") == [3])
      try bucket.copy("large", to: "copy")
      try bucket.put("middle", contents(90_000))
      try objects.bucket("c").delete("k")
      try objects.deleteBucket("c")
    }
    try fixture.reopen()
    try fixture.store.commit(id)
    #expect(try fixture.list().objects.map { $0.key.description } == ["copy", "large", "middle", "small"])
    #expect(try fixture.get("copy") == contents(1_500_000))
    #expect(try fixture.get("middle") == contents(90_000))
    #expect(try fixture.read { try $0.buckets().map { $0.name } } == ["b"])
    #expect(try fixture.findings() == [])
  }

  @Test("leave nothing after a rollback")
  func rollback() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    try fixture.put("k", contents(100_000))
    let before = fixture.store.space.free
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      let bucket = try objects.bucket("b")
      for index in 0..<20 { try bucket.put(ObjectKey("\(index)"), contents(index * 9000)) }
      try bucket.delete("k")
    }
    let writer = try fixture.store.objectWriter()
    try writer.write(contents(1_500_000))
    try fixture.resume(id) { (objects) throws in try objects.bucket("b").put("streamed", writer) }
    try fixture.reopen(cleanly: false)
    try fixture.resume(id) { (objects) throws in
      #expect(try objects.bucket("b").get("streamed") == contents(1_500_000))
    }
    try fixture.store.rollback(id)
    // The outcome is kept for a day, in a record of its own.
    #expect(fixture.store.space.free + 4096 >= before)
    #expect(try fixture.list().objects.map { $0.key } == ["k"])
    #expect(try fixture.findings() == [])
  }

  @Test("streamed ones take their data along")
  func streamed() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    let id = try fixture.store.begin()
    for (key, size) in [("a", 10), ("b", 80_000), ("c", 2_100_000)] {
      let writer = try fixture.store.objectWriter()
      try writer.write(contents(size))
      try fixture.resume(id) { (objects) throws in try objects.bucket("b").put(ObjectKey(key), writer) }
    }
    try fixture.reopen()
    try fixture.store.commit(id)
    #expect(try fixture.get("a") == contents(10))
    #expect(try fixture.get("b") == contents(80_000))
    #expect(try fixture.get("c") == contents(2_100_000))
    #expect(try fixture.findings() == [])
  }

  @Test("a key that was read and then changed by another is a conflict that names it")
  func conflict() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    for size in [1, 3000, 1_100_000] {
      try fixture.put("k", contents(size))
      let id = try fixture.store.begin()
      try fixture.resume(id) { (objects) throws in
        #expect(try objects.bucket("b").get("k").count == size)
        try objects.bucket("b").put("result", [1])
      }
      try fixture.put("k", contents(size))
      fixture.world.now += 1
      try fixture.put("k", contents(size, seed: 9))
      #expect(throws: StorageError.conflict(volume: "objects", key: Array("b/k".utf8))) {
        try fixture.store.commit(id)
      }
      #expect(try !fixture.read { try $0.bucket("b").contains("result") })
    }
    #expect(try fixture.findings() == [])
  }

  @Test("two that write different keys of one bucket do not disturb each other, nor do blind writes of one key")
  func independence() throws {
    let fixture = try ObjectFixture()
    let first = try fixture.store.begin()
    let second = try fixture.store.begin()
    try fixture.resume(first) { (objects) throws in
      try objects.bucket("b").put("1", contents(3000))
      try objects.bucket("b").put("both", contents(5000, seed: 1))
    }
    try fixture.resume(second) { (objects) throws in
      try objects.bucket("b").put("2", contents(3000))
      try objects.bucket("b").put("both", contents(5000, seed: 2))
    }
    try fixture.store.prepare(first)
    try fixture.put("3", [3])
    #expect(throws: StorageError.conflict(volume: "objects", key: Array("b/both".utf8))) {
      try fixture.put("both", [0])
    }
    try fixture.store.commit(first)
    try fixture.store.commit(second)
    #expect(try fixture.list().objects.map { $0.key.description } == ["1", "2", "3", "both"])
    #expect(try fixture.get("both") == contents(5000, seed: 2))
    #expect(try fixture.findings() == [])
  }

  @Test("conditions are looked at again at commit")
  func conditions() throws {
    let fixture = try ObjectFixture()
    let old = try fixture.put("k", [1])
    let absent = try fixture.store.begin()
    try fixture.resume(absent) { (objects) throws in try objects.bucket("b").put("new", [1], if: .absent) }
    let matching = try fixture.store.begin()
    try fixture.resume(matching) { (objects) throws in
      try objects.bucket("b").delete("k", if: .matching(old.etag))
    }
    try fixture.put("new", [2])
    try fixture.put("k", [2])
    for id in [absent, matching] {
      #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    }
    #expect(try fixture.get("new") == [2])
    #expect(try fixture.get("k") == [2])
    // Inside the transaction a condition sees its own changes.
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      let info = try objects.bucket("b").put("own", [1])
      try objects.bucket("b").put("own", [2], if: .matching(info.etag))
      #expect(throws: StorageError.preconditionFailed(Subject("key", "own"))) {
        try objects.bucket("b").put("own", [3], if: .absent)
      }
    }
    try fixture.store.commit(id)
    #expect(try fixture.get("own") == [2])
    #expect(try fixture.findings() == [])
  }

  @Test("a bucket that another removes, or makes, is a conflict")
  func buckets() throws {
    let fixture = try ObjectFixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in try objects.bucket("b").put("k", [1]) }
    try fixture.change { try $0.deleteBucket("b") }
    #expect(throws: StorageError.conflict(volume: "objects", key: Array("b".utf8))) { try fixture.store.commit(id) }
    let other = try fixture.store.begin()
    try fixture.resume(other) { (objects) throws in
      try objects.createBucket("c", ifMissing: true)
      try objects.bucket("c").put("k", [1])
    }
    try fixture.change { try $0.createBucket("c") }
    #expect(throws: StorageError.conflict(volume: "objects", key: Array("c".utf8))) { try fixture.store.commit(other) }
    #expect(try fixture.findings() == [])
  }

  @Test("the same bucket made anew is no longer the one that was read")
  func bucketsAnew() throws {
    let fixture = try ObjectFixture()
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      #expect(try objects.bucket("b").list().objects == [])
      try objects.createBucket("c")
      try objects.bucket("c").put("k", [1])
    }
    fixture.world.now += 1
    try fixture.change { (objects) throws in
      try objects.deleteBucket("b")
      try objects.createBucket("b")
    }
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    #expect(try fixture.findings() == [])
  }
}
