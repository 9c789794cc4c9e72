import CairnBlocks
import CairnBytes
import CairnFuzz

/// All ordered pairs of blocks: one written to the place of the other (a misdirected write), and the two exchanged.
struct MisplacedSuite: IsolatedSuite {
  let name = "misplaced"
  let summary = "every block in the place of every other, and exchanged with it"
  let seconds = 15.0
  let floors = ["pairs": 3 * 4032]
  let countName = "pairs"

  private static let blockCount = 64

  func groupCount(isDeep: Bool) -> Int {
    (isDeep ? CorruptionSamples.manyRecipes : CorruptionSamples.recipes).count * Self.blockCount
  }

  func group(_ index: Int, seed: UInt64) -> ReplayString {
    let recipe = CorruptionSamples.manyRecipes[index / Self.blockCount]
    return ReplayString(name).with("image", recipe.word).with("block", index % Self.blockCount)
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    let sample = try CorruptionSamples.sample(of: group)
    let from = try group.number("block")
    guard from >= 0, from < sample.source.blockCount else { throw LabError("there is no block \(from)") }
    let judge = Judge(sample: sample)
    let others = (0..<sample.source.blockCount).filter { $0 != from }
    let size = sample.layout.blockByteCount
    return CaseGroup(count: others.count) { index in
      let to = others[index]
      var image = sample.bytes
      image.replaceSubrange(to * size..<(to + 1) * size, with: sample.block(from))
      try judge.judge(image, Judge.Expectation(blocks: [to]))
      if to > from {
        image.replaceSubrange(from * size..<(from + 1) * size, with: sample.block(to))
        try judge.judge(image, Judge.Expectation(blocks: [from, to], mayRefuse: Self.isNoImage))
      }
      return XXHash64.digest(Array(sample.recipe.word.utf8).span, seed: UInt64(from) << 32 | UInt64(to))
    }
  }

  /// Two superblocks that changed places leave none.
  private static func isNoImage(_ error: StorageError) -> Bool {
    switch error {
    case .notCairn: true
    default: false
    }
  }
}
