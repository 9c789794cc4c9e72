internal import Foundation

/// Runs workloads: a process for each engine, which take turns chunk by chunk, so that what else the machine does meets
/// all of them alike.
struct Runner {
  let engines: [EngineKind]
  let scaleName: String
  let root: String
  let rounds: Int
  let progress: (String) -> Void

  private var scale: Scale { scaleName == "full" ? .full : .quick }

  /// Runs a workload in every engine that takes part.
  func run(_ workload: WorkloadKind) throws -> [PhaseResult] {
    let taking = engines.filter { workload.includes($0) }
    var results = workload.phases(scale).map { PhaseResult(workload: workload, phase: $0, engines: taking) }
    for round in 0..<rounds {
      progress("\(workload.rawValue) round \(round + 1) of \(rounds)")
      if workload == .w7 { try runOpening(taking, &results) } else { try runRound(workload, taking, &results) }
    }
    return results
  }

  private func folder(_ workload: WorkloadKind, _ engine: EngineKind) throws -> String {
    let path = "\(root)/\(workload.rawValue)-\(engine.rawValue)"
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func runRound(
    _ workload: WorkloadKind, _ engines: [EngineKind], _ results: inout [PhaseResult]
  ) throws {
    var workers: [(engine: EngineKind, process: WorkerProcess)] = []
    for engine in engines {
      let process = try WorkerProcess(
        workload, engine, folder: try folder(workload, engine), scaleName: scaleName, isOpened: true)
      workers.append((engine, process))
      _ = try process.read()
    }
    for phase in results.indices {
      for (_, process) in workers { _ = try process.ask("begin \(phase)") }
      let first = results[phase].chunkCount
      for chunk in 0..<results[phase].phase.chunkCount {
        // Each is the first one in its turn.
        for turn in workers.indices {
          let (engine, process) = workers[(turn + chunk) % workers.count]
          let words = try process.ask("run \(phase) \(chunk)")
          guard words.count == 3, let count = Double(words[1]), let time = Double(words[2]) else {
            throw EngineFailure(description: "\(process.name): a strange answer")
          }
          results[phase].add(engine, count: count, seconds: time / 1e9, at: first + chunk)
        }
      }
      results[phase].chunkCount = first + results[phase].phase.chunkCount
      for (engine, process) in workers {
        let words = try process.ask("end \(phase)")
        results[phase].add(engine, words.dropFirst().compactMap { Double($0) })
      }
    }
    for (engine, process) in workers {
      try process.quit()
      try FileManager.default.removeItem(atPath: "\(root)/\(workload.rawValue)-\(engine.rawValue)")
    }
  }

  /// W7: a process is killed while it commits, another one opens what it left.
  private func runOpening(_ engines: [EngineKind], _ results: inout [PhaseResult]) throws {
    let first = results[0].chunkCount
    for engine in engines {
      let path = try folder(.w7, engine)
      let writer = try WorkerProcess(.w7, engine, folder: path, scaleName: scaleName, isOpened: true)
      _ = try writer.read()
      writer.send("fill")
      let batches = scaleName == "full" ? 300 : 50
      for _ in 0..<batches { _ = try writer.read() }
      writer.kill()
      let opener = try WorkerProcess(.w7, engine, folder: path, scaleName: scaleName, isOpened: false)
      _ = try opener.read()
      let words = try opener.ask("open")
      guard words.count == 3, let open = Double(words[1]), let get = Double(words[2]) else {
        throw EngineFailure(description: "\(opener.name): a strange answer")
      }
      results[0].add(engine, count: 1, seconds: open / 1e9, at: first)
      results[1].add(engine, count: 1, seconds: get / 1e9, at: first)
      _ = try opener.ask("verify \(batches)")
      try opener.quit()
      try FileManager.default.removeItem(atPath: path)
    }
    for index in results.indices { results[index].chunkCount = first + 1 }
  }
}
