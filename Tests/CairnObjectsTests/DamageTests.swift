import CairnBlocks
import CairnBytes
import CairnMemory
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Damage in a volume of objects")
struct DamageTests {
  /// Changes the volume behind the filesystem's back.
  static func tamper(_ fixture: ObjectFixture, _ body: (ObjectTrees) throws(StorageError) -> Void) throws {
    try fixture.change { (objects) throws in
      try objects.trees.volume.perform(operation: { [] }) { () throws(StorageError) in try body(objects.trees) }
    }
  }

  @Test("in the data of an object is told, by reads and by a deep check")
  func flippedData() throws {
    let fixture = try ObjectFixture(pageCount: 96)
    try fixture.put("sound", contents(70_000, seed: 3))
    try fixture.put("k", contents(1_200_000))
    let start = try fixture.read { (objects) throws in
      let trees = objects.trees
      guard case .indexed(let id) = try objects.bucket("b").open("k").record.contents else { return UInt64(0) }
      return try trees.run(try trees.data.get(TreeKey.run(id, offset: 0)) ?? []).pieces[0].extent.start.rawValue
    }
    try fixture.store.close()
    // One bit in the second chunk of 64 KiB.
    let offset = start * 4096 + 70_000
    var byte: [UInt8] = [0]
    try BulkCopy.withMutableRawSpan(of: &byte) { (target) throws(MemoryError) in
      try fixture.memory.read(at: offset, into: &target)
    }
    byte[0] ^= 0x10
    try BulkCopy.withRawSpan(of: byte) { (source) throws(MemoryError) in try fixture.memory.write(source, at: offset) }
    try fixture.reopen(cleanly: false)
    let damage = StorageError.damaged(Damage(block: BlockNumber(start + 16), reason: .digest))
    #expect(throws: damage) { try fixture.get("k") }
    #expect(throws: damage) { try fixture.get("k", range: .bytes(65_536..<65_537)) }
    // What lies elsewhere can be read.
    #expect(try fixture.get("k", range: .bytes(0..<65_536)) == Array(contents(1_200_000)[..<65_536]))
    #expect(try fixture.get("sound") == contents(70_000, seed: 3))
    #expect(try fixture.store.check(deep: false).isClean)
    #expect(try !fixture.findings().isEmpty)
    // A copy of damage is refused, and deleting it works.
    #expect(throws: damage) { try fixture.change { try $0.bucket("b").copy("k", to: "l") } }
    try fixture.change { try $0.bucket("b").delete("k") }
    #expect(try fixture.findings() == [])
  }

  @Test("in records is told")
  func malformedRecords() throws {
    let fixture = try ObjectFixture(pageCount: 96)
    try fixture.put("k", contents(1_200_000))
    try fixture.put("l", [1])
    let bucket = try fixture.read { try $0.trees.bucket("b").id }
    try Self.tamper(fixture) { (trees) throws(StorageError) in
      try trees.objects.put(TreeKey.object(bucket, Array("l".utf8)), [9, 9, 9])
    }
    #expect(throws: StorageError.self) { try fixture.get("l") }
    #expect(throws: StorageError.self) { try fixture.list() }
    #expect(try fixture.findings().contains { $0.contains("an object's record makes no sense") })
    // A put in its place would have to know what it frees.
    #expect(throws: StorageError.self) { try fixture.put("l", [2]) }
    try Self.tamper(fixture) { (trees) throws(StorageError) in
      try trees.volume.root.put(TreeKey.bucket("b"), [1, 2, 3])
    }
    #expect(throws: StorageError.self) { try fixture.get("k") }
    #expect(throws: StorageError.self) { try fixture.read { try $0.buckets() } }
    try Self.tamper(fixture) { (trees) throws(StorageError) in try trees.volume.root.put(TreeKey.header, [0]) }
    #expect(throws: StorageError.self) { try fixture.get("k") }
    #expect(try !fixture.findings().isEmpty)
  }

