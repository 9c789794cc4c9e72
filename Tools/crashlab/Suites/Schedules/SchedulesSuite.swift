import CairnBlocks
import CairnMaps
import CairnMemory
import CairnTestSupport
import CairnVolumes

/// All interleavings of the calls of multi-call transactions, with a restart between any two of them: what those that
/// committed have read and left behind is what one after the other would have.
struct SchedulesSuite: Suite {
  let name = "schedules"
  let summary = "all schedules of two (and of three) multi-call transactions, with restarts at each step"
  let seconds = 60.0
  /// All 12,103 schedules of the pairs, each without a restart and with either kind of it.
  let floors = ["pairs": 36_309, "committed": 20_000]

  /// What happens between two steps.
  enum Restart: Int, CaseIterable {
    case none, close, kill
  }

  /// Schedules of one pattern that a worker takes at one time.
  private static let batch = 64

  func run(_ run: SuiteRun) throws {
    // All of two transactions with up to four calls each come first; of three with up to three calls, every so many in a short
    // run, and all in a long one.
    var cases: [(transactions: Int, pattern: Int, restart: Restart, first: Int)] = []
    for pattern in 0..<SchedulePattern.count {
      let count = Self.pattern(pattern, 2).scheduleCount
      for restart in Restart.allCases {
        for first in stride(from: 0, to: count, by: Self.batch) { cases.append((2, pattern, restart, first)) }
      }
    }
    for pattern in 0..<SchedulePattern.count {
      let count = Self.pattern(pattern, 3).scheduleCount
      let step = run.isDeep ? Self.batch : Self.batch * 61
      for first in stride(from: 0, to: count, by: step) {
        let restart = Restart.allCases[(first / step + pattern) % Restart.allCases.count]
        cases.append((3, pattern, restart, first))
      }
    }
    let all = cases
    run.forEach(all.count, replay: { Self.replayString(all[$0]) }) { index in
      let (transactions, number, restart, first) = all[index]
      let pattern = Self.pattern(number, transactions)
      let player = try SchedulePlayer(pattern, restart: restart)
      var committed = 0
      var played = 0
      for schedule in first..<min(first + Self.batch, pattern.scheduleCount) where !run.isOver {
        let hash = UInt64(transactions) << 56 | UInt64(number) << 48 | UInt64(restart.rawValue) << 40 | UInt64(schedule)
        // Hashes are told apart by their upper bits, too.
        _ = run.isNewState(hash &* 0x9E37_79B9_7F4A_7C15)
        do {
          committed += try player.play(pattern.schedule(schedule))
          played += 1
        } catch {
          throw CaseFailure(replay: Self.replayString(all[index]).with("schedule", schedule), message: "\(error)")
        }
      }
      do { try player.finish() } catch {
        throw CaseFailure(replay: Self.replayString(all[index]), message: "\(error)")
      }
      run.add(["committed": committed, transactions == 2 ? "pairs" : "triples": played])
    }
  }

  private static func pattern(_ number: Int, _ transactions: Int) -> SchedulePattern {
    SchedulePattern(number, transactions: transactions, callCountMax: transactions == 2 ? 4 : 3)
  }

  private static func replayString(
    _ part: (transactions: Int, pattern: Int, restart: Restart, first: Int)
  ) -> ReplayString {
    ReplayString("schedules").with("transactions", part.transactions).with("pattern", part.pattern)
      .with("restart", part.restart.rawValue).with("first", part.first)
  }

  func replay(_ replay: ReplayString) throws {
    let transactions = try replay.number("transactions")
    let number = try replay.number("pattern")
    guard let restart = Restart(rawValue: try replay.number("restart")), (2...3).contains(transactions),
      (0..<SchedulePattern.count).contains(number)
    else { throw LabError("there is no such pattern: \(replay)") }
    let pattern = Self.pattern(number, transactions)
    var schedules = try replay.number("first")..<min(try replay.number("first") + Self.batch, pattern.scheduleCount)
    if replay["schedule"] != nil {
      let schedule = try replay.number("schedule")
      schedules = schedule..<schedule + 1
    }
    guard schedules.lowerBound >= 0, schedules.upperBound <= pattern.scheduleCount else {
      throw LabError("the pattern has \(pattern.scheduleCount) schedules: \(replay)")
    }
    let player = try SchedulePlayer(pattern, restart: restart)
    do {
      for schedule in schedules { _ = try player.play(pattern.schedule(schedule)) }
      try player.finish()
    } catch {
      throw CaseFailure(
        replay: replay, message: "\(error)\n  scripts: \(pattern.scripts), prepared: \(pattern.isPrepared)")
    }
  }
}
