import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Streaming puts")
struct WriterTests {
  @Test("in pieces of any size", arguments: [0, 500, 70_000, 1 << 20, (1 << 20) + 1, 3_300_000])
  func pieces(_ size: Int) throws {
    let bytes = contents(size)
    for step in [size + 1, 300_000, 65_536] {
      for expected: UInt64? in [nil, UInt64(size), 10, 5_000_000] {
        let fixture = try ObjectFixture(pageCount: 128)
        let before = fixture.store.space.free
        let writer = try fixture.store.objectWriter(expecting: expected)
        var lower = 0
        while lower < size {
          try writer.write(Array(bytes[lower..<min(lower + step, size)]))
          lower += step
        }
        #expect(writer.byteCount == UInt64(size))
        let info = try fixture.change { (objects) throws in
          try objects.bucket("b").put("k", writer, ObjectOptions(contentType: "x"))
        }
        #expect(info.size == UInt64(size) && info.etag == derivedTag(bytes) && info.contentType == "x")
        #expect(try fixture.get("k") == bytes)
        #expect(try fixture.findings() == [])
        // Nothing of what was reserved is kept beyond the contents.
        try fixture.change { (objects) throws in try objects.bucket("b").delete("k") }
        #expect(fixture.store.space.free == before)
      }
    }
  }

  @Test("keep nobody from committing, and leave nothing without a put")
  func abandoned() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    let before = fixture.store.space.free
    do {
      let writer = try fixture.store.objectWriter()
      try writer.write(contents(1_500_000))
      #expect(fixture.store.space.free < before)
      try fixture.put("other", [1])
      try writer.write(contents(1_500_000))
      try fixture.change { (objects) throws in try objects.bucket("b").delete("other") }
    }
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }

  @Test("serve once")
  func once() throws {
    let fixture = try ObjectFixture(pageCount: 128)
    for size in [10, 1_500_000] {
      let writer = try fixture.store.objectWriter()
      try writer.write(contents(size))
      try fixture.change { (objects) throws in try objects.bucket("b").put("k", writer) }
      #expect(throws: StorageError.self) {
        try fixture.change { (objects) throws in try objects.bucket("b").put("l", writer) }
      }
      #expect(throws: StorageError.self) { try writer.write([1]) }
      #expect(try fixture.get("k") == contents(size))
    }
    // Also when the put was rolled back.
    let before = fixture.store.space.free
    let writer = try fixture.store.objectWriter()
    try writer.write(contents(1_500_000))
    #expect(throws: StorageError.preconditionFailed(Subject("key", "k"))) {
      try fixture.change { (objects) throws in try objects.bucket("b").put("k", writer, if: .absent) }
    }
    #expect(fixture.store.space.free == before)
    #expect(try fixture.list().objects.map { $0.key } == ["k"])
    #expect(try fixture.findings() == [])
  }

  @Test("beside each other")
  func interleaved() throws {
    let fixture = try ObjectFixture(pageCount: 256)
    let first = try fixture.store.objectWriter()
    let second = try fixture.store.objectWriter()
    for index in 0..<4 {
      try first.write(contents(700_000, seed: UInt8(index)))
      try second.write(contents(700_000, seed: UInt8(100 + index)))
    }
    try fixture.change { (objects) throws in
      try objects.bucket("b").put("1", first)
      try objects.bucket("b").put("2", second)
    }
    try fixture.reopen(cleanly: false)
    #expect(try fixture.get("1") == (0..<4).flatMap { contents(700_000, seed: UInt8($0)) })
    #expect(try fixture.get("2") == (0..<4).flatMap { contents(700_000, seed: UInt8(100 + $0)) })
    #expect(try fixture.findings() == [])
  }

  @Test("into scattered space")
  func scattered() throws {
    let fixture = try ObjectFixture(pageCount: 96)
    try fixture.change { (objects) throws in
      for index in 0..<120 { try objects.bucket("b").put(ObjectKey("f\(index)"), contents(20_000)) }
    }
    // What is left is taken, too, so that only the gaps remain.
    var count = 0
    while (try? fixture.put(ObjectKey("g\(count)"), contents(100_000))) != nil { count += 1 }
    while (try? fixture.put(ObjectKey("h\(count)"), contents(4096))) != nil { count += 1 }
    try fixture.change { (objects) throws in
      for index in stride(from: 0, to: 120, by: 2) { try objects.bucket("b").delete(ObjectKey("f\(index)")) }
    }
    let bytes = contents(1_060_000)
    let put = try fixture.put("k", bytes)
    #expect(put.etag == derivedTag(bytes))
    let record = try fixture.read { (objects) throws in try objects.bucket("b").open("k").record }
    guard case .indexed(let id) = record.contents else { return #expect(Bool(false), "not indexed") }
    let run = try fixture.read { (objects) throws in
      try objects.trees.run(try objects.trees.data.get(TreeKey.run(id, offset: 0)) ?? [])
    }
    #expect(run.pieces.count > 10)
    #expect(try fixture.get("k") == bytes)
    #expect(try fixture.get("k", range: .bytes(19_000..<90_001)) == Array(bytes[19_000..<90_001]))
    #expect(try fixture.findings() == [])
  }

  @Test("and a full store")
  func full() throws {
    let fixture = try ObjectFixture(pageCount: 64)
    let before = fixture.store.space.free
    let writer = try fixture.store.objectWriter()
    #expect(throws: StorageError.self) {
      for _ in 0..<10 { try writer.write(contents(1_000_000)) }
    }
    #expect(throws: StorageError.self) {
      try fixture.change { (objects) throws in try objects.bucket("b").put("k", writer) }
    }
    #expect(throws: StorageError.self) { try writer.write([1]) }
    withExtendedLifetime(writer) {}
    let free = fixture.store.space.free
    #expect(free < before)
  }

  // A canister's journal had lost everything before the first upload that the store had to grow for: a checkpoint that only
  // has to make freed blocks usable gave up the history, too, as one does that the ring has no room without.
  @Test("that need blocks freed before leave the journal's history alone")
  func history() throws {
    let fixture = try ObjectFixture(pageCount: 64)
    for round in 0..<3 {
      try fixture.put("k", contents(1_200_000, seed: UInt8(round)))
      let writer = try fixture.store.objectWriter()
      try writer.write(contents(900_000))
      try fixture.change { (objects) throws in try objects.bucket("b").put("w", writer) }
      try fixture.change { (objects) throws in try objects.bucket("b").delete(["k", "w"]) }
    }
    let journal = try fixture.store.journal()
    var sequences: [UInt64] = []
    while let commit = try journal.next() { sequences.append(commit.sequence) }
    #expect(sequences.first == 1)
    #expect(sequences == Array(1...UInt64(max(1, sequences.count))) && sequences.count >= 9)
  }
}
