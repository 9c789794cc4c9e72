import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes

/// What a schedule did that it must not do.
struct ScheduleFailure: Error, CustomStringConvertible {
  let description: String
}

/// Plays schedules of one pattern on a store, one after the other.
final class SchedulePlayer<Subject: ScheduleSubject> {
  private let pattern: SchedulePattern<Subject>
  private let restart: SchedulesSuite.Restart
  private let world = ScheduleWorld()
  private var memory: SimulatedMemory
  private var store: Store
  private var playedCount = 0

  init(_ pattern: SchedulePattern<Subject>, restart: SchedulesSuite.Restart) throws {
    self.pattern = pattern
    self.restart = restart
    memory = SimulatedMemory(pageCount: 4)
    store = try Store.create(
      on: memory,
      format: FormatOptions(blockByteCount: 512, journalByteCount: 32 * 512, imageSlotCount: 2, imageSlotBlockCount: 4),
      options: Self.options(world))
    try Subject.create(in: store)
  }

  private static func options(_ world: ScheduleWorld) -> StoreOptions {
    var options = StoreOptions(filesystems: Subject.filesystems, environment: world.environment)
    options.device.memoryBudget = 1 << 20
    // Outcomes would pile up.
    options.limits.outcomeRetention = .minutes(1)
    return options
  }

  /// One transaction while a schedule runs.
  private struct Participant {
    var id: TransactionID
    var step = 0
    var seen = ScheduleObservation()
    var isOver = false
    var isCommitted = false
    var isPrepared = false
  }

  /// Plays one schedule; how many transactions committed.
  func play(_ schedule: [Int]) throws -> Int {
    try reset()
    var all: [Participant] = []
    for index in pattern.scripts.indices {
      let expires = index == 0 && pattern.expiry != nil
      all.append(Participant(id: try store.begin(lease: expires ? .minutes(5) : .days(3))))
    }
    var outsider: ScheduleObservation?
    for (position, who) in schedule.enumerated() {
      if pattern.expiry == position { world.advance(.minutes(6)) }
      if let single = pattern.outsider, single.step == position { outsider = try playSingle(single.calls) }
      try restartIfTold()
      try step(&all[who], who)
    }
    for participant in all where !participant.isCommitted { try end(participant) }
    try judge(all, outsider, schedule)
    playedCount += 1
    return all.reduce(0) { $0 + ($1.isCommitted ? 1 : 0) }
  }

  /// Looks at the store after the last schedule.
  func finish() throws {
    let report = try store.check(deep: true)
    guard report.isClean, report.transactionCount == 0 else {
      throw ScheduleFailure(description: "the check found \(report.findings), \(report.transactionCount) open")
    }
    try store.close()
  }

  private func reset() throws {
    world.advance(.minutes(2))
    try store.transaction { (transaction) throws(StorageError) in try Subject.reset(transaction) }
  }

  // MARK: Steps

  private func restartIfTold() throws {
    switch restart {
    case .none: return
    case .close:
      try store.close()
      store = try Store.open(on: memory, options: Self.options(world))
    case .kill:
      // What was not flushed is lost.
      memory = SimulatedMemory(image: memory.durableImage)
      store = try Store.open(on: memory, options: Self.options(world))
    }
  }

