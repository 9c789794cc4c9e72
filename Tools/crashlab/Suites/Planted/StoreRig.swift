import CairnBlocks
import CairnMemory
import CairnObjects
import CairnTestSupport
import CairnVolumes

/// Drives a store along a trace of calls of two multi-call transactions and of others, in lockstep with what must come of them.
///
/// A step is a letter, and for most of them the number of a transaction, 0 or 1:
///
///     b  begins                     s  stages an object in a numbered call      S  repeats that call
///     r  reads an object            f  reads one in a call that fails           p  prepares
///     c  commits                    C  repeats the commit or rollback           q  rolls back
///     w  puts an object for others  t  five minutes pass                        T  the clock is set back an hour
///     e  sweeps                     F  the clock is set an hour ahead           o  closes and opens
///     K  is killed, and opens
final class StoreRig {
  private struct Staged {
    var id: TransactionID
    var writes: [String: [UInt8]] = [:]
    /// The committed value that was read first, by key, and how often the object had been written.
    var reads: [String: (value: [UInt8]?, version: Int)] = [:]
    var operationCount = 0
    var callNumber: UInt64 = 0
    var expiresAt: UInt64
    var isPrepared = false
  }

  private enum Outcome { case committed, rolledBack }

  private let memory: SimulatedMemory
  private var store: Store
  private let world: World
  private var random: SeededGenerator
  private var objects: [String: [UInt8]] = [:]
  private var versions: [String: Int] = [:]
  private var open: [Int: Staged] = [:]
  private var ended: [Int: (id: TransactionID, outcome: Outcome)] = [:]
  /// The latest time that the store has certainly kept, and the latest that it may go by.
  private var keptTime: UInt64 = 0
  private var seenTime: UInt64 = 0
  private(set) var stateCount = 0

  private static let keys = ["a", "b", "c"]
  private static let minute: UInt64 = 60_000_000_000

