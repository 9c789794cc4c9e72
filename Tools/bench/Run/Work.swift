/// What a child process does: one workload in one engine.
protocol Work: AnyObject {
  /// What comes before the first phase, not timed.
  func prepare() throws
  /// What comes before a phase, not timed.
  func begin(phase: Int) throws
  /// What comes before a chunk, not timed.
  func prepare(phase: Int, chunk: Int)
  /// A chunk; how much of the phase's unit was done.
  func run(phase: Int, chunk: Int) throws -> Int
  /// Closes the store.
  func close() throws
}

extension Work {
  func prepare(phase: Int, chunk: Int) {}
}
