import CairnTestSupport

/// Power loss at every point of traces of a whole store.
struct CrashStoreSuite: Suite {
  let name = "crash-store"
  let summary = "power loss at every point of traces of a whole store, and inside recovery"
  let seconds = 300.0
  let floors = ["distinct": 150_000, "nested": 15_000]

  func run(_ run: SuiteRun) throws {
    let plan = TracePlan(
      letters: StoreTrace.letters, shapes: StoreShape.all.map { $0.name },
      randomLengths: run.isDeep ? 30...200 : 15...30,
      seed: run.seed)
    run.forEach(run.isDeep ? .max : plan.exhaustiveCount * 4) { index in
      try verify(plan.replay(name, index), in: run)
    }
  }

  func replay(_ replay: ReplayString) throws { try verify(replay, in: nil) }

  func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }

  private func verify(_ replay: ReplayString, in run: SuiteRun?) throws {
    let shape = try StoreShape.named(replay.text("shape"))
    let recording: Recording<StoreState>
    do {
      recording = try StoreTrace(shape: shape, seed: replay.unsigned("seed")).run(replay.text("trace"))
    } catch let error as Mismatch {
      throw CaseFailure(replay: replay, message: "\(error)")
    }
    try CrashCase(replay).verify(recording, StoreSubject(shape: shape), in: run)
  }
}
