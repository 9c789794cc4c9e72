import CairnBlocks
import CairnTestSupport
import Testing

@testable import CairnVolumes

@Suite("Key ranges and holds")
struct KeyRangeTests {
  /// Keys of up to two letters of three, in order.
  static let keys: [[UInt8]] = {
    var keys: [[UInt8]] = [[]]
    for first in UInt8(0)..<3 {
      keys.append([first])
      for second in UInt8(0)..<3 { keys.append([first, second]) }
    }
    return keys
  }()

  static var ranges: [KeyRange] {
    var ranges: [KeyRange] = []
    for low in keys {
      ranges.append(KeyRange(low: low, high: nil))
      ranges.append(KeyRange(key: low))
      for high in keys where low.lexicographicallyPrecedes(high) { ranges.append(KeyRange(low: low, high: high)) }
    }
    return ranges
  }

  /// Long keys behind all others stand for the gaps between keys.
  static let probes: [[UInt8]] = keys.flatMap { [$0, $0 + [0], $0 + [9]] }

  static func contains(_ range: KeyRange, _ key: [UInt8]) -> Bool {
    !key.lexicographicallyPrecedes(range.low) && KeyRange.isBelow(key, end: range.high)
  }

  @Test("ranges overlap when they share a key")
  func overlap() {
    for first in Self.ranges {
      for second in Self.ranges {
        let shares = Self.probes.contains { Self.contains(first, $0) && Self.contains(second, $0) }
        #expect(first.overlaps(second) == shares, "\(first) \(second)")
      }
    }
  }

  @Test("merged ranges hold the same keys and are disjoint", arguments: TestSeeds.list(count: 20))
  func merging(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let all = Self.ranges
    for _ in 0..<50 {
      let chosen = (0..<generator.below(6)).map { _ in all[generator.below(all.count)] }
      let merged = KeyRange.merged(chosen)
      for probe in Self.probes {
        #expect(chosen.contains { Self.contains($0, probe) } == merged.contains { Self.contains($0, probe) })
      }
      for (index, range) in merged.enumerated() {
        for other in merged[..<index] { #expect(!range.overlaps(other)) }
      }
    }
  }

  @Test("holds refuse what overlaps them", arguments: TestSeeds.list(count: 20))
  func holding(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let all = Self.ranges
    let tree = BlockNumber(5)
    let ids = [try #require(TransactionID(rawValue: 1)), try #require(TransactionID(rawValue: 2))]
    for _ in 0..<20 {
      var entries: [Holds.Entry] = []
      for _ in 0..<generator.below(5) {
        let range = all[generator.below(all.count)]
        entries.append(
          Holds.Entry(
            transaction: ids[generator.below(2)],
            range: HeldRange(
              volume: 1, tree: tree, low: range.low, high: range.high, isWrite: generator.below(2) == 0)))
      }
      let holds = Holds(entries)
      let others = holds.excluding(ids[0])
      for range in all {
        func hit(_ entry: Holds.Entry) -> Bool {
          KeyRange(low: entry.range.low, high: entry.range.high).overlaps(range)
        }
        #expect(holds.refuseWrite(tree, range) == entries.contains(where: hit))
        #expect(holds.refuseHold(tree, range) == entries.contains { $0.range.isWrite && hit($0) })
        #expect(others.refuseWrite(tree, range) == entries.contains { $0.transaction != ids[0] && hit($0) })
        #expect(!holds.refuseWrite(BlockNumber(6), range))
      }
      #expect(holds.holds(VolumeID(byte: 1)) == !entries.isEmpty)
      #expect(!holds.holds(VolumeID(byte: 2)))
    }
  }
}
