import CairnTestSupport

/// Power loss at every point of traces of one subject.
protocol TraceSuite: Suite {
  associatedtype Subject: CrashSubject

  /// The letters that traces are made of.
  var letters: [Character] { get }
  /// The names of the shapes that they run in.
  var shapes: [String] { get }
  /// Operations of the random traces of a CI run.
  var randomLengths: ClosedRange<Int> { get }

  /// What is recovered, in a shape.
  func subject(_ shape: String) throws -> Subject
  /// Runs a trace while the memory records what it does.
  func record(_ shape: String, seed: UInt64, trace: String) throws -> Recording<Subject.State>
}

extension TraceSuite {
  func run(_ run: SuiteRun) throws {
    let plan = TracePlan(
      letters: letters, shapes: shapes, randomLengths: run.isDeep ? 30...200 : randomLengths, seed: run.seed)
    run.forEach(run.isDeep ? .max : plan.exhaustiveCount * 4) { index in
      try verify(plan.replay(name, index), in: run)
    }
  }

  func replay(_ replay: ReplayString) throws { try verify(replay, in: nil) }

  func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }

  private func verify(_ replay: ReplayString, in run: SuiteRun?) throws {
    let shape = try replay.text("shape")
    let recording: Recording<Subject.State>
    do {
      recording = try record(shape, seed: replay.unsigned("seed"), trace: replay.text("trace"))
    } catch let error as Mismatch {
      throw CaseFailure(replay: replay, message: "\(error)")
    }
    try CrashCase(replay).verify(recording, subject(shape), in: run)
  }
}
