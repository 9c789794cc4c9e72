import CairnBlocks
import Testing

@testable import CairnVolumes

@Suite("Isolation")
struct IsolationTests {
  static func conflict(_ key: String) -> StorageError { .conflict(volume: "notes", key: Array(key.utf8)) }

  /// What a transaction may look at.
  enum Look: CaseIterable {
    case get, missing, names, range, emptyRange, count, scan, before
  }

  /// Looks, in a store with the notes b, d and f.
  static func look(_ look: Look, _ transaction: Transaction) throws(StorageError) {
    let notes = try transaction.notes("notes")
    let tree = notes.volume.root
    switch look {
    case .get: _ = try notes.text(of: "d")
    case .missing: _ = try notes.text(of: "c")
    case .names: _ = try notes.names()
    case .range: _ = try notes.names(from: "c", to: "e")
    case .emptyRange: _ = try notes.names(from: "g", to: "h")
    case .count: _ = try tree.count()
    case .scan: try tree.scan(from: [0x63], to: [0x67]) { (_, _) throws(StorageError) in false }
    case .before:
      var cursor = try tree.cursor()
      #expect(try cursor.seek(before: [0x65]))
      #expect(cursor.key == [0x64])
    }
  }

  static func fixture() throws(StorageError) -> Fixture {
    let fixture = try Fixture()
    for name in ["b", "d", "f"] { try fixture.put(name, [1]) }
    return fixture
  }

  /// Keys whose change by another transaction is a conflict with what was looked at.
  static let expected: [Look: Set<String>] = [
    .get: ["d"], .missing: ["c"], .names: ["a", "b", "c", "d", "e", "f", "g"], .range: ["c", "d"],
    .emptyRange: ["g"], .count: ["a", "c", "e", "g"], .scan: ["c", "d"], .before: ["d"],
  ]

