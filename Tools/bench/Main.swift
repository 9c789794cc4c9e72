internal import ArgumentParser
internal import Foundation

/// The benchmark. `Tools/dev bench` builds and starts it.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures Cairn and other stores on the same keys and values, taking turns in one run.",
    discussion: """
      For each phase of a workload: what each engine does in a second (median of its chunks), processor time for each \
      operation, flushes for each commit, bytes written for each byte of the user, the most memory that the process had; \
      and how fast Cairn is beside it: the median of the ratios of neighbouring chunks, their 10th and 90th percentile, \
      and the ratio of the whole times. `limit` is what no store can beat: overwriting a zero-filled file, and a sorted \
      array in memory.
      """,
    subcommands: [Measure.self, WorkerCommand.self],
    defaultSubcommand: Measure.self
  )
}

/// Measures.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "measure", abstract: "Runs workloads.")

  @Flag(name: .customLong("full"), help: "A million records, as performance figures are quoted; minutes.")
  var isFull = false

  @Flag(name: .customLong("quick"), help: "200,000 records; the default.")
  var isQuick = false

  @Option(help: "Which workloads, separated by commas: W1, W1C, W2, W2S, W3, W4, W5, W6, W7, W8, R.")
  var workload: String?

  @Option(help: "Which engines beside Cairn, separated by commas: limit, files, sqlite, lmdb, leveldb, rocksdb.")
  var peers: String?

  @Option(help: "How often everything is done anew.")
  var rounds = 3

  @Flag(help: "One JSON object for each figure.")
  var json = false

  @Option(help: "Writes a chart of the ratios there, as SVG.")
  var chart: String?

  @Option(help: "A folder for the stores, on the file system to be measured.")
  var folder: String?

  func validate() throws {
    guard !(isFull && isQuick) else { throw ValidationError("--quick or --full, not both.") }
    guard rounds > 0 else { throw ValidationError("At least one round.") }
    _ = try (workloads, engines)
  }

  private var workloads: [WorkloadKind] {
    get throws {
      guard let workload else { return WorkloadKind.allCases }
      return try workload.split(separator: ",").map { name in
        guard let kind = WorkloadKind(rawValue: String(name)) else {
          throw ValidationError("There is no workload \(name).")
        }
        return kind
      }
    }
  }

  private var engines: [EngineKind] {
    get throws {
      guard let peers else { return EngineKind.allCases.filter { $0.isAvailable } }
      return try [.cairn]
        + peers.split(separator: ",").map { name in
          guard let kind = EngineKind(rawValue: String(name)), kind != .cairn else {
            throw ValidationError("There is no peer \(name).")
          }
          guard kind.isAvailable else {
            throw ValidationError("\(name) is not in this build: build with the trait BenchmarkPeers.")
          }
          return kind
        }
    }
  }

  func run() throws {
    let root = (folder ?? FileManager.default.currentDirectoryPath + "/.build") + "/bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let runner = Runner(
      engines: try engines, scaleName: isFull ? "full" : "quick", root: root, rounds: rounds,
      progress: { FileHandle.standardError.write(Data(("bench: " + $0 + "\n").utf8)) })
    var results: [PhaseResult] = []
    for workload in try workloads {
      let phases = try runner.run(workload)
      results += phases
      for phase in phases {
        let table = PhaseTable(result: phase)
        // At once, also into a file: a long run may be cut off.
        FileHandle.standardOutput.write(
          Data(((json ? table.objects : table.lines + [""]).joined(separator: "\n") + "\n").utf8))
      }
    }
    if let chart { try Chart(results: results).svg.write(toFile: chart, atomically: true, encoding: .utf8) }
  }
}

/// The child process of one engine.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

  @Argument var workload: WorkloadKind
  @Argument var engine: EngineKind
  @Argument var folder: String
  @Argument var scale: String
  @Flag var unopened = false

  func run() throws {
    let scale: Scale = scale == "full" ? .full : .quick
    let work: any Work =
      workload == .w6
      ? try TableRun(engine, folder: folder, scale: scale)
      : try WorkloadRun(workload, engine, folder: folder, scale: scale)
    Worker(work: work).serve(isOpened: !unopened)
  }
}

extension WorkloadKind: ExpressibleByArgument {}
extension EngineKind: ExpressibleByArgument {}
