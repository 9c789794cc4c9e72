import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Objects")
struct ObjectTests {
  /// Around every limit: inline, one run in the record, chunks of 64 KiB, runs of 1 MiB.
  static let sizes = [
    0, 1, 100, 900, 960, 970, 980, 1000, 4095, 4096, 4097, 65535, 65536, 65537, 200_000, 1 << 20, (1 << 20) + 1,
    2_300_000,
  ]

  @Test("come back as they were put", arguments: sizes)
  func roundTrip(_ size: Int) throws {
    let fixture = try ObjectFixture(pageCount: 96)
    let bytes = contents(size)
    let info = try fixture.put("k", bytes)
    #expect(info.size == UInt64(size) && info.isETagDerived && info.etag == derivedTag(bytes))
    try fixture.reopen()
    #expect(try fixture.get("k") == bytes)
    try fixture.read { (objects) throws in
      let bucket = try objects.bucket("b")
      #expect(try bucket.head("k") == info)
      #expect(try bucket.find("k") == info)
      #expect(try bucket.contains("k") && !bucket.contains("l"))
      var pieces: [UInt8] = []
      try bucket.get("k") { (piece) throws(StorageError) in
        #expect(piece.byteCount <= 1 << 20)
        BulkCopy.append(piece, to: &pieces)
      }
      #expect(pieces == bytes)
    }
    #expect(try fixture.findings() == [])
  }

