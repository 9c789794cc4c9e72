import CairnBlocks
import Testing

@testable import CairnObjects

@Suite("Conditions and ranges")
struct ConditionTests {
  static let second: UInt64 = 1_000_000_000
  /// The object of all cases: tag `t`, changed half a second behind second 100.
  static let object = ObjectInfo(
    key: "k", size: 1, etag: "t", isETagDerived: false, modified: 100 * second + second / 2, contentType: "",
    metadata: [:], checksums: [])

  struct Case: Sendable {
    let conditions: ObjectConditions
    let outcome: ObjectConditions.Outcome
    /// What a missing object gets.
    let missing: ObjectConditions.Outcome
  }

  static let cases: [Case] = [
    Case(conditions: .none, outcome: .holds, missing: .holds),
    Case(conditions: ObjectConditions(ifMatch: .tags(["t"])), outcome: .holds, missing: .failed),
    Case(conditions: ObjectConditions(ifMatch: .tags(["s", "t"])), outcome: .holds, missing: .failed),
    Case(conditions: ObjectConditions(ifMatch: .tags(["s"])), outcome: .failed, missing: .failed),
    Case(conditions: ObjectConditions(ifMatch: .tags([])), outcome: .failed, missing: .failed),
    Case(conditions: ObjectConditions(ifMatch: .any), outcome: .holds, missing: .failed),
    Case(conditions: ObjectConditions(ifNoneMatch: .tags(["t"])), outcome: .notModified, missing: .holds),
    Case(conditions: ObjectConditions(ifNoneMatch: .tags(["s"])), outcome: .holds, missing: .holds),
    Case(conditions: .absent, outcome: .notModified, missing: .holds),
    // Dates have the precision of a second.
    Case(conditions: ObjectConditions(ifModifiedSince: 99 * second), outcome: .holds, missing: .holds),
    Case(conditions: ObjectConditions(ifModifiedSince: 100 * second), outcome: .notModified, missing: .holds),
    Case(conditions: ObjectConditions(ifModifiedSince: 101 * second), outcome: .notModified, missing: .holds),
    Case(conditions: ObjectConditions(ifUnmodifiedSince: 99 * second), outcome: .failed, missing: .failed),
    Case(conditions: ObjectConditions(ifUnmodifiedSince: 100 * second), outcome: .holds, missing: .failed),
    // If-Match decides over If-Unmodified-Since.
    Case(
      conditions: ObjectConditions(ifMatch: .tags(["t"]), ifUnmodifiedSince: 1), outcome: .holds, missing: .failed),
    Case(
      conditions: ObjectConditions(ifMatch: .tags(["s"]), ifUnmodifiedSince: 200 * second), outcome: .failed,
      missing: .failed),
    // If-None-Match decides over If-Modified-Since.
    Case(
      conditions: ObjectConditions(ifNoneMatch: .tags(["s"]), ifModifiedSince: 200 * second), outcome: .holds,
      missing: .holds),
    Case(
      conditions: ObjectConditions(ifNoneMatch: .tags(["t"]), ifModifiedSince: 1), outcome: .notModified,
      missing: .holds),
    // A failed one decides over "not modified".
    Case(
      conditions: ObjectConditions(ifMatch: .tags(["s"]), ifNoneMatch: .tags(["t"])), outcome: .failed,
      missing: .failed),
    Case(
      conditions: ObjectConditions(ifMatch: .tags(["t"]), ifNoneMatch: .tags(["t"])), outcome: .notModified,
      missing: .failed),
    Case(
      conditions: ObjectConditions(ifModifiedSince: 200 * second, ifUnmodifiedSince: 1), outcome: .failed,
      missing: .failed),
  ]

  @Test("of reads", arguments: cases)
  func reads(_ test: Case) {
    #expect(test.conditions.outcome(for: Self.object) == test.outcome)
    #expect(test.conditions.outcome(for: nil) == test.missing)
  }

