import CairnBlocks
import CairnBytes
import CairnMemory
import CairnVolumes
import Testing

@testable import CairnMaps

extension MapFixture {
  /// A transaction of one call, or a call of one of several, whose closure may throw anything.
  func call<Result>(of id: TransactionID? = nil, _ body: (Transaction) throws -> Result) throws -> Result {
    var outcome: Swift.Result<Result, any Error>?
    let run = { (transaction: Transaction) throws(StorageError) in
      do {
        outcome = .success(try body(transaction))
      } catch {
        outcome = .failure(error)
        throw .transactionFailed
      }
    }
    do {
      if let id { try store.resume(id, run) } else { try store.transaction(run) }
    } catch {
      if case .failure(let cause) = outcome { throw cause }
      throw error
    }
    guard let outcome else { throw StorageError.transactionFailed }
    return try outcome.get()
  }
}

@Suite("Typed maps")
struct StableMapTests {
  private func change<Key: Storable, Value: Storable, Result>(
    _ fixture: MapFixture, _ name: String, _ key: Key.Type, _ value: Value.Type,
    _ body: (StableMap<Key, Value>) throws -> Result
  ) throws -> Result {
    try fixture.call { try body(try $0.map(name, key, value)) }
  }

  @Test("every operation")
  func operations() throws {
    let fixture = try MapFixture()
    try fixture.store.createMap("ages", String.self, Int.self)
    try change(fixture, "ages", String.self, Int.self) { (ages) throws in
      #expect(try ages.isEmpty() && ages.first() == nil && ages.last() == nil && ages.popFirst() == nil)
      #expect(try ages.insert("ada", 36) == nil)
      #expect(try ages.insert("ada", 37) == 36)
      try ages.put("grace", 85)
      try ages.put("alan", 41)
      try ages.put("", -1)
      #expect(try ages.get("ada") == 37 && ages.get("bob") == nil)
      #expect(try ages.contains("") && !ages.contains("a"))
      #expect(try ages.count() == 4 && !ages.isEmpty())
      #expect(try ages.keys() == ["", "ada", "alan", "grace"])
      #expect(try ages.values() == [-1, 37, 41, 85])
      #expect(try ages.items(from: "ada", to: "grace").map { $0.key } == ["ada", "alan"])
      #expect(try ages.items(limit: 0).isEmpty && ages.keys(limit: 2).count == 2 && ages.values(from: "b").count == 1)
      #expect(try ages.first()?.key == "" && ages.last()?.value == 85)
      #expect(try ages.remove("alan") == 41 && ages.remove("alan") == nil)
      #expect(
        try ages.update("ada") { (age) in
          age = (age ?? 0) + 1; return age
        } == 38)
      try ages.update("new") { $0 = 1 }
      try ages.update("new") { $0 = nil }
      try ages.update("none") { $0 = nil }
      #expect(try ages.keys() == ["", "ada", "grace"])
      #expect(try ages.popFirst()?.value == -1)
      #expect(try ages.popLast()?.key == "grace")
      #expect(try ages.count() == 1)
    }
    try fixture.reopen(cleanly: false)
    try change(fixture, "ages", String.self, Int.self) { (ages) throws in
      #expect(try ages.items().map { $0.value } == [38])
      for number in 0..<500 { try ages.put("n\(number)", number) }
      #expect(try ages.removeRange(from: "n1", to: "n2", limit: 10) == 10)
      #expect(try ages.removeRange(from: "n1", to: "n2") == 101)
      try ages.clear()
      #expect(try ages.isEmpty())
    }
    #expect(try fixture.findings() == [])
  }

  @Test("cursors move both ways")
  func cursors() throws {
    let fixture = try MapFixture()
    try fixture.store.createMap("squares", Int32.self, Int64.self)
    try change(fixture, "squares", Int32.self, Int64.self) { (squares) throws in
      for number in Int32(-500)..<500 { try squares.put(number, Int64(number) * Int64(number)) }
      var cursor = try squares.cursor(from: -10, to: 10)
      var seen: [Int32] = []
      while try cursor.next() { seen.append(try cursor.key()) }
      #expect(seen == Array(-10..<10))
      seen = []
      while try cursor.previous() { seen.append(try cursor.key()) }
      #expect(seen == (-10..<10).reversed())
      #expect(try cursor.seek(to: 3) && cursor.entry() == (3, 9))
      #expect(try cursor.previous() && cursor.value() == 4)
      #expect(try cursor.seek(before: -9) && cursor.key() == -10)
      #expect(try !cursor.seek(before: -10) && !cursor.seek(to: 10))
      #expect(throws: StorageError.self) { try cursor.key() }
      var range = try squares.range(from: 4, to: 6)
      #expect(try range.next() ?? (0, 0) == (4, 16) && range.next() ?? (0, 0) == (5, 25))
      #expect(try range.next() == nil && range.next() == nil)
      // The map changes under it.
      #expect(try cursor.seek(to: 0))
      try squares.remove(0)
      try squares.remove(1)
      #expect(try cursor.next() && cursor.key() == 2)
      #expect(try cursor.previous() && cursor.key() == -1)
    }
  }

  @Test("are not opened as maps of other types, nor at other places")
  func guards() throws {
    let fixture = try MapFixture()
    let (id, other): (VolumeID, VolumeID) = (200, 201)
    try fixture.call { (transaction) throws in
      try transaction.map(id, named: "users", UInt64.self, String.self).put(1, "ada")
    }
    try fixture.reopen()
    try fixture.call { (transaction) throws in
      #expect(try transaction.map(id, named: "users", UInt64.self, String.self).get(1) == "ada")
      #expect(try transaction.map(id, UInt64.self, String.self).get(1) == "ada")
      #expect(try transaction.map("users", UInt.self, String.self).count() == 1)
      let found = "a map of \"UInt64 -> String\""
      #expect(
        throws: StorageError.wrongKind(volume: "users", found: found, expected: "a map of \"UInt64 -> String?\"")
      ) { try transaction.map(id, named: "users", UInt64.self, String?.self) }
      #expect(throws: StorageError.self) { try transaction.map("users", Int64.self, String.self) }
      #expect(throws: StorageError.self) { try transaction.map("users") }
      #expect(throws: StorageError.alreadyExists(Subject("volume", "users"))) {
        try transaction.map(other, named: "users", UInt64.self, String.self)
      }
      #expect(throws: StorageError.alreadyExists(Subject("volume", "200"))) {
        try transaction.map(id, named: "others", UInt64.self, String.self)
      }
      #expect(throws: StorageError.notFound(Subject("volume", "201"))) {
        try transaction.map(other, Int8.self, Int8.self)
      }
    }
    #expect(throws: StorageError.readOnly) {
      try fixture.store.read { (transaction) throws(StorageError) in
        _ = try transaction.map(other, named: "others", UInt64.self, String.self)
      }
    }
    #expect(try fixture.findings() == [])
  }

  /// Promises fewer bytes than it takes.
  struct Liar: Storable {
    let text: String
    init(_ text: String) { self.text = text }
    static let storedType = StoredType("Liar", .bounded(4))
    func encode(into bytes: inout [UInt8]) { text.encode(into: &bytes) }
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
      text = try String(decoding: bytes, at: &offset)
    }
  }

  /// May take more bytes than a key has.
  struct Giant: Storable {
    static let storedType = StoredType("Giant", .bounded(2000))
    func encode(into bytes: inout [UInt8]) { bytes.append(1) }
    init() {}
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
      _ = try UInt8(decoding: bytes, at: &offset)
    }
  }

  @Test("hold types to what they promise")
  func sizes() throws {
    let fixture = try MapFixture()
    try fixture.store.createMap("liars", Liar.self, Bool.self)
    try change(fixture, "liars", Liar.self, Bool.self) { (map) throws in
      try map.put(Liar("ab"), true)
      #expect(throws: StorageError.self) { try map.put(Liar("abc"), true) }
      #expect(try map.count() == 1)
    }
    #expect(throws: StorageError.invalidKey(byteCount: 2000, limit: 1040)) {
      try fixture.store.createMap("giants", Giant.self, Bool.self)
    }
    #expect(try fixture.store.volumes().count == 2)
    try fixture.store.createMap("texts", String.self, String.self)
    #expect(throws: StorageError.invalidKey(byteCount: 1042, limit: 1040)) {
      try change(fixture, "texts", String.self, String.self) { (map) throws in
        try map.put(String(repeating: "a", count: 1040), "")
      }
    }
  }

  @Test("tell bytes that are no values as damage")
  func damage() throws {
    let fixture = try MapFixture()
    try fixture.store.createMap("flags", UInt16.self, Bool.self)
    try change(fixture, "flags", UInt16.self, Bool.self) { (map) throws in
      try map.bytes.put([0, 1], [7])
      try map.bytes.put([0, 2, 0], [1])
      #expect(throws: StorageError.self) { try map.get(1) }
      #expect(throws: StorageError.self) { try map.keys() }
      #expect(throws: StorageError.self) { try map.popFirst() }
      #expect(try map.count() == 2)
    }
  }

  @Test("take part in transactions of several calls")
  func multiCall() throws {
    let fixture = try MapFixture()
    try fixture.store.createMap("ages", String.self, Int.self)
    let id = try fixture.store.begin()
    try fixture.call(of: id) { (transaction) throws in
      let ages = try transaction.map("ages", String.self, Int.self)
      try ages.put("ada", 1)
      try ages.put("alan", 2)
    }
    try fixture.reopen(cleanly: false)
    try fixture.call(of: id) { (transaction) throws in
      let ages = try transaction.map("ages", String.self, Int.self)
      #expect(try ages.popFirst()?.key == "ada")
      #expect(try ages.insert("alan", 3) == 2)
    }
    // A blind put by somebody else is no conflict; one where the transaction looked is.
    try change(fixture, "ages", String.self, Int.self) { (ages) throws in try ages.put("zoe", 9) }
    try fixture.store.commit(id)
    let items = try change(fixture, "ages", String.self, Int.self) { (ages) throws in try ages.items() }
    #expect(items.map { $0.key } == ["alan", "zoe"] && items.map { $0.value } == [3, 9])
    let other = try fixture.store.begin()
    try fixture.call(of: other) { (transaction) throws in
      _ = try transaction.map("ages", String.self, Int.self).popFirst()
    }
    try change(fixture, "ages", String.self, Int.self) { (ages) throws in try ages.put("aaron", 1) }
    #expect(throws: StorageError.self) { try fixture.store.commit(other) }
    #expect(try fixture.findings() == [])
  }

  @Test("removed, give their ids and blocks back")
  func removal() throws {
    let fixture = try MapFixture()
    let before = fixture.store.space.free
    let id = try fixture.store.createMap("big", UInt64.self, [UInt8].self)
    try change(fixture, "big", UInt64.self, [UInt8].self) { (map) throws in
      for number in 0..<UInt64(500) { try map.put(number, [UInt8](repeating: 1, count: Int(number) * 4)) }
    }
    try fixture.store.removeVolume("big")
    #expect(fixture.store.space.free == before)
    #expect(try fixture.store.createMap("again", Bool.self, Bool.self) == id)
    #expect(try fixture.findings() == [])
  }
}
