import CairnBlocks
import CairnMemory
import Testing

@testable import CairnVolumes

@Suite("Principals and grants")
struct GrantTests {
  static let note = VolumeKind("note")

  /// Something that a principal may try, on a store with the volumes `notes` (with a note `a`) and `other`.
  struct Attempt: Sendable, CustomTestStringConvertible {
    let name: String
    /// The right that it needs on the volume `notes`, if one there is enough.
    let onVolume: Rights?
    /// The right that it needs on the whole store.
    let onStore: Rights
    let run: @Sendable (Store) throws(StorageError) -> Void

    var testDescription: String { name }
  }

  static let attempts: [Attempt] = [
    Attempt(name: "read", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      try store.read { (transaction) throws(StorageError) in _ = try transaction.notes("notes").names() }
    },
    Attempt(name: "read in a snapshot", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      let snapshot = try store.snapshot()
      _ = try snapshot.transaction.notes("notes").names()
    },
    Attempt(name: "read by id", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      try store.read { (transaction) throws(StorageError) in
        _ = try transaction.volume(VolumeID(byte: 0), kind: note)
      }
    },
    Attempt(name: "information", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      try store.read { (transaction) throws(StorageError) in _ = try transaction.information(of: "notes") }
    },
    Attempt(name: "put", onVolume: .write, onStore: .write) { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in try transaction.notes("notes").put([1], under: "b")
      }
    },
    Attempt(name: "put data", onVolume: .write, onStore: .write) { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.notes("notes").put(bytes(9000), under: "b")
      }
    },
    Attempt(name: "remove", onVolume: .write, onStore: .write) { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in try transaction.notes("notes").remove("a") }
    },
    Attempt(name: "require write", onVolume: .write, onStore: .write) { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.notes("notes").volume.requireWrite()
      }
    },
    Attempt(name: "stage and commit", onVolume: .write, onStore: .write) { (store) throws(StorageError) in
      let id = try store.begin()
      do throws(StorageError) {
        try store.resume(id) { (transaction) throws(StorageError) in
          try transaction.notes("notes").put([1], under: "b")
        }
        try store.commit(id)
      } catch {
        try store.rollback(id)
        throw error
      }
    },
    Attempt(name: "rename", onVolume: .admin, onStore: .admin) { (store) throws(StorageError) in
      try store.renameVolume("notes", to: "noted")
    },
    Attempt(name: "remove volume", onVolume: .admin, onStore: .admin) { (store) throws(StorageError) in
      try store.removeVolume("notes")
    },
    Attempt(name: "grant on the volume", onVolume: .admin, onStore: .admin) { (store) throws(StorageError) in
      try store.grant(.read, to: Principal("bob"), on: .volume(VolumeID(byte: 0)))
    },
    Attempt(name: "revoke on the volume", onVolume: .admin, onStore: .admin) { (store) throws(StorageError) in
      try store.revoke(from: Principal("carol"), on: .volume(VolumeID(byte: 0)))
    },
    Attempt(name: "create volume", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.createVolume("new", kind: note)
    },
    Attempt(name: "quota", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.setQuota(of: "notes", byteCount: 1)
    },
    Attempt(name: "reservation", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.setReservation(of: "notes", byteCount: 1)
    },
    Attempt(name: "grant on the store", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.grant(.read, to: Principal("bob"), on: .store)
    },
    Attempt(name: "revoke on the store", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.revoke(from: Principal("carol"), on: .store)
    },
    Attempt(name: "grow", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in
      try store.grow(byByteCount: 65536)
    },
    Attempt(name: "checkpoint", onVolume: nil, onStore: .admin) { (store) throws(StorageError) in try store.checkpoint()
    },
    Attempt(name: "check", onVolume: nil, onStore: .read) { (store) throws(StorageError) in _ = try store.check() },
    Attempt(name: "backup", onVolume: nil, onStore: .read) { (store) throws(StorageError) in
      try store.backup(to: HeapMemory(pageCount: 64))
    },
    Attempt(name: "journal", onVolume: nil, onStore: .read) { (store) throws(StorageError) in _ = try store.journal() },
    Attempt(name: "begin", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      try store.rollback(store.begin())
    },
    Attempt(name: "reserve data", onVolume: .read, onStore: .read) { (store) throws(StorageError) in
      _ = try store.reserveData(byteCount: 1)
    },
  ]

  static func fixture() throws -> Fixture {
    let fixture = try Fixture()
    try fixture.store.createVolume("other", kind: note)
    try fixture.put("a", [1])
    try fixture.store.grant(.read, to: Principal("carol"), on: .store)
    try fixture.store.grant(.read, to: Principal("carol"), on: .volume(VolumeID(byte: 0)))
    return fixture
  }

  @Test("every path needs its right", arguments: attempts)
  func paths(_ attempt: Attempt) throws {
    for rights: Rights in [[], .read, .write, .admin] {
      for scope in [GrantScope.store, .volume(VolumeID(byte: 0)), .volume(VolumeID(byte: 1))] {
        let fixture = try Self.fixture()
        let alice = try Principal("alice")
        if !rights.isEmpty { try fixture.store.grant(rights, to: alice, on: scope) }
        let needed: Rights?
        switch scope {
        case .store: needed = attempt.onStore
        case .volume(VolumeID(byte: 0)): needed = attempt.onVolume
        // Rights on another volume are good for nothing but to begin.
        default: needed = attempt.name == "begin" || attempt.name == "reserve data" ? .read : nil
        }
        let sequence = fixture.store.core.device.durableSequence
        let store = fixture.store.acting(as: alice)
        if let needed, rights.isSuperset(of: needed) {
          try attempt.run(store)
        } else {
          let error = #expect(throws: StorageError.self, "\(rights) \(scope)") { try attempt.run(store) }
          guard case .accessDenied(let principal, _, _) = error else {
            Issue.record("\(String(describing: error))")
            continue
          }
          #expect(principal == alice.bytes)
          // A transaction that may be begun and then not used leaves commits of its own.
          if attempt.name != "stage and commit" { #expect(fixture.store.core.device.durableSequence == sequence) }
        }
        #expect(try fixture.findings() == [])
      }
    }
  }

  @Test("the owner may everything, and whoever acts as a principal stays one")
  func owner() throws {
    for attempt in Self.attempts { try attempt.run(Self.fixture().store) }
    let fixture = try Self.fixture()
    let alice = try fixture.acting("alice")
    #expect(alice.principal == (try Principal("alice")))
    #expect(alice.acting(as: nil).principal == (try Principal("alice")))
    #expect(throws: StorageError.self) { try alice.acting(as: nil).createVolume("x", kind: Self.note) }
    fixture.options.principal = try Principal("alice")
    try fixture.reopen()
    #expect(throws: StorageError.accessDenied(principal: Array("alice".utf8), right: "read", volume: "notes")) {
      try fixture.names()
    }
  }

  @Test("one sees the volumes that one may read, and one's own grants")
  func visibility() throws {
    let fixture = try Self.fixture()
    let alice = try Principal("alice")
    let store = fixture.store.acting(as: alice)
    #expect(try store.volumes() == [])
    #expect(try store.grants() == [])
    try fixture.store.grant(.write, to: alice, on: .volume(VolumeID(byte: 1)))
    #expect(try store.volumes().map { $0.name } == ["other"])
    #expect(
      try store.grants() == [Grant(principal: alice, scope: .volume(VolumeID(byte: 1)), rights: .write)])
    #expect(try fixture.store.grants().count == 3)
    try fixture.store.grant(.admin, to: alice, on: .store)
    #expect(try store.volumes().map { $0.name } == ["notes", "other"])
    #expect(try store.grants().count == 4)
    #expect(try store.createVolume("hers", kind: Self.note).rawValue == 2)
    #expect(try store.volumes()[2].owner == alice)
  }

  @Test("rights add up, and are taken as a whole")
  func changes() throws {
    let fixture = try Self.fixture()
    let alice = try Principal("alice")
    let notes = GrantScope.volume(VolumeID(byte: 0))
    let store = fixture.store.acting(as: alice)
    try fixture.store.grant(.read, to: alice, on: .store)
    try fixture.store.grant(.write, to: alice, on: notes)
    try fixture.store.grant(.read, to: alice, on: notes)
    #expect(try store.grants().map { $0.rights } == [.read, .write])
    try store.transaction { (transaction) throws(StorageError) in try transaction.notes("notes").put([1], under: "b") }
    try fixture.store.revoke(from: alice, on: notes)
    #expect(throws: StorageError.accessDenied(principal: alice.bytes, right: "write", volume: "notes")) {
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([1], under: "c")
      }
    }
    _ = try store.read { (transaction) throws(StorageError) in try transaction.notes("notes").names() }
    #expect(throws: StorageError.notFound(Subject("grant", alice.bytes))) {
      try fixture.store.revoke(from: alice, on: notes)
    }
    #expect(throws: StorageError.notFound(Subject("volume", "9"))) {
      try fixture.store.grant(.read, to: alice, on: .volume(VolumeID(byte: 9)))
    }
  }

  @Test("a right that was taken is missing at commit, too")
  func revokedBeforeCommit() throws {
    let fixture = try Self.fixture()
    let alice = try Principal("alice")
    try fixture.store.grant(.write, to: alice, on: .store)
    let store = fixture.store.acting(as: alice)
    let id = try store.begin()
    try store.resume(id) { (transaction) throws(StorageError) in try transaction.notes("notes").put([1], under: "b") }
    try fixture.store.revoke(from: alice, on: .store)
    try fixture.store.grant(.read, to: alice, on: .store)
    #expect(throws: StorageError.accessDenied(principal: alice.bytes, right: "write", volume: "notes")) {
      try store.commit(id)
    }
    #expect(throws: StorageError.self) { try store.prepare(id) }
    // It is still there, and her own to end.
    try fixture.store.grant(.write, to: alice, on: .volume(VolumeID(byte: 0)))
    try store.commit(id)
    #expect(try fixture.names() == ["a", "b"])
  }
}
