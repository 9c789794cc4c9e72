import CairnBlocks
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnVolumes

/// The power goes at every write and flush of a trace of multi-call transactions: what comes back is the state before or
/// after the step that was running, and the transaction can be gone on with.
@Suite("Power loss in multi-call transactions")
struct CrashTests {
  static let steps = 13
  static let id = 7

  /// What a program can see: notes with their lengths, volumes, open transactions.
  static func picture(_ store: Store) throws(StorageError) -> String {
    var lines = try store.transactions().map { "\($0.id) \($0.state) \($0.operationCount) \($0.callNumber)" }
    try store.read { (transaction) throws(StorageError) in
      for volume in try transaction.volumes() where !volume.isBeingRemoved {
        lines.append(
          "\(volume.name) \(volume.usage.itemCount) \(volume.usage.byteCount) \(volume.usage.stagedBlockCount)")
        let notes = try transaction.notes(volume.name)
        for name in try notes.names() { lines.append("\(name) \(try notes.text(of: name)?.count ?? -1)") }
      }
    }
    return lines.joined(separator: ", ")
  }

  struct Trace {
    let world: TestWorld
    var options: StoreOptions
    let memory: SimulatedMemory
    var store: Store?
    var ids: [TransactionID] = []

    init() {
      world = TestWorld(seed: 3)
      options = StoreOptions(filesystems: [Notes()], environment: world.environment)
      memory = SimulatedMemory(pageCount: 24)
    }

    mutating func prepare() throws(StorageError) {
      let store = try Store.create(
        on: memory, format: FormatOptions(journalByteCount: 256 << 10), options: options)
      try store.createVolume("notes", kind: VolumeKind("note"))
      try store.createVolume("gone", kind: VolumeKind("note"))
      self.store = store
    }

    /// One step; each is a commit, or a removal of several.
    mutating func step(_ number: Int) throws(StorageError) {
      guard let store else { return }
      func put(_ name: String, _ count: Int, _ volume: String = "notes") -> (Transaction) throws(StorageError) -> Void {
        { (transaction) throws(StorageError) in try transaction.notes(volume).put(bytes(count), under: name) }
      }
      switch number {
      case 0: try store.transaction(put("a", 9_000))
      case 1: ids.append(try store.begin())
      case 2: try store.resume(ids[0], callNumber: 1, put("b", 20_000))
      case 3: try store.transaction(put("c", 100, "gone"))
      case 4: try store.resume(ids[0], callNumber: 2, put("a", 100))
      case 5: ids.append(try store.begin())
      case 6: try store.resume(ids[1], put("d", 30_000))
      case 7: try store.commit(ids[0])
      case 8: try store.prepare(ids[1])
      case 9: try store.transaction(put("e", 5_000, "gone"))
      case 10: try store.rollback(ids[1])
      case 11: try store.removeVolume("gone")
      default: try store.transaction(put("f", 9_000))
      }
    }
  }

  /// The states after each step, and how many calls to the memory the trace takes.
  static let expected: (pictures: [String], calls: Int)? = {
    do {
      var trace = Trace()
      try trace.prepare()
      guard let store = trace.store else { return nil }
      trace.memory.recordsEvents = true
      let before = trace.memory.events.count
      var pictures = [try picture(store)]
      for step in 0..<steps {
        try trace.step(step)
        pictures.append(try picture(store))
      }
      return (pictures, trace.memory.events.count - before)
    } catch {
      return nil
    }
  }()

  enum Fate: CaseIterable { case nothing, everything, halves, garbage }

  @Test("at every call to the memory", arguments: Fate.allCases)
  func everywhere(_ fate: Fate) throws {
    let expected = try #require(Self.expected)
    #expect(Set(expected.pictures).count == Self.steps + 1, "each step must show")
    #expect(expected.calls > 30)
    for call in 0..<expected.calls {
      var trace = Trace()
      try trace.prepare()
      trace.memory.failsAfter = call
      var done = 0
      do throws(StorageError) {
        for step in 0..<Self.steps {
          try trace.step(step)
          done += 1
        }
      } catch {}
      var generator = SeededGenerator(seed: UInt64(call))
      let image = trace.memory.crashImage { _, _ in
        switch fate {
        case .nothing: .old
        case .everything: .new
        case .halves: generator.below(2) == 0 ? .old : .new
        case .garbage: [.old, .new, .garbage][generator.below(3)]
        }
      }
      try examine(image, trace, expected.pictures, done: done, "\(fate) call \(call) step \(done)")
    }
  }

  private func examine(
    _ image: [UInt8], _ trace: Trace, _ pictures: [String], done: Int, _ place: String
  ) throws {
    let memory = SimulatedMemory(image: image)
    let store = try Store.open(on: memory, options: trace.options)
    let picture = try Self.picture(store)
    let legal = pictures[done...min(done + 1, Self.steps)]
    // A volume's blocks come back in commits behind the one that removed it.
    try #require(legal.contains(picture), "\(place): \(picture)")
    try #require(try store.check(deep: true).findings == [], "\(place)")
    // The client repeats what it got no answer for, and goes on.
    var again = trace
    again.store = store
    // A begin whose answer was lost stays until its lease runs out.
    let isAfter = picture == pictures[min(done + 1, Self.steps)] && picture != pictures[done]
    if isAfter, done == 1 || done == 5 {
      again.ids.append(contentsOf: try store.transactions().map { $0.id }.suffix(1))
    }
    if again.ids.count <= 2, done < Self.steps {
      for step in (isAfter ? done + 1 : done)..<Self.steps { try again.step(step) }
      let end = try Self.picture(store)
      try #require(Self.withoutIDs(end) == Self.withoutIDs(pictures[Self.steps]), "\(place): \(end)")
    }
    try #require(try store.check(deep: true).findings == [], "\(place)")
  }

  private static func withoutIDs(_ picture: String) -> String {
    guard let start = picture.range(of: "notes") else { return picture }
    return String(picture[start...])
  }
}

extension String {
  fileprivate func range(of part: String) -> String.Index? {
    indices.first { self[$0...].hasPrefix(part) }
  }
}