  private func step(_ participant: inout Participant, _ who: Int) throws {
    let step = participant.step
    participant.step += 1
    if participant.isOver { return }
    let script = pattern.scripts[who]
    let id = participant.id
    do throws(StorageError) {
      if step < script.count {
        var seen = participant.seen
        try store.resume(id, callNumber: UInt64(step + 1)) { (transaction) throws(StorageError) in
          try Subject.run(script[step], who, transaction, &seen)
        }
        participant.seen = seen
        // A client that lost the answer asks again: the call is there once.
        let repeated: Bool? = try store.resume(id, callNumber: UInt64(step + 1)) { (_) throws(StorageError) in true }
        if repeated != nil { participant.isOver = true }
      } else if step == script.count && pattern.isPrepared[who] {
        try store.prepare(id)
        participant.isPrepared = true
      } else {
        try store.commit(id, callCount: UInt64(script.count))
        participant.isCommitted = true
      }
    } catch {
      participant.isOver = true
      switch error {
      case .conflict:
        if participant.isPrepared {
          throw ScheduleFailure(description: "transaction \(who) was prepared, and its commit is \(error)")
        }
      case .expiredTransaction:
        if who != 0 || pattern.expiry == nil { throw ScheduleFailure(description: "transaction \(who): \(error)") }
      default: throw ScheduleFailure(description: "transaction \(who), step \(step): \(error)")
      }
    }
  }

  /// A transaction of a single call; nil: it was refused, because a prepared one holds something that it writes.
  private func playSingle(_ calls: [Subject.Call]) throws -> ScheduleObservation? {
    var seen = ScheduleObservation()
    do throws(StorageError) {
      try store.transaction { (transaction) throws(StorageError) in
        for call in calls { try Subject.run(call, Self.outsiderNumber, transaction, &seen) }
      }
      return seen
    } catch {
      guard case .conflict = error, pattern.isPrepared.contains(true) else {
        throw ScheduleFailure(description: "the transaction of a single call: \(error)")
      }
      return nil
    }
  }

  private static var outsiderNumber: Int { 9 }

  /// Ends a transaction that did not commit: asking twice gives the same answer.
  private func end(_ participant: Participant) throws {
    for _ in 0..<2 {
      do throws(StorageError) {
        try store.rollback(participant.id)
      } catch {
        switch error {
        case .conflict, .expiredTransaction, .transactionState: break
        default: throw ScheduleFailure(description: "rolling back: \(error)")
        }
      }
    }
    if (try? store.commit(participant.id)) != nil {
      throw ScheduleFailure(description: "a transaction that was rolled back committed")
    }
  }

  // MARK: Verdict

  /// Those that committed, in some order one after the other on the model: each sees what it saw, and the contents end as
  /// they are.
  private func judge(_ all: [Participant], _ outsider: ScheduleObservation?, _ schedule: [Int]) throws {
    var committed: [(number: Int, calls: [Subject.Call], seen: ScheduleObservation)] = []
    for (index, participant) in all.enumerated() where participant.isCommitted {
      committed.append((index, pattern.scripts[index], participant.seen))
    }
    if let outsider, let single = pattern.outsider {
      committed.append((Self.outsiderNumber, single.calls, outsider))
    }
    let found = try store.read { (transaction) throws(StorageError) in try Subject.contents(transaction) }
    func fits(_ order: [Int], _ state: Subject.Model, _ left: [Int]) -> Bool {
      if left.isEmpty { return state == found }
      for (position, index) in left.enumerated() {
        var next = state
        var seen = ScheduleObservation()
        for call in committed[index].calls { Subject.run(call, committed[index].number, on: &next, &seen) }
        guard seen == committed[index].seen else { continue }
        var rest = left
        rest.remove(at: position)
        if fits(order + [index], next, rest) { return true }
      }
      return false
    }
    guard fits([], Subject.initial, Array(committed.indices)) else {
      throw ScheduleFailure(
        description:
          "no order of the transactions \(committed.map { $0.number }) gives what they saw and left; schedule "
          + "\(schedule), what is left is \(found)")
    }
  }
}

/// A clock that only the player turns, and numbers from a seed.
private final class ScheduleWorld: @unchecked Sendable {
  private let lock = SpinLock()
  private var time: UInt64 = 1_000_000_000_000_000
  private var generator = SeededGenerator(seed: 11)

  var environment: Environment {
    Environment(now: { [self] in lock.with { time } }, random: { [self] in lock.with { generator.next() } })
  }

  func advance(_ lease: Lease) { lock.with { time += lease.nanoseconds } }
}
