import CairnBytes
import CairnTestSupport

/// Long random sequences on one store, in lockstep with the model: what it shows is compared behind every eighth operation, behind
/// each that opens it again or is cut off, and at the end; there and where it is opened again the check runs, too.
struct ModelSuite: Suite {
  let name = "model"
  let summary = "random sequences of 200 operations of a store in lockstep with the model"
  let seconds = 120.0
  let floors = ["sequences": 5_000]

  static let operationCount = 200
  static let comparisonInterval = 8

  func run(_ run: SuiteRun) throws {
    let shapes = StoreShape.all.map { $0.name }
    // Ways to open again are rarer than in crash traces, so that more happens in between.
    let letters = StoreTrace.letters.filter { !"xr!?z".contains($0) } + StoreTrace.letters
    run.forEach(.max) { index in
      var random = SeededGenerator(seed: mix(run.seed &+ UInt64(index) &* 0xFACADE))
      // Letters that say how the next operation ends are none themselves.
      var trace = ""
      var left = Self.operationCount
      while left > 0 {
        let letter = letters[random.below(letters.count)]
        trace.append(letter)
        if !"!?z".contains(letter) { left -= 1 }
      }
      let replay = ReplayString(name).with("shape", shapes[index % shapes.count]).with("seed", random.next() >> 32)
        .with("trace", trace).with("compare", Self.comparisonInterval)
      _ = run.isNewState(XXHash64.digest(Array("\(replay)".utf8).span))
      run.add("sequences")
      try verify(replay)
    }
  }

  func replay(_ replay: ReplayString) throws { try verify(replay) }

  func shorter(_ replay: ReplayString) -> [ReplayString] { TracePlan.shorter(replay) }

  private func verify(_ replay: ReplayString) throws {
    let shape = try StoreShape.named(replay.text("shape"))
    do {
      let trace = try StoreTrace(shape: shape, seed: replay.unsigned("seed"))
      trace.memory.recordsEvents = false
      trace.comparisonInterval = replay["compare"] == nil ? 0 : try replay.number("compare")
      _ = try trace.run(replay.text("trace"))
      _ = try StoreSubject(shape: shape).find(trace.store, in: [trace.state])
      try StoreSubject(shape: shape).use(trace.store, on: trace.memory, trace.state)
    } catch {
      throw CaseFailure(replay: replay, message: "\(error)")
    }
  }
}
