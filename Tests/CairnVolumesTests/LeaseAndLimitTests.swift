import CairnBlocks
import Testing

@testable import CairnVolumes

@Suite("Leases and limits")
struct LeaseAndLimitTests {
  static func stage(_ fixture: Fixture, _ id: TransactionID, _ name: String = "a") throws(StorageError) {
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put(bytes(50_000), under: name)
    }
  }

  @Test("an expired transaction is rolled back, and its late commit says so")
  func expiry() throws {
    let fixture = try Fixture()
    try fixture.store.rollback(fixture.store.begin())
    let free = fixture.store.space.free
    let id = try fixture.store.begin(lease: .seconds(60))
    try Self.stage(fixture, id)
    fixture.world.advance(.seconds(59))
    try fixture.store.renew(id, lease: .seconds(30))
    fixture.world.advance(.seconds(29))
    #expect(try fixture.store.sweep() == 0)
    fixture.world.advance(.seconds(1))
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.commit(id) }
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.commit(id) }
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try Self.stage(fixture, id) }
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.prepare(id) }
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.renew(id, lease: .hours(1)) }
    try fixture.store.rollback(id)
    #expect(try fixture.store.transactions() == [])
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  @Test("each staged call renews the lease")
  func renewal() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin(lease: .seconds(10))
    for call in 0..<5 {
      fixture.world.advance(.seconds(9))
      try Self.stage(fixture, id, "\(call)")
    }
    try fixture.store.commit(id)
    #expect(try fixture.names().count == 5)
  }

  enum Sweeper: CaseIterable { case open, begin, resume, commit, prepare, sweep }

  @Test("the next call of any kind sweeps", arguments: Sweeper.allCases)
  func sweeps(_ sweeper: Sweeper) throws {
    let fixture = try Fixture()
    let other = try fixture.store.begin(lease: .hours(10))
    let id = try fixture.store.begin(lease: .seconds(60))
    try Self.stage(fixture, id)
    fixture.world.advance(.minutes(2))
    switch sweeper {
    case .open: try fixture.reopen()
    case .begin: _ = try fixture.store.begin()
    case .resume: try fixture.store.resume(other) { (_) throws(StorageError) in }
    case .commit: try fixture.store.commit(other)
    case .prepare: try fixture.store.prepare(other)
    case .sweep: #expect(try fixture.store.sweep() == 1)
    }
    #expect(try !fixture.store.transactions().contains { $0.id == id })
    #expect(try fixture.store.volumes()[0].usage.stagedBlockCount == 0)
    #expect(try fixture.findings() == [])
  }

  @Test("time never runs backwards, not even over a restart")
  func clock() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin(lease: .seconds(60))
    let start = fixture.world.now
    fixture.world.now = start + Lease.seconds(50).nanoseconds
    // This call makes the store remember the time.
    _ = try fixture.store.begin(lease: .hours(1))
    fixture.world.now = 0
    try fixture.reopen()
    let late = try fixture.store.begin(lease: .seconds(60))
    let listed = try fixture.store.transactions()
    #expect(listed.first { $0.id == late }?.beganAt == start + Lease.seconds(50).nanoseconds)
    #expect(listed.first { $0.id == id }?.isExpired == false)
    fixture.world.now = start + Lease.seconds(60).nanoseconds
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.commit(id) }
  }

  @Test("recovery never looks at the clock: an expired transaction is there until the sweep")
  func recovery() throws {
    let fixture = try Fixture()
    _ = try fixture.store.begin(lease: .seconds(1))
    fixture.world.advance(.days(3))
    fixture.options.device.isReadOnly = true
    try fixture.reopen()
    #expect(try fixture.store.transactions().count == 1)
    fixture.options.device.isReadOnly = false
    try fixture.reopen()
    #expect(try fixture.store.transactions() == [])
  }

  @Test("a prepared transaction keeps its lease")
  func preparedExpiry() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin(lease: .seconds(10))
    try Self.stage(fixture, id)
    try fixture.store.prepare(id, lease: .hours(1))
    fixture.world.advance(.minutes(59))
    #expect(throws: StorageError.conflict(volume: "notes", key: [0x61])) { try fixture.put("a", [1]) }
    fixture.world.advance(.minutes(1))
    #expect(throws: StorageError.expiredTransaction(id.rawValue)) { try fixture.store.commit(id) }
    try fixture.put("a", [1])
    #expect(try fixture.findings() == [])
  }

  @Test("bounds")
  func limits() throws {
    var limits = TransactionLimits()
    limits.openTransactionCount = 2
    limits.operationCount = 3
    limits.operationByteCount = 100
    limits.stagedByteCount = 200_000
    limits.readCount = 4
    limits.maximumLease = .hours(1)
    let fixture = try Fixture(limits: limits)
    #expect(throws: StorageError.limitExceeded(what: "nanoseconds of a lease", limit: Lease.hours(1).nanoseconds)) {
      try fixture.store.begin(lease: .hours(2))
    }
    #expect(throws: StorageError.self) { try fixture.store.begin(lease: .seconds(0)) }
    let id = try fixture.store.begin()
    let other = try fixture.store.begin()
    #expect(throws: StorageError.limitExceeded(what: "open multi-call transactions", limit: 2)) {
      try fixture.store.begin()
    }
    // A call that passes a bound stages nothing.
    #expect(throws: StorageError.limitExceeded(what: "operations of one transaction", limit: 3)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        for index in 0..<4 { try notes.put([1], under: "\(index)") }
      }
    }
    #expect(throws: StorageError.limitExceeded(what: "bytes of one staged operation", limit: 100)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put(bytes(150), under: "a")
      }
    }
    #expect(throws: StorageError.limitExceeded(what: "bytes staged by one transaction", limit: 200_000)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put(bytes(150_000), under: "a")
        try transaction.notes("notes").put(bytes(60_000), under: "b")
      }
    }
    #expect(throws: StorageError.limitExceeded(what: "ranges that one transaction reads", limit: 4)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        for index in 0..<9 { _ = try transaction.notes("notes").text(of: "\(index)") }
      }
    }
    #expect(try fixture.store.transactions().map { $0.operationCount } == [0, 0])
    #expect(try fixture.findings() == [])
    for index in 0..<3 { try Self.stageSmall(fixture, id, "\(index)") }
    #expect(throws: StorageError.self) { try Self.stageSmall(fixture, id, "x") }
    try fixture.store.commit(id)
    try fixture.store.rollback(other)
    #expect(try fixture.names() == ["0", "1", "2"])
    #expect(try fixture.findings() == [])
  }

  @Test("a call that reads the same over and over keeps one record; one that reads too much fails")
  func manyReads() throws {
    var limits = TransactionLimits()
    limits.readCount = 100
    let fixture = try Fixture(limits: limits)
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      var cursor = try notes.volume.root.cursor()
      for index in 0..<20_000 { _ = try notes.text(of: "\(index % 50)") }
      // A cursor that is under way keeps its range.
      #expect(try !cursor.next())
    }
    // The cursor's range holds all the others, but for the volume's name.
    #expect(try fixture.store.transactions()[0].readCount == 2)
    #expect(throws: StorageError.limitExceeded(what: "ranges that one transaction reads", limit: 100)) {
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        let notes = try transaction.notes("notes")
        for index in 0..<20_000 { _ = try notes.text(of: "\(index)") }
      }
    }
    try fixture.put("7", [1])
    #expect(throws: StorageError.self) { try fixture.store.commit(id) }
  }

  static func stageSmall(_ fixture: Fixture, _ id: TransactionID, _ name: String) throws(StorageError) {
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: name)
    }
  }
}
