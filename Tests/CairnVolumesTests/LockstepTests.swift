import CairnBlocks
import CairnTestSupport
import Testing

@testable import CairnVolumes

/// Random sequences on a store and on its model, step by step.
@Suite("Store and model in lockstep")
struct LockstepTests {
  static let volumes = ["notes", "more"]
  static let names = ["a", "b", "c", "d", "e"]

  static func action(_ generator: inout SeededGenerator) -> StoreModel.Action {
    let volume = volumes[generator.below(3) == 0 ? 1 : 0]
    let name = names[generator.below(names.count)]
    switch generator.below(12) {
    case 0...3:
      let count = generator.below(4) == 0 ? 300 + generator.below(12_000) : generator.below(20)
      return .put(volume, name, generator.bytes(count))
    case 4, 5: return .remove(volume, name)
    case 6, 7: return .get(volume, name)
    case 8, 9:
      let other = names[generator.below(names.count)]
      let low = generator.below(3) == 0 ? nil : min(name, other)
      let high = generator.below(3) == 0 ? nil : max(name, other) + "x"
      return .names(volume, from: low, to: high)
    case 10: return .count(volume)
    default: return generator.below(4) == 0 ? .fail : .get(volume, name)
    }
  }

  /// Does a call's actions on the store, and says what each answered.
  static func perform(
    _ actions: [StoreModel.Action], in transaction: Transaction, _ answers: inout [StoreModel.Answer]
  ) throws(StorageError) {
    for action in actions {
      do throws(StorageError) {
        switch action {
        case .put(let volume, let name, let text):
          try transaction.notes(volume).put(text, under: name)
          answers.append(.done)
        case .remove(let volume, let name):
          try transaction.notes(volume).remove(name)
          answers.append(.done)
        case .get(let volume, let name): answers.append(.text(try transaction.notes(volume).text(of: name)))
        case .names(let volume, let low, let high):
          answers.append(.names(try transaction.notes(volume).names(from: low, to: high)))
        case .count(let volume):
          answers.append(.count(Int(try transaction.notes(volume).volume.root.count())))
        case .fail: throw .invalidArgument("fail")
        }
      } catch {
        if case .conflict = error { answers.append(.conflict) } else { answers.append(.failed(error)) }
        throw error
      }
    }
  }

  struct Unexpected: Error { var text: String }

  struct Run {
    let fixture: Fixture
    var model: StoreModel
    var generator: SeededGenerator
    var log: [String] = []
    var counts: [String: Int] = [:]

    init(seed: UInt64) throws {
      fixture = try Fixture(seed: seed, pageCount: 128)
      try fixture.store.createVolume("more", kind: VolumeKind("note"))
      model = StoreModel(volumes: ["notes": [:], "more": [:]])
      generator = SeededGenerator(seed: seed)
    }

    /// What was done, the last first.
    var tail: String { log.reversed().joined(separator: "; ") }

    mutating func step() throws {
      let ids = model.open.keys.sorted { $0.rawValue < $1.rawValue }
      let id = ids.isEmpty ? nil : ids[generator.below(ids.count)]
      switch generator.below(20) {
      case 0, 1:
        guard ids.count < 4 else { return }
        let id = try fixture.store.begin()
        #expect(model.ended[id] == nil && model.open[id] == nil)
        model.open[id] = StoreModel.Open()
        log.append("begin \(id)")
      case 2...8:
        guard let id else { return }
        try call(id)
      case 9, 10:
        guard let id else { return }
        log.append("commit \(id)")
        let isCommitted = model.commit(id)
        let store = fixture.store
        try ends(isCommitted, "commit") { () throws(StorageError) in try store.commit(id) }
      case 11:
        guard let id else { return }
        log.append("rollback \(id)")
        model.rollback(id)
        try fixture.store.rollback(id)
      case 12:
        guard let id else { return }
        log.append("prepare \(id)")
        let isPrepared = model.prepare(id)
        let store = fixture.store
        try ends(isPrepared, "prepare") { () throws(StorageError) in try store.prepare(id) }
      case 13...16: try single()
      case 17: try again()
      default:
        let cleanly = generator.below(2) == 0
        log.append("reopen \(cleanly)")
        try fixture.reopen(cleanly: cleanly)
      }
      try compare()
    }

    private mutating func ends(_ expected: Bool, _ what: String, _ body: () throws(StorageError) -> Void) throws {
      counts["\(what) \(expected)", default: 0] += 1
      var isConflict: StorageError?
      do throws(StorageError) {
        try body()
      } catch {
        isConflict = error
      }
      if let isConflict {
        guard case .conflict = isConflict, !expected else { throw Unexpected(text: "\(isConflict): \(tail)") }
      } else {
        try #require(expected, "a conflict was expected: \(tail)")
      }
    }

    private mutating func actions() -> [StoreModel.Action] {
      (0...generator.below(4)).map { _ in LockstepTests.action(&generator) }
    }

