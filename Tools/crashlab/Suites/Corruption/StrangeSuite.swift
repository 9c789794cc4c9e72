import CairnBlocks
import CairnBytes
import CairnFuzz
import CairnMemory
import CairnObjects
import CairnVolumes

/// Images that are not what they were: cut short, made longer from outside, with blocks of another store, blank blocks, of
/// another version of the format; and contents that look like the store's own structures.
struct StrangeSuite: IsolatedSuite {
  let name = "strange"
  let summary = "truncated, extended, foreign, blank, older and newer images, and contents that mimic records"
  let seconds = 5.0
  let floors = ["images": 700]
  let countName = "images"

  /// One way in which an image is not what it was.
  private struct Case {
    var image: [UInt8]
    var expected: Judge.Expectation
    /// What opening must say; nil: nothing in particular.
    var refusal: ((StorageError) -> Bool)?
  }

  func groupCount(isDeep: Bool) -> Int { CorruptionSamples.manyRecipes.count }

  func group(_ index: Int, seed: UInt64) -> ReplayString {
    ReplayString(name).with("image", CorruptionSamples.manyRecipes[index].word)
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    let sample = try CorruptionSamples.sample(of: group)
    let judge = Judge(sample: sample)
    let cases =
      try Self.sizes(sample) + Self.versions(sample) + Self.blankBlocks(sample) + Self.foreignBlocks(sample)
    let mimics = try Self.mimics(sample)
    return CaseGroup(count: cases.count + mimics.count) { index in
      if index >= cases.count { return try Self.requireMimicIsIgnored(mimics[index - cases.count], sample) }
      let strange = cases[index]
      if let refusal = strange.refusal {
        try Self.requireRefusal(strange.image, refusal)
      } else {
        try judge.judge(strange.image, strange.expected)
      }
      return XXHash64.digest(strange.image.span)
    }
  }

  // MARK: Images

  private static func sizes(_ sample: SampleImage) -> [Case] {
    let page = Int(MemoryPage.byteCount)
    let pages = sample.bytes.count / page
    var cases: [Case] = []
    for count in 0..<pages {
      cases.append(
        Case(image: Array(sample.bytes[..<(count * page)]), expected: Judge.Expectation()) { error in
          switch error {
          case .truncated, .notCairn: true
          default: false
          }
        })
    }
    for fill in [0, 0xFF] as [UInt8] {
      for count in [1, 3] {
        let image = sample.bytes + [UInt8](repeating: fill, count: count * page)
        cases.append(Case(image: image, expected: Judge.Expectation(blocks: [-1])))
      }
    }
    return cases
  }

  /// Each field of both superblocks that says how the image is to be read.
  private static func versions(_ sample: SampleImage) -> [Case] {
    func forged(_ field: Int, _ value: UInt32) -> [UInt8] {
      var image = sample.bytes
      for address in [DeviceLayout.superblockA, DeviceLayout.superblockB] {
        let start = Int(address) * sample.layout.blockByteCount
        var span = image.mutableSpan
        LittleEndian.store(value, in: &span, at: start + field)
        let checksum = CRC32.checksum(span.span.extracting(start + 12..<start + Superblock.byteCount))
        LittleEndian.store(checksum, in: &span, at: start + 8)
      }
      return image
    }
    func refused(_ field: Int, _ value: UInt32, _ refusal: @escaping (StorageError) -> Bool) -> Case {
      Case(image: forged(field, value), expected: Judge.Expectation(), refusal: refusal)
    }
    return [
      refused(12, 2) { $0 == .unsupportedVersion(found: 2, supported: 1) },
      refused(12, .max) { $0 == .unsupportedVersion(found: .max, supported: 1) },
      // There is no version 0: no program ever wrote this.
      refused(12, 0) { if case .damaged = $0 { true } else { false } },
      refused(24, 1) { $0 == .unsupportedFeatures(1) },
      Case(image: forged(16, 5), expected: Judge.Expectation(blocks: [-1])),
      Case(image: forged(20, 4), expected: Judge.Expectation(mayRefuse: { $0 == .unsupportedFeatures(4) })),
    ]
  }

  private static func blankBlocks(_ sample: SampleImage) -> [Case] {
    let size = sample.layout.blockByteCount
    return (0..<sample.source.blockCount).flatMap { block in
      [0, 0xFF].map { (fill: UInt8) in
        var image = sample.bytes
        image.replaceSubrange(block * size..<(block + 1) * size, with: [UInt8](repeating: fill, count: size))
        return Case(image: image, expected: Judge.Expectation(blocks: [block]))
      }
    }
  }

  /// Each block of another store of the same shape in the place of this one's.
  private static func foreignBlocks(_ sample: SampleImage) throws -> [Case] {
    var recipe = sample.recipe
    recipe.seed += 1_000_000
    let other = try SampleImage.make(recipe)
    let size = sample.layout.blockByteCount
    return (0..<sample.source.blockCount).filter { sample.block($0) != other.block($0) }.map { block in
      var image = sample.bytes
      image.replaceSubrange(block * size..<(block + 1) * size, with: other.block(block))
      return Case(image: image, expected: Judge.Expectation(blocks: [block, Int(DeviceLayout.superblockB)]))
    }
  }

  private static func requireRefusal(_ image: [UInt8], _ isRight: (StorageError) -> Bool) throws {
    for isReadOnly in [true, false] {
      let memory = ImageMemory(image)
      do throws(StorageError) {
        _ = try Store.open(on: memory, options: SampleImage.options(seed: 5, isReadOnly: isReadOnly))
      } catch {
        guard isRight(error) else { throw Mismatch("refused as \(error)") }
        guard memory.bytes == image || memory.bytes.isEmpty else { throw Mismatch("refused, and written to") }
        continue
      }
      throw Mismatch("opened")
    }
  }

  // MARK: Contents that look like structures

  /// Runs of the image's own bytes: superblocks, records, blocks of trees.
  private static func mimics(_ sample: SampleImage) throws -> [[UInt8]] {
    let size = sample.layout.blockByteCount
    let blocks = (0..<sample.source.blockCount).filter { sample.block($0).contains { $0 != 0 } }
    return blocks.map { Array(sample.block($0)) }
      // Short ones stand in the journal, on their own and as part of a node; long ones in blocks of their own.
      + blocks.map { Array(sample.block($0).prefix(min(size, 120))) }
  }

  /// Puts such bytes, kills the process, and looks whether they are contents and nothing else.
  private static func requireMimicIsIgnored(_ mimic: [UInt8], _ sample: SampleImage) throws -> UInt64 {
    let memory = ImageMemory(sample.bytes)
    let store = try Store.open(on: memory, options: SampleImage.options(seed: 7))
    for key in ["small", "large"] as [ObjectKey] {
      try store.transaction { (transaction) throws(StorageError) in
        _ = try transaction.bucket(Sight.bucket).put(key, mimic)
      }
    }
    for life in [8, 9] as [UInt64] {
      let again = try Store.open(on: ImageMemory(memory.bytes), options: SampleImage.options(seed: life))
      for key in ["small", "large"] as [ObjectKey] {
        let found = try again.read { (transaction) throws(StorageError) in
          try transaction.bucket(Sight.bucket).get(key)
        }
        guard found == mimic else { throw Mismatch("contents that look like a structure are not what was put") }
      }
      let findings = try again.check(deep: true).findings
      guard findings.isEmpty else { throw Mismatch("the check finds \(findings)") }
    }
    return XXHash64.digest(mimic.span)
  }
}
