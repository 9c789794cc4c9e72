import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnObjects

/// A short history of a volume of objects, with the power lost at points all along it: what was acknowledged is there,
/// what was under way is there whole or not at all, and the store goes on working.
@Suite("Objects and power loss")
struct ObjectCrashTests {
  /// The time stands still.
  static let now: UInt64 = 1_000_000_000_000

  /// The transactions of the history, each with its steps. Those of `staged` are done in a multi-call transaction, one
  /// call each, before its commit.
  static func history(_ seed: UInt64) -> [[Step]] {
    var generator = StepGenerator(
      random: SeededGenerator(seed: seed), makesLargeObjects: false, keyByteCountMax: 113)
    var model = ObjectModel()
    var history: [[Step]] = [[.createBucket("a", ifMissing: false), .createBucket("b", ifMissing: false)]]
    for step in history[0] { _ = model.run(step, now: now) }
    while history.count < 9 {
      var steps: [Step] = []
      for _ in 0..<3 {
        // What a step would see is decided by a model that only knows how the history goes without a loss.
        let step = generator.step(model)
        _ = model.run(step, now: now)
        steps.append(step)
      }
      history.append(steps)
    }
    return history
  }

  /// Plays the history until the memory fails; the states that may be found then: that of the last acknowledged commit,
  /// and that of the one under way.
  private func play(_ history: [[Step]], on memory: SimulatedMemory, options: StoreOptions) -> [ObjectModel] {
    var model = ObjectModel()
    var working = model
    do throws(StorageError) {
      let store = try Store.open(on: memory, options: options)
      for (index, steps) in history.enumerated() {
        working = model
        if index % 3 == 2 {
          let id = try store.begin()
          for step in steps {
            try store.resume(id) { (transaction) throws(StorageError) in
              _ = try step.run(try transaction.objects(), nil)
            }
          }
          for step in steps { _ = working.run(step, now: Self.now) }
          try store.commit(id)
        } else {
          for step in steps { _ = working.run(step, now: Self.now) }
          try store.transaction { (transaction) throws(StorageError) in
            for step in steps { _ = try step.run(try transaction.objects(), nil) }
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

  @Test("leaves the last state or the next one", arguments: TestSeeds.list(count: 3))
  func powerLoss(seed: UInt64) throws {
    let history = Self.history(seed)
    let options = StoreOptions(filesystems: [ObjectFilesystem()], environment: TestWorld(seed: seed).environment)
    let fresh = SimulatedMemory(pageCount: 48)
    let store = try Store.create(on: fresh, format: FormatOptions(blockByteCount: 512), options: options)
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.close()
    let image = fresh.crashImage { _, _ in .new }
    let whole = SimulatedMemory(image: image)
    whole.recordsEvents = true
    #expect(play(history, on: whole, options: options).count == 1)
    let callCount = whole.events.count
    #expect(callCount > 40)
    // A prime step, and another start for each seed, so that all kinds of points come up.
    for point in stride(from: Int(seed % 5), to: callCount, by: 5) {
      let memory = SimulatedMemory(image: image)
      memory.failsAfter = point
      let states = play(history, on: memory, options: options)
      for fate in 0..<3 {
        var random = SeededGenerator(seed: UInt64(point))
        let after = memory.crashImage { _, _ in
          switch fate {
          case 0: .old
          case 1: .new
          default: [.old, .new, .garbage][random.below(3)]
          }
        }
        do {
          try verify(SimulatedMemory(image: after), states, options)
        } catch {
          Issue.record(
            "point \(point) of \(callCount), fate \(fate): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter ObjectCrashTests"
          )
          return
        }
      }
    }
  }

  struct Mismatch: Error { let text: String }

  private func verify(_ memory: SimulatedMemory, _ states: [ObjectModel], _ options: StoreOptions) throws {
    let store = try Store.open(on: memory, options: options)
    let found = try store.read { (transaction) throws(StorageError) in try Self.contents(try transaction.objects()) }
    let expected = states.map { state in state.buckets.mapValues { $0.mapValues { $0.bytes } } }
    guard expected.contains(found) else { throw Mismatch(text: "a state that never was") }
    // What a multi-call transaction had staged is there to be rolled back, and nothing is lost or held by nobody.
    for transaction in try store.transactions() { try store.rollback(transaction.id) }
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.createBucket("after", ifMissing: true)
      try transaction.bucket("after").put("k", [UInt8](repeating: 1, count: 3000))
    }
    let findings = try store.check(deep: true).findings
    guard findings.isEmpty else { throw Mismatch(text: "\(findings)") }
    try store.close()
  }

  private static func contents(_ objects: ObjectVolume) throws(StorageError) -> [String: [[UInt8]: [UInt8]]] {
    var all: [String: [[UInt8]: [UInt8]]] = [:]
    for bucket in try objects.buckets() {
      var contents: [[UInt8]: [UInt8]] = [:]
      for object in try objects.bucket(bucket.name).list().objects {
        contents[object.key.bytes] = try objects.bucket(bucket.name).get(object.key)
      }
      all[bucket.name] = contents
    }
    return all
  }
}
