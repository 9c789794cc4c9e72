import CairnBlocks
import CairnMemory
import Testing

@testable import CairnVolumes

@Suite("Store")
struct StoreTests {
  @Test("keeps what was committed, over openings clean and after a crash")
  func persistence() throws {
    let fixture = try Fixture()
    try fixture.put("a", bytes(10))
    try fixture.put("b", bytes(200_000))
    for cleanly in [true, false, true] {
      try fixture.reopen(cleanly: cleanly)
      #expect(try fixture.text("a") == bytes(10))
      #expect(try fixture.text("b") == bytes(200_000))
      #expect(try fixture.findings() == [])
    }
  }

  @Test("rolls back when the closure throws")
  func rollback() throws {
    let fixture = try Fixture()
    let before = fixture.store.space.free
    #expect(throws: StorageError.notFound(Subject("note", "missing"))) {
      try fixture.store.transaction { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        try notes.put(bytes(100_000), under: "big")
        try notes.remove("missing")
      }
    }
    #expect(try fixture.names() == [])
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }

  @Test("a read sees one moment, whatever is committed meanwhile")
  func snapshots() throws {
    let fixture = try Fixture()
    try fixture.put("a", [1])
    let snapshot = try fixture.store.snapshot()
    try fixture.put("a", [2])
    try fixture.put("b", [3])
    #expect(try snapshot.transaction.notes("notes").text(of: "a") == [1])
    #expect(try snapshot.transaction.notes("notes").names() == ["a"])
    snapshot.end()
    #expect(throws: StorageError.transactionState(0, state: "ended")) { try snapshot.transaction.notes("notes") }
  }

  @Test("a read changes nothing")
  func readOnlyTransaction() throws {
    let fixture = try Fixture()
    #expect(throws: StorageError.readOnly) {
      try fixture.store.read { (transaction) throws(StorageError) in
        try transaction.notes("notes").put([1], under: "a")
      }
    }
    #expect(throws: StorageError.readOnly) {
      try fixture.store.read { (transaction) throws(StorageError) in
        try transaction.createVolume("x", kind: VolumeKind("note"))
      }
    }
  }

  @Test("objects of a transaction end with it")
  func ended() throws {
    let fixture = try Fixture()
    var kept: NotesVolume?
    try fixture.store.transaction { (transaction) throws(StorageError) in kept = try transaction.notes("notes") }
    let notes = try #require(kept)
    #expect(throws: StorageError.transactionState(0, state: "ended")) { try notes.text(of: "a") }
    #expect(throws: StorageError.transactionState(0, state: "ended")) { try notes.put([1], under: "a") }
    #expect(throws: StorageError.transactionState(0, state: "ended")) { try notes.names() }
  }

  @Test("opened for reading, it writes nothing")
  func readOnlyStore() throws {
    let fixture = try Fixture()
    try fixture.put("a", [1])
    let id = try fixture.store.begin()
    fixture.options.device.isReadOnly = true
    fixture.world.advance(.days(2))
    try fixture.reopen()
    #expect(fixture.store.isReadOnly)
    #expect(try fixture.text("a") == [1])
    #expect(try fixture.store.transactions().map { $0.isExpired } == [true])
    #expect(throws: StorageError.readOnly) { try fixture.put("b", [1]) }
    #expect(throws: StorageError.readOnly) { try fixture.store.begin() }
    #expect(throws: StorageError.readOnly) { try fixture.store.commit(id) }
    #expect(throws: StorageError.readOnly) { try fixture.store.rollback(id) }
    #expect(throws: StorageError.readOnly) { try fixture.store.step(budget: 1) }
    #expect(try fixture.findings() == [])
  }

  @Test("a memory without an image, a closed store, kinds registered twice")
  func refusals() throws {
    let world = TestWorld()
    let options = StoreOptions(filesystems: [Notes()], environment: world.environment)
    let memory = HeapMemory(pageCount: 64)
    #expect(throws: StorageError.notCairn) { try Store.open(on: memory, options: options) }
    let store = try Store.create(on: memory, options: options)
    #expect(throws: StorageError.alreadyFormatted) { try Store.create(on: memory, options: options) }
    try store.close()
    #expect(throws: StorageError.closed) { try store.begin() }
    let doubled = StoreOptions(filesystems: [Notes(), Notes()], environment: world.environment)
    #expect(throws: StorageError.invalidArgument("two filesystems of kind note are registered")) {
      try Store.open(on: memory, options: doubled)
    }
  }

  @Test("an operation that stops half-way leaves nothing but rolling back")
  func failedOperation() throws {
    let fixture = try Fixture()
    func swallow(_ transaction: Transaction) throws(StorageError) {
      let notes = try transaction.notes("notes")
      do throws(StorageError) {
        try notes.volume.perform(operation: { [] }) { () throws(StorageError) in
          try notes.volume.root.put([1], [1])
          throw .notFound(Subject("step", "two"))
        }
      } catch {
        // Whoever swallows the error does not get the half that was done.
      }
      #expect(throws: StorageError.transactionFailed) { try notes.put([1], under: "b") }
    }
    #expect(throws: StorageError.notFound(Subject("step", "two"))) { try fixture.store.transaction(swallow) }
    #expect(try fixture.names() == [])
    // One that fails before it changes anything does no harm.
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      #expect(throws: StorageError.notFound(Subject("note", "x"))) { try notes.remove("x") }
      try notes.put([1], under: "b")
    }
    #expect(try fixture.names() == ["b"])
  }

  @Test("trees change only inside operations, and data belong to operations")
  func outsideOfOperations() throws {
    let fixture = try Fixture()
    let free = fixture.store.space.free
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      #expect(throws: StorageError.self) { try volume.root.put([1], [1]) }
      #expect(throws: StorageError.self) { try volume.root.delete([1]) }
      #expect(throws: StorageError.self) { try volume.makeTree() }
      #expect(throws: StorageError.self) { try volume.account(items: 1, bytes: 1) }
      // Nobody takes these over; they go back at the end.
      _ = try volume.writeData(bytes(100_000))
      #expect(throws: StorageError.self) {
        try volume.perform(taking: [Extent(start: BlockNumber(900), count: 1)], operation: { [] }) {}
      }
    }
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }
}
