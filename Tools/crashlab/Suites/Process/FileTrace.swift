import CairnBlocks
import CairnDisks
import CairnMemory
import CairnObjects
import CairnTestSupport
import CairnVolumes
import Foundation

/// A run of a store on a real file, whose writes, flushes and growth are recorded at the seam of the memory, and then crashed
/// at every point.
struct FileTrace {
  let seed: UInt64
  /// Whether all subsets of unflushed sectors are taken that the lab's policy has, or the ones of a short run.
  let takesAll: Bool

  /// Steps of one trace.
  private static let stepCount = 14

  /// What a store shows: objects by key, the disk's first blocks, open transactions.
  private struct Contents: Equatable {
    var objects: [String: [UInt8]] = [:]
    var disk: [UInt64: [UInt8]] = [:]
    var openCount = 0

    /// The same with an object put, or gone.
    func setting(_ key: String, _ bytes: [UInt8]?) -> Contents {
      var copy = self
      copy.objects[key] = bytes
      return copy
    }
  }

  func everyCrash(_ replay: ReplayString, isNew: (UInt64) -> Bool) throws {
    let folder = try LabFolder()
    let recording = RecordingMemory(try FileMemory.create(path: folder.path("image").path, byteCount: 1 << 20))
    defer { recording.close() }
    let world = TraceWorld(seed)
    var store = try Store.create(
      on: recording,
      format: FormatOptions(
        blockByteCount: 4096, journalByteCount: 16 * 4096, imageSlotCount: 2, imageSlotBlockCount: 4,
        growsByItself: true),
      options: Self.options(world))
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.createDisk("disk", DiskGeometry(blockCount: 8))
    try store.transaction { (transaction) throws(StorageError) in try transaction.createBucket("b") }
    try store.close()
    let initial = try recording.startRecording()
    store = try Store.open(on: recording, options: Self.options(world))

    var states = [Contents()]
    var acknowledged: [(event: Int, state: Int)] = [(0, 0)]
    var draws = SeededGenerator(seed: seed)
    for step in 0..<Self.stepCount {
      if step % 5 == 4 {
        try store.close()
        store = try Store.open(on: recording, options: Self.options(world))
        continue
      }
      for call in Self.calls(store, step, &draws) {
        states.append(try call(states[states.count - 1]))
        acknowledged.append((recording.events.count, states.count - 1))
      }
    }
    try store.close()

    // The tool's file tears in sectors of 4 KiB.
    var enumerator = takesAll ? CrashEnumerator() : .quick
    enumerator.sectorByteCount = 4096
    enumerator.seed = seed
    let events = recording.events
    let start = CrashImage(initial, sectorByteCount: 4096)
    try enumerator.forEachCandidate(from: start, events) { candidate in
      let certain = acknowledged.last { $0.event <= candidate.point }?.state ?? 0
      guard isNew(candidate.hash ^ UInt64(certain) &* 0x9E37_79B9_7F4A_7C15) else { return }
      // One commit more may have come through: that of the call that was under way.
      let next = acknowledged.first { $0.event > candidate.point }?.state ?? certain
      do {
        try Self.verify(candidate.makeImage(), Array(states[certain...max(certain, next)]), TraceWorld(seed &+ 1))
      } catch {
        throw CaseFailure(
          replay: replay,
          message: "crash before event \(candidate.point) of \(events.count), \(candidate.subset): \(error)")
      }
    }
  }

  private static func options(_ world: TraceWorld) -> StoreOptions {
    var options = StoreOptions(filesystems: [ObjectFilesystem(), DiskFilesystem()], environment: world.environment)
    options.device.memoryBudget = 1 << 20
    return options
  }

  /// A call: it changes the store, and gives what the store shows behind it.
  private typealias Call = (Contents) throws -> Contents

  /// A call, or the calls of one transaction.
  private static func calls(_ store: Store, _ step: Int, _ draws: inout SeededGenerator) -> [Call] {
    let name = "key-\(draws.below(4))"
    let key = ObjectKey(name)
    let bytes = draws.bytes(draws.below(2) == 0 ? 50 : 9_000)
    let block = UInt64(draws.below(8))
    switch draws.below(5) {
    case 0, 1:
      return [
        { before in
          try store.transaction { (transaction) throws(StorageError) in try transaction.bucket("b").put(key, bytes) }
          return before.setting(name, bytes)
        }
      ]
    case 2:
      return [
        { before in
          try store.transaction { (transaction) throws(StorageError) in try transaction.bucket("b").delete(key) }
          return before.setting(name, nil)
        }
      ]
    case 3:
      // An object and a block of the disk in one commit.
      let contents = [UInt8](repeating: UInt8(step + 1), count: 4096)
      return [
        { before in
          try store.transaction { (transaction) throws(StorageError) in
            try transaction.bucket("b").put(key, bytes)
            try transaction.disk("disk").write(block, contents)
          }
          var after = before.setting(name, bytes)
          after.disk[block] = contents
          return after
        }
      ]
    default:
      let id = Box<TransactionID>()
      return [
        { before in
          id.value = try store.begin()
          var after = before
          after.openCount += 1
          return after
        },
        { before in
          guard let id = id.value else { throw LabError("the transaction did not begin") }
          try store.resume(id) { (transaction) throws(StorageError) in try transaction.bucket("b").put(key, bytes) }
          return before
        },
        { before in
          guard let id = id.value else { throw LabError("the transaction did not begin") }
          try store.commit(id)
          var after = before.setting(name, bytes)
          after.openCount -= 1
          return after
        },
      ]
    }
  }

  private final class Box<Value> {
    var value: Value?
  }

  private static func verify(_ image: CrashImage, _ legal: [Contents], _ world: TraceWorld) throws {
    let memory = SimulatedMemory(image)
    let store = try Store.open(on: memory, options: options(world))
    guard legal.contains(try contents(store)) else { throw LabError("what is there is no state that was ever seen") }
    let report = try store.check(deep: true)
    guard report.isClean else { throw LabError("the check found \(report.findings)") }
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.bucket("b").put("afterwards", [UInt8](repeating: 1, count: 6_000))
    }
    try store.close()
    let again = try Store.open(on: memory, options: options(world))
    guard try contents(again).objects["afterwards"]?.count == 6_000 else { throw LabError("the next commit is lost") }
  }

  private static func contents(_ store: Store) throws -> Contents {
    var contents = try store.read { (transaction) throws(StorageError) -> Contents in
      var contents = Contents()
      let bucket = try transaction.bucket("b")
      for object in try bucket.list(ObjectQuery(limit: 100)).objects {
        contents.objects[String(decoding: object.key.bytes, as: UTF8.self)] = try bucket.get(object.key)
      }
      let disk = try transaction.disk("disk")
      for block in 0..<disk.geometry.blockCount {
        let bytes = try disk.read(block)
        if bytes[0] != 0 { contents.disk[block] = bytes }
      }
      return contents
    }
    contents.openCount = try store.transactions().count
    return contents
  }
}

/// The clock and the numbers of one trace.
private final class TraceWorld: @unchecked Sendable {
  private let lock = SpinLock()
  private var generator: SeededGenerator

  init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

  var environment: Environment {
    Environment(now: { 1_000_000_000_000_000 }, random: { [self] in lock.with { generator.next() } })
  }
}