  /// The clock and the salts.
  private final class World: @unchecked Sendable {
    private let lock = SpinLock()
    private var time: UInt64 = 10_000 * minute
    private let salts: RigSalts
    init(_ seed: UInt64) { salts = RigSalts(seed) }
    var now: UInt64 {
      get { lock.with { time } }
      set { lock.with { time = newValue } }
    }
    var environment: Environment { Environment(now: { self.now }, random: { self.salts.next() }) }
  }

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    world = World(seed ^ 0x5A17)
    memory = SimulatedMemory(pageCount: 12)
    store = try Store.create(
      on: memory,
      format: FormatOptions(
        blockByteCount: 512, journalByteCount: 96 * 512, imageSlotCount: 2, imageSlotBlockCount: 8),
      options: Self.options(world))
    _ = try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket("bucket")
    }
  }

  private static func options(_ world: World) -> StoreOptions {
    StoreOptions(filesystems: [ObjectFilesystem()], environment: world.environment)
  }

  func run(_ trace: String) throws {
    for step in trace.split(separator: "_") {
      let letters = Array(step)
      guard let letter = letters.first, letters.count <= 2 else { throw LabError("\(step) is no step of a trace") }
      let number = letters.count == 2 ? letters[1].wholeNumberValue ?? 0 : 0
      do { try perform(letter, number) } catch {
        throw error as? LabError ?? error as? Violation ?? Violation("step \(step): \(error)")
      }
      try verify()
    }
    try reopen()
    try verify()
  }

  /// A trace by chance.
  static func randomTrace(_ random: inout SeededGenerator) -> String {
    let letters = Array("bbssssSrrrfppccCqwwwwttTFeooK")
    return (0..<8 + random.below(24)).map { _ in
      String(letters[random.below(letters.count)]) + String(random.below(2))
    }.joined(separator: "_")
  }

  // MARK: Steps

  private func perform(_ letter: Character, _ number: Int) throws {
    seenTime = max(seenTime, world.now)
    switch letter {
    case "w": try putForOthers()
    case "t": world.now += 5 * Self.minute
    case "T": world.now -= 60 * Self.minute
    case "F": world.now += 60 * Self.minute
    case "e":
      try store.sweep()
      try forgetExpired()
    case "o":
      try store.close()
      try reopen()
    case "K": try reopen()
    case "b": try begin(number)
    case "C": try repeatEnd(number)
    default:
      guard let staged = open[number] else { return }
      if staged.expiresAt <= max(keptTime, world.now) {
        try requireExpired(letter, staged)
      } else if staged.expiresAt > seenTime {
        try call(letter, number, staged)
      }
      if letter != "q" { try forgetExpired() }
    }
  }

  private func reopen() throws {
    stateCount += 1
    store = try Store.open(on: memory, options: Self.options(world))
    seenTime = max(keptTime, world.now)
  }

  /// A call has swept: what has expired by the time that the store goes by is gone.
  private func forgetExpired() throws {
    let listed = Set(try store.transactions().map(\.id))
    for (number, staged) in open where staged.expiresAt <= seenTime {
      if listed.contains(staged.id) {
        guard staged.expiresAt > max(keptTime, world.now) else {
          throw Violation("a transaction that has expired is still there after a sweep")
        }
      } else {
        keptTime = max(keptTime, world.now)
        ended[number] = (staged.id, .rolledBack)
        open[number] = nil
      }
    }
  }

  private func begin(_ number: Int) throws {
    guard open[number] == nil else { return }
    let id = try store.begin()
    try forgetExpired()
    ended[number] = nil
    try renew(number, Staged(id: id, expiresAt: 0))
  }

  /// A call has renewed a lease, which then ends no earlier than its length from now.
  private func renew(_ number: Int, _ staged: Staged) throws {
    keptTime = max(keptTime, world.now)
    guard let found = try store.transactions().first(where: { $0.id == staged.id }) else {
      throw Violation("a transaction is gone")
    }
    guard found.expiresAt >= keptTime + Lease.standard.nanoseconds else {
      throw Violation("a lease ends earlier than promised")
    }
    open[number] = staged
    open[number]?.expiresAt = found.expiresAt
  }

  private func requireExpired(_ letter: Character, _ staged: Staged) throws {
    let error = failure { () throws(StorageError) in
      switch letter {
      case "q": try store.rollback(staged.id)
      case "c": try store.commit(staged.id)
      default: try store.resume(staged.id) { (_) throws(StorageError) in }
      }
    }
    switch error {
    case .expiredTransaction: break
    case nil where letter == "q": break
    default: throw Violation("a transaction goes on after its lease: \(error.map { "\($0)" } ?? "no error")")
    }
  }

  /// The error of a call; nil when it has none.
  private func failure(_ body: () throws(StorageError) -> Void) -> StorageError? {
    do { try body() } catch { return error }
    return nil
  }

  /// Whether a call ends in a conflict; any other error is thrown.
  private func isConflict(_ body: () throws(StorageError) -> Void) throws -> Bool {
    guard let error = failure(body) else { return false }
    guard case .conflict = error else { throw error }
    return true
  }

  private func value() -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: random.below(2) == 0 ? 40 : 3000)
  }

  private func pickKey() -> String { Self.keys[random.below(Self.keys.count)] }

  private func putForOthers() throws {
    let (key, bytes) = (pickKey(), value())
    let isHeld = open.values.contains { $0.isPrepared && ($0.reads[key] != nil || $0.writes[key] != nil) }
    let isRefused = try isConflict { () throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        _ = try transaction.bucket("bucket").put(ObjectKey(key), bytes)
      }
    }
    if isRefused {
      guard open.values.contains(where: { $0.isPrepared }) else { throw Violation("a conflict with nobody") }
      return
    }
    if isHeld { throw Violation("what a prepared transaction relies on is overwritten") }
    write(key, bytes)
  }

  private func write(_ key: String, _ bytes: [UInt8]) {
    objects[key] = bytes
    versions[key, default: 0] += 1
  }

  private func call(_ letter: Character, _ number: Int, _ staged: Staged) throws {
    switch letter {
    case "s", "S": try stage(number, staged, again: letter == "S")
    case "r", "f": try read(number, staged, fails: letter == "f")
    case "p":
      guard !staged.isPrepared else { return }
      try end(number, staged, { () throws(StorageError) in try store.prepare(staged.id) }) {
        open[number]?.isPrepared = true
      }
    case "c":
      try end(number, staged, { () throws(StorageError) in try store.commit(staged.id) }) {
        for (key, bytes) in staged.writes.sorted(by: { $0.key < $1.key }) { write(key, bytes) }
        ended[number] = (staged.id, .committed)
        open[number] = nil
      }
    case "q":
      try store.rollback(staged.id)
      ended[number] = (staged.id, .rolledBack)
      open[number] = nil
    default: throw LabError("no call has the letter \(letter)")
    }
  }

  private func stage(_ number: Int, _ staged: Staged, again: Bool) throws {
    let callNumber = staged.callNumber + (again ? 0 : 1)
    guard callNumber > 0, !staged.isPrepared else { return }
    let (key, bytes) = (pickKey(), value())
    let result = try store.resume(staged.id, callNumber: callNumber) { (transaction) throws(StorageError) -> Bool in
      try transaction.bucket("bucket").put(ObjectKey(key), bytes)
      return true
    }
    guard (result == nil) == again else { throw Violation("call \(callNumber) is \(again ? "" : "not ")done again") }
    guard !again else { return }
    var staged = staged
    staged.writes[key] = bytes
    staged.operationCount += 1
    staged.callNumber = callNumber
    try renew(number, staged)
  }

  private func read(_ number: Int, _ staged: Staged, fails: Bool) throws {
    guard !staged.isPrepared else { return }
    let key = pickKey()
    var found: [UInt8]?
    let error = failure { () throws(StorageError) in
      try store.resume(staged.id) { (transaction) throws(StorageError) in
        let bucket = try transaction.bucket("bucket")
        found = try bucket.contains(ObjectKey(key)) ? try bucket.get(ObjectKey(key)) : nil
        if fails { throw .invalidArgument("the caller gives up") }
      }
    }
    if let error {
      guard fails, case .invalidArgument = error else { throw error }
    }
    guard found == staged.writes[key] ?? objects[key] else { throw Violation("object \(key) is not as it should be") }
    var staged = staged
    if staged.reads[key] == nil { staged.reads[key] = (objects[key], versions[key] ?? 0) }
    try renew(number, staged)
  }

  /// A commit or a prepare: a conflict exactly where something that was read has changed since.
  private func end(
    _ number: Int, _ staged: Staged, _ body: () throws(StorageError) -> Void, _ done: () throws -> Void
  ) throws {
    let mustFail = !staged.isPrepared && staged.reads.contains { $0.value.value != objects[$0.key] }
    let mayFail = !staged.isPrepared && staged.reads.contains { $0.value.version != versions[$0.key] ?? 0 }
    let others = open.filter { $0.key != number && $0.value.isPrepared }
    if try isConflict(body) {
      guard mayFail || !others.isEmpty else { throw Violation("a conflict, though nothing that was read has changed") }
      keptTime = max(keptTime, world.now)
      ended[number] = (staged.id, .rolledBack)
      open[number] = nil
      return
    }
    if mustFail { throw Violation("committed or prepared, though something that was read has changed") }
    keptTime = max(keptTime, world.now)
    try done()
  }

  /// A client that lost the answer asks again.
  private func repeatEnd(_ number: Int) throws {
    guard let (id, outcome) = ended[number] else { return }
    switch outcome {
    case .committed: try store.commit(id)
    case .rolledBack: try store.rollback(id)
    }
  }

  // MARK: Comparing

  private func verify() throws {
    let found = try store.read { (transaction) throws(StorageError) in
      var found: [String: [UInt8]] = [:]
      let bucket = try transaction.bucket("bucket")
      for object in try bucket.list().objects { found[object.key.description] = try bucket.get(object.key) }
      return found
    }
    guard found == objects else { throw Violation("the objects are not as they should be") }
    let listed = Dictionary(uniqueKeysWithValues: try store.transactions().map { ($0.id, Int($0.operationCount)) })
    for staged in open.values where staged.expiresAt > seenTime {
      guard listed[staged.id] == staged.operationCount else {
        throw Violation("a transaction has \(listed[staged.id] ?? -1) operations instead of \(staged.operationCount)")
      }
    }
    let known = Set(open.values.map(\.id))
    guard known.isSuperset(of: listed.keys) else { throw Violation("a transaction that has ended is still there") }
    let findings = try store.check(deep: true).findings
    if !findings.isEmpty { throw Violation("check: \(findings.map(\.description))") }
  }
}