    private mutating func call(_ id: TransactionID) throws {
      guard let open = model.open[id], !open.isPrepared else { return }
      let actions = actions()
      log.append("call \(id) \(actions)")
      let isNumbered = generator.below(2) == 0
      let expected = model.resume(id, actions, isNumbered: isNumbered)
      counts["call \(expected.map(StoreModel.succeeded) ?? false)", default: 0] += 1
      var answers: [StoreModel.Answer] = []
      var isDone = false
      do throws(StorageError) {
        if isNumbered {
          let result: Bool? = try fixture.store.resume(id, callNumber: open.callNumber + 1) {
            (transaction) throws(StorageError) in
            try LockstepTests.perform(actions, in: transaction, &answers)
            return true
          }
          #expect(result == true)
        } else {
          try fixture.store.resume(id) { (transaction) throws(StorageError) in
            try LockstepTests.perform(actions, in: transaction, &answers)
          }
        }
        isDone = true
      } catch {
        log.append("\(error)")
      }
      try #require(isDone == (expected.map(StoreModel.succeeded) == true), "\(tail)")
      if let expected {
        try #require(answers == expected, "\(tail)")
      } else {
        try #require(answers.last == .conflict, "\(tail)")
      }
    }

    private mutating func single() throws {
      let actions = actions()
      log.append("single \(actions)")
      let expected = model.single(actions)
      counts["single \(StoreModel.succeeded(expected))", default: 0] += 1
      var answers: [StoreModel.Answer] = []
      var isDone = false
      do throws(StorageError) {
        try fixture.store.transaction { (transaction) throws(StorageError) in
          try LockstepTests.perform(actions, in: transaction, &answers)
        }
        isDone = true
      } catch {
        log.append("\(error)")
      }
      try #require(isDone == StoreModel.succeeded(expected), "\(tail)")
      try #require(answers == expected, "\(tail)")
    }

    /// Ended transactions answer the same again.
    private mutating func again() throws {
      let ids = model.ended.keys.sorted { $0.rawValue < $1.rawValue }
      guard !ids.isEmpty else { return }
      let id = ids[generator.below(ids.count)]
      let store = fixture.store
      switch try #require(model.ended[id]) {
      case .committed:
        try store.commit(id)
        #expect(throws: StorageError.self) { try store.rollback(id) }
      case .rolledBack:
        #expect(throws: StorageError.transactionState(id.rawValue, state: "rolled back")) { try store.commit(id) }
        try store.rollback(id)
      case .conflict:
        let error = #expect(throws: StorageError.self) { try store.commit(id) }
        guard case .conflict = error else {
          Issue.record("\(tail)")
          return
        }
        try store.rollback(id)
      }
    }

    /// The committed state, and the list of open transactions.
    func compare() throws {
      for volume in LockstepTests.volumes {
        let notes = try fixture.store.read { (transaction) throws(StorageError) -> [String: [UInt8]] in
          let notes = try transaction.notes(volume)
          var all: [String: [UInt8]] = [:]
          for name in try notes.names() { all[name] = try notes.text(of: name) }
          return all
        }
        try #require(notes == model.volumes[volume], "\(volume) \(tail)")
      }
      let listed = try fixture.store.transactions()
      try #require(Set(listed.map { $0.id }) == Set(model.open.keys), "\(tail)")
      for transaction in listed {
        let open = try #require(model.open[transaction.id])
        #expect(transaction.operationCount == UInt64(open.operations.count))
        #expect(transaction.callNumber == open.callNumber)
        #expect((transaction.state == .prepared) == open.isPrepared)
      }
    }
  }

  @Test("200 steps", arguments: TestSeeds.list(count: 60))
  func lockstep(seed: UInt64) throws {
    var run = try Run(seed: seed)
    for step in 0..<200 {
      try run.step()
      if step % 40 == 39 { #expect(try run.fixture.findings() == [], "\(run.tail)") }
    }
    // What is left over goes back without a trace.
    for id in run.model.open.keys { try run.fixture.store.rollback(id) }
    #expect(try run.fixture.findings() == [])
    let usage = try run.fixture.store.volumes().map { $0.usage }
    #expect(usage.map { $0.stagedBlockCount } == [0, 0])
    #expect(usage.map { Int($0.itemCount) } == LockstepTests.volumes.map { run.model.volumes[$0]?.count })
  }

  @Test("the sequences reach everything")
  func coverage() throws {
    var counts: [String: Int] = [:]
    for seed in UInt64(1)...30 {
      var run = try Run(seed: seed)
      for _ in 0..<100 { try run.step() }
      counts.merge(run.counts) { $0 + $1 }
    }
    for what in ["commit", "prepare", "call", "single"] {
      for isDone in [true, false] {
        #expect(counts["\(what) \(isDone)", default: 0] >= 10, "\(what) \(isDone): \(counts)")
      }
    }
  }
}
