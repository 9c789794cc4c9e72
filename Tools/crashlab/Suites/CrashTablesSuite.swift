import CairnTestSupport

/// Power loss at every point of traces of a store with tables: rows and all of their indexes never disagree, and are as the
/// model says.
struct CrashTablesSuite: Suite {
  let name = "crash-tables"
  let summary = "power loss at every point of traces of tables with indexes and references, and inside recovery"
  let seconds = 30.0
  let floors = ["distinct": 3_000, "nested": 300]

  func run(_ run: SuiteRun) throws {
    let plan = TracePlan(
      letters: TablesTrace.letters, shapes: TablesShape.all.map { $0.name },
      randomLengths: 30...(run.isDeep ? 200 : 40),
      seed: run.seed)
    run.forEach(run.isDeep ? .max : plan.exhaustiveCount * 4) { index in
      try verify(plan.replay(name, index), in: run)
    }
  }

  func replay(_ replay: ReplayString) throws { try verify(replay, in: nil) }

  func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }

  private func verify(_ replay: ReplayString, in run: SuiteRun?) throws {
    let shape = try TablesShape.named(replay.text("shape"))
    let recording: Recording<TablesState>
    do {
      let trace = try TablesTrace(shape: shape, seed: replay.unsigned("seed"))
      trace.comparisonInterval = 4
      recording = try trace.run(replay.text("trace"))
    } catch let error as Mismatch {
      throw CaseFailure(replay: replay, message: "\(error)")
    }
    try CrashCase(replay).verify(recording, TablesSubject(shape: shape), in: run)
  }
}