  @Test("stand where they should: in the record, in one run, or in the tree of data")
  func placement() throws {
    let fixture = try ObjectFixture(pageCount: 96)
    func contentsOf(_ key: ObjectKey) throws -> ObjectRecord.Contents {
      try fixture.read { (objects) throws in try objects.bucket("b").open(key).record.contents }
    }
    try fixture.put("small", contents(800))
    guard case .inline = try contentsOf("small") else { return #expect(Bool(false), "not inline") }
    try fixture.put("middle", contents(70_000))
    guard case .run(let run) = try contentsOf("middle") else { return #expect(Bool(false), "not a run") }
    #expect(run.pieces.count == 1)
    try fixture.put("large", contents(1_100_000))
    guard case .indexed = try contentsOf("large") else { return #expect(Bool(false), "not indexed") }
    // A run would not stand in the leaf beside such a key: small contents go into the record's own extent, and the places
    // of large ones into the other tree.
    let longKey = ObjectKey([UInt8](repeating: 1, count: 1024))
    try fixture.put(longKey, contents(900))
    guard case .inline = try contentsOf(longKey) else { return #expect(Bool(false), "not inline") }
    try fixture.put(longKey, contents(200_000))
    guard case .indexed = try contentsOf(longKey) else { return #expect(Bool(false), "not indexed") }
    #expect(try fixture.get(longKey) == contents(200_000))
    // The record leaves the leaf for its metadata anyway: the run goes with it.
    try fixture.put("much", contents(5000), ObjectOptions(metadata: ["m": String(repeating: "x", count: 2000)]))
    guard case .run = try contentsOf("much") else { return #expect(Bool(false), "not a run") }
    #expect(try fixture.findings() == [])
  }

  @Test("replace each other, and give back what they took")
  func overwriting() throws {
    let fixture = try ObjectFixture(pageCount: 96)
    let sizes = [0, 5000, 100, 1_200_000, 70_000, 2_100_000, 10, 0]
    try fixture.put("k", contents(0))
    let before = fixture.store.space.free
    for size in sizes {
      try fixture.put("k", contents(size, seed: UInt8(size & 0x7F)))
      #expect(try fixture.get("k") == contents(size, seed: UInt8(size & 0x7F)))
    }
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }

  @Test("keep what is stored beside them")
  func options() throws {
    let fixture = try ObjectFixture()
    var options = ObjectOptions(
      contentType: "text/plain; charset=utf-8", metadata: ["mode": "644", "n\u{E4}me": "v\u{E4}rt"], etag: "0123-2",
      checksums: [ObjectChecksum(algorithm: "SHA256", value: "abc="), ObjectChecksum(algorithm: "CRC32", value: "")])
    options.metadata.set([0xFF], to: [0, 0xFE])
    fixture.world.now += 77
    let info = try fixture.put("k", [1, 2], options)
    #expect(info.modified == fixture.world.now)
    #expect(info.etag == "0123-2" && !info.isETagDerived)
    #expect(info.contentType == options.contentType && info.metadata == options.metadata)
    #expect(info.checksums == options.checksums)
    try fixture.reopen(cleanly: false)
    try fixture.read { (objects) throws in #expect(try objects.bucket("b").head("k") == info) }
    #expect(try fixture.list().objects == [ObjectSummary(key: "k", size: 2, etag: "0123-2", modified: info.modified)])
    // Much metadata pushes the record out of its leaf.
    options.metadata["large"] = String(repeating: "x", count: 12_000)
    try fixture.put("k", contents(3000), options)
    #expect(try fixture.get("k") == contents(3000))
    #expect(try fixture.list().objects.map { $0.size } == [3000])
    #expect(try fixture.findings() == [])
  }

  @Test("with impossible keys are refused")
  func impossibleKeys() throws {
    let fixture = try ObjectFixture()
    let longest = ObjectKey([UInt8](repeating: 0xFF, count: 1024))
    try fixture.put(longest, [1])
    #expect(try fixture.get(longest) == [1])
    for count in [0, 1025, 5000] {
      let key = ObjectKey([UInt8](repeating: 1, count: count))
      let error = StorageError.invalidKey(byteCount: count, limit: 1024)
      #expect(throws: error) { try fixture.put(key, [1]) }
      #expect(throws: error) { try fixture.get(key) }
      #expect(throws: error) {
        try fixture.change { (objects) throws in try objects.bucket("b").delete(key) }
      }
    }
  }

  @Test("missing ones are not found")
  func missing() throws {
    let fixture = try ObjectFixture()
    let error = StorageError.notFound(Subject("key", "k"))
    #expect(throws: error) { try fixture.get("k") }
    try fixture.read { (objects) throws in
      let bucket = try objects.bucket("b")
      #expect(throws: error) { try bucket.head("k") }
      #expect(throws: error) { try bucket.open("k") }
      #expect(try bucket.find("k") == nil)
    }
    try fixture.change { (objects) throws in
      #expect(throws: error) { try objects.bucket("b").copy("k", to: "l") }
      #expect(try !objects.bucket("b").delete("k"))
    }
  }

  @Test("parts of them", arguments: [900, 70_000, 2_200_000])
  func ranges(_ size: Int) throws {
    let fixture = try ObjectFixture(pageCount: 96)
    let bytes = contents(size)
    try fixture.put("k", bytes)
    let marks = [0, 1, 100, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, size - 1].filter { $0 < size }
    for lower in marks {
      for count in [1, 2, 70_000, size] {
        let upper = min(lower + count, size)
        let range = ObjectRange.bytes(UInt64(lower)..<UInt64(lower + count))
        #expect(try fixture.get("k", range: range) == Array(bytes[lower..<upper]))
      }
    }
    #expect(try fixture.get("k", range: .last(5)) == Array(bytes.suffix(5)))
    #expect(try fixture.get("k", range: .from(UInt64(size - 3))) == Array(bytes.suffix(3)))
    #expect(throws: StorageError.invalidRange(lower: UInt64(size), upper: UInt64(size), byteCount: UInt64(size))) {
      try fixture.get("k", range: .from(UInt64(size)))
    }
    try fixture.read { (objects) throws in
      let reader = try objects.bucket("b").open("k")
      var buffer = [UInt8](repeating: 0, count: 100)
      let count = try BulkCopy.withMutableRawSpan(of: &buffer) { (target) throws(StorageError) in
        try reader.read(at: UInt64(size - 30), into: &target)
      }
      #expect(count == 30 && Array(buffer[..<30]) == Array(bytes.suffix(30)) && buffer[30] == 0)
      #expect(throws: StorageError.self) {
        try reader.read(0..<UInt64(size + 1)) { (_) throws(StorageError) in }
      }
      #expect(throws: StorageError.valueTooLarge(byteCount: UInt64(size), limit: 10)) {
        try objects.bucket("b").get("k", limit: 10)
      }
    }
  }

  @Test("are copied with what is stored beside them, or with something else")
  func copies() throws {
    let fixture = try ObjectFixture(pageCount: 192)
    let options = ObjectOptions(contentType: "a/b", metadata: ["k": "v"], etag: "given")
    for size in [10, 70_000, 2_200_000] {
      let bytes = contents(size)
      try fixture.put("source", bytes, options)
      try fixture.change { (objects) throws in
        try objects.createBucket("c", ifMissing: true)
        let copy = try objects.bucket("c").copy("source", from: objects.bucket("b"), to: "copy")
        #expect(copy.etag == "given" && copy.contentType == "a/b" && copy.metadata == ["k": "v"])
        let other = try objects.bucket("b").copy("source", to: "other", replacing: ObjectOptions(contentType: "x/y"))
        #expect(other.contentType == "x/y" && other.metadata.isEmpty && other.etag == derivedTag(bytes))
        // Onto itself, to change what is stored beside it.
        try objects.bucket("b").copy("source", to: "source", replacing: ObjectOptions(etag: "new"))
        #expect(try objects.bucket("b").head("source").etag == "new")
      }
      #expect(try fixture.get("source") == bytes)
      #expect(try fixture.get("other") == bytes)
      try fixture.change { (objects) throws in
        #expect(try objects.bucket("c").get("copy") == bytes)
        // Each has its own data.
        #expect(try objects.bucket("b").delete(["source", "none", "other"]) == [true, false, true])
        #expect(try objects.bucket("c").get("copy") == bytes)
      }
      #expect(try fixture.findings() == [])
    }
  }

  @Test("conditions decide about every request")
  func conditions() throws {
    let fixture = try ObjectFixture()
    let first = try fixture.put("k", [1], if: .absent)
    let failed = StorageError.preconditionFailed(Subject("key", "k"))
    let unmodified = StorageError.preconditionFailed(Subject("unmodified key", "k"))
    #expect(throws: failed) { try fixture.put("k", [2], if: .absent) }
    #expect(throws: failed) { try fixture.put("k", contents(100_000), if: .matching("wrong")) }
    #expect(throws: StorageError.notFound(Subject("key", "l"))) { try fixture.put("l", [2], if: .matching("x")) }
    let second = try fixture.put("k", [2], if: .matching(first.etag))
    try fixture.read { (objects) throws in
      let bucket = try objects.bucket("b")
      #expect(throws: failed) { try bucket.get("k", if: .matching(first.etag)) }
      #expect(throws: unmodified) { try bucket.get("k", if: ObjectConditions(ifNoneMatch: .tags([second.etag]))) }
      #expect(throws: unmodified) { try bucket.head("k", if: ObjectConditions(ifModifiedSince: second.modified)) }
      #expect(try bucket.get("k", if: .matching(second.etag)) == [2])
    }
    try fixture.change { (objects) throws in
      let bucket = try objects.bucket("b")
      #expect(throws: failed) { try bucket.copy("k", to: "l", ifSource: .matching("wrong")) }
      #expect(throws: failed) { try bucket.copy("k", to: "k", if: .absent) }
      #expect(throws: failed) { try bucket.delete("k", if: .matching("wrong")) }
      #expect(throws: StorageError.notFound(Subject("key", "l"))) { try bucket.delete("l", if: .matching("x")) }
      // Nothing of that made the transaction fail.
      #expect(try bucket.delete("k", if: .matching(second.etag)))
    }
    #expect(try fixture.list().objects == [])
    #expect(try fixture.findings() == [])
  }

  @Test("a transaction that throws leaves nothing behind")
  func rollback() throws {
    let fixture = try ObjectFixture()
    try fixture.put("k", contents(5000))
    let before = fixture.store.space.free
    #expect(throws: StorageError.closed) {
      try fixture.change { (objects) throws in
        let bucket = try objects.bucket("b")
        try bucket.put("l", contents(300_000))
        try bucket.delete("k")
        try objects.createBucket("c")
        throw StorageError.closed
      }
    }
    #expect(try fixture.get("k") == contents(5000))
    #expect(try fixture.read { (objects) throws in try objects.buckets().count } == 1)
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }

  @Test("on blocks of all sizes", arguments: [512, 1024, 2048, 8192, 65536])
  func blockSizes(_ blockByteCount: Int) throws {
    let fixture = try ObjectFixture(pageCount: blockByteCount == 65536 ? 256 : 96, blockByteCount: blockByteCount)
    let limit = try fixture.read { (objects) throws in objects.maximumKeyByteCount }
    #expect(limit == [512: 113, 1024: 263, 2048: 561, 8192: 1024, 65536: 1024][blockByteCount])
    let longest = ObjectKey([UInt8](repeating: 7, count: limit))
    for size in [0, 60, 200, 300, 600, 3000, 70_000, 1_100_000] {
      try fixture.put("k", contents(size))
      #expect(try fixture.get("k") == contents(size))
      try fixture.put(longest, contents(size / 2))
      #expect(try fixture.get(longest) == contents(size / 2))
    }
    #expect(throws: StorageError.invalidKey(byteCount: limit + 1, limit: limit)) {
      try fixture.put(ObjectKey([UInt8](repeating: 7, count: limit + 1)), [])
    }
    #expect(try fixture.findings() == [])
  }
}

/// The ETag as its documentation derives it.
func derivedTag(_ bytes: [UInt8]) -> String {
  var digests = ByteWriter()
  var lower = 0
  while lower < bytes.count {
    let upper = min(lower + 65536, bytes.count)
    digests.uint64(XXHash3.digest(Array(bytes[lower..<upper]).span))
    lower = upper
  }
  digests.uint64(UInt64(bytes.count))
  return Hexadecimal.text(XXHash64.digest(digests.bytes.span), digitCount: 16)
}
