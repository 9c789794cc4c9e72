import CairnTestSupport
import Foundation

/// The proof of the proof: bugs are planted in the engine one at a time, and the lab must find each of them.
///
/// Each bug has a process of its own, so that one that stops the process, or never ends, is caught like any other.
struct PlantedSuite: Suite {
  let name = "planted"
  let summary = "bugs planted one at a time, each of which must be found"
  let seconds = 180.0
  /// Every bug is hunted, however long it takes, and every one is caught.
  let floors = ["planted": PlantedBugEntry.all.count, "caught": PlantedBugEntry.all.count]
  let needsPlantedBugs = true

  func run(_ run: SuiteRun) throws {
    let switches = PlantedSwitches.names
    guard !switches.isEmpty else {
      throw LabError("suite \(name) needs a build with the trait PlantedBugs; Tools/dev crash makes one")
    }
    let bugs = PlantedBugEntry.all
    guard Set(switches) == Set(bugs.map(\.name)), switches.count == bugs.count else {
      throw LabError(
        "the bugs of the engine and the list of the suite differ: "
          + "\(Set(switches).symmetricDifference(bugs.map(\.name)).sorted())")
    }
    let table = Table()
    run.forEach(bugs.count) { index in
      let report = try PlantedChild(bugs[index]).run()
      table.add(index, report)
      run.add([
        "planted": 1, "caught": report.isCaught ? 1 : 0, "states": report.stateCount, "distinct": report.distinctCount,
      ])
      if let failure = report.failure { throw failure }
    }
    for line in table.lines { Terminal.error(line) }
  }

  func replay(_ replay: ReplayString) throws {
    let bug = try replay.text("bug")
    if replay["rig"] == nil, let entry = PlantedBugEntry.all.first(where: { $0.name == bug }) {
      // A bug without a trace is one that was missed.
      if let failure = try PlantedChild(entry).run().failure { throw failure }
      return
    }
    let result = try HuntCase(replay).run(planting: bug == "none" ? nil : bug)
    if let violation = result.violation { throw CaseFailure(replay: replay, message: violation) }
  }

  func shorter(_ replay: ReplayString) -> [ReplayString] {
    guard let steps = replay["trace"]?.split(separator: "_"), steps.count > 1 else { return [] }
    return steps.indices.map { index in
      var fewer = steps
      fewer.remove(at: index)
      return replay.with("trace", fewer.joined(separator: "_"))
    }
  }

  /// The lines of the table, in the order of the list.
  private final class Table: @unchecked Sendable {
    private let lock = SpinLock()
    private var reports: [Int: PlantedReport] = [:]

    func add(_ index: Int, _ report: PlantedReport) { lock.with { reports[index] = report } }

    var lines: [String] {
      let rows = lock.with { reports.sorted { $0.key < $1.key }.map(\.value.row) }
      return ([PlantedReport.head] + rows).map { row in
        zip(row, [27, 12, 7, 0]).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
          .joined(separator: " | ")
      }
    }
  }
}

/// What came of one bug.
struct PlantedReport {
  let bug: PlantedBugEntry
  var isCaught = false
  var stateCount = 0
  var distinctCount = 0
  var how = ""
  /// Set when the bug was missed, or something was found without it.
  var failure: CaseFailure?

  static let head = ["bug", "rule", "states", "how it was found"]
  var row: [String] { [bug.name, bug.rule, "\(stateCount)", isCaught ? how : "NOT CAUGHT: \(how)"] }
}
