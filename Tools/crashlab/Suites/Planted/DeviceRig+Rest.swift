import CairnBlocks
import CairnTestSupport

// What happens to an image while nobody uses it.

extension DeviceRig {
  /// Changes the image and opens it; whether the trace ends with that.
  func changeAtRest(_ letter: Character) throws -> Bool {
    switch letter {
    case "R":
      var image = DamagedImage(memory.durableImage)
      image.rotNewestSuperblock(noise: random.next())
      memory = SimulatedMemory(image: image.bytes)
      try reopen()
      return false
    case "Q":
      var image = DamagedImage(memory.durableImage)
      image.rotRing(&random)
      memory = SimulatedMemory(image: image.bytes)
      // Damage of the last flush cannot be told from a flush that was never over.
      try openDamaged(allowed: [current] + lastFlush.reversed())
    case "J": try flipBitOfRecord()
    case "U":
      // Data of the last flush may be dropped with their commit.
      guard let start = pickOldExtent(lastFlush.first ?? current) else { return true }
      try damage([start]) { image, random in image.flipDataBit(of: start, in: current, &random) }
    default: try changeBlocks(letter)
    }
    return true
  }

  /// Data that were there before the last flush, and still are.
  func pickOldExtent(_ before: RigState) -> UInt64? {
    let old = current.extents.filter { before.extents[$0.key]?.digests == $0.value.digests }
    return RigCommit.pick(old.keys, &random)
  }

  /// Changes the image and opens it: these blocks are reported as damaged, nothing else is wrong.
  private func damage(
    _ blocks: Set<UInt64>, _ body: (inout DamagedImage, inout SeededGenerator) -> Void
  ) throws {
    var image = DamagedImage(memory.durableImage)
    body(&image, &random)
    memory = SimulatedMemory(image: image.bytes)
    guard let found = try openDamaged(allowed: [current]), !found.isSuperset(of: blocks) else { return }
    throw Violation("damage of \(blocks.subtracting(found).sorted()) is not noticed")
  }

  /// Every bit of the records between tail and head of a closed image is verified by opening it.
  private func flipBitOfRecord() throws {
    try close()
    var image = DamagedImage(memory.durableImage)
    guard !image.records.isEmpty else { return }
    image.flipBit(in: image.records[random.below(image.records.count)], &random)
    memory = SimulatedMemory(image: image.bytes)
    do { _ = try open() } catch {
      guard case .damaged = error else { throw Violation("a flipped bit of the journal: \(error)") }
      return
    }
    throw Violation("a flipped bit of the journal is not noticed")
  }

  /// Changes homes that nothing in the journal stands in for any more.
  private func changeBlocks(_ letter: Character) throws {
    let before = DamagedImage(memory.durableImage)
    try checkpoint()
    // The commit behind it logs the generations.
    if letter == "L" { try commit(RigCommit(letter: "a", seed: random.next())) }
    try close()
    let after = DamagedImage(memory.durableImage)
    let homes = current.blocks.keys.sorted().filter { after.header(of: $0) != nil }
    guard let first = RigCommit.pick(homes, &random) else { return }
    switch letter {
    case "W": try damage([first]) { image, random in image.flipBit(in: image.range(of: first), &random) }
    case "N":
      try damage([first]) { image, _ in
        for index in image.range(of: first) { image.bytes[index] = 0 }
      }
    case "H":
      guard let second = RigCommit.pick(homes.filter { $0 != first }, &random) else { return }
      try damage([first, second]) { image, _ in
        image.bytes.replaceSubrange(image.range(of: first), with: after.bytes[after.range(of: second)])
        image.bytes.replaceSubrange(image.range(of: second), with: after.bytes[after.range(of: first)])
      }
    default:
      let changed = homes.filter {
        before.header(of: $0) != nil && before.bytes[before.range(of: $0)] != after.bytes[after.range(of: $0)]
      }
      guard let block = RigCommit.pick(changed, &random) else { return }
      try damage([block]) { image, _ in
        image.bytes.replaceSubrange(image.range(of: block), with: before.bytes[before.range(of: block)])
      }
    }
  }
}
