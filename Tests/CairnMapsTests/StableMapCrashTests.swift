import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnMaps

/// A short history of a typed map, with the power lost at points all along it: what was acknowledged is there, what was
/// under way is there whole or not at all, and the store goes on working.
@Suite("Typed maps and power loss")
struct StableMapCrashTests {
  typealias Contents = [UInt16: String]

  enum Step {
    case put(UInt16, String)
    case remove(UInt16)
    case popFirst
    case removeRange(UInt16, UInt16)
  }

  struct Mismatch: Error { let text: String }

  /// The transactions of a history, each with its steps. Every third one takes several calls.
  private static func history(_ seed: UInt64) -> [[Step]] {
    var random = SeededGenerator(seed: seed)
    return (0..<9).map { _ in
      (0..<4).map { _ in
        let key = UInt16(random.below(40))
        return switch random.below(8) {
        case 0: .remove(key)
        case 1: .popFirst
        case 2: .removeRange(key, key + UInt16(random.below(9)))
        // Now and then a value that does not fit in a leaf.
        default: .put(key, String(repeating: "v", count: random.below(4) == 0 ? 600 : random.below(60)))
        }
      }
    }
  }

  private static func run(_ step: Step, on contents: inout Contents) {
    switch step {
    case .put(let key, let value): contents[key] = value
    case .remove(let key): contents[key] = nil
    case .popFirst: if let first = contents.keys.min() { contents[first] = nil }
    case .removeRange(let from, let to): for key in from..<to { contents[key] = nil }
    }
  }

  private static func run(_ step: Step, in transaction: Transaction) throws(StorageError) {
    let map = try transaction.map("m", UInt16.self, String.self)
    switch step {
    case .put(let key, let value): try map.put(key, value)
    case .remove(let key): try map.remove(key)
    case .popFirst: try map.popFirst()
    case .removeRange(let from, let to): try map.removeRange(from: from, to: to)
    }
  }

  /// Plays a history until the memory fails; the states that may be found then.
  private func play(_ history: [[Step]], on memory: SimulatedMemory, _ options: StoreOptions) -> [Contents] {
    var model: Contents = [:]
    var working = model
    do throws(StorageError) {
      let store = try Store.open(on: memory, options: options)
      for (index, steps) in history.enumerated() {
        working = model
        for step in steps { Self.run(step, on: &working) }
        if index % 3 == 2 {
          let id = try store.begin()
          for step in steps {
            try store.resume(id) { (transaction) throws(StorageError) in try Self.run(step, in: transaction) }
          }
          try store.commit(id)
        } else {
          try store.transaction { (transaction) throws(StorageError) in
            for step in steps { try Self.run(step, in: transaction) }
          }
        }
        model = working
      }
      try store.close()
      return [model]
    } catch {
      return [model, working]
    }
  }

  /// Numbers that a seed decides.
  private final class Numbers: @unchecked Sendable {
    private let lock = SpinLock()
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    func next() -> UInt64 { lock.with { generator.next() } }
  }

  private func options(_ seed: UInt64) -> StoreOptions {
    let numbers = Numbers(seed: seed)
    let environment = Environment(now: { 1_000_000_000_000 }, random: { numbers.next() })
    return StoreOptions(filesystems: [MapFilesystem()], environment: environment)
  }

  @Test("leave the last state or the next one", arguments: TestSeeds.list(count: 3), [false, true])
  func powerLoss(seed: UInt64, isMessageAtomic: Bool) throws {
    let history = Self.history(seed)
    let fresh = SimulatedMemory(pageCount: 48, isMessageAtomic: isMessageAtomic)
    let store = try Store.create(on: fresh, format: FormatOptions(blockByteCount: 512), options: options(seed))
    try store.createMap("m", UInt16.self, String.self)
    try store.close()
    let image = fresh.crashImage { _, _ in .new }
    let whole = SimulatedMemory(image: image, isMessageAtomic: isMessageAtomic)
    whole.recordsEvents = true
    #expect(play(history, on: whole, options(seed)).count == 1)
    let callCount = whole.events.count
    #expect(callCount > 40)
    for point in stride(from: Int(seed % 5), to: callCount, by: 5) {
      let memory = SimulatedMemory(image: image, isMessageAtomic: isMessageAtomic)
      memory.failsAfter = point
      let states = play(history, on: memory, options(seed))
      for fate in 0..<3 {
        var random = SeededGenerator(seed: UInt64(point))
        let after = memory.crashImage { _, _ in
          // A replica takes back what a message wrote: nothing lies between all and nothing.
          if isMessageAtomic { return .old }
          return switch fate {
          case 0: .old
          case 1: .new
          default: [.old, .new, .garbage][random.below(3)]
          }
        }
        do {
          try verify(SimulatedMemory(image: after, isMessageAtomic: isMessageAtomic), states, options(seed))
        } catch {
          Issue.record(
            "point \(point) of \(callCount), fate \(fate), atomic \(isMessageAtomic): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter StableMapCrashTests"
          )
          return
        }
      }
    }
  }

  private func verify(_ memory: SimulatedMemory, _ states: [Contents], _ options: StoreOptions) throws {
    let store = try Store.open(on: memory, options: options)
    let items = try store.read { (transaction) throws(StorageError) in
      try transaction.map("m", UInt16.self, String.self).items()
    }
    let found = Contents(uniqueKeysWithValues: items.map { ($0.key, $0.value) })
    guard states.contains(found) else { throw Mismatch(text: "a state that never was") }
    for transaction in try store.transactions() { try store.rollback(transaction.id) }
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.map("m", UInt16.self, String.self).put(.max, String(repeating: "after", count: 500))
    }
    let findings = try store.check(deep: true).findings
    guard findings.isEmpty else { throw Mismatch(text: "\(findings)") }
    try store.close()
  }
}