  @Test("of changes")
  func changes() throws {
    let key: ObjectKey = "k"
    func require(_ conditions: ObjectConditions, _ etag: String?) throws(StorageError) {
      try conditions.requireWrite(key, etag: etag, modified: Self.object.modified)
    }
    try require(.none, nil)
    try require(.absent, nil)
    try require(.matching("t"), "t")
    // If-Modified-Since says nothing about a change.
    try require(ObjectConditions(ifModifiedSince: 200 * Self.second), "t")
    let failed = StorageError.preconditionFailed(Subject("key", "k"))
    #expect(throws: failed) { try require(.absent, "t") }
    #expect(throws: failed) { try require(.matching("s"), "t") }
    #expect(throws: failed) { try require(ObjectConditions(ifUnmodifiedSince: 1), "t") }
    let missing = StorageError.notFound(Subject("key", "k"))
    #expect(throws: missing) { try require(.matching("t"), nil) }
    #expect(throws: missing) { try require(ObjectConditions(ifUnmodifiedSince: 1), nil) }
  }

  @Test("ranges are cut to the object")
  func ranges() throws {
    #expect(try ObjectRange.bytes(2..<5).resolved(in: 10) == 2..<5)
    #expect(try ObjectRange.bytes(2..<50).resolved(in: 10) == 2..<10)
    #expect(try ObjectRange.from(9).resolved(in: 10) == 9..<10)
    #expect(try ObjectRange.last(3).resolved(in: 10) == 7..<10)
    #expect(try ObjectRange.last(30).resolved(in: 10) == 0..<10)
    #expect(throws: StorageError.invalidRange(lower: 10, upper: 11, byteCount: 10)) {
      try ObjectRange.bytes(10..<11).resolved(in: 10)
    }
    for range: ObjectRange in [.bytes(3..<3), .from(10), .last(0)] {
      #expect(throws: StorageError.self) { try range.resolved(in: 10) }
    }
    for range: ObjectRange in [.bytes(0..<1), .from(0), .last(1)] {
      #expect(throws: StorageError.self) { try range.resolved(in: 0) }
    }
  }
}

@Suite("Metadata")
struct MetadataTests {
  @Test("is ordered by name, each name once")
  func order() {
    var metadata: ObjectMetadata = ["b": "1", "a": "2", "b": "3"]
    #expect(metadata.entries.map { $0.nameText + $0.valueText } == ["a2", "b3"])
    metadata["c"] = "4"
    metadata["a"] = nil
    metadata["zz"] = nil
    #expect(metadata["b"] == "3" && metadata["a"] == nil)
    metadata.set([0xFF], to: [0xFE])
    #expect(metadata.bytes(for: [0xFF]) == [0xFE])
    #expect(metadata.entries.map { $0.name } == [[0x62], [0x63], [0xFF]])
  }

  @Test("and other options have limits")
  func limits() throws {
    try ObjectOptions(contentType: String(repeating: "x", count: 255), etag: "ok-1").validate()
    let tooLong = ObjectOptions(contentType: String(repeating: "x", count: 256))
    #expect(throws: StorageError.valueTooLarge(byteCount: 256, limit: 255)) { try tooLong.validate() }
    for etag in ["", "a b", "\"a\"", "\u{E4}", String(repeating: "x", count: 129)] {
      #expect(throws: StorageError.self) { try ObjectOptions(etag: etag).validate() }
    }
    var options = ObjectOptions()
    options.metadata["k"] = String(repeating: "v", count: 16383)
    try options.validate()
    options.metadata["k"] = String(repeating: "v", count: 16384)
    #expect(throws: StorageError.valueTooLarge(byteCount: 16385, limit: 16384)) { try options.validate() }
    options = ObjectOptions(checksums: [ObjectChecksum(algorithm: "", value: "1")])
    #expect(throws: StorageError.self) { try options.validate() }
    options.checksums = (0..<17).map { ObjectChecksum(algorithm: "\($0)", value: "") }
    #expect(throws: StorageError.self) { try options.validate() }
  }
}
