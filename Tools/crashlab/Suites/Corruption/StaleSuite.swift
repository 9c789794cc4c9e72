import CairnBlocks
import CairnBytes
import CairnFuzz

/// Every block replaced by each older version of it: a write that the device said was done, and was not.
struct StaleSuite: IsolatedSuite {
  let name = "stale"
  let summary = "every block replaced by each of its older versions: a lost write is never shown as the truth"
  let seconds = 15.0
  let floors = ["versions": 300]
  let countName = "versions"

  func groupCount(isDeep: Bool) -> Int { isDeep ? 400 : 40 }

  func group(_ index: Int, seed: UInt64) -> ReplayString {
    let many = CorruptionSamples.manyRecipes
    var recipe = many[index % many.count]
    recipe.seed += UInt64(index / many.count) * 100
    return ReplayString(name).with("image", recipe.word)
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    let sample = try CorruptionSamples.sample(of: group)
    let judge = Judge(sample: sample)
    let size = sample.layout.blockByteCount
    var versions: [(block: Int, bytes: ArraySlice<UInt8>)] = []
    for block in 0..<sample.source.blockCount {
      var known: Set<[UInt8]> = [Array(sample.block(block))]
      for image in sample.history {
        let old = image[block * size..<(block + 1) * size]
        if known.insert(Array(old)).inserted { versions.append((block, old)) }
      }
    }
    return CaseGroup(count: versions.count) { index in
      let (block, bytes) = versions[index]
      var image = sample.bytes
      image.replaceSubrange(block * size..<(block + 1) * size, with: bytes)
      try judge.judge(image, Judge.Expectation(blocks: [], mayRefuse: { _ in false }))
      return XXHash64.digest(image.span)
    }
  }
}
