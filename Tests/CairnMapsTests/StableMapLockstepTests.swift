import CairnBlocks
import CairnBytes
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnMaps

/// A typed map against a sorted array, with keys in whose order a mistake of the encoding would show.
@Suite("Typed maps in lockstep with a sorted array")
struct StableMapLockstepTests {
  typealias Key = Pair<Int16, String>
  typealias Map = StableMap<Key, UInt64>

  struct Mismatch: Error { let text: String }

  /// Entries in the order of their keys.
  struct Model {
    var entries: [(key: Key, value: UInt64)] = []

    static func precedes(_ left: Key, _ right: Key) -> Bool {
      if left.first != right.first { return left.first < right.first }
      return Array(left.second.utf8).lexicographicallyPrecedes(Array(right.second.utf8))
    }

    func place(of key: Key) -> Int { entries.firstIndex { !Self.precedes($0.key, key) } ?? entries.count }

    func holds(_ key: Key, at place: Int) -> Bool { place < entries.count && entries[place].key == key }

    func range(_ from: Key?, _ to: Key?) -> Range<Int> {
      let lower = from.map { place(of: $0) } ?? 0
      return lower..<max(lower, to.map { place(of: $0) } ?? entries.count)
    }

    mutating func insert(_ key: Key, _ value: UInt64) -> UInt64? {
      let place = place(of: key)
      if holds(key, at: place) {
        defer { entries[place].value = value }
        return entries[place].value
      }
      entries.insert((key, value), at: place)
      return nil
    }

    mutating func remove(_ key: Key) -> UInt64? {
      let place = place(of: key)
      return holds(key, at: place) ? entries.remove(at: place).value : nil
    }
  }

  @Test("random operations", arguments: TestSeeds.list(count: 8))
  func random(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try MapFixture(pageCount: 64, blockByteCount: [512, 1024, 4096][Int(seed % 3)])
    try fixture.store.createMap("t", Key.self, UInt64.self)
    var model = Model()
    for round in 0..<25 {
      do {
        if random.below(6) == 0 { try fixture.reopen(cleanly: random.below(2) == 0) }
        let before = model
        let isCommitted = random.below(4) > 0
        do {
          try fixture.store.transaction { (transaction) throws(StorageError) in
            let map = try transaction.map("t", Key.self, UInt64.self)
            for _ in 0..<1 + random.below(60) {
              if let wrong = try Self.step(map, &model, &random) { throw .invalidArgument(wrong) }
            }
            if !isCommitted { throw .closed }
          }
        } catch {
          guard case .closed = error, !isCommitted else { throw error }
          model = before
        }
        let found = try fixture.store.read { (transaction) throws(StorageError) in
          try transaction.map("t", Key.self, UInt64.self).items()
        }
        guard Self.isSame(found, model.entries[...]) else { throw Mismatch(text: "other entries") }
      } catch {
        Issue.record("round \(round): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter StableMapLockstepTests")
        return
      }
    }
    #expect(try fixture.findings() == [])
  }

  private static func isSame(
    _ left: [(key: Key, value: UInt64)], _ right: ArraySlice<(key: Key, value: UInt64)>
  ) -> Bool {
    left.elementsEqual(right) { $0.key == $1.key && $0.value == $1.value }
  }

  private static func key(_ random: inout SeededGenerator) -> Key {
    let text = (0..<random.below(4)).map { _ in ["", "a", "\0", "b", "\u{E9}", "aa"][random.below(6)] }.joined()
    return Key(Int16(random.below(5) - 2), text)
  }

  /// Does something to both; what differed.
  private static func step(
    _ map: Map, _ model: inout Model, _ random: inout SeededGenerator
  ) throws(StorageError) -> String? {
    let key = key(&random)
    let value = random.next()
    switch random.below(12) {
    case 0:
      let found = try map.remove(key)
      return found == model.remove(key) ? nil : "remove"
    case 1:
      let found = try map.popFirst()
      let expected = model.entries.isEmpty ? nil : model.entries.removeFirst()
      return found?.key == expected?.key && found?.value == expected?.value ? nil : "popFirst"
    case 2:
      let found = try map.popLast()
      let expected = model.entries.popLast()
      return found?.key == expected?.key && found?.value == expected?.value ? nil : "popLast"
    case 3:
      let to = random.below(3) == 0 ? nil : self.key(&random)
      let limit = random.below(2) == 0 ? nil : UInt64(random.below(5))
      var range = model.range(key, to)
      if let limit { range = range.lowerBound..<min(range.upperBound, range.lowerBound + Int(limit)) }
      model.entries.removeSubrange(range)
      let removed = try map.removeRange(from: key, to: to, limit: limit)
      return removed == UInt64(range.count) ? nil : "removeRange"
    case 4:
      let to = random.below(3) == 0 ? nil : self.key(&random)
      let limit = 1 + random.below(9)
      let found = try map.items(from: key, to: to, limit: limit)
      return isSame(found, model.entries[model.range(key, to)].prefix(limit)) ? nil : "items"
    case 5:
      var cursor = try map.cursor()
      let place = model.place(of: key)
      let isBefore = try cursor.seek(before: key)
      guard isBefore == (place > 0) else { return "seek(before:)" }
      if isBefore, try cursor.key() != model.entries[place - 1].key { return "seek(before:), the key" }
      let isNext = try cursor.next()
      guard isNext == (place < model.entries.count) else { return "next" }
      return isNext ? (try cursor.entry() == model.entries[place] ? nil : "next, the entry") : nil
    case 6:
      let isWanted = random.below(3) > 0
      let old = try map.update(key) { (found) in
        let old = found
        found = isWanted ? value : nil
        return old
      }
      return old == (isWanted ? model.insert(key, value) : model.remove(key)) ? nil : "update"
    case 7:
      let place = model.place(of: key)
      let isThere = model.holds(key, at: place)
      guard try map.contains(key) == isThere else { return "contains" }
      guard try map.count() == UInt64(model.entries.count) else { return "count" }
      return try map.get(key) == (isThere ? model.entries[place].value : nil) ? nil : "get"
    default:
      let found = try map.insert(key, value)
      return found == model.insert(key, value) ? nil : "insert"
    }
  }
}
