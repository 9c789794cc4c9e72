import CairnBlocks
import CairnDisks
import CairnMemory
import CairnObjects
import CairnTestSupport
import CairnVolumes
import Testing

/// Short traces of a whole store (objects, a disk, multi-call transactions), crashed at every write and flush: what is
/// found afterwards is one of the states that a caller may see, whole, the check is clean, and the store goes on working.
@Suite("Crashes of a store at every point")
struct StoreCrashTests {
  /// What a store shows: objects by key, the first block of the disk, and the open transactions.
  private struct Contents: Equatable {
    var objects: [String: [UInt8]] = [:]
    var disk: [UInt8] = [UInt8](repeating: 0, count: 512)
    var openTransactions = 0
  }

  private final class Salt: @unchecked Sendable {
    private var generator: SeededGenerator
    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
    func next() -> UInt64 { generator.next() }
  }

  private static func options(_ seed: UInt64) -> StoreOptions {
    let salt = Salt(seed)
    var options = StoreOptions(filesystems: [ObjectFilesystem(), DiskFilesystem()])
    options.environment = Environment(now: { 1_000_000_000 }, random: { salt.next() })
    return options
  }

  /// One letter is one operation: p put inline, l put large, o overwrite all, d delete one, w write the disk, m both in one
  /// transaction, b begin, s stage, c commit, r rollback, k checkpoint, x close and open.
  static let traces = ["plod", "mmwm", "bsc", "bsr", "plbsscx", "lbslsrl", "bspcx", "wmkwx"]

  @Test("show what was acknowledged, or the call in flight whole", arguments: traces)
  func everyPoint(trace: String) throws {
    let memory = SimulatedMemory(pageCount: 12)
    let format = FormatOptions(
      blockByteCount: 512, journalByteCount: 96 * 512, imageSlotCount: 2, imageSlotBlockCount: 8)
    var store = try Store.create(on: memory, format: format, options: Self.options(1))
    _ = try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    _ = try store.createDisk("disk", DiskGeometry(blockCount: 8, blockByteCount: 512))
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket("bucket")
    }
    try store.close()
    let initial = memory.durableImage
    memory.recordsEvents = true

    var run = Run()
    store = try Store.open(on: memory, options: Self.options(2))
    run.states = [Contents()]
    run.acknowledged = [(0, 0)]
    for (index, letter) in trace.enumerated() {
      if letter == "x" {
        try store.close()
        store = try Store.open(on: memory, options: Self.options(UInt64(index) + 10))
      } else {
        try run.perform(letter, number: UInt8(index + 1), store: store)
      }
      run.acknowledged.append((memory.events.count, run.states.count - 1))
    }

