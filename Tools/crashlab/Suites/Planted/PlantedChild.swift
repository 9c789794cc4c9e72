import CairnTestSupport
import Foundation

/// A process of its own in which one bug is hunted.
///
/// It writes lines of fields with tabs between them: before each run `run`, whether the bug is planted, and the replay string;
/// at the end `end`, the outcome, states, distinct states, the replay string and what was seen. A process that ends without
/// such a line was stopped by its last run; one that is silent for too long hangs in it.
struct PlantedChild {
  let bug: PlantedBugEntry
  /// Seconds without a line after which it hangs.
  var silenceLimit = 15.0

  init(_ bug: PlantedBugEntry) { self.bug = bug }

  // MARK: In the child

  /// Hunts the bug of a name in this process.
  static func hunt(_ name: String) throws {
    guard let bug = PlantedBugEntry.all.first(where: { $0.name == name }) else { throw LabError("no bug \(name)") }
    var hunt = BugHunt(bug)
    let outcome = try hunt.run { one, isPlanted in
      Terminal.line("run\t\(isPlanted)\t\(one.replay(isPlanted ? name : "none"))")
    }
    let (word, one, text): (String, HuntCase?, String) =
      switch outcome {
      case .caught(let one, let text): ("caught", one, text)
      case .missed: ("missed", nil, "")
      case .falseAlarm(let one, let text): ("falseAlarm", one, text)
      }
    let replay = one.map { $0.replay(word == "caught" ? name : "none").description } ?? ""
    let said = text.replacingOccurrences(of: "\t", with: " ").replacingOccurrences(of: "\n", with: " ")
    Terminal.line("end\t\(word)\t\(hunt.stateCount)\t\(hunt.hashes.count)\t\(replay)\t\(said)")
  }

  // MARK: In the parent

  func run() throws -> PlantedReport {
    let process = Process()
    guard let executable = Bundle.main.executableURL else { throw LabError("the lab does not know its own path") }
    process.executableURL = executable
    process.arguments = ["--planted-one", bug.name]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    let output = Output()
    pipe.fileHandleForReading.readabilityHandler = { handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      output.add(data)
    }
    try process.run()
    var hangs = false
    while !output.isOver {
      if output.secondsOfSilence > silenceLimit {
        hangs = true
        kill(process.processIdentifier, SIGKILL)
        break
      }
      Thread.sleep(forTimeInterval: 0.005)
    }
    process.waitUntilExit()
    return report(output.lines, status: process.terminationStatus, hangs: hangs)
  }

  private func report(_ lines: [[String]], status: Int32, hangs: Bool) -> PlantedReport {
    var report = PlantedReport(bug: bug)
    let runs = lines.filter { $0.count == 3 && $0[0] == "run" }
    guard let last = runs.last, let lastReplay = ReplayString(parsing: last[2]) else {
      report.how = "the process did nothing (status \(status))"
      report.failure = CaseFailure(replay: ReplayString("planted").with("bug", bug.name), message: report.how)
      return report
    }
    func fail(_ text: String, _ replay: ReplayString) {
      report.how = text
      report.failure = CaseFailure(replay: replay, message: "\(bug.name): \(text)")
    }
    guard let end = lines.last(where: { $0.count == 6 && $0[0] == "end" }) else {
      let what = hangs ? "the process hangs" : "the process stops (status \(status))"
      report.stateCount = runs.count / 2
      if last[1] == "true" {
        report.isCaught = true
        report.how = "\(lastReplay): \(what)"
      } else {
        fail("without a bug \(what)", lastReplay)
      }
      return report
    }
    report.stateCount = Int(end[2]) ?? 0
    report.distinctCount = Int(end[3]) ?? 0
    let replay = ReplayString(parsing: end[4]) ?? lastReplay
    switch end[1] {
    case "caught":
      report.isCaught = true
      report.how = "\(replay["rig"] ?? ""), \(replay["trace"] ?? ""): \(end[5])"
    case "missed": fail("not found", ReplayString("planted").with("bug", bug.name))
    default: fail("found without any bug: \(end[5])", replay)
    }
    return report
  }

  /// What the child wrote.
  private final class Output: @unchecked Sendable {
    private let lock = SpinLock()
    private var bytes = Data()
    private var hasEnded = false
    private var lastTime = Clock.seconds

    func add(_ more: Data) {
      lock.with {
        bytes += more
        hasEnded = hasEnded || more.isEmpty
        lastTime = Clock.seconds
      }
    }

    var isOver: Bool { lock.with { hasEnded } }
    var secondsOfSilence: Double { lock.with { Clock.seconds - lastTime } }
    var lines: [[String]] {
      String(decoding: lock.with { bytes }, as: UTF8.self).split(separator: "\n").map {
        $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      }
    }
  }
}
