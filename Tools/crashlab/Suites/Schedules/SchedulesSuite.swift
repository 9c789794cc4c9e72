import CairnTestSupport

/// All interleavings of the calls of multi-call transactions, with a restart between any two of them: what those that
/// committed have read and left behind is what one after the other would have.
struct SchedulesSuite: Suite {
  let name = "schedules"
  let summary = "all schedules of two (and of three) multi-call transactions, with restarts at each step"
  let seconds = 60.0
  /// Of maps all 12,103 schedules of the pairs, each without a restart and with either kind of it; of tables as well.
  let floors = ["pairs": 36_309, "committed": 20_000, "table-pairs": 10_000]

  /// What happens between two steps.
  enum Restart: Int, CaseIterable {
    case none, close, kill
  }

  /// Schedules of one pattern that a worker takes at one time.
  private static let batch = 64

  /// Some schedules of one pattern.
  private struct Part {
    let isTables: Bool
    let transactions: Int
    let pattern: Int
    let restart: Restart
    let first: Int

    var replay: ReplayString {
      var replay = ReplayString("schedules")
      if isTables { replay["subject"] = ScheduleTables.name }
      return replay.with("transactions", transactions).with("pattern", pattern).with("restart", restart.rawValue)
        .with("first", first)
    }
  }

  func run(_ run: SuiteRun) throws {
    var parts = Self.pairs(ScheduleTables.self) + Self.pairs(ScheduleMap.self)
    // Of three with up to three calls, every so many in a short run, and all in a long one.
    parts += Self.triples(ScheduleMap.self, isDeep: run.isDeep) + Self.triples(ScheduleTables.self, isDeep: run.isDeep)
    let all = parts
    run.forEach(all.count, replay: { all[$0].replay }) { index in
      if all[index].isTables {
        try play(all[index], ScheduleTables.self, in: run)
      } else {
        try play(all[index], ScheduleMap.self, in: run)
      }
    }
  }

  /// All of two transactions with up to four calls each.
  private static func pairs<Subject: ScheduleSubject>(_ subject: Subject.Type) -> [Part] {
    var parts: [Part] = []
    for pattern in 0..<Subject.patternCount {
      let count = self.pattern(subject, pattern, 2).scheduleCount
      for restart in Restart.allCases {
        for first in stride(from: 0, to: count, by: batch) {
          parts.append(
            Part(
              isTables: Subject.name == ScheduleTables.name, transactions: 2, pattern: pattern, restart: restart,
              first: first))
        }
      }
    }
    return parts
  }

  private static func triples<Subject: ScheduleSubject>(_ subject: Subject.Type, isDeep: Bool) -> [Part] {
    var parts: [Part] = []
    for pattern in 0..<Subject.patternCount {
      let count = self.pattern(subject, pattern, 3).scheduleCount
      let step = isDeep ? batch : batch * 61
      for first in stride(from: 0, to: count, by: step) {
        let restart = Restart.allCases[(first / step + pattern) % Restart.allCases.count]
        parts.append(
          Part(
            isTables: Subject.name == ScheduleTables.name, transactions: 3, pattern: pattern, restart: restart,
            first: first))
      }
    }
    return parts
  }

  private func play<Subject: ScheduleSubject>(_ part: Part, _ subject: Subject.Type, in run: SuiteRun) throws {
    let pattern = Self.pattern(subject, part.pattern, part.transactions)
    let player = try SchedulePlayer(pattern, restart: part.restart)
    var committed = 0
    var played = 0
    for schedule in part.first..<min(part.first + Self.batch, pattern.scheduleCount) where !run.isOver {
      var hash = UInt64(part.transactions) << 56 | UInt64(part.pattern) << 48 | UInt64(schedule)
      hash |= UInt64(part.restart.rawValue) << 40 | (part.isTables ? 1 << 44 : 0)
      // Hashes are told apart by their upper bits, too.
      _ = run.isNewState(hash &* 0x9E37_79B9_7F4A_7C15)
      do {
        committed += try player.play(pattern.schedule(schedule))
        played += 1
      } catch {
        throw CaseFailure(replay: part.replay.with("schedule", schedule), message: "\(error)")
      }
    }
    do { try player.finish() } catch { throw CaseFailure(replay: part.replay, message: "\(error)") }
    let kind = part.transactions == 2 ? "pairs" : "triples"
    run.add([
      part.isTables ? "table-committed" : "committed": committed, part.isTables ? "table-\(kind)" : kind: played,
    ])
  }

  private static func pattern<Subject: ScheduleSubject>(
    _ subject: Subject.Type, _ number: Int, _ transactions: Int
  ) -> SchedulePattern<Subject> {
    SchedulePattern(number, transactions: transactions, callCountMax: transactions == 2 ? 4 : 3)
  }

  func replay(_ replay: ReplayString) throws {
    if replay["subject"] == ScheduleTables.name {
      try self.replay(replay, ScheduleTables.self)
    } else {
      try self.replay(replay, ScheduleMap.self)
    }
  }

  private func replay<Subject: ScheduleSubject>(_ replay: ReplayString, _ subject: Subject.Type) throws {
    let transactions = try replay.number("transactions")
    let number = try replay.number("pattern")
    guard let restart = Restart(rawValue: try replay.number("restart")), (2...3).contains(transactions),
      (0..<Subject.patternCount).contains(number)
    else { throw LabError("there is no such pattern: \(replay)") }
    let pattern = Self.pattern(subject, number, transactions)
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
