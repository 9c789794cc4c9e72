import CairnBlocks
import CairnBytes
import Testing

@testable import CairnVolumes

@Suite("Multi-call transactions")
struct MultiCallTests {
  @Test("stage, restart, resume, commit: nothing is seen before, everything after", arguments: [false, true])
  func main(cleanly: Bool) throws {
    let fixture = try Fixture()
    try fixture.put("old", bytes(20))
    let id = try fixture.store.begin()
    try fixture.reopen(cleanly: cleanly)
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      try notes.put(bytes(300_000), under: "big")
      try notes.remove("old")
    }
    #expect(try fixture.names() == ["old"])
    try fixture.reopen(cleanly: cleanly)
    #expect(try fixture.findings() == [])
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      #expect(try notes.names() == ["big"])
      #expect(try notes.text(of: "big") == bytes(300_000))
      try notes.put([1], under: "small")
    }
    try fixture.reopen(cleanly: cleanly)
    #expect(try fixture.names() == ["old"])
    try fixture.store.commit(id)
    #expect(try fixture.names() == ["big", "small"])
    try fixture.reopen(cleanly: cleanly)
    #expect(try fixture.names() == ["big", "small"])
    #expect(try fixture.text("big") == bytes(300_000))
    #expect(try fixture.findings() == [])
    #expect(try fixture.store.transactions() == [])
  }

  @Test("rollback gives everything back", arguments: [false, true])
  func rollback(restarts: Bool) throws {
    let fixture = try Fixture()
    try fixture.put("a", bytes(100_000))
    // The first transaction leaves an outcome behind, which takes room in the catalog.
    try fixture.store.rollback(fixture.store.begin())
    let free = fixture.store.space.free
    let usage = try fixture.store.volumes()[0].usage
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      try notes.put(bytes(200_000), under: "a")
      try notes.put(bytes(200_000), under: "b")
      try notes.put(bytes(100_000), under: "b")
      try notes.remove("a")
    }
    #expect(fixture.store.space.free < free)
    #expect(try fixture.store.volumes()[0].usage.stagedBlockCount == 49 + 49 + 25)
    if restarts { try fixture.reopen() }
    try fixture.store.rollback(id)
    if restarts { try fixture.reopen() }
    #expect(fixture.store.space.free == free)
    #expect(try fixture.store.volumes()[0].usage == usage)
    #expect(try fixture.text("a") == bytes(100_000))
    #expect(try fixture.findings() == [])
  }

  @Test("what an operation overwrites or removes in the same transaction goes back at commit")
  func overwritten() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      try notes.put(bytes(100_000, seed: 1), under: "a")
      try notes.put(bytes(100_000, seed: 2), under: "a")
    }
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      try notes.put(bytes(100_000, seed: 3), under: "a")
      try notes.put(bytes(100_000, seed: 4), under: "b")
      try notes.remove("b")
    }
    try fixture.store.commit(id)
    #expect(try fixture.text("a") == bytes(100_000, seed: 3))
    let usage = try fixture.store.volumes()[0].usage
    #expect(usage.itemCount == 1 && usage.byteCount == 100_000 && usage.stagedBlockCount == 0)
    #expect(try fixture.findings() == [])
  }

  @Test("a call whose closure throws stages nothing")
  func failedCall() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin()
    let free = fixture.store.space.free
    #expect(throws: StorageError.notFound(Subject("note", "missing"))) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        try notes.put(bytes(100_000), under: "big")
        try notes.remove("missing")
      }
    }
    // What it read is kept, so a tree for that may be there, but nothing of the data.
    #expect(free - fixture.store.space.free < 20_000)
    #expect(try fixture.store.transactions()[0].operationCount == 0)
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      #expect(try transaction.notes("notes").names() == [])
    }
    // It has seen that there is no such note; when there is one, its picture is wrong.
    try fixture.put("missing", [1])
    #expect(throws: StorageError.conflict(volume: "notes", key: Array("missing".utf8))) {
      try fixture.store.commit(id)
    }
  }

  @Test("commit and rollback can be repeated, for a day")
  func idempotence() throws {
    let fixture = try Fixture()
    let committed = try fixture.store.begin()
    try fixture.store.resume(committed) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "a")
    }
    let rolledBack = try fixture.store.begin()
    for _ in 0..<2 {
      try fixture.store.commit(committed)
      try fixture.store.rollback(rolledBack)
      try fixture.reopen()
      #expect(throws: StorageError.transactionState(committed.rawValue, state: "committed")) {
        try fixture.store.rollback(committed)
      }
      #expect(throws: StorageError.transactionState(rolledBack.rawValue, state: "rolled back")) {
        try fixture.store.commit(rolledBack)
      }
      #expect(throws: StorageError.transactionState(committed.rawValue, state: "committed")) {
        try fixture.store.resume(committed) { (_) throws(StorageError) in }
      }
      fixture.world.advance(.hours(11))
    }
    // The next begin behind the day forgets them.
    fixture.world.advance(.hours(3))
    try fixture.store.rollback(fixture.store.begin())
    #expect(throws: StorageError.unknownTransaction(committed.rawValue)) { try fixture.store.commit(committed) }
    #expect(throws: StorageError.unknownTransaction(rolledBack.rawValue)) { try fixture.store.rollback(rolledBack) }
    #expect(try fixture.findings() == [])
  }

  @Test("unknown ids")
  func unknown() throws {
    let fixture = try Fixture()
    let id = try #require(TransactionID(rawValue: 77))
    #expect(throws: StorageError.unknownTransaction(77)) { try fixture.store.commit(id) }
    #expect(throws: StorageError.unknownTransaction(77)) { try fixture.store.rollback(id) }
    #expect(throws: StorageError.unknownTransaction(77)) { try fixture.store.prepare(id) }
    #expect(throws: StorageError.unknownTransaction(77)) { try fixture.store.renew(id, lease: .minutes(1)) }
    #expect(throws: StorageError.unknownTransaction(77)) {
      try fixture.store.resume(id) { (_) throws(StorageError) in }
    }
  }

  @Test("numbered calls: repeated ones do nothing, missing ones are noticed")
  func callNumbers() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin()
    func call(_ number: UInt64) throws(StorageError) -> Int? {
      try fixture.store.resume(id, callNumber: number) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([UInt8(number)], under: "\(number)")
        return Int(number)
      }
    }
    #expect(throws: StorageError.transactionState(id.rawValue, state: "waiting for call 1")) { try call(2) }
    #expect(throws: StorageError.invalidArgument("calls are numbered from 1")) { try call(0) }
    #expect(try call(1) == 1)
    #expect(try call(1) == nil)
    try fixture.reopen()
    #expect(try call(1) == nil)
    #expect(throws: StorageError.transactionState(id.rawValue, state: "waiting for call 2")) { try call(3) }
    #expect(try call(2) == 2)
    #expect(try call(1) == nil)
    // A call that throws was not staged, and can be made again.
    #expect(throws: StorageError.notFound(Subject("note", "x"))) {
      try fixture.store.resume(id, callNumber: 3) { (transaction) throws(StorageError) in
        try transaction.notes("notes").remove("x")
      }
    }
    #expect(try call(3) == 3)
    // One that changes nothing counts, too.
    #expect(try fixture.store.resume(id, callNumber: 4) { (_) throws(StorageError) in true } == true)
    #expect(try fixture.store.resume(id, callNumber: 4) { (_) throws(StorageError) in true } == nil)
    #expect(throws: StorageError.transactionState(id.rawValue, state: "4 calls staged")) {
      try fixture.store.commit(id, callCount: 5)
    }
    #expect(try fixture.store.transactions()[0].operationCount == 3)
    try fixture.store.commit(id, callCount: 4)
    #expect(try fixture.names() == ["1", "2", "3"])
  }

  @Test("only the principal that began it may go on, but an administrator can end it")
  func owners() throws {
    let fixture = try Fixture()
    let (alice, bob) = (try fixture.acting("alice"), try fixture.acting("bob"))
    try fixture.store.grant(.write, to: Principal("alice"), on: .store)
    try fixture.store.grant(.admin, to: Principal("bob"), on: .store)
    let id = try fixture.store.begin(as: Principal("alice"))
    for store in [fixture.store, bob] {
      let foreign = StorageError.foreignTransaction(id.rawValue)
      #expect(throws: foreign) { try store.resume(id) { (_) throws(StorageError) in } }
      #expect(throws: foreign) { try store.commit(id) }
      #expect(throws: foreign) { try store.prepare(id) }
      #expect(throws: foreign) { try store.renew(id, lease: .minutes(1)) }
      #expect(throws: foreign) { try store.rollback(id) }
      #expect(try store.transactions().map { $0.owner } == [try Principal("alice")])
    }
    try alice.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "a")
    }
    let other = try fixture.store.begin()
    #expect(throws: StorageError.foreignTransaction(other.rawValue)) { try alice.commit(other) }
    #expect(throws: StorageError.foreignTransaction(other.rawValue)) { try alice.rollback(other, force: true) }
    #expect(try alice.transactions().map { $0.id } == [id])
    try bob.rollback(id, force: true)
    #expect(throws: StorageError.foreignTransaction(id.rawValue)) { try bob.rollback(id) }
    try bob.rollback(id, force: true)
    #expect(throws: StorageError.transactionState(id.rawValue, state: "rolled back")) { try alice.commit(id) }
    let committed = try alice.begin()
    try alice.commit(committed)
    #expect(throws: StorageError.foreignTransaction(committed.rawValue)) { try bob.commit(committed) }
  }

  @Test("the journal names begin, stage, prepare, commit and rollback with id, principal and time")
  func annotations() throws {
    let fixture = try Fixture()
    try fixture.store.grant(.write, to: Principal("alice"), on: .store)
    let alice = try fixture.acting("alice")
    let reader = try fixture.store.journal()
    while try reader.next() != nil {}
    let started = fixture.world.now
    let id = try alice.begin()
    try fixture.reopen()
    let again = try fixture.acting("alice")
    fixture.world.advance(.seconds(1))
    try again.resume(id) { (transaction) throws(StorageError) in try transaction.notes("notes").put([1], under: "a") }
    fixture.world.advance(.seconds(1))
    try again.prepare(id)
    fixture.world.advance(.seconds(1))
    try again.commit(id)
    try fixture.put("b", [1])
    let dropped = try again.begin()
    try again.rollback(dropped)
    let late = try again.begin(lease: .seconds(5))
    fixture.world.advance(.seconds(5))
    try fixture.store.sweep()
    var seen: [CommitAnnotation] = []
    let journal = try fixture.store.journal()
    while let commit = try journal.next() {
      if commit.annotation.event != .maintenance { seen.append(commit.annotation) }
    }
    let name = Array("alice".utf8)
    func at(_ seconds: UInt64) -> UInt64 { started + seconds * 1_000_000_000 }
    #expect(
      seen.suffix(9) == [
        CommitAnnotation(event: .begin, transaction: id.rawValue, principal: name, time: at(0)),
        CommitAnnotation(event: .stage, transaction: id.rawValue, principal: name, time: at(1)),
        CommitAnnotation(event: .prepare, transaction: id.rawValue, principal: name, time: at(2)),
        CommitAnnotation(event: .commit, transaction: id.rawValue, principal: name, time: at(3)),
        CommitAnnotation(event: .auto, time: at(3)),
        CommitAnnotation(event: .begin, transaction: dropped.rawValue, principal: name, time: at(3)),
        CommitAnnotation(event: .rollback, transaction: dropped.rawValue, principal: name, time: at(3)),
        CommitAnnotation(event: .begin, transaction: late.rawValue, principal: name, time: at(3)),
        CommitAnnotation(event: .rollback, transaction: late.rawValue, principal: name, time: at(8)),
      ])
  }

  @Test("a call that neither changes nor reads anything costs no commit")
  func emptyCall() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin()
    let before = fixture.store.core.device.durableSequence
    try fixture.store.resume(id) { (_) throws(StorageError) in }
    try fixture.store.transaction { (_) throws(StorageError) in }
    try fixture.store.transaction { (transaction) throws(StorageError) in _ = try transaction.notes("notes").names() }
    #expect(fixture.store.core.device.durableSequence == before)
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      _ = try transaction.notes("notes").text(of: "a")
    }
    #expect(fixture.store.core.device.durableSequence == before + 1)
  }

  @Test("operations inside an operation are part of it; those of another volume are refused", arguments: [false, true])
  func innerOperations(multiCall: Bool) throws {
    let fixture = try Fixture(filesystems: [OtherNotes()])
    try fixture.store.createVolume("more", kind: VolumeKind("note"))
    try fixture.store.rollback(fixture.store.begin())
    let free = fixture.store.space.free
    func work(_ transaction: Transaction) throws(StorageError) {
      let volume = try transaction.notes("notes").volume
      let other = try transaction.notes("more")
      let data = try volume.writeData(bytes(50_000))
      var record = ByteWriter()
      record.uint8(1)
      for piece in data { piece.encode(into: &record) }
      var operation = ByteWriter()
      operation.lengthPrefixed([0x61])
      operation.append(record.bytes)
      try volume.perform(operation: { operation.bytes }) { () throws(StorageError) in
        try volume.perform(taking: data.map { $0.extent }, operation: { preconditionFailure("never asked for") }) {
          () throws(StorageError) in
          try volume.root.put([0x61], record.bytes)
          try volume.account(items: 1, bytes: 50_000)
        }
        #expect(throws: StorageError.self) { try other.put([1], under: "x") }
        #expect(throws: StorageError.self) { try transaction.createVolume("third", kind: VolumeKind("note")) }
      }
    }
    if multiCall {
      let id = try fixture.store.begin()
      try fixture.store.resume(id, work)
      #expect(try fixture.findings() == [])
      try fixture.store.rollback(id)
      #expect(fixture.store.space.free == free)
      let again = try fixture.store.begin()
      try fixture.store.resume(again, work)
      try fixture.store.commit(again)
    } else {
      try fixture.store.transaction(work)
    }
    #expect(try fixture.text("a") == bytes(50_000))
    #expect(try fixture.findings() == [])
  }

  @Test("two transactions over two volumes in one commit")
  func volumes() throws {
    let fixture = try Fixture()
    try fixture.store.createVolume("more", kind: VolumeKind("note"))
    let id = try fixture.store.begin()
    for name in ["notes", "more"] {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes(name).put([1], under: "a")
      }
      try fixture.reopen()
    }
    let before = fixture.store.core.device.durableSequence
    try fixture.store.commit(id)
    #expect(fixture.store.core.device.durableSequence == before + 1)
    #expect(try fixture.names() == ["a"])
    #expect(try fixture.names(in: "more") == ["a"])
  }

  @Test("10,000 operations in one transaction of a default image, in one call and in many")
  func manyOperations() throws {
    let fixture = try Fixture(pageCount: 1024)
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      for index in 0..<9_000 { try notes.put(bytes(64, seed: UInt8(index & 255)), under: "note \(index)") }
    }
    for call in 0..<10 {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        for index in 0..<100 { try notes.put(bytes(64), under: "later \(call) \(index)") }
      }
    }
    #expect(try fixture.store.transactions()[0].operationCount == 10_000)
    try fixture.reopen()
    try fixture.store.commit(id)
    #expect(try fixture.names().count == 10_000)
    #expect(try fixture.findings(deep: false) == [])
  }
}
