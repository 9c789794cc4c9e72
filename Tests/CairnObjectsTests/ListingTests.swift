import CairnBlocks
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Listings")
struct ListingTests {
  /// A store whose bucket has these keys, beside buckets before and behind it.
  static func fixture(_ keys: [String]) throws -> ObjectFixture {
    let fixture = try ObjectFixture(bucket: nil)
    try fixture.change { (objects) throws in
      for name in ["a", "b", "c"] { try objects.createBucket(name) }
      try objects.bucket("a").put("zzz", [1])
      try objects.bucket("c").put("aaa", [1])
      for key in keys { try objects.bucket("b").put(ObjectKey(key), Array(key.utf8)) }
    }
    return fixture
  }

  static func text(_ listing: ObjectListing) -> String {
    let keys = listing.objects.map { $0.key.description } + listing.commonPrefixes.map { "[\($0)]" }
    return keys.joined(separator: " ")
  }

  static let keys = ["a", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "b/", "b/1", "c", "\u{E4}/1"]

  @Test(
    "by prefix and delimiter",
    arguments: [
      ("", "", "a a/1 a/2 a/b/1 a/b/2 a0 b/ b/1 c \u{E4}/1"),
      ("", "/", "a a0 c [a/] [b/] [\u{E4}/]"),
      ("a", "/", "a a0 [a/]"),
      ("a/", "/", "a/1 a/2 [a/b/]"),
      ("a/", "", "a/1 a/2 a/b/1 a/b/2"),
      ("a/b", "/", "[a/b/]"),
      ("b/", "/", "b/ b/1"),
      ("", "/b/", "a a/1 a/2 a0 b/ b/1 c \u{E4}/1 [a/b/]"),
      ("", "a", "b/ b/1 c \u{E4}/1 [a]"),
      ("x", "/", ""),
      ("\u{E4}", "/", "[\u{E4}/]"),
    ])
  func delimiters(prefix: String, delimiter: String, expected: String) throws {
    let fixture = try Self.fixture(Self.keys)
    let query = ObjectQuery(prefix: prefix, delimiter: delimiter)
    let listing = try fixture.list(query)
    #expect(Self.text(listing) == expected)
    #expect(!listing.isTruncated)
    // The same in pieces of every size.
    for limit in 1...4 {
      var query = query
      query.limit = limit
      var all = ObjectListing()
      repeat {
        let part = try fixture.list(query)
        #expect(part.objects.count + part.commonPrefixes.count <= limit)
        all.objects += part.objects
        all.commonPrefixes += part.commonPrefixes
        query.continuation = part.continuation
      } while query.continuation != nil
      #expect(Self.text(all) == expected)
    }
  }

  @Test("behind a key")
  func startAfter() throws {
    let fixture = try Self.fixture(Self.keys)
    #expect(Self.text(try fixture.list(ObjectQuery(prefix: "", startAfter: "b/"))) == "b/1 c \u{E4}/1")
    #expect(
      Self.text(try fixture.list(ObjectQuery(prefix: "", startAfter: "a/1x"))) == "a/2 a/b/1 a/b/2 a0 b/ b/1 c \u{E4}/1"
    )
    // A common prefix is listed as long as something behind the key has it.
    #expect(
      Self.text(try fixture.list(ObjectQuery(prefix: "", delimiter: "/", startAfter: "a/2")))
        == "a0 c [a/] [b/] [\u{E4}/]")
    #expect(
      Self.text(try fixture.list(ObjectQuery(prefix: "", delimiter: "/", startAfter: "a0"))) == "c [b/] [\u{E4}/]")
    #expect(Self.text(try fixture.list(ObjectQuery(prefix: "a/", startAfter: "A"))) == "a/1 a/2 a/b/1 a/b/2")
    #expect(Self.text(try fixture.list(ObjectQuery(prefix: "a/", startAfter: "b"))) == "")
    var long = ObjectQuery(prefix: "")
    long.startAfter = Array("c".utf8) + [UInt8](repeating: 0xFF, count: 5000)
    #expect(Self.text(try fixture.list(long)) == "\u{E4}/1")
    long.prefix = long.startAfter
    #expect(Self.text(try fixture.list(long)) == "")
  }

  @Test("have limits and exact ends")
  func limits() throws {
    let fixture = try Self.fixture(["a", "b"])
    #expect(try !fixture.list(ObjectQuery(limit: 2)).isTruncated)
    #expect(try fixture.list(ObjectQuery(limit: 1)).isTruncated)
    #expect(try fixture.list(ObjectQuery(limit: 0)) == ObjectListing())
    #expect(try fixture.list(ObjectQuery(limit: -1)) == ObjectListing())
    for token: [UInt8] in [[], [0], [2, 1], [0] + [UInt8](repeating: 1, count: 2000)] {
      #expect(throws: StorageError.self) { try fixture.list(ObjectQuery(continuation: token)) }
    }
    #expect(try Self.text(fixture.list(ObjectQuery(continuation: [0, 0x61]))) == "b")
  }

  @Test("go over common prefixes of 0xFF bytes")
  func highBytes() throws {
    let fixture = try Self.fixture([])
    try fixture.change { (objects) throws in
      let bucket = try objects.bucket("b")
      for key: [UInt8] in [[0xFF], [0xFF, 0xFF], [0xFF, 0xFF, 1], [0xFE, 0xFF]] { try bucket.put(ObjectKey(key), []) }
    }
    let listing = try fixture.list(ObjectQuery(delimiter: [0xFF]))
    #expect(listing.commonPrefixes.map { $0.bytes } == [[0xFE, 0xFF], [0xFF]])
    #expect(listing.objects.isEmpty && !listing.isTruncated)
    #expect(try fixture.list(ObjectQuery(prefix: [0xFF, 0xFF])).objects.count == 2)
  }

  @Test("do not read what a common prefix stands for")
  func skipping() throws {
    let fixture = try Self.fixture([])
    try fixture.change { (objects) throws in
      let bucket = try objects.bucket("b")
      for index in 0..<300 { try bucket.put(ObjectKey("d/\(1000 + index)"), [1]) }
      try bucket.put("e", [1])
    }
    // A multi-call transaction records what it reads: another's change behind the common prefix's first key is no conflict.
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      let listing = try objects.bucket("b").list(ObjectQuery(prefix: "", delimiter: "/"))
      #expect(Self.text(listing) == "e [d/]")
      try objects.bucket("b").put("f", [2])
    }
    try fixture.put("d/1200", [3])
    try fixture.store.commit(id)
    // But one in what was passed is.
    let other = try fixture.store.begin()
    try fixture.resume(other) { (objects) throws in
      _ = try objects.bucket("b").list(ObjectQuery(prefix: "", delimiter: "/"))
      try objects.bucket("b").put("g", [2])
    }
    try fixture.put("dd", [3])
    #expect(throws: StorageError.self) { try fixture.store.commit(other) }
  }
}
