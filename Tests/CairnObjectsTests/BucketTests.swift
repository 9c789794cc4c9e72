import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Buckets")
struct BucketTests {
  @Test("are made, listed in byte order and removed")
  func life() throws {
    let fixture = try ObjectFixture(bucket: nil)
    #expect(try fixture.read { (objects) throws in try objects.buckets() } == [])
    fixture.world.now += 5
    let created = fixture.world.now
    try fixture.change { (objects) throws in
      for name in ["b", "\u{E4}", "a", "B"] { #expect(try objects.createBucket(name)) }
      #expect(try !objects.createBucket("a", ifMissing: true))
      #expect(try objects.createBucket("c", ifMissing: true))
    }
    try fixture.reopen()
    try fixture.read { (objects) throws in
      #expect(try objects.buckets().map { $0.name } == ["B", "a", "b", "c", "\u{E4}"])
      #expect(try objects.head(bucket: "a") == BucketInfo(name: "a", created: created))
      #expect(try objects.bucketExists("c") && !objects.bucketExists("d"))
    }
    try fixture.change { (objects) throws in try objects.deleteBucket("a") }
    #expect(throws: StorageError.notFound(Subject("bucket", "a"))) {
      try fixture.read { (objects) throws in try objects.head(bucket: "a") }
    }
    #expect(try fixture.findings() == [])
  }

  @Test("are refused twice, with objects in them, and when they are missing")
  func refusals() throws {
    let fixture = try ObjectFixture()
    #expect(throws: StorageError.alreadyExists(Subject("bucket", "b"))) {
      try fixture.change { (objects) throws in try objects.createBucket("b") }
    }
    try fixture.put("k", [1])
    #expect(throws: StorageError.notEmpty(Subject("bucket", "b"))) {
      try fixture.change { (objects) throws in try objects.deleteBucket("b") }
    }
    let missing = StorageError.notFound(Subject("bucket", "x"))
    #expect(throws: missing) {
      try fixture.change { (objects) throws in try objects.deleteBucket("x") }
    }
    #expect(throws: missing) {
      try fixture.change { (objects) throws in try objects.bucket("x").put("k", [1]) }
    }
    #expect(throws: missing) {
      try fixture.read { (objects) throws in try objects.bucket("x").get("k") }
    }
    #expect(throws: missing) {
      try fixture.read { (objects) throws in try objects.bucket("x").list() }
    }
    #expect(try fixture.get("k") == [1])
    #expect(try fixture.findings() == [])
  }

  @Test("are emptied and copied in steps, across restarts")
  func steps() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    try fixture.change { (objects) throws in try objects.createBucket("c") }
    for number in 0..<25 { try fixture.put(ObjectKey("k/\(number)"), contents(number * 1000)) }
    try fixture.put("l", [1])
    var last: ObjectKey?
    var calls = 0
    repeat {
      last = try fixture.change { (objects) throws in
        try objects.bucket("b").copyAll(
          prefix: Array("k/".utf8), to: objects.bucket("c"), after: last, budget: 30_000)
      }
      calls += 1
      try fixture.reopen(cleanly: false)
    } while last != nil
    #expect(calls > 5 && calls < 12)
    let copies = try fixture.read { (objects) throws in try objects.bucket("c").list().objects }
    #expect(copies.count == 25 && copies.map { $0.size }.reduce(0, +) == 300_000)
    #expect(try fixture.read { (objects) throws in try objects.bucket("c").get("k/24") } == contents(24_000))
    var counts: [Int] = []
    repeat {
      counts.append(
        try fixture.change { (objects) throws in try objects.bucket("b").deleteAll(prefix: Array("k/".utf8), budget: 10)
        })
      try fixture.reopen()
    } while counts.last == 10
    #expect(counts == [10, 10, 5])
    #expect(try fixture.list().objects.map { $0.key } == ["l"])
    #expect(try fixture.change { (objects) throws in try objects.bucket("b").deleteAll(budget: 0) } == 0)
    #expect(try fixture.findings() == [])
  }

  @Test("have names of 1 to 255 bytes without a slash", arguments: ["", "a/b", String(repeating: "x", count: 256)])
  func impossibleNames(_ name: String) throws {
    let fixture = try ObjectFixture()
    #expect(throws: StorageError.self) {
      try fixture.change { (objects) throws in try objects.createBucket(name) }
    }
    #expect(throws: StorageError.self) {
      try fixture.read { (objects) throws in try objects.bucket(name) }
    }
  }

  @Test("keep their objects apart, also from those of a bucket that had the name before")
  func separation() throws {
    let fixture = try ObjectFixture(bucket: nil)
    try fixture.change { (objects) throws in
      try objects.createBucket("a")
      try objects.createBucket(String(repeating: "n", count: 255))
      try objects.bucket("a").put("k", [1])
      try objects.bucket(String(repeating: "n", count: 255)).put("k", [2])
    }
    try fixture.change { (objects) throws in
      #expect(try objects.bucket("a").get("k") == [1])
      try objects.bucket("a").delete("k")
      try objects.deleteBucket("a")
      try objects.createBucket("a")
      #expect(try objects.bucket("a").list().objects == [])
      #expect(try objects.bucket(String(repeating: "n", count: 255)).get("k") == [2])
    }
    #expect(try fixture.findings() == [])
  }

  @Test("a volume of objects takes no options, and counts what is in it")
  func volume() throws {
    let fixture = try ObjectFixture()
    #expect(throws: StorageError.self) { try fixture.store.createVolume("o", kind: .objects, options: [1]) }
    try fixture.put("k", contents(100))
    try fixture.put("l", contents(9000))
    try fixture.put("k", contents(50))
    try fixture.read { (objects) throws in
      let usage = try objects.usage()
      #expect(usage.itemCount == 2 && usage.byteCount == 9050)
      #expect(try objects.bucket("b").usage() == BucketUsage(objectCount: 2, byteCount: 9050))
      #expect(objects.maximumKeyByteCount == 1024)
    }
  }

  @Test("removing the volume gives everything back")
  func removal() throws {
    let fixture = try ObjectFixture(pageCount: 96, bucket: nil)
    try fixture.store.removeVolume("objects")
    let before = fixture.store.space.free
    try fixture.store.createVolume("objects", kind: .objects)
    try fixture.change { (objects) throws in
      for name in ["a", "b"] {
        try objects.createBucket(name)
        for index in 0..<40 { try objects.bucket(name).put(ObjectKey("\(index)"), contents(index * 300)) }
        try objects.bucket(name).put("large", contents(1_300_000))
      }
    }
    try fixture.store.removeVolume("objects")
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }
}
