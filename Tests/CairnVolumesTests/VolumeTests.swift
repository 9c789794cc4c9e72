import CairnBlocks
import CairnBytes
import CairnMemory
import Testing

@testable import CairnVolumes

/// Notes under another kind or version, to be registered in their place.
final class OtherNotes: Filesystem {
  let kind: VolumeKind
  let formatVersion: UInt16
  private let notes = Notes()

  init(kind: VolumeKind = VolumeKind("note"), formatVersion: UInt16 = 1) {
    self.kind = kind
    self.formatVersion = formatVersion
  }

  func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {
    if !options.isEmpty { try volume.root.put([0xFF], options) }
  }

  func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) { try notes.apply(operation, to: volume) }
  func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) { try notes.check(volume, check) }
  func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    try notes.remove(volume, budget: budget)
  }
}

@Suite("Volumes")
struct VolumeTests {
  static let note = VolumeKind("note")

  @Test("make, list, rename, remove")
  func lifecycle() throws {
    let fixture = try Fixture(makesVolume: false)
    try fixture.store.rollback(fixture.store.begin())
    let free = fixture.store.space.free
    #expect(try fixture.store.volumes() == [])
    let ids = [
      try fixture.store.createVolume("one", kind: Self.note),
      try fixture.store.createVolume("two", kind: Self.note, quotaByteCount: 1 << 20, reservationByteCount: 8192),
    ]
    #expect(ids.map { $0.rawValue } == [0, 1])
    #expect(throws: StorageError.alreadyExists(Subject("volume", "two"))) {
      try fixture.store.createVolume("two", kind: Self.note)
    }
    try fixture.reopen()
    let listed = try fixture.store.volumes()
    #expect(listed.map { $0.name } == ["one", "two"])
    #expect(listed.map { $0.id } == ids)
    #expect(listed.map { $0.kind } == [Self.note, Self.note])
    #expect(listed.map { $0.quotaByteCount } == [nil, 1 << 20])
    #expect(listed.map { $0.reservationByteCount } == [0, 8192])
    #expect(listed.map { $0.owner } == [nil, nil])
    #expect(listed.map { $0.usage.blockCount } == [1, 1])

