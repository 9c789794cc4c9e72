import CairnFuzz
import CairnTestSupport
import Testing

/// A short run of each target: the crash lab and libFuzzer go on from here.
@Suite("Fuzz targets")
struct FuzzTargetTests {
  @Test("answer or refuse whatever the input is", arguments: FuzzTarget.allCases, TestSeeds.list(count: 4))
  func inputs(_ target: FuzzTarget, _ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<(target == .codecs || target == .rows ? 500 : 15) {
      let input = random.fuzzInput()
      do { try target.run(input) } catch { Issue.record("\(target), input \(input): \(error)") }
    }
  }

  @Test("take no bytes at all, and only zeros, for an input", arguments: FuzzTarget.allCases)
  func emptyInputs(_ target: FuzzTarget) throws {
    try target.run([])
    try target.run([UInt8](repeating: 0, count: 100))
    try target.run([UInt8](repeating: 0xFF, count: 100))
  }
}
