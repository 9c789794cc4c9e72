import CairnBlocks
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnObjects

/// The object store against its model: the same random steps in transactions of one call and of many, with openings in
/// between, on a store that runs full.
@Suite("Objects in lockstep with a model")
struct ObjectLockstepTests {
  /// A multi-call transaction as the model keeps it: what it did, when, and what came of it.
  struct OpenTransaction {
    let id: TransactionID
    var steps: [(step: Step, now: UInt64, outcome: Outcome)] = []
    /// How many commits there had been when it began.
    let version: Int
    var isPrepared = false
  }

  struct Mismatch: Error, CustomStringConvertible {
    let description: String
  }

  @Test("random sequences", arguments: TestSeeds.list(count: 24))
  func random(seed: UInt64) throws {
    var run = try Run(seed: seed)
    do {
      for round in 0..<60 {
        run.round = round
        try run.play()
      }
      try run.finish()
    } catch {
      Issue.record(
        "round \(run.round): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter ObjectLockstepTests")
    }
  }

  /// One sequence.
  struct Run {
    let fixture: ObjectFixture
    var generator: StepGenerator
    var model = ObjectModel()
    var open: [OpenTransaction] = []
    /// Commits so far.
    var version = 0
    var round = 0

    init(seed: UInt64) throws {
      let blockByteCount = [4096, 4096, 1024, 512][Int(seed % 4)]
      fixture = try ObjectFixture(
        seed: seed, pageCount: blockByteCount == 512 ? 48 : 64, blockByteCount: blockByteCount, bucket: nil)
      generator = StepGenerator(
        random: SeededGenerator(seed: seed), makesLargeObjects: seed % 3 == 0,
        keyByteCountMax: ObjectLimits.keyByteCountMax(blockByteCount: blockByteCount))
    }

    private func mismatch(_ text: String) -> Mismatch { Mismatch(description: text) }

    mutating func play() throws {
      fixture.world.now += UInt64(generator.random.below(900_000_000))
      switch generator.random.below(20) {
      case 0...7: try single()
      case 8, 9: try look()
      case 10, 11: try begin()
      case 12...15: try resume()
      case 16, 17: try end()
      case 18: try prepare()
      default: try reopen()
      }
      if round % 20 == 19 { try compare() }
    }

    mutating func finish() throws {
      for transaction in open { try fixture.store.rollback(transaction.id) }
      open = []
      try compare()
      let before = fixture.store.space.free
      try fixture.reopen()
      try compare()
      guard fixture.store.space.free == before else { throw mismatch("an opening changed the free space") }
      // Everything can be deleted, and comes back.
      try fixture.change { (objects) throws in
        for (name, bucket) in model.buckets {
          for key in bucket.keys { try objects.bucket(name).delete(ObjectKey(key)) }
          try objects.deleteBucket(name)
        }
      }
      model = ObjectModel()
      try compare()
    }

    // MARK: Rounds

    /// A transaction of one call; sometimes it is given up.
    private mutating func single() throws {
      var working = model
      let now = fixture.world.now
      let steps = makeSteps(working, 1 + generator.random.below(4))
      let writers = try makeWriters(steps)
      let givesUp = generator.chance(6)
      do {
        try fixture.change { (objects) throws in
          for (index, step) in steps.enumerated() {
            try compare(try step.run(objects, writers[index]), working.run(step, now: now), step)
          }
          if givesUp { throw StorageError.closed }
        }
        model = working
        version += 1
      } catch let error as StorageError {
        if givesUp, error == .closed { return }
        if case .conflict = error, open.contains(where: { $0.isPrepared }) { return }
        try requireCapacity(error)
      }
    }

    private mutating func look() throws {
      let steps = (0..<3).map { _ in generator.read(model) }
      var working = model
      try fixture.read { (objects) throws in
        for step in steps { try compare(try step.run(objects, nil), working.run(step, now: 0), step) }
      }
    }

    private mutating func begin() throws {
      guard open.count < 3 else { return try end() }
      do {
        open.append(OpenTransaction(id: try fixture.store.begin(), version: version))
      } catch {
        try requireCapacity(error)
      }
    }

    private mutating func resume() throws {
      guard !open.isEmpty else { return try begin() }
      let index = generator.random.below(open.count)
      guard !open[index].isPrepared else { return try end(index) }
      // What the transaction did is done again on what is there now.
      var (working, isSame) = replay(open[index])
      let now = fixture.world.now
      let steps = makeSteps(working, 1 + generator.random.below(3))
      let writers = try makeWriters(steps)
      var done: [(Step, UInt64, Outcome)] = []
      do {
        try fixture.resume(open[index].id) { (objects) throws in
          for (index, step) in steps.enumerated() {
            let outcome = try step.run(objects, writers[index])
            if isSame { try compare(outcome, working.run(step, now: now), step) }
            done.append((step, now, outcome))
          }
        }
        open[index].steps += done.map { (step: $0.0, now: $0.1, outcome: $0.2) }
      } catch let error as StorageError {
        if case .conflict = error {
          guard version != open[index].version || open.contains(where: { $0.isPrepared }) else {
            throw mismatch("a conflict with nobody: \(error)")
          }
          try? fixture.store.rollback(open[index].id)
          open.remove(at: index)
          return
        }
        try requireCapacity(error)
      }
    }

