/// Power loss at every point of traces of a whole store.
struct CrashStoreSuite: TraceSuite {
  let name = "crash-store"
  let summary = "power loss at every point of traces of a whole store, and inside recovery"
  let seconds = 300.0
  let floors = ["distinct": 150_000, "nested": 15_000]
  let letters = StoreTrace.letters
  let randomLengths = 15...30

  var shapes: [String] { StoreShape.all.map { $0.name } }

  func subject(_ shape: String) throws -> StoreSubject { StoreSubject(shape: try StoreShape.named(shape)) }

  func record(_ shape: String, seed: UInt64, trace: String) throws -> Recording<StoreState> {
    try StoreTrace(shape: StoreShape.named(shape), seed: seed).run(trace)
  }
}