    try fixture.put("a", bytes(100), in: "one")
    try fixture.store.renameVolume("one", to: "uno")
    #expect(throws: StorageError.notFound(Subject("volume", "one"))) { try fixture.names(in: "one") }
    #expect(try fixture.names(in: "uno") == ["a"])
    #expect(throws: StorageError.alreadyExists(Subject("volume", "two"))) {
      try fixture.store.renameVolume("uno", to: "two")
    }
    try fixture.store.removeVolume("uno")
    #expect(throws: StorageError.notFound(Subject("volume", "uno"))) { try fixture.store.removeVolume("uno") }
    #expect(try fixture.store.createVolume("three", kind: Self.note).rawValue == 0)
    try fixture.store.removeVolume("three")
    try fixture.store.removeVolume("two")
    #expect(try fixture.store.volumes() == [])
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  @Test("names", arguments: ["", String(repeating: "x", count: 65), "a\nb", "\u{7F}"])
  func badNames(_ name: String) throws {
    let fixture = try Fixture()
    #expect(throws: StorageError.self) { try fixture.store.createVolume(name, kind: Self.note) }
    #expect(throws: StorageError.self) { try fixture.store.renameVolume("notes", to: name) }
    let long = String(repeating: "\u{E9}", count: 32)
    try fixture.store.createVolume(long, kind: Self.note)
    #expect(try fixture.store.volumes().map { $0.name } == ["notes", long])
  }

  @Test("blocks of 512 bytes take the longest names and principals", arguments: [512, 1024, 65536])
  func blockSizes(_ blockByteCount: Int) throws {
    let fixture = try Fixture(pageCount: 128, blockByteCount: blockByteCount)
    let long = String(repeating: "n", count: 64)
    try fixture.store.createVolume(long, kind: Self.note)
    let principal = try Principal([UInt8](repeating: 9, count: 64))
    try fixture.store.grant(.admin, to: principal, on: .store)
    let id = try fixture.store.begin(as: principal)
    let store = fixture.store.acting(as: principal)
    try store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes(long).put(bytes(100_000), under: String(repeating: "k", count: 100))
    }
    try store.prepare(id)
    try fixture.reopen()
    try fixture.store.acting(as: principal).commit(id)
    #expect(try fixture.text(String(repeating: "k", count: 100), in: long) == bytes(100_000))
    #expect(try fixture.findings() == [])
  }

  @Test("255 volumes, and not one more")
  func manyVolumes() throws {
    let fixture = try Fixture(pageCount: 256, makesVolume: false)
    try fixture.store.transaction { (transaction) throws(StorageError) in
      for index in 0..<255 { try transaction.createVolume("v\(index)", kind: Self.note) }
    }
    #expect(throws: StorageError.limitExceeded(what: "volumes", limit: 255)) {
      try fixture.store.createVolume("more", kind: Self.note)
    }
    try fixture.put("a", [1], in: "v254")
    try fixture.store.removeVolume("v100")
    #expect(try fixture.store.createVolume("more", kind: Self.note).rawValue == 100)
    #expect(try fixture.findings() == [])
  }

  @Test("another kind, a newer format, an unknown kind: refused, and nothing is overwritten")
  func wrongKinds() throws {
    let fixture = try Fixture(filesystems: [OtherNotes(formatVersion: 2), OtherNotes(kind: VolumeKind("othr"))])
    try fixture.store.createVolume("other", kind: VolumeKind("othr"))
    try fixture.put("a", bytes(300))
    #expect(throws: StorageError.wrongKind(volume: "other", found: "othr", expected: "note")) {
      try fixture.names(in: "other")
    }
    #expect(throws: StorageError.invalidArgument("no filesystem of kind what is registered")) {
      try fixture.store.createVolume("x", kind: VolumeKind("what"))
    }
    let before = try image(of: fixture)
    // A program that knows version 1 only.
    fixture.options.filesystems = [Notes()]
    try fixture.reopen(cleanly: true)
    #expect(throws: StorageError.wrongKind(volume: "notes", found: "note 2", expected: "note 1 or older")) {
      try fixture.names()
    }
    #expect(throws: StorageError.self) {
      try fixture.store.read { (transaction) throws(StorageError) in
        _ = try transaction.volume("other", kind: VolumeKind("othr"))
      }
    }
    #expect(throws: StorageError.self) { try fixture.store.removeVolume("other") }
    // It can not check what it does not know, and says so rather than calling it leaked.
    #expect(
      try fixture.findings().allSatisfy { $0.hasPrefix("unknownKind") || $0.hasPrefix("filesystem") })
    fixture.options.filesystems = [OtherNotes(formatVersion: 2), OtherNotes(kind: VolumeKind("othr"))]
    try fixture.reopen(cleanly: true)
    #expect(try fixture.names() == ["a"])
    #expect(try fixture.text("a") == bytes(300))
    #expect(try fixture.findings() == [])
    #expect(try image(of: fixture) == before)
  }

  /// The contents of every volume's root tree.
  private func image(of fixture: Fixture) throws -> [[UInt8]] {
    try fixture.store.read { (transaction) throws(StorageError) in
      var all: [[UInt8]] = []
      for found in transaction.state.volumes {
        let volume = try transaction.open(found)
        var cursor = try volume.root.cursor()
        while try cursor.next() { all.append(try cursor.key + cursor.value()) }
      }
      return all
    }
  }

  @Test("options reach the filesystem, and one that fails to format leaves nothing")
  func formatOptions() throws {
    let fixture = try Fixture(filesystems: [OtherNotes()], makesVolume: false)
    try fixture.store.createVolume("a", kind: Self.note, options: [1, 2, 3])
    try fixture.store.read { (transaction) throws(StorageError) in
      #expect(try transaction.notes("a").volume.root.get([0xFF]) == [1, 2, 3])
    }
    #expect(throws: StorageError.self) {
      try fixture.store.createVolume("b", kind: Self.note, options: [UInt8](repeating: 0, count: 70_000))
    }
    #expect(try fixture.store.volumes().map { $0.name } == ["a"])
  }

  @Test("a quota holds for data and for trees, and deleting always works")
  func quota() throws {
    let fixture = try Fixture(pageCount: 128)
    try fixture.store.setQuota(of: "notes", byteCount: 200_000)
    try fixture.put("a", bytes(100_000))
    #expect(throws: StorageError.quotaExceeded(volume: "notes", limit: 200_000)) {
      try fixture.put("b", bytes(100_000))
    }
    #expect(throws: StorageError.quotaExceeded(volume: "notes", limit: 200_000)) {
      try fixture.store.transaction { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        for index in 0..<5_000 { try notes.put(bytes(60), under: "n\(index)") }
      }
    }
    #expect(try fixture.names() == ["a"])
    // Staged data count, too.
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put(bytes(80_000), under: "c")
    }
    #expect(throws: StorageError.quotaExceeded(volume: "notes", limit: 200_000)) { try fixture.put("d", bytes(50_000)) }
    #expect(throws: StorageError.quotaExceeded(volume: "notes", limit: 200_000)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put(bytes(50_000), under: "d")
      }
    }
    try fixture.store.commit(id)
    // A quota below what is there still lets one delete.
    try fixture.store.setQuota(of: "notes", byteCount: 4096)
    try fixture.store.transaction { (transaction) throws(StorageError) in
      try transaction.notes("notes").remove("a")
    }
    #expect(throws: StorageError.self) { try fixture.put("e", bytes(10_000)) }
    try fixture.store.setQuota(of: "notes", byteCount: nil)
    try fixture.put("e", bytes(10_000))
    #expect(try fixture.names() == ["c", "e"])
    #expect(try fixture.findings() == [])
  }

  @Test("what a volume reserved, no other takes")
  func reservation() throws {
    let fixture = try Fixture(pageCount: 64)
    let free = fixture.store.space.free
    try fixture.store.createVolume("rich", kind: Self.note, reservationByteCount: free / 2)
    #expect(throws: StorageError.self) { try fixture.put("big", bytes(Int(free / 2) + 20_000)) }
    try fixture.put("small", bytes(Int(free / 4)))
    try fixture.put("mine", bytes(Int(free / 4)), in: "rich")
    // What is taken of a reservation is not reserved twice.
    #expect(throws: StorageError.self) { try fixture.put("other", bytes(Int(free / 3))) }
    try fixture.put("mine too", bytes(Int(free / 5)), in: "rich")
    try fixture.store.setReservation(of: "rich", byteCount: 0)
    try fixture.put("other", bytes(Int(free / 5)))
    #expect(try fixture.findings() == [])
  }

  @Test("a full store says so, deletes still work, and then there is room again", arguments: [false, true])
  func full(multiCall: Bool) throws {
    let fixture = try Fixture(pageCount: 32)
    var count = 0
    while count < 1000 {
      do throws(StorageError) { try fixture.put("n\(count)", bytes(20_000)) } catch {
        guard case .full = error else { throw error }
        break
      }
      count += 1
    }
    while count < 5000 {
      do throws(StorageError) { try fixture.put("s\(count)", bytes(150)) } catch {
        guard case .full = error else { throw error }
        break
      }
      count += 1
    }
    #expect(count > 20 && count < 5000)
    if multiCall {
      let id = try fixture.store.begin()
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("notes").remove("n3")
        try transaction.notes("notes").remove("n4")
      }
      try fixture.store.commit(id)
    } else {
      for name in ["n3", "n4"] {
        try fixture.store.transaction { (transaction) throws(StorageError) in
          try transaction.notes("notes").remove(name)
        }
      }
    }
    try fixture.put("again", bytes(20_000))
    #expect(try fixture.text("again") == bytes(20_000))
    #expect(try fixture.findings() == [])
  }

  @Test("a large volume goes in steps, also over restarts", arguments: [0, 1, 2])
  func removal(restarts: Int) throws {
    let fixture = try Fixture(pageCount: 256)
    try fixture.store.createVolume("large", kind: Self.note)
    try fixture.store.rollback(fixture.store.begin())
    try fixture.store.removeVolume("large")
    let free = fixture.store.space.free
    try fixture.store.createVolume("large", kind: Self.note)
    try fixture.store.grant(.read, to: Principal("alice"), on: .volume(fixture.store.volumes()[1].id))
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let notes = try transaction.notes("large")
      for index in 0..<2_000 { try notes.put(bytes(index % 300), under: "note \(index)") }
    }
    fixture.options.removesInSteps = true
    try fixture.reopen()
    try fixture.store.removeVolume("large")
    #expect(throws: StorageError.notFound(Subject("volume", "large"))) { try fixture.names(in: "large") }
    var steps = 0
    while try !fixture.store.step(budget: 300) {
      steps += 1
      if restarts == 1 { try fixture.reopen() }
      if restarts == 2 && steps == 3 {
        fixture.options.removesInSteps = false
        try fixture.reopen()
        break
      }
      #expect(try fixture.findings() == [])
    }
    if restarts < 2 { #expect(steps >= 7) }
    #expect(try fixture.store.volumes().map { $0.name } == ["notes"])
    #expect(try fixture.store.grants() == [])
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  @Test("more trees than one, destroyed and emptied")
  func trees() throws {
    let fixture = try Fixture(filesystems: [OtherNotes()])
    let free = fixture.store.space.free
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      try volume.perform(operation: { [] }) { () throws(StorageError) in
        let (first, second) = (try volume.makeTree(), try volume.makeTree())
        #expect(first.rootBlock != second.rootBlock)
        for index in 0..<100 {
          try first.put([UInt8(index)], bytes(100))
          try second.put([UInt8(index)], bytes(9000))
        }
        #expect(try first.count() == 100)
        #expect(try volume.tree(at: first.rootBlock).get([7]) == bytes(100))
        #expect(throws: StorageError.self) { try volume.destroy(volume.root) }
        try volume.destroy(first)
        var budget = 30
        #expect(try !volume.empty(second, budget: &budget))
        budget = 1000
        #expect(try volume.empty(second, budget: &budget))
        try volume.destroy(second)
      }
    }
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  @Test("a backup of a store in use is an image of its own")
  func backup() throws {
    let fixture = try Fixture()
    try fixture.put("a", bytes(100_000))
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put(bytes(60_000), under: "b")
    }
    let copy = HeapMemory(pageCount: 1)
    var last: (UInt64, UInt64) = (0, 1)
    try fixture.store.backup(to: copy) { done, all in
      last = (done, all)
      return true
    }
    #expect(last.0 == last.1 && last.0 > 0)
    try fixture.store.rollback(id)
    try fixture.put("a", [1])
    let other = try Store.open(on: copy, options: fixture.options)
    #expect(try other.check(deep: true).findings == [])
    #expect(
      try other.read { (transaction) throws(StorageError) in try transaction.notes("notes").text(of: "a") }
        == bytes(100_000))
    // Open transactions go with it.
    try other.commit(id)
    #expect(
      try other.read { (transaction) throws(StorageError) in try transaction.notes("notes").names() }
        == ["a", "b"])
    #expect(throws: StorageError.self) { try fixture.store.backup(to: HeapMemory(pageCount: 1)) { _, _ in false } }
  }

  @Test("a store can grow")
  func growth() throws {
    let fixture = try Fixture(pageCount: 32)
    let free = fixture.store.space.free
    #expect(throws: StorageError.self) { try fixture.put("a", bytes(Int(free) + 100_000)) }
    try fixture.store.grow(byByteCount: 4 << 20)
    try fixture.put("a", bytes(Int(free) + 100_000))
    try fixture.store.checkpoint()
    try fixture.reopen()
    #expect(try fixture.text("a")?.count == Int(free) + 100_000)
    #expect(try fixture.findings() == [])
  }

  @Test("data streamed outside of any transaction")
  func reservedData() throws {
    let fixture = try Fixture()
    let free = fixture.store.space.free
    let reservation = try fixture.store.reserveData(byteCount: 100_000)
    let extent = try #require(reservation.extents.first)
    let digests = try BulkCopy.withRawSpan(of: bytes(100_000)) { (bytes) throws(StorageError) in
      try reservation.writeData(bytes, at: extent.start)
    }
    // Others commit meanwhile.
    try fixture.put("meanwhile", [1])
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      let extents = try volume.claim(reservation)
      #expect(extents == [extent])
      let data = DataExtent(extent: extent, byteCount: 100_000, digests: digests)
      #expect(
        try volume.readData(data, range: 65_000..<66_000) == Array(bytes(100_000)[65_000..<66_000]))
      // Nobody takes it over, so it goes back.
    }
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }
}