    private mutating func end() throws {
      guard !open.isEmpty else { return try single() }
      try end(generator.random.below(open.count))
    }

    private mutating func end(_ index: Int) throws {
      let transaction = open.remove(at: index)
      if generator.chance(4) { return try fixture.store.rollback(transaction.id) }
      let (replayed, isSame) = replay(transaction)
      do {
        try fixture.store.commit(transaction.id)
        guard isSame else { throw mismatch("a transaction committed whose reads have changed") }
        model = replayed
        version += 1
      } catch let error as StorageError {
        if case .conflict = error {
          if transaction.isPrepared { throw mismatch("a prepared transaction got \(error)") }
          guard version != transaction.version || open.contains(where: { $0.isPrepared }) else {
            throw mismatch("a conflict with nobody: \(error)")
          }
          return
        }
        try requireCapacity(error)
        try fixture.store.rollback(transaction.id)
      }
    }

    private mutating func prepare() throws {
      guard let index = open.indices.first(where: { !open[$0].isPrepared }) else { return try begin() }
      let (_, isSame) = replay(open[index])
      do {
        try fixture.store.prepare(open[index].id)
        guard isSame else { throw mismatch("a transaction was prepared whose reads have changed") }
        open[index].isPrepared = true
      } catch let error as StorageError {
        if case .conflict = error {
          guard version != open[index].version || open.contains(where: { $0.isPrepared }) else {
            throw mismatch("a conflict with nobody: \(error)")
          }
          open.remove(at: index)
          return
        }
        try requireCapacity(error)
      }
    }

    private mutating func reopen() throws { try fixture.reopen(cleanly: generator.chance(2)) }

    // MARK: Parts

    private mutating func makeSteps(_ model: ObjectModel, _ count: Int) -> [Step] {
      (0..<count).map { _ in generator.step(model) }
    }

    /// The writers of streamed puts, filled; without space, such a put goes without.
    private func makeWriters(_ steps: [Step]) throws -> [ObjectWriter?] {
      try steps.map { step in
        guard case .put(_, _, let contents, _, _) = step, contents.isStreamed else { return nil }
        do {
          let writer = try fixture.store.objectWriter(expecting: contents.bytes.count % 2 == 0 ? 70_000 : nil)
          let half = contents.bytes.count / 2
          try writer.write(Array(contents.bytes[..<half]))
          try writer.write(Array(contents.bytes[half...]))
          return writer
        } catch let error as StorageError {
          try requireCapacity(error)
          return nil
        }
      }
    }

    /// What a transaction did, done again on the committed state, and whether the same came of it.
    private func replay(_ transaction: OpenTransaction) -> (ObjectModel, isSame: Bool) {
      var working = model
      var isSame = true
      for (step, now, outcome) in transaction.steps where working.run(step, now: now) != outcome { isSame = false }
      return (working, isSame)
    }

    private func requireCapacity(_ error: StorageError) throws {
      switch error {
      case .full, .transactionTooLarge, .limitExceeded: return
      default: throw mismatch("unexpected: \(error)")
      }
    }

    private func compare(_ found: Outcome, _ expected: Outcome, _ step: Step) throws {
      if found == expected { return }
      let texts = ["\(step)", "\(expected)", "\(found)"].map { String($0.prefix(600)) }
      throw mismatch("\(texts[0]): expected \(texts[1]), found \(texts[2])")
    }

    /// Everything that is there, against everything that should be.
    private func compare() throws {
      let findings = try fixture.findings()
      guard findings.isEmpty else { throw mismatch("check: \(findings)") }
      try fixture.read { (objects) throws in
        var expected = model
        try compare(try Step.buckets.run(objects, nil), expected.run(.buckets, now: 0), .buckets)
        for (name, bucket) in model.buckets {
          let all = Step.list(name, ObjectQuery(limit: .max))
          try compare(try all.run(objects, nil), expected.run(all, now: 0), all)
          for key in bucket.keys {
            let get = Step.get(name, key, nil, .none)
            try compare(try get.run(objects, nil), expected.run(get, now: 0), get)
            let find = Step.find(name, key)
            try compare(try find.run(objects, nil), expected.run(find, now: 0), find)
          }
        }
      }
    }
  }
}
