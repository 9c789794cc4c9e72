import CairnBlocks
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnMaps

/// A map against a dictionary.
@Suite("Maps in lockstep with a model")
struct MapLockstepTests {
  enum Step {
    case put([UInt8], [UInt8])
    case delete([UInt8])
    case deleteRange([UInt8], [UInt8]?, UInt64?)
  }

  struct Model: Equatable {
    var entries: [[UInt8]: [UInt8]] = [:]

    var sortedKeys: [[UInt8]] { entries.keys.sorted { $0.lexicographicallyPrecedes($1) } }

    mutating func run(_ step: Step) {
      switch step {
      case .put(let key, let value): entries[key] = value
      case .delete(let key): entries[key] = nil
      case .deleteRange(let from, let to, let limit):
        let inside = sortedKeys.filter { key in
          !key.lexicographicallyPrecedes(from) && to.map { key.lexicographicallyPrecedes($0) } ?? true
        }
        for key in inside.prefix(Int(limit ?? UInt64(Int.max))) { entries[key] = nil }
      }
    }
  }

  struct Mismatch: Error { let text: String }

  @Test("random sequences", arguments: TestSeeds.list(count: 10))
  func random(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try MapFixture(pageCount: 64, blockByteCount: [512, 1024, 4096][Int(seed % 3)])
    var model = Model()
    for round in 0..<40 {
      do {
        try play(fixture, &model, &random)
        if round % 10 == 9 {
          let findings = try fixture.findings()
          if !findings.isEmpty { throw Mismatch(text: "check: \(findings)") }
        }
      } catch {
        Issue.record("round \(round): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter MapLockstepTests")
        return
      }
    }
  }

  private func play(_ fixture: MapFixture, _ model: inout Model, _ random: inout SeededGenerator) throws {
    var working = model
    var calls: [[Step]] = []
    for _ in 0..<1 + random.below(3) {
      var steps: [Step] = []
      for _ in 0..<1 + random.below(30) {
        let step = Self.makeStep(&random)
        working.run(step)
        steps.append(step)
      }
      calls.append(steps)
    }
    let isCommitted = random.below(4) > 0
    let expected = working
    if random.below(3) == 0 {
      do {
        try fixture.store.transaction { (transaction) throws(StorageError) in
          for step in calls.flatMap({ $0 }) { try Self.run(step, try transaction.map("m")) }
          try Self.compare(try transaction.map("m"), expected)
          if !isCommitted { throw StorageError.closed }
        }
      } catch {
        guard case .closed = error, !isCommitted else { throw error }
      }
    } else {
      let id = try fixture.store.begin()
      for steps in calls {
        try fixture.resume(id) { (map) throws(StorageError) in for step in steps { try Self.run(step, map) } }
        if random.below(3) == 0 { try fixture.reopen(cleanly: random.below(2) == 0) }
      }
      try fixture.resume(id) { (map) throws(StorageError) in try Self.compare(map, expected) }
      if isCommitted { try fixture.store.commit(id) } else { try fixture.store.rollback(id) }
    }
    if isCommitted { model = working }
    try fixture.read { (map) throws(StorageError) in try Self.compare(map, model) }
  }

  private static func makeKey(_ random: inout SeededGenerator) -> [UInt8] {
    let prefix: [UInt8] = random.below(2) == 0 ? [] : [UInt8](repeating: 0x61, count: 30)
    return prefix + [UInt8(random.below(40)), UInt8(random.below(3))].prefix(1 + Int(random.below(2)))
  }

  private static func makeStep(_ random: inout SeededGenerator) -> Step {
    switch random.below(12) {
    case 0:
      let bounds = [makeKey(&random), makeKey(&random)].sorted { $0.lexicographicallyPrecedes($1) }
      return .deleteRange(
        bounds[0], random.below(4) == 0 ? nil : bounds[1], random.below(2) == 0 ? nil : UInt64(random.below(20)))
    case 1...3: return .delete(makeKey(&random))
    default:
      let length = random.below(15) == 0 ? 3000 : random.below(60)
      return .put(makeKey(&random), [UInt8](repeating: UInt8(random.below(256)), count: Int(length)))
    }
  }

  private static func run(_ step: Step, _ map: ByteMap) throws(StorageError) {
    switch step {
    case .put(let key, let value): try map.put(key, value)
    case .delete(let key): try map.delete(key)
    case .deleteRange(let from, let to, let limit): try map.deleteRange(from: from, to: to, limit: limit)
    }
  }

  private static func compare(_ map: ByteMap, _ model: Model) throws(StorageError) {
    var found: [[UInt8]: [UInt8]] = [:]
    var keys: [[UInt8]] = []
    var cursor = try map.cursor()
    while try cursor.next() {
      keys.append(cursor.key)
      found[cursor.key] = try cursor.value()
    }
    guard keys == model.sortedKeys, found == model.entries else {
      throw .invalidArgument("the map has \(keys.count) entries, the model \(model.entries.count), or others")
    }
    guard try map.count() == UInt64(keys.count) else { throw .invalidArgument("another count") }
  }
}
