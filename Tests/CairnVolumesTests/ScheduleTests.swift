import CairnBlocks
import CairnTestSupport
import Testing

@testable import CairnVolumes

/// All schedules of two transactions over two keys: what came of those that committed is what one after the other would
/// have given.
@Suite("Schedules of two transactions")
struct ScheduleTests {
  /// A call: reads a key, or all of them, or writes one. What is written follows from everything read before.
  enum Call: CaseIterable { case readX, readY, list, writeX, writeY, removeX }

  struct Seen: Equatable {
    var answers: [[UInt8]] = []
    /// What this transaction writes next.
    func value(_ name: UInt8) -> [UInt8] {
      var sum: UInt32 = 17
      for byte in answers.joined() { sum = sum &* 31 &+ UInt32(byte) }
      return [name, UInt8(answers.count), UInt8(truncatingIfNeeded: sum), UInt8(truncatingIfNeeded: sum >> 8)]
    }
  }

  typealias State = [String: [UInt8]]
  static let initial: State = ["x": [1], "y": [2]]

  /// A call on plain state; false when it is not possible.
  static func run(_ call: Call, _ name: UInt8, _ state: inout State, _ seen: inout Seen) -> Bool {
    switch call {
    case .readX: seen.answers.append(state["x"] ?? [255])
    case .readY: seen.answers.append(state["y"] ?? [255])
    case .list: seen.answers.append(Array(state.keys.sorted().joined().utf8))
    case .writeX: state["x"] = seen.value(name)
    case .writeY: state["y"] = seen.value(name)
    case .removeX:
      guard state.removeValue(forKey: "x") != nil else {
        seen.answers.append([254])
        return true
      }
      seen.answers.append([253])
    }
    return true
  }

  /// The same call in a transaction of the store.
  static func run(_ call: Call, _ name: UInt8, _ transaction: Transaction, _ seen: inout Seen) throws(StorageError) {
    let notes = try transaction.notes("notes")
    switch call {
    case .readX: seen.answers.append(try notes.text(of: "x") ?? [255])
    case .readY: seen.answers.append(try notes.text(of: "y") ?? [255])
    case .list: seen.answers.append(Array(try notes.names().joined().utf8))
    case .writeX: try notes.put(seen.value(name), under: "x")
    case .writeY: try notes.put(seen.value(name), under: "y")
    case .removeX:
      do throws(StorageError) {
        try notes.remove("x")
        seen.answers.append([253])
      } catch {
        guard case .notFound = error else { throw error }
        seen.answers.append([254])
      }
    }
  }

  /// Every way to merge `first` steps of one with `second` steps of the other.
  static func merges(_ first: Int, _ second: Int) -> [[Int]] {
    if first == 0 { return [[Int](repeating: 1, count: second)] }
    if second == 0 { return [[Int](repeating: 0, count: first)] }
    return merges(first - 1, second).map { [0] + $0 } + merges(first, second - 1).map { [1] + $0 }
  }

  static let pairs: [[Call]] = Call.allCases.flatMap { first in Call.allCases.map { [first, $0] } }

  /// Of the pairs of scripts an eighth, and with restarts a third of that; all of them with `CAIRN_SEEDS=8`.
  static let eighths = TestSeeds.list(count: 1).count

  @Test("are serializable", arguments: pairs.indices, [false, true])
  func serializable(_ number: Int, restarts: Bool) throws {
    let fixture = try Fixture(pageCount: 64)
    let first = Self.pairs[number]
    var committedBoth = 0
    for (index, second) in Self.pairs.enumerated() {
      guard (index + number) % 8 < Self.eighths, !restarts || index % 3 == 0 else { continue }
      for schedule in Self.merges(3, 3) {
        let outcome = try run(fixture, [first, second], schedule, restarts: restarts)
        if outcome.isCommitted == [true, true] { committedBoth += 1 }
        try #require(outcome.isSerializable, "\(first) \(second) \(schedule) \(outcome)")
      }
    }
    // One after the other, both commit: serializable by refusing everything would be easy.
    #expect(committedBoth > 0)
    #expect(try fixture.findings(deep: false) == [])
  }

  struct Outcome {
    var isCommitted = [false, false]
    var isSerializable = false
    var state: State = [:]
    var seen = [Seen(), Seen()]
  }

  /// Runs the calls in the order of the schedule; each transaction's last step is its commit.
  private func run(
    _ fixture: Fixture, _ scripts: [[Call]], _ schedule: [Int], restarts: Bool
  ) throws(StorageError) -> Outcome {
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      for (name, text) in Self.initial { try notes.put(text, under: name) }
    }
    var outcome = Outcome()
    var next = [0, 0]
    var isOver = [false, false]
    var ids: [TransactionID] = []
    for _ in 0..<2 { ids.append(try fixture.store.begin()) }
    for who in schedule {
      let step = next[who]
      next[who] += 1
      if isOver[who] { continue }
      if restarts { try fixture.reopen() }
      var seen = outcome.seen[who]
      do throws(StorageError) {
        if step < scripts[who].count {
          try fixture.store.resume(ids[who]) { (transaction) throws(StorageError) in
            try Self.run(scripts[who][step], UInt8(who), transaction, &seen)
          }
          outcome.seen[who] = seen
        } else {
          try fixture.store.commit(ids[who])
          outcome.isCommitted[who] = true
        }
      } catch {
        guard case .conflict = error else { throw error }
        isOver[who] = true
      }
    }
    outcome.state = try fixture.store.read { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      var state: State = [:]
      for name in try notes.names() { state[name] = try notes.text(of: name) }
      return state
    }
    outcome.isSerializable = [[0, 1], [1, 0]].contains { order in
      var state = Self.initial
      for who in order where outcome.isCommitted[who] {
        var seen = Seen()
        for call in scripts[who] { _ = Self.run(call, UInt8(who), &state, &seen) }
        if seen != outcome.seen[who] { return false }
      }
      return state == outcome.state
    }
    return outcome
  }
}
