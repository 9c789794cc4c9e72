import CairnBlocks
import CairnDisks
import CairnFuzz
import CairnMemory
import CairnVolumes

/// Decides whether a store over a damaged image is honest: every answer is right, or an error that names what is damaged.
struct Judge {
  let sample: SampleImage

  /// What may be seen and said of a damaged image.
  struct Expectation {
    /// The damaged blocks. Errors must name one of them; empty: any block.
    var blocks: [Int] = []
    /// Whether a deep check must have something to say (or opening fails).
    var mustBeFound = false
    /// Whether an error that is none of damage is right when the image is opened, too.
    var mayRefuse: (StorageError) -> Bool = { _ in false }
  }

  /// Opens an image for reading and for writing, and looks at everything; throws what is wrong.
  func judge(_ image: [UInt8], _ expected: Expectation, writes: Bool = true) throws {
    try read(image, expected)
    if writes { try write(image, expected) }
  }

  private func read(_ image: [UInt8], _ expected: Expectation) throws {
    guard let store = try open(ImageMemory(image), isReadOnly: true, expected) else { return }
    let sight = Sight(of: store)
    try requireHonest(sight, "reading", expected, journalDamage: store.journalDamage)
    let findings: [CheckFinding]
    do {
      findings = try store.check(deep: true).findings
    } catch {
      return try requireNamed(error, expected)
    }
    if expected.mustBeFound && findings.isEmpty { throw Mismatch("the check finds nothing") }
    if findings.isEmpty && sight.hasFailures { throw Mismatch("the check finds nothing, but \(sight.errors)") }
  }

  /// Writes a little, too: a store that does not know of its damage may not make it worse.
  private func write(_ image: [UInt8], _ expected: Expectation) throws {
    let memory = ImageMemory(image)
    guard let store = try open(memory, isReadOnly: false, expected) else { return }
    try requireHonest(Sight(of: store), "writing", expected)
    do throws(StorageError) {
      try store.createDisk(Self.newVolume, DiskGeometry(blockCount: 8, blockByteCount: 512))
      try store.removeVolume(Self.newVolume)
    } catch {
      try requireNamed(error, expected)
    }
    try requireHonest(Sight(of: store), "reading what was written to", expected)
    try? store.close()
    guard let again = try open(ImageMemory(memory.bytes), isReadOnly: true, expected) else { return }
    try requireHonest(
      Sight(of: again), "reading what was written to and closed", expected, journalDamage: again.journalDamage)
  }

  private static let newVolume = "new"

  private func open(_ memory: ImageMemory, isReadOnly: Bool, _ expected: Expectation) throws -> Store? {
    do {
      return try Store.open(on: memory, options: SampleImage.options(seed: 5, isReadOnly: isReadOnly))
    } catch {
      if !expected.mayRefuse(error) { try requireNamed(error, expected) }
      return nil
    }
  }

  /// What the sample showed, or, when its last commit may have been torn, what it showed before.
  private func requireHonest(
    _ sight: Sight, _ what: String, _ expected: Expectation, journalDamage damage: Damage? = nil
  ) throws {
    for error in sight.errors { try requireNamed(error, expected) }
    guard let lie = sight.lie(against: sample.sight) else { return }
    let touchesRing = expected.blocks.isEmpty || expected.blocks.contains(where: isInRing)
    // Without the superblock of a clean close, the image is one of a program that was killed.
    let mayBeTorn = sample.recipe.end == .killed || expected.blocks.contains(where: isSuperblock)
    if touchesRing && mayBeTorn, sample.pastSights.suffix(2).contains(where: { sight.lie(against: $0) == nil }) {
      return
    }
    // A store that was opened for reading says that its journal is damaged, and shows what was committed before that.
    if touchesRing && damage != nil && sample.pastSights.contains(where: { sight.lie(against: $0) == nil }) { return }
    throw Mismatch("\(what): \(lie)")
  }

  private func requireNamed(_ error: StorageError, _ expected: Expectation) throws {
    // The new volume may find no room on so small an image.
    if case .full = error { return }
    guard case .damaged(let damage) = error else { throw Mismatch("\(error) is not said of damage") }
    let named = Int(clamping: damage.block.rawValue)
    let isNamed =
      expected.blocks.isEmpty
      || expected.blocks.contains { block in
        if named == block || isInRing(named) && isInRing(block) { return true }
        // Damage of data is told by the block where their chunk of 64 KiB begins.
        let chunk = 65536 / sample.layout.blockByteCount
        return damage.reason == .digest && named <= block && block < named + chunk
      }
    guard isNamed else { throw Mismatch("\(error), but what is damaged is \(expected.blocks)") }
  }

  private func isSuperblock(_ block: Int) -> Bool {
    block == Int(DeviceLayout.superblockA) || block == Int(DeviceLayout.superblockB)
  }

  private func isInRing(_ block: Int) -> Bool {
    let layout = sample.layout
    return block >= Int(layout.ringStart) && block < Int(layout.ringStart + layout.ringBlockCount)
  }
}

/// The samples of the corruption suites, made once in each process.
enum CorruptionSamples {
  /// Images of 64 blocks for the default run: each way to end.
  static let recipes = SampleImage.End.allCases.map { SampleImage.Recipe($0) }

  /// Ten images for long runs.
  static let manyRecipes =
    recipes + SampleImage.End.allCases.map { SampleImage.Recipe($0, blockByteCount: 4096, pageCount: 4) }
    + (2...5).map { SampleImage.Recipe($0 % 2 == 0 ? .killed : .checkpointed, seed: $0) }

  /// The sample that a replay string names.
  static func sample(of replay: ReplayString) throws -> SampleImage {
    let word = try replay.text("image")
    guard let recipe = SampleImage.Recipe(word) else { throw LabError("\(word) is no image") }
    return try SampleImage.make(recipe)
  }
}
