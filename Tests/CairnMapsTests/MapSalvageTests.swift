import CairnBlocks
import CairnMaps
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

/// A damaged map is salvaged: what is left comes over, and what is lost is told.
@Suite("Salvage of maps")
struct MapSalvageTests {
  private final class Numbers: @unchecked Sendable {
    private let lock = SpinLock()
    private var generator = SeededGenerator(seed: 3)
    func next() -> UInt64 { lock.with { generator.next() } }
  }

  private static func options() -> StoreOptions {
    let numbers = Numbers()
    return StoreOptions(
      filesystems: [MapFilesystem()],
      environment: Environment(now: { 1_000_000_000_000 }, random: { numbers.next() }))
  }

  private static func key(_ number: Int) -> [UInt8] { [UInt8(number / 256), UInt8(number % 256), 7, 7, 7, 7] }

  /// A closed image with a map of some levels, all of it at home.
  private static func image() throws -> [UInt8] {
    let memory = SimulatedMemory(pageCount: 4)
    let store = try Store.create(
      on: memory, format: FormatOptions(blockByteCount: 512, journalByteCount: 16_384), options: options())
    try store.createMap("map", definition: "numbers")
    for first in stride(from: 0, to: 300, by: 10) {
      try store.transaction { (transaction) throws(StorageError) in
        let map = try transaction.map("map", definition: "numbers")
        for number in first..<first + 10 {
          try map.put(key(number), [UInt8](repeating: UInt8(number % 251), count: number % 50 == 0 ? 900 : 20))
        }
      }
    }
    try store.checkpoint()
    try store.close()
    return memory.durableImage
  }

  private static func salvage(_ image: [UInt8]) throws -> (entries: [[UInt8]: [UInt8]], losses: [SalvageLoss]) {
    var losses: [SalvageLoss] = []
    let target = SimulatedMemory(pageCount: 0)
    _ = try Store.salvage(
      from: SimulatedMemory(image: image), to: target, options: options(),
      lost: { (loss) throws(StorageError) in losses.append(loss) })
    let store = try Store.open(on: target, options: options())
    #expect(try store.check(deep: true).isClean)
    let entries = try store.read { (transaction) throws(StorageError) -> [[UInt8]: [UInt8]] in
      var entries: [[UInt8]: [UInt8]] = [:]
      for volume in try transaction.volumes() {
        let definition = losses.contains { $0.text.contains("definition") } ? "" : "numbers"
        var cursor = try transaction.map(volume.id, definition: definition).cursor()
        while try cursor.next() { entries[cursor.key] = try cursor.value() }
      }
      return entries
    }
    return (entries, losses)
  }

  @Test("whichever block is damaged: entries that are there are right, missing ones are told")
  func everyBlock() throws {
    let image = try Self.image()
    let (all, none) = try Self.salvage(image)
    #expect(all.count == 300 && none.isEmpty)
    var incomplete = 0
    var definitions = 0
    for block in stride(from: 0, to: image.count / 512, by: 1) {
      // Tree nodes, and some of everything else.
      guard image[block * 512 + 4] == 0x10 || block % 16 == 0 else { continue }
      var damaged = image
      damaged[block * 512 + 100] ^= 0x20
      let (entries, losses) = try Self.salvage(damaged)
      for (key, value) in entries { try #require(all[key] == value, "block \(block)") }
      if entries.count < all.count {
        incomplete += 1
        // One leaf, or one long value.
        #expect(entries.count >= all.count - 20 && !losses.isEmpty, "block \(block): \(entries.count)")
      }
      if losses.contains(where: { $0.text.contains("definition") }) { definitions += 1 }
    }
    #expect(incomplete > 10)
    #expect(definitions == 1)
  }
}
