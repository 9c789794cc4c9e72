import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnMaps

@Suite("Maps of byte strings")
struct ByteMapTests {
  @Test("hold what is put, lend it and walk it both ways")
  func roundTrip() throws {
    let fixture = try MapFixture()
    let long = [UInt8](repeating: 7, count: 100_000)
    try fixture.change { (map) throws(StorageError) in
      for number in 1...UInt8(200) { try map.put([number, 0], [number, number]) }
      try map.put([5, 0], long)
      try map.put([6, 0], [])
    }
    for cleanly in [true, false] {
      try fixture.reopen(cleanly: cleanly)
      try fixture.read { (map) throws(StorageError) in
        #expect(try map.count() == 200)
        #expect(try map.get([9, 0]) == [9, 9])
        #expect(try map.get([5, 0]) == long)
        #expect(try map.get([6, 0]) == [])
        #expect(try map.get([9]) == nil)
        #expect(try map.contains([200, 0]))
        let lent = try map.withValue(for: [10, 0]) { (value) throws(StorageError) in BulkCopy.array(value) }
        #expect(lent == [10, 10])
        let missing = try map.withValue(for: [201, 0]) { (value) throws(StorageError) in value.byteCount }
        #expect(missing == nil)
        var cursor = try map.cursor(from: [100], to: [103])
        var keys: [UInt8] = []
        while try cursor.next() { keys.append(cursor.key[0]) }
        while try cursor.previous() { keys.append(try cursor.value()[0]) }
        #expect(keys == [100, 101, 102, 102, 101, 100])
        #expect(try Self.scannedKeys(of: map, from: [198], count: 2) == [[198, 0], [199, 0]])
      }
      #expect(try fixture.findings() == [])
    }
  }

  private static func scannedKeys(
    of map: ByteMap, from: [UInt8], count: Int
  ) throws(StorageError) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try map.scan(from: from) { (key, _) throws(StorageError) -> Bool in
      keys.append(BulkCopy.array(key))
      return keys.count < count
    }
    return keys
  }

  @Test("account items and bytes, however they change")
  func accounts() throws {
    let fixture = try MapFixture()
    func usage() throws -> [UInt64] {
      let usage = try fixture.store.volumes()[0].usage
      return [usage.itemCount, usage.byteCount]
    }
    try fixture.change { (map) throws(StorageError) in
      for number in 0..<UInt8(100) { try map.put([1, number], [UInt8](repeating: 1, count: 10)) }
      try map.put([2], [UInt8](repeating: 1, count: 50_000))
    }
    #expect(try usage() == [101, 1200 + 50_001])
    try fixture.change { (map) throws(StorageError) in
      try map.put([2], [1])
      try map.put([1, 0], [UInt8](repeating: 1, count: 20_000))
      #expect(try map.delete([1, 1]))
      #expect(try !map.delete([1, 1]))
    }
    #expect(try usage() == [100, 1188 + 19_990 + 2])
    try fixture.change { (map) throws(StorageError) in
      #expect(try map.deleteRange(to: [1, 50], limit: 10) == 10)
      #expect(try map.deleteRange(from: [1, 90], to: [1, 95]) == 5)
      #expect(try map.deleteRange(from: [3]) == 0)
    }
    #expect(try usage() == [85, 84 * 12 + 2])
    #expect(try fixture.findings() == [])
    try fixture.change { (map) throws(StorageError) in _ = try map.deleteRange() }
    #expect(try usage() == [0, 0])
    #expect(try fixture.findings() == [])
  }

  @Test("are refused under another definition, and as another kind")
  func definitions() throws {
    let fixture = try MapFixture(definition: "u64 to text")
    let wrong = StorageError.wrongKind(
      volume: "m", found: "a map of \"u64 to text\"", expected: "a map of \"\"")
    #expect(throws: wrong) { try fixture.read { (map) throws(StorageError) in try map.count() } }
    try fixture.store.read { (transaction) throws(StorageError) in
      let map = try transaction.map("m", definition: "u64 to text")
      #expect(map.definition == "u64 to text")
      #expect(try transaction.map(map.volume.id, definition: "u64 to text").count() == 0)
    }
    #expect(throws: StorageError.self) {
      try fixture.store.createMap("long", definition: String(repeating: "x", count: 1025))
    }
    #expect(throws: StorageError.notFound(Subject("volume", "n"))) {
      try fixture.store.read { (transaction) throws(StorageError) in _ = try transaction.map("n") }
    }
  }

  @Test("refuse keys that are empty or too long, and change nothing then")
  func keys() throws {
    let fixture = try MapFixture()
    for key in [[], [UInt8](repeating: 1, count: 1041)] {
      #expect(throws: StorageError.invalidKey(byteCount: key.count, limit: 1040)) {
        try fixture.change { (map) throws(StorageError) in try map.put(key, [1]) }
      }
    }
    try fixture.change { (map) throws(StorageError) in try map.put([UInt8](repeating: 1, count: 1040), [1]) }
    #expect(throws: StorageError.self) {
      try fixture.change { (map) throws(StorageError) in
        _ = try map.deleteRange(from: [UInt8](repeating: 1, count: 5000))
      }
    }
    #expect(try fixture.read { (map) throws(StorageError) in try map.count() } == 1)
  }

  @Test("take part in transactions of many calls: blind puts never conflict, reads do")
  func conflicts() throws {
    let fixture = try MapFixture()
    try fixture.change { (map) throws(StorageError) in try map.put([1], [1]) }
    let blind = try fixture.store.begin()
    try fixture.resume(blind) { (map) throws(StorageError) in
      try map.put([1], [2])
      try map.put([2], [2])
      #expect(try map.get([2]) == [2])
    }
    try fixture.change { (map) throws(StorageError) in try map.put([2], [9]) }
    // It read 2 behind its own put; what it saw there were its own bytes, but over a committed state that has changed.
    #expect(throws: StorageError.conflict(volume: "m", key: [2])) { try fixture.store.commit(blind) }

    let other = try fixture.store.begin()
    try fixture.resume(other) { (map) throws(StorageError) in try map.put([2], [3]) }
    try fixture.change { (map) throws(StorageError) in try map.put([2], [10]) }
    try fixture.store.commit(other)
    #expect(try fixture.read { (map) throws(StorageError) in try map.get([2]) } == [3])

    let deleter = try fixture.store.begin()
    try fixture.resume(deleter) { (map) throws(StorageError) in #expect(try map.delete([2])) }
    try fixture.change { (map) throws(StorageError) in _ = try map.delete([2]) }
    #expect(throws: StorageError.conflict(volume: "m", key: [2])) { try fixture.store.commit(deleter) }
    #expect(try fixture.findings() == [])
  }

  @Test("give all their blocks back when they are removed")
  func removal() throws {
    let fixture = try MapFixture()
    let before = fixture.store.space.free
    try fixture.store.createMap("n")
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let map = try transaction.map("n")
      for number in 0..<UInt8(250) { try map.put([number, 1], [UInt8](repeating: number, count: 300)) }
      for number in 0..<UInt8(20) { try map.put([number, 2], [UInt8](repeating: number, count: 9000)) }
    }
    #expect(fixture.store.space.free < before)
    try fixture.store.transaction { (transaction) throws(StorageError) in try transaction.removeVolume("n") }
    try fixture.reopen()
    #expect(try fixture.store.volumes().count == 1)
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }
}
