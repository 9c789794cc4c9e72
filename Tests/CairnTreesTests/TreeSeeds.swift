import CairnTestSupport
import Testing

extension SeededGenerator {
  /// True so many times out of a hundred.
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// What to type to see a failure again.
func replay(_ seed: UInt64, _ suite: String) -> Comment {
  "again: CAIRN_SEED=\(seed) Tools/dev test --filter \(suite)"
}