  /// `get` made a buffer of the size that the record named, up to a gibibyte, before it looked for the contents.
  @Test("in the size of an object asks for no memory", arguments: [1 << 30, 1 << 40, 1 << 62] as [UInt64])
  func forgedSize(_ size: UInt64) throws {
    let fixture = try ObjectFixture(pageCount: 96)
    try fixture.put("k", contents(1_200_000))
    let bucket = try fixture.read { try $0.trees.bucket("b").id }
    try Self.tamper(fixture) { (trees) throws(StorageError) in
      let key = TreeKey.object(bucket, Array("k".utf8))
      var record = try trees.object(try trees.objects.get(key) ?? [])
      record.size = size
      try trees.objects.put(key, record.encoded)
    }
    for range in [nil, ObjectRange.bytes(0..<size - 1)] {
      #expect { try fixture.get("k", range: range) } throws: { error in
        switch error as? StorageError {
        case .damaged: size <= 1 << 30
        case .valueTooLarge: size > 1 << 30
        default: false
        }
      }
    }
    #expect(try !fixture.findings().isEmpty)
  }

  @Test("is found by the check, whatever rule it breaks")
  func rules() throws {
    /// What is done to a sound volume with a large object `k` in bucket `b`, and what the check says.
    let cases: [(String, (ObjectTrees, UInt32) throws(StorageError) -> Void)] = [
      (
        "an object of a bucket that is not there",
        { (trees, bucket) throws(StorageError) in
          try trees.objects.put(TreeKey.object(bucket + 1, [1]), ObjectRecord(ObjectOptions(), modified: 1).encoded)
        }
      ),
      (
        "a record that is no object's",
        { (trees, _) throws(StorageError) in try trees.objects.put([2, 0], [1]) }
      ),
      (
        "a record of no known kind",
        { (trees, _) throws(StorageError) in try trees.volume.root.put([3], [1]) }
      ),
      (
        "two buckets with one id",
        { (trees, bucket) throws(StorageError) in
          try trees.volume.root.put(TreeKey.bucket("c"), BucketRecord(id: bucket, created: 0).encoded)
        }
      ),
      (
        "the next bucket's id",
        { (trees, _) throws(StorageError) in
          try trees.volume.root.put(TreeKey.bucket("c"), BucketRecord(id: 900, created: 0).encoded)
        }
      ),
      (
        "an impossible name",
        { (trees, _) throws(StorageError) in
          try trees.volume.root.put(TreeKey.bucket("c/d"), BucketRecord(id: 1, created: 0).encoded)
        }
      ),
      (
        "a record of the root tree makes no sense",
        { (trees, _) throws(StorageError) in try trees.volume.root.put(TreeKey.nextBucketID, [1]) }
      ),
      (
        "bytes has",
        { (trees, bucket) throws(StorageError) in
          let key = TreeKey.object(bucket, Array("k".utf8))
          guard var record = try trees.findObject(key) else { return }
          record.size += 1 << 20
          try trees.objects.put(key, record.encoded)
        }
      ),
      (
        "unfinished contents of 2097152 bytes has 0 bytes",
        { (trees, _) throws(StorageError) in
          try trees.volume.root.put(TreeKey.unfinished(9), UnfinishedContents(byteCount: 2 << 20).encoded)
        }
      ),
      (
        "a record of no known kind",
        { (trees, _) throws(StorageError) in
          try trees.volume.root.put([3, 9], UnfinishedContents(byteCount: 2 << 20).encoded)
        }
      ),
      (
        "runs of data, but the objects have",
        { (trees, bucket) throws(StorageError) in
          try trees.objects.delete(TreeKey.object(bucket, Array("k".utf8)))
        }
      ),
      (
        "have gaps",
        { (trees, bucket) throws(StorageError) in
          guard case .indexed(let id)? = try trees.findObject(TreeKey.object(bucket, Array("k".utf8)))?.contents,
            let run = try trees.data.get(TreeKey.run(id, offset: 1 << 20))
          else { return }
          try trees.data.delete(TreeKey.run(id, offset: 1 << 20))
          try trees.data.put(TreeKey.run(id, offset: 2 << 20), run)
        }
      ),
      (
        "do not begin at the block",
        { (trees, bucket) throws(StorageError) in
          let key = TreeKey.object(bucket, Array("k".utf8))
          guard var record = try trees.findObject(key), case .indexed(let id) = record.contents else { return }
          for offset: UInt64 in [0, 1 << 20] {
            guard let run = try trees.data.get(TreeKey.run(id, offset: offset)) else { return }
            try trees.data.delete(TreeKey.run(id, offset: offset))
            try trees.data.put(TreeKey.run(id + 1, offset: offset), run)
          }
          record.contents = .indexed(id: id + 1)
          try trees.objects.put(key, record.encoded)
        }
      ),
      (
        "a record that is no run",
        { (trees, _) throws(StorageError) in try trees.data.put([1], [1]) }
      ),
    ]
    for (expected, change) in cases {
      let fixture = try ObjectFixture(pageCount: 96)
      try fixture.put("k", contents(1_200_000))
      #expect(try fixture.findings() == [])
      let bucket = try fixture.read { try $0.trees.bucket("b").id }
      try Self.tamper(fixture) { (trees) throws(StorageError) in try change(trees, bucket) }
      let findings = try fixture.findings()
      #expect(findings.contains { $0.contains(expected) }, "\(expected): \(findings)")
    }
  }

  @Test("a staged operation of nonsense is refused")
  func operations() throws {
    let fixture = try ObjectFixture()
    try fixture.change { (objects) throws in
      let volume = objects.trees.volume
      for bytes: [UInt8] in [[], [1], [1, 9, 1, 0x62], [2, 1, 1, 0x62]] {
        #expect(throws: StorageError.self) { try ObjectFilesystem().apply(bytes, to: volume) }
      }
    }
  }
}