  @Test(
    "what was looked at, phantoms included, conflicts with what others change there, and only there",
    arguments: Look.allCases)
  func conflicts(_ look: Look) throws {
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
      for restarts in [false, true] {
        let fixture = try Self.fixture()
        let id = try fixture.store.begin()
        try fixture.store.resume(id) { (transaction) throws(StorageError) in
          try Self.look(look, transaction)
          try transaction.notes("notes").put([9], under: "own")
        }
        try fixture.put(key, [2])
        if restarts { try fixture.reopen() }
        if try #require(Self.expected[look]).contains(key) {
          #expect(throws: StorageError.self, "\(look) \(key)") { try fixture.store.commit(id) }
          #expect(try fixture.text("own") == nil)
          // The same answer again.
          #expect(throws: StorageError.self, "\(look) \(key)") { try fixture.store.commit(id) }
        } else {
          try fixture.store.commit(id)
          #expect(try fixture.text("own") == [9])
        }
        #expect(try fixture.store.transactions() == [])
      }
    }
  }

  @Test("a conflict names volume and key")
  func names() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      _ = try transaction.notes("notes").text(of: "d")
    }
    try fixture.put("d", [3])
    for _ in 0..<2 { #expect(throws: Self.conflict("d")) { try fixture.store.commit(id) } }
    #expect(throws: Self.conflict("d")) { try fixture.store.resume(id) { (_) throws(StorageError) in } }
  }

  @Test("two transactions that read and write each other's keys: the second to commit gets the conflict")
  func writeSkew() throws {
    let fixture = try Self.fixture()
    let (first, second) = (try fixture.store.begin(), try fixture.store.begin())
    for (id, read, written) in [(first, "b", "d"), (second, "d", "b")] {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        let value = try notes.text(of: read) ?? []
        try notes.put(value + [7], under: written)
      }
    }
    try fixture.store.commit(first)
    #expect(throws: Self.conflict("d")) { try fixture.store.commit(second) }
    #expect(try fixture.text("b") == [1])
    #expect(try fixture.text("d") == [1, 7])
    #expect(try fixture.findings() == [])
  }

  @Test("blind writes do not conflict: the last to commit wins")
  func blindWrites() throws {
    let fixture = try Self.fixture()
    let (first, second) = (try fixture.store.begin(), try fixture.store.begin())
    for (id, value) in [(first, UInt8(10)), (second, 20)] {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([value], under: "b")
      }
    }
    try fixture.store.commit(second)
    try fixture.store.commit(first)
    #expect(try fixture.text("b") == [10])
  }

  @Test("a change to the same contents and back is no conflict")
  func sameContents() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      _ = try transaction.notes("notes").names()
    }
    try fixture.put("b", [2])
    try fixture.put("b", [1])
    try fixture.store.commit(id)
  }

  @Test("a transaction's own writes are no conflict with its reads")
  func ownWrites() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    for call in 0..<3 {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        let value = try notes.text(of: "b") ?? []
        #expect(value.count == call + 1)
        try notes.put(value + [UInt8(call)], under: "b")
        #expect(try notes.names().count == 3)
      }
      try fixture.reopen()
    }
    try fixture.store.commit(id)
    #expect(try fixture.text("b") == [1, 0, 1, 2])
  }

  @Test("an operation that is not possible any more is a conflict where it looked", arguments: [false, true])
  func failedOperation(resumes: Bool) throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put(bytes(50_000), under: "own")
      try transaction.notes("notes").remove("d")
    }
    try fixture.store.transaction { (transaction) throws(StorageError) in try transaction.notes("notes").remove("d") }
    if resumes {
      #expect(throws: Self.conflict("d")) {
        try fixture.store.resume(id) { (transaction) throws(StorageError) in _ = try transaction.notes("notes") }
      }
      #expect(try fixture.store.transactions() == [])
    }
    #expect(throws: Self.conflict("d")) { try fixture.store.commit(id) }
    #expect(try fixture.names() == ["b", "f"])
    #expect(try fixture.store.volumes()[0].usage.stagedBlockCount == 0)
    #expect(try fixture.findings() == [])
  }

  @Test("a removed and remade volume is another one")
  func remadeVolume() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put(bytes(50_000), under: "own")
    }
    try fixture.store.removeVolume("notes")
    #expect(try fixture.findings() == [])
    try fixture.store.createVolume("notes", kind: VolumeKind("note"))
    #expect(throws: StorageError.conflict(volume: "notes", key: [])) { try fixture.store.commit(id) }
    #expect(try fixture.names() == [])
    #expect(try fixture.findings() == [])
  }

  @Test("a changed definition is a conflict for those that used the volume")
  func definition() throws {
    let fixture = try Self.fixture()
    let (id, other) = (try fixture.store.begin(), try fixture.store.begin())
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "own")
    }
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      let before = volume.definition
      try volume.perform(operation: { [] }) { () throws(StorageError) in try volume.changeDefinition() }
      #expect(volume.definition != before)
    }
    try fixture.store.resume(other) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "other")
    }
    #expect(throws: StorageError.conflict(volume: "notes", key: [])) { try fixture.store.commit(id) }
    try fixture.store.commit(other)
    #expect(try fixture.names() == ["b", "d", "f", "other"])
  }

  // MARK: Prepare

  @Test("a prepared transaction commits whatever others try", arguments: [false, true])
  func prepare(restarts: Bool) throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      _ = try notes.names(from: "a", to: "c")
      try notes.put(bytes(50_000), under: "d")
    }
    try fixture.store.prepare(id)
    try fixture.store.prepare(id)
    if restarts { try fixture.reopen() }
    #expect(try fixture.store.transactions().map { $0.state } == [.prepared])
    #expect(throws: StorageError.transactionState(id.rawValue, state: "prepared")) {
      try fixture.store.resume(id) { (_) throws(StorageError) in }
    }
    // What it read and what it will write is held.
    for key in ["a", "b", "d"] { #expect(throws: StorageError.self, "\(key)") { try fixture.put(key, [3]) } }
    #expect(throws: Self.conflict("b")) {
      try fixture.store.transaction { (transaction) throws(StorageError) in try transaction.notes("notes").remove("b") }
    }
    #expect(throws: StorageError.conflict(volume: "notes", key: [])) { try fixture.store.removeVolume("notes") }
    // Everything else is free, and the committed state can be read.
    for key in ["c", "e", "f"] { try fixture.put(key, [3]) }
    #expect(try fixture.text("d") == [1])
    // Another multi-call transaction gets the conflict, too, when it stages or when it commits.
    let other = try fixture.store.begin()
    #expect(throws: Self.conflict("d")) {
      try fixture.store.resume(other) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([4], under: "d")
      }
    }
    try fixture.store.rollback(other)
    if restarts { try fixture.reopen() }
    try fixture.store.commit(id)
    try fixture.store.commit(id)
    #expect(try fixture.text("d") == bytes(50_000))
    for key in ["a", "b", "d"] { try fixture.put(key, [3]) }
    #expect(try fixture.findings() == [])
  }

  @Test("what was staged before the ranges were held conflicts at commit")
  func stagedBeforePrepare() throws {
    let fixture = try Self.fixture()
    let (id, other) = (try fixture.store.begin(), try fixture.store.begin())
    for each in [id, other] {
      try fixture.store.resume(each) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([4], under: "d")
      }
    }
    try fixture.store.prepare(id)
    #expect(throws: Self.conflict("d")) { try fixture.store.commit(other) }
    try fixture.store.commit(id)
    #expect(try fixture.text("d") == [4])
  }

  @Test("prepare validates: a conflict rolls back", arguments: [false, true])
  func prepareConflict(byAnotherPrepared: Bool) throws {
    let fixture = try Self.fixture()
    let (id, other) = (try fixture.store.begin(), try fixture.store.begin())
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      _ = try transaction.notes("notes").text(of: "d")
    }
    if byAnotherPrepared {
      try fixture.store.resume(other) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([4], under: "d")
      }
      try fixture.store.prepare(other)
    } else {
      try fixture.put("d", [5])
    }
    #expect(throws: Self.conflict("d")) { try fixture.store.prepare(id) }
    #expect(throws: Self.conflict("d")) { try fixture.store.commit(id) }
    #expect(throws: Self.conflict("d")) { try fixture.store.prepare(id) }
    try fixture.store.commit(other)
  }

  @Test("two prepared transactions may read the same")
  func sharedReads() throws {
    let fixture = try Self.fixture()
    let ids = [try fixture.store.begin(), try fixture.store.begin()]
    for (index, id) in ids.enumerated() {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        _ = try notes.text(of: "b")
        try notes.put([1], under: "own \(index)")
      }
      try fixture.store.prepare(id)
    }
    #expect(throws: Self.conflict("b")) { try fixture.put("b", [2]) }
    try fixture.store.commit(ids[0])
    #expect(throws: Self.conflict("b")) { try fixture.put("b", [2]) }
    try fixture.store.rollback(ids[1])
    try fixture.put("b", [2])
    #expect(try fixture.findings() == [])
  }

  // MARK: The catalog in multi-call transactions

  @Test("volumes can be made, used, renamed and removed in a multi-call transaction")
  func stagedVolumes() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.createVolume("new", kind: VolumeKind("note"), quotaByteCount: 1 << 20)
      try transaction.notes("new").put(bytes(100_000), under: "a")
    }
    try fixture.reopen()
    #expect(try fixture.findings() == [])
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      #expect(try transaction.volumes().map { $0.name } == ["notes", "new"])
      #expect(try transaction.notes("new").text(of: "a") == bytes(100_000))
      try transaction.renameVolume("new", to: "newer")
      try transaction.notes("newer").put([2], under: "b")
      try transaction.removeVolume("notes")
    }
    try fixture.reopen()
    #expect(try fixture.store.volumes().map { $0.name } == ["notes"])
    try fixture.store.commit(id)
    let volumes = try fixture.store.volumes()
    #expect(volumes.map { $0.name } == ["newer"])
    #expect(volumes[0].quotaByteCount == 1 << 20)
    #expect(volumes[0].usage.itemCount == 2)
    #expect(try fixture.names(in: "newer") == ["a", "b"])
    #expect(try fixture.findings() == [])
  }

  @Test("a rolled back volume leaves nothing")
  func rolledBackVolume() throws {
    let fixture = try Self.fixture()
    try fixture.store.rollback(fixture.store.begin())
    let free = fixture.store.space.free
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.createVolume("new", kind: VolumeKind("note"))
      try transaction.notes("new").put(bytes(100_000), under: "a")
    }
    try fixture.store.rollback(id)
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  @Test("names that others took meanwhile conflict")
  func volumeConflict() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.createVolume("new", kind: VolumeKind("note"))
    }
    try fixture.store.createVolume("new", kind: VolumeKind("note"))
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
    #expect(try fixture.store.transactions() == [])
    // Looking a name up in vain counts as read.
    let other = try fixture.store.begin()
    try fixture.store.resume(other) { (transaction) throws(StorageError) in
      #expect(try !transaction.volumeExists("third"))
      try transaction.notes("notes").put([1], under: "own")
    }
    try fixture.store.createVolume("third", kind: VolumeKind("note"))
    #expect(throws: StorageError.conflict(volume: "", key: Array("third".utf8))) { try fixture.store.commit(other) }
  }

  @Test("a prepared transaction holds the volume that it makes")
  func preparedVolume() throws {
    let fixture = try Self.fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.createVolume("new", kind: VolumeKind("note"))
      try transaction.notes("new").put([1], under: "a")
    }
    try fixture.store.prepare(id)
    try fixture.reopen()
    #expect(throws: StorageError.self) { try fixture.store.createVolume("new", kind: VolumeKind("note")) }
    try fixture.store.createVolume("other", kind: VolumeKind("note"))
    try fixture.store.commit(id)
    #expect(try fixture.store.volumes().map { $0.name }.sorted() == ["new", "notes", "other"])
    #expect(try fixture.names(in: "new") == ["a"])
    #expect(try fixture.findings() == [])
  }
}
