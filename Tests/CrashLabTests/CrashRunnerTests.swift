import CairnTestSupport
import Testing

@testable import CairnCrashLab

/// The lab must find what is wrong, name it, find it again by the name, and make it smaller: shown on a store of one number that
/// is written twice without a flush in between.
@Suite("Crash runner")
struct CrashRunnerTests {
  private struct Number: ModelState {
    var value: UInt8
    var contentHash: UInt64 { UInt64(value) }
    var summary: String { "\(value)" }
  }

  /// Two copies of a number, in two sectors; sound only when they are equal.
  private struct Pair: CrashSubject {
    var isMessageAtomic: Bool { false }
    var nestingIntervals: [UInt64] { [256, 32] }
    func open(_ memory: SimulatedMemory, life: UInt64) throws -> SimulatedMemory { memory }
    func find(_ memory: SimulatedMemory, in legal: [Number]) throws -> Int {
      let image = memory.visibleImage
      guard image[0] == image[512] else { throw Mismatch("the copies differ") }
      guard let index = legal.firstIndex(where: { $0.value == image[0] }) else { throw Mismatch("shows \(image[0])") }
      return index
    }
    func use(_ memory: SimulatedMemory, on: SimulatedMemory, _ state: Number) throws {}
  }

  private static func recording(isSound: Bool) throws -> Recording<Number> {
    let memory = SimulatedMemory(pageCount: 1)
    var recording = Recording<Number>(initial: CrashImage(memory.durableImage))
    memory.recordsEvents = true
    recording.allow([Number(value: 0), Number(value: 1)], from: 0)
    if isSound {
      // Both in one sector's worth of time: nothing is written at all.
      try memory.flush()
    } else {
      for offset in [0, 512] { try memory.write([UInt8](repeating: 1, count: 512), at: offset) }
      try memory.flush()
    }
    recording.events = memory.events
    return recording
  }

  @Test("finds a torn pair, and finds it again by its name")
  func finds() throws {
    let name = ReplayString("pair")
    let failure = try #require(throws: CaseFailure.self) {
      try CrashRunner(Pair(), name: name) { _, _ in true }.run(try Self.recording(isSound: false))
    }
    #expect(failure.message.contains("the copies differ"))
    let again = try #require(ReplayString(parsing: "\(failure.replay)"))
    #expect(again == failure.replay)
    var runner = CrashRunner(Pair(), name: name) { _, _ in true }
    runner.only = try CrashPlace(parsing: try again.text("at"))
    #expect(throws: CaseFailure.self) { try runner.run(try Self.recording(isSound: false)) }
    #expect(runner.reached.value)
    try CrashRunner(Pair(), name: name) { _, _ in true }.run(try Self.recording(isSound: true))
  }

  /// A suite whose cases fail while they hold an `x` before a `y`.
  private struct Letters: Suite {
    let name = "letters"
    let summary = ""
    let seconds = 1.0
    let floors: [String: Int] = ["cases": 5]
    func run(_ run: SuiteRun) throws {
      run.forEach(5) { index in
        _ = run.isNewState(mix(UInt64(index % 2)))
        run.add("cases")
        if index == 3 { throw LabError("three") }
      }
    }
    func replay(_ replay: ReplayString) throws {
      let trace = try replay.text("trace")
      if let x = trace.firstIndex(of: "x"), trace[x...].contains("y") {
        throw CaseFailure(replay: replay, message: "x before y")
      }
    }
    func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }
  }

  @Test("makes a failing trace as short as it gets")
  func shrinks() {
    let failure = CaseFailure(replay: ReplayString("letters").with("trace", "abxcdeyfghxij"), message: "")
    #expect(Shrinker(suite: Letters()).shrink(failure).replay["trace"] == "xy")
  }

  @Test("counts states, distinct ones, failures and what is below its floor")
  func counts() throws {
    let run = SuiteRun(Letters(), seed: 1, seconds: 5, isDeep: false, workers: 2)
    try Letters().run(run)
    let result = run.result()
    #expect(result.states == 5 && result.distinct == 2 && result.failures == 1 && result.shortfalls.isEmpty)
    #expect(!result.isGood && run.failures.first?.replay == ReplayString("letters").with("index", 3))
    #expect(result.json.hasPrefix("{\"suite\":\"letters\",\"states\":5,\"distinct\":2,\"failures\":1,\"seconds\":"))
    let short = SuiteRun(Letters(), seed: 1, seconds: 5, isDeep: false, workers: 1)
    short.add("cases", 4)
    #expect(short.shortfalls.map { $0.name } == ["cases"])
  }

  @Test("plans each short sequence once for each shape")
  func plan() {
    let plan = TracePlan(letters: Array("abc"), shapes: ["s", "t"], randomLengths: 5...6, seed: 3)
    #expect(plan.exhaustiveCount == 2 * (3 + 9 + 27))
    let names = (0..<200).map { plan.replay("suite", $0) }
    let short = names.filter { ($0["trace"] ?? "").count <= 3 }
    #expect(Set(short.map { "\($0)" }).count == plan.exhaustiveCount && short.count == plan.exhaustiveCount)
    #expect(names.filter { ($0["trace"] ?? "").count >= 5 }.count == 200 - plan.exhaustiveCount)
  }
}
