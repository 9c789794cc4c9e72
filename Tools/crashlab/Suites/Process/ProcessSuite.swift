import CairnTestSupport
import Foundation

/// The real tool on a real file, killed at random moments; and the writes and flushes of a real file, replayed as crashes.
struct ProcessSuite: Suite {
  let name = "process"
  let summary = "the cairn tool killed with -9 at random moments, and the trace of a real file replayed as crash images"
  let seconds = 40.0
  let floors = ["kills": 20, "distinct": 1_500]

  /// Attempts of a short run: some commands are done before their time comes.
  private static let killCount = 40
  /// Kills of a long run: as many as its time allows.
  private static let killCountMax = 100_000
  /// Traces of a short run, and of a long one.
  private static let traceCount = 4
  private static let traceCountMax = 1_000

  func run(_ run: SuiteRun) throws {
    let tool = try Self.tool()
    let traces = run.isDeep ? Self.traceCountMax : Self.traceCount
    let kills = run.isDeep ? Self.killCountMax : Self.killCount
    // The two kinds take turns.
    run.forEach(traces + kills, replay: { Self.replayString(run.seed, $0, traces) }) { index in
      let replay = Self.replayString(run.seed, index, traces)
      if replay["trace"] != nil {
        try FileTrace(seed: replay.unsigned("trace"), takesAll: run.isDeep)
          .everyCrash(replay.with("all", run.isDeep ? 1 : 0)) { run.isNewState($0) }
      } else {
        let killed = try KilledTool(tool, seed: replay.unsigned("kill"))
        try killed.run(replay)
        if killed.wasKilled { run.add("kills") }
      }
    }
  }

  func replay(_ replay: ReplayString) throws {
    if replay["trace"] != nil {
      let takesAll = try replay["all"] == nil || replay.number("all") != 0
      try FileTrace(seed: replay.unsigned("trace"), takesAll: takesAll).everyCrash(replay) { _ in true }
    } else {
      // The moment of a kill is not the same twice, so it is tried some times.
      for _ in 0..<10 { try KilledTool(Self.tool(), seed: replay.unsigned("kill")).run(replay) }
    }
  }

  private static func replayString(_ seed: UInt64, _ index: Int, _ traces: Int) -> ReplayString {
    let number = seed &* 1_000_003 &+ UInt64(index)
    // Traces come among the first kills, so that a short run has both.
    let isTrace = index < 2 * traces && index % 2 == 0
    return ReplayString("process").with(isTrace ? "trace" : "kill", number)
  }

  /// The built tool: the one that `CAIRN_TOOL` names, or the one beside this program.
  private static func tool() throws -> URL {
    if let path = ProcessInfo.processInfo.environment["CAIRN_TOOL"], !path.isEmpty { return URL(fileURLWithPath: path) }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let beside = program.deletingLastPathComponent().appendingPathComponent("cairn")
    guard FileManager.default.isExecutableFile(atPath: beside.path) else {
      throw LabError(
        "there is no cairn beside \(program.path): build it (swift build --product cairn), or set CAIRN_TOOL")
    }
    return beside
  }
}

/// A folder that goes when its owner does.
final class LabFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("crashlab-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  func path(_ name: String) -> URL { url.appendingPathComponent(name) }

  deinit { try? FileManager.default.removeItem(at: url) }
}
