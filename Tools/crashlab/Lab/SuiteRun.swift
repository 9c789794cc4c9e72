import CairnTestSupport
import Foundation

/// One run of a suite: its time, its workers, its counts and its failures.
final class SuiteRun: @unchecked Sendable {
  let suite: String
  /// What all random choices of the run come from.
  let seed: UInt64
  /// Whether this is a long run, told how long, and not the slice of a CI run.
  let isDeep: Bool
  let workers: Int
  private let floors: [String: Int]
  private let start = Clock.seconds
  private let limit: Double
  private let lock = SpinLock()
  private var counts: [String: Int] = [:]
  private var failureList: [CaseFailure] = []
  private var failureTotal = 0
  private let seen = DistinctSet()

  /// After as many failures there is nothing more to learn from more of them.
  private static let failureLimit = 20
  /// On a slow machine a suite goes on beyond its time until its floors are reached, but not for ever.
  private static let patience = 4.0

  init(_ suite: any Suite, seed: UInt64, seconds: Double, isDeep: Bool, workers: Int) {
    self.suite = suite.name
    self.seed = seed
    self.isDeep = isDeep
    self.workers = workers
    floors = suite.floors
    limit = seconds
  }

  var secondsPassed: Double { Clock.seconds - start }

  /// Whether to stop: the time is over (and the floors are reached), or enough has failed.
  var isOver: Bool {
    if hasFailedEnough { return true }
    let passed = secondsPassed
    if passed < limit { return false }
    return isDeep || passed > limit * Self.patience || shortfalls.isEmpty
  }

  /// Calls `body` with 0..<count on all workers, in ascending order, until the run is over. What `body` throws is a
  /// failure: a ``CaseFailure`` with its string, anything else with the one that `replay` gives the index.
  func forEach(
    _ count: Int, replay: (@Sendable (Int) -> ReplayString)? = nil, _ body: @escaping @Sendable (Int) throws -> Void
  ) {
    let next = Counter()
    let group = DispatchGroup()
    for _ in 0..<workers {
      group.enter()
      let thread = Thread { [self] in
        while true {
          let index = next.take()
          guard index < count, !isOver else { break }
          do { try body(index) } catch {
            let name = replay?(index) ?? ReplayString(suite).with("index", index)
            report(error as? CaseFailure ?? CaseFailure(replay: name, message: "\(error)"))
          }
        }
        group.leave()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    group.wait()
  }

  /// Counts a state by the hash of all that makes it one; whether it is a new one. Only new ones need a look.
  func isNewState(_ hash: UInt64) -> Bool {
    let isNew = seen.insert(hash)
    lock.with {
      counts["states", default: 0] += 1
      if isNew { counts["distinct", default: 0] += 1 }
    }
    return isNew
  }

  /// Takes note of a hash without counting a state; whether it is new.
  func isNew(_ hash: UInt64) -> Bool { seen.insert(hash) }

  /// Whether so much has failed that nothing more is to be learnt.
  var hasFailedEnough: Bool { lock.with { failureTotal >= Self.failureLimit } }

  /// Adds to counts at once: a worker collects its own, and hands them in now and then.
  func add(_ more: [String: Int]) {
    lock.with { for (name, count) in more { counts[name, default: 0] += count } }
  }

  /// Adds to one count.
  func add(_ name: String, _ count: Int = 1) { add([name: count]) }

  /// Takes note of a failure, and prints it at once.
  func report(_ failure: CaseFailure) {
    let isShown = lock.with {
      failureTotal += 1
      if failureTotal <= Self.failureLimit { failureList.append(failure) }
      return failureTotal <= Self.failureLimit
    }
    if isShown { Terminal.error("\(suite): \(failure)") }
  }

  var failures: [CaseFailure] { lock.with { failureList } }
  var failureCount: Int { lock.with { failureTotal } }
  func count(_ name: String) -> Int { lock.with { counts[name] ?? 0 } }

  /// Counts below their floors.
  var shortfalls: [(name: String, count: Int, floor: Int)] {
    let counts = lock.with { self.counts }
    return floors.sorted { $0.key < $1.key }.compactMap { name, floor in
      let count = counts[name] ?? 0
      return count < floor ? (name, count, floor) : nil
    }
  }

  /// What is printed at the end.
  func result() -> SuiteResult {
    let counts = lock.with { self.counts }
    return SuiteResult(
      suite: suite, states: counts["states"] ?? 0, distinct: counts["distinct"] ?? 0, failures: failureCount,
      seconds: secondsPassed, others: counts.filter { $0.key != "states" && $0.key != "distinct" },
      shortfalls: shortfalls)
  }

  private final class Counter: @unchecked Sendable {
    private let lock = SpinLock()
    private var value = 0
    func take() -> Int {
      lock.with {
        defer { value += 1 }
        return value
      }
    }
  }
}

/// A clock that never runs backwards.
enum Clock {
  static var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
