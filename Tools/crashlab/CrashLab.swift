import ArgumentParser
import Foundation

/// The whole of the program `crashlab`.
package enum CrashLabProgram {
  /// Runs the suites that the program was started for, and ends the process with a status.
  package static func main() { CrashLab.main() }
}

/// The crash lab: it simulates power loss and faults, and compares what is left with a model.
struct CrashLab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crashlab",
    abstract: "Simulates power loss and faults at every point of a trace, and compares what is left with a model.",
    discussion: """
      Without options: the slice of the traces that a CI run takes, about 20 minutes on two cores, with floors. A count \
      below its floor, or a failure, makes the exit status 1. Each failure prints a string; --replay reproduces it.
      """)

  @Option(name: .customLong("suite"), help: "Only this suite; may be given more than once.")
  var suites: [String] = []

  @Option(help: "Run for as long as told, as in 30m or 8h, shared out among the suites; without floors.")
  var deep: Duration?

  @Option(help: "What all random choices come from.")
  var seed: UInt64 = 1

  @Flag(help: "One object a line for each suite: suite, states, distinct, failures, seconds.")
  var json = false

  @Option(help: "Run the one case that a failure printed.")
  var replay: String?

  @Flag(help: "With --replay: make the case smaller while it still fails.")
  var shrink = false

  @Option(help: "Threads.")
  var workers: Int = ProcessInfo.processInfo.activeProcessorCount

  @Flag(help: "List the suites.")
  var list = false

  @Option(name: .customLong("planted-one"), help: .hidden)
  var plantedOne: String?

  func validate() throws {
    guard workers > 0, workers <= 1024 else { throw ValidationError("--workers must be between 1 and 1024") }
  }

  func run() throws {
    do {
      if list {
        for suite in Suites.all {
          Terminal.line("\(suite.name.padding(toLength: 16, withPad: " ", startingAt: 0))\(suite.summary)")
        }
      } else if let plantedOne {
        try PlantedChild.hunt(plantedOne)
      } else if let replay {
        try replayCase(replay)
      } else {
        try runSuites()
      }
    } catch let error as LabError {
      Terminal.error("crashlab: \(error)")
      throw ExitCode(2)
    }
  }

  private func runSuites() throws {
    // A build in which bugs can be planted is for the suites that plant them, and no other is.
    let canPlant = !PlantedSwitches.names.isEmpty
    let chosen =
      suites.isEmpty
      ? Suites.all.filter { $0.needsPlantedBugs == canPlant } : try suites.map { try Suites.named($0) }
    let total = chosen.reduce(0) { $0 + $1.seconds }
    var isGood = true
    for suite in chosen {
      let seconds = deep.map { $0.seconds * suite.seconds / total } ?? suite.seconds
      let run = SuiteRun(suite, seed: seed, seconds: seconds, isDeep: deep != nil, workers: workers)
      try suite.run(run)
      var result = run.result()
      if deep != nil { result.shortfalls = [] }
      Terminal.line(json ? result.json : result.line)
      if json {
        for short in result.shortfalls {
          Terminal.error("\(suite.name): \(short.name) \(short.count) is below the floor of \(short.floor)")
        }
      }
      if let failure = run.failures.first {
        let small = Shrinker(suite: suite).shrink(failure)
        if small.replay != failure.replay { Terminal.error("\(suite.name), made smaller: \(small)") }
      }
      isGood = isGood && result.isGood
    }
    if !isGood { throw ExitCode(1) }
  }

  private func replayCase(_ text: String) throws {
    guard let replay = ReplayString(parsing: text) else { throw LabError("\(text) is no replay string") }
    let suite = try Suites.named(replay.suite)
    do {
      try suite.replay(replay)
      Terminal.line("\(replay): nothing wrong")
    } catch let failure as CaseFailure {
      Terminal.line("\(failure)")
      if shrink {
        let small = Shrinker(suite: suite).shrink(failure)
        Terminal.line(small.replay == failure.replay ? "it does not get smaller" : "made smaller: \(small)")
      }
      throw ExitCode(1)
    }
  }
}

/// A length of time: a number and s, m or h.
struct Duration: ExpressibleByArgument {
  var seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = argument.last.flatMap({ units[$0] }), let number = Double(argument.dropLast()), number > 0,
      number.isFinite
    else { return nil }
    seconds = number * unit
  }
}