    let events = memory.events
    // Whole-store checks are slow in a debug build: then every third image is taken, in a release build all of them.
    var number = 0
    #if DEBUG
      let step = 3
    #else
      let step = 1
    #endif
    let images = try CrashEnumerator().forEachImage(initial: initial, events: events) { image, point, subset in
      number += 1
      guard number % step == 0 else { return }
      let least = run.acknowledged.last { $0.event <= point }?.state ?? 0
      let most = min(least + 1, run.states.count - 1)
      do {
        try Self.verify(image, allowed: Array(run.states[least...most]))
      } catch {
        Issue.record("trace \(trace), event \(point) of \(events.count), \(subset): \(error)")
        throw error
      }
    }
    #expect(images > events.count)
    print("store, trace \(trace): \(events.count) writes and flushes, \(images / step) crash images")
  }

  /// The trace so far: all states in order, and from which event on each is acknowledged.
  private struct Run {
    var states: [Contents] = []
    var acknowledged: [(event: Int, state: Int)] = []
    private var open: TransactionID?
    private var staged: [(key: String, bytes: [UInt8]?)] = []

    mutating func perform(_ letter: Character, number: UInt8, store: Store) throws {
      var next = states[states.count - 1]
      let key = "key-\(letter)-\(number)"
      let small = [UInt8](repeating: number, count: 40)
      let large = [UInt8](repeating: number, count: 3000)
      let block = [UInt8](repeating: number, count: 512)
      switch letter {
      case "p", "l":
        let bytes = letter == "p" ? small : large
        try store.transaction { (transaction) throws(StorageError) in
          try transaction.bucket("bucket").put(ObjectKey(key), bytes)
        }
        next.objects[key] = bytes
      case "o":
        let keys = next.objects.keys.sorted()
        try store.transaction { (transaction) throws(StorageError) in
          for key in keys { try transaction.bucket("bucket").put(ObjectKey(key), large) }
        }
        for key in keys { next.objects[key] = large }
      case "d":
        guard let victim = next.objects.keys.min() else { return }
        try store.transaction { (transaction) throws(StorageError) in
          _ = try transaction.bucket("bucket").delete(ObjectKey(victim))
        }
        next.objects[victim] = nil
      case "w", "m":
        try store.transaction { (transaction) throws(StorageError) in
          try transaction.disk("disk").write(0, block)
          if letter == "m" { try transaction.bucket("bucket").put(ObjectKey(key), large) }
        }
        next.disk = block
        if letter == "m" { next.objects[key] = large }
      case "b":
        open = try store.begin()
        staged = []
        next.openTransactions = 1
      case "s":
        guard let open else { return }
        try store.resume(open) { (transaction) throws(StorageError) in
          try transaction.bucket("bucket").put(ObjectKey(key), large)
        }
        staged.append((key, large))
      case "c":
        guard let id = open else { return }
        try store.commit(id)
        for (key, bytes) in staged { next.objects[key] = bytes }
        next.openTransactions = 0
        open = nil
      case "r":
        guard let id = open else { return }
        try store.rollback(id)
        next.openTransactions = 0
        open = nil
      case "k": try store.checkpoint()
      default: Issue.record("unknown letter \(letter)")
      }
      states.append(next)
    }
  }

  /// Opens an image, compares it with the allowed states, checks it, uses it, and opens it again.
  private static func verify(_ image: [UInt8], allowed: [Contents]) throws {
    let memory = SimulatedMemory(image: image)
    var store = try Store.open(on: memory, options: options(99))
    try requireSound(store)
    var found = try contents(store)
    guard allowed.contains(found) else {
      throw StorageError.invalidArgument("shows \(summary(found)), allowed \(allowed.map { summary($0) })")
    }
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.bucket("bucket").put("afterwards", [1, 2, 3])
    }
    found.objects["afterwards"] = [1, 2, 3]
    for transaction in try store.transactions() { try store.rollback(transaction.id) }
    found.openTransactions = 0
    try store.close()
    store = try Store.open(on: SimulatedMemory(image: memory.durableImage), options: options(98))
    try requireSound(store)
    guard try contents(store) == found else {
      throw StorageError.invalidArgument("shows something else after it was used")
    }
  }

  private static func requireSound(_ store: Store) throws {
    let report = try store.check(deep: true)
    guard report.findings.isEmpty else { throw StorageError.invalidArgument("check: \(report.findings)") }
  }

  private static func contents(_ store: Store) throws -> Contents {
    var contents = try store.read { (transaction) throws(StorageError) in
      var contents = Contents()
      let bucket = try transaction.bucket("bucket")
      for object in try bucket.list().objects {
        contents.objects[object.key.description] = try bucket.get(object.key)
      }
      contents.disk = try transaction.disk("disk").read(0)
      return contents
    }
    contents.openTransactions = try store.transactions().count
    return contents
  }

  private static func summary(_ contents: Contents) -> String {
    let objects = contents.objects.map { "\($0.key)=\($0.value.count)x\($0.value.first ?? 0)" }.sorted()
    return "\(objects) disk \(contents.disk[0]) open \(contents.openTransactions)"
  }
}
