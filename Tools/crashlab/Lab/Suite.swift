/// One part of the proof: it runs cases until its time is over, counts them, and replays one by its string.
protocol Suite: Sendable {
  /// One word, as `--suite` takes it and replay strings begin with.
  var name: String { get }
  /// One line for `--list`.
  var summary: String { get }
  /// How long the suite goes on in the default run, in seconds with two workers. It stops when the time is over and the
  /// floors are reached, or when its cases end.
  var seconds: Double { get }
  /// The least counts of the default run, by the name of the count (`states`, `distinct`, or one of the suite's own).
  var floors: [String: Int] { get }
  /// Whether `run` needs a build with planted bugs.
  var needsPlantedBugs: Bool { get }

  /// Runs cases; everything that it finds goes to `run`.
  func run(_ run: SuiteRun) throws

  /// Runs the case (or, with fewer parameters, the group of cases) that a string names; throws a ``CaseFailure`` when it
  /// still fails, and a ``LabError`` when the string makes no sense.
  func replay(_ replay: ReplayString) throws

  /// Strings of smaller cases that may fail like this one, the smallest first. The shrinker keeps the first that fails, and
  /// begins again with that failure's own string.
  func shorter(_ replay: ReplayString) -> [ReplayString]
}

extension Suite {
  var needsPlantedBugs: Bool { false }
  func shorter(_ replay: ReplayString) -> [ReplayString] { [] }
}

/// A case that showed something wrong.
struct CaseFailure: Error, CustomStringConvertible {
  /// What reproduces it.
  var replay: ReplayString
  /// What was seen, and what should have been.
  var message: String

  var description: String { "\(message)\n  replay: Tools/dev crash --replay '\(replay)'" }
}

/// All suites, in the order in which they run.
enum Suites {
  static let all: [any Suite] = [
    CrashDeviceSuite(), CrashStoreSuite(), CrashTablesSuite(), ModelSuite(), SchedulesSuite(), ProcessSuite(),
    FaultSuite(), BudgetSuite(), BitFlipSuite(), MisplacedSuite(), StaleSuite(), StrangeSuite(), FuzzSuite(),
    PlantedSuite(),
  ]

  static func named(_ name: String) throws -> any Suite {
    guard let suite = all.first(where: { $0.name == name }) else {
      throw LabError("there is no suite \(name); --list shows them")
    }
    return suite
  }
}
