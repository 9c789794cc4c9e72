import CairnBlocks
import CairnBytes
import CairnFuzz
import CairnVolumes

/// Every bit of every metadata block flipped, one at a time: superblocks, journal, bitmaps, tables, trees. In a long run every
/// bit of the image.
///
/// In an image whose blocks are all at home, a flip of a live block must be found by the check.
struct BitFlipSuite: IsolatedSuite {
  let name = "flips"
  let summary = "every bit of the metadata of a 64-block image flipped: right data, or an error that names the block"
  let seconds = 60.0
  let floors = ["flips": 170_000]
  let countName = "flips"

  /// Blocks of a sample.
  private static let blockCount = 64

  func groupCount(isDeep: Bool) -> Int {
    (isDeep ? CorruptionSamples.recipes.count : 1) * Self.blockCount
  }

  func group(_ index: Int, seed: UInt64) -> ReplayString {
    let recipe = CorruptionSamples.recipes[index / Self.blockCount]
    return ReplayString(name).with("image", recipe.word).with("block", index % Self.blockCount)
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    let sample = try CorruptionSamples.sample(of: group)
    let block = try group.number("block")
    guard block >= 0, block < sample.source.blockCount else { throw LabError("there is no block \(block)") }
    let judge = Judge(sample: sample)
    let liveByteCount = try LiveBytes(sample).count(in: block)
    let blockByteCount = sample.layout.blockByteCount
    // In the default run what holds nothing, and data, are left out.
    let count = sample.block(block).contains { $0 != 0 } ? blockByteCount * 8 : 0
    return CaseGroup(count: count) { bit in
      var image = sample.bytes
      image[block * blockByteCount + bit / 8] ^= 1 << UInt8(bit % 8)
      let expected = Judge.Expectation(blocks: [block], mustBeFound: bit / 8 < liveByteCount)
      try judge.judge(image, expected)
      return XXHash64.digest(Array(sample.recipe.word.utf8).span, seed: UInt64(block) << 20 | UInt64(bit))
    }
  }
}

/// Which bytes of a sample something depends on.
struct LiveBytes {
  private let sample: SampleImage
  private let map: AllocationMap

  init(_ sample: SampleImage) throws {
    self.sample = sample
    let device = try BlockDevice.open(
      ImageMemory(sample.bytes), options: OpenOptions(isReadOnly: true),
      environment: SampleImage.options(seed: 6).environment)
    map = try device.read { (view) throws(StorageError) in try view.allocationMap() }
  }

  /// How many bytes at the front of a block must be found when they change. Only where everything is at home: otherwise the
  /// journal may hold what counts.
  func count(in block: Int) -> Int {
    guard sample.recipe.end == .checkpointed else { return 0 }
    let layout = sample.layout
    let number = UInt64(block)
    if number == DeviceLayout.superblockA || number == DeviceLayout.superblockB { return Superblock.byteCount }
    guard number >= layout.groupStart, sample.source.header(block) != nil else { return 0 }
    return map.isReserved(BlockNumber(number)) || map.isAllocated(BlockNumber(number)) ? layout.blockByteCount : 0
  }
}
