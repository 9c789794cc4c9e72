import Testing

@testable import CairnCrashLab

/// Cases that failed once, each with its story.
@Suite("Cases that failed once")
struct RegressionTests {
  static let cases = [
    // The process died when the ring was full up to the last sector and a block had gone home ahead of its entry in the generation
    // table. Opened again, the block seemed to owe a write home; that waited for the entry, the entry for room, and the room for
    // the block. Every later commit was "too large". A block whose home holds all that the ring says owes nothing now.
    "model:shape=b4096:seed=4065953132"
      + ":trace=!mvDczvMmvcDMqDVosmckg?MokDDk!oVpgosmrgbgvm?vg!oooblVwp!wv!l?gcqbgoxMsMVsmzl!k"
  ]

  @Test("no longer do", arguments: cases)
  func replay(_ text: String) throws {
    let replay = try #require(ReplayString(parsing: text))
    try Suites.named(replay.suite).replay(replay)
  }
}
