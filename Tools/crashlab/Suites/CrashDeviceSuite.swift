import CairnTestSupport

/// Power loss at every point of traces of the block device.
struct CrashDeviceSuite: Suite {
  let name = "crash-device"
  let summary = "power loss at every point of traces of the block device, and inside recovery"
  let seconds = 240.0
  let floors = ["distinct": 350_000, "nested": 35_000]

  func run(_ run: SuiteRun) throws {
    let plan = TracePlan(
      letters: DeviceTrace.letters, shapes: DeviceShape.all.map { $0.name },
      randomLengths: 30...(run.isDeep ? 200 : 60),
      seed: run.seed)
    run.forEach(run.isDeep ? .max : plan.exhaustiveCount * 4) { index in
      try verify(plan.replay(name, index), in: run)
    }
  }

  func replay(_ replay: ReplayString) throws { try verify(replay, in: nil) }

  func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }

  private func verify(_ replay: ReplayString, in run: SuiteRun?) throws {
    let shape = try DeviceShape.named(replay.text("shape"))
    let recording: Recording<DeviceState>
    do {
      recording = try DeviceTrace(shape: shape, seed: replay.unsigned("seed")).run(replay.text("trace"))
    } catch let error as Mismatch {
      throw CaseFailure(replay: replay, message: "\(error)")
    }
    try CrashCase(replay).verify(recording, DeviceSubject(shape: shape), in: run)
  }
}
