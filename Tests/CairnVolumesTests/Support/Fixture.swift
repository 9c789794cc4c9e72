import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes

/// A clock that a test turns, and numbers that a seed decides.
final class TestWorld: @unchecked Sendable {
  private let lock = SpinLock()
  private var time: UInt64 = 1_000_000_000_000
  private var generator: SeededGenerator

  init(seed: UInt64 = 1) { generator = SeededGenerator(seed: seed) }

  var environment: Environment {
    Environment(
      now: { [self] in lock.with { time } },
      random: { [self] in lock.with { generator.next() } })
  }

  var now: UInt64 {
    get { lock.with { time } }
    set { lock.with { time = newValue } }
  }

  func advance(_ lease: Lease) { now += lease.nanoseconds }
}

/// A store on a heap memory that can be opened again and again.
final class Fixture {
  let world: TestWorld
  let memory: HeapMemory
  var options: StoreOptions
  private(set) var store: Store

  /// A store with a volume of notes named `notes`.
  init(
    seed: UInt64 = 1, pageCount: UInt64 = 64, blockByteCount: Int = 4096, filesystems: [any Filesystem] = [Notes()],
    limits: TransactionLimits = TransactionLimits(), makesVolume: Bool = true
  ) throws(StorageError) {
    world = TestWorld(seed: seed)
    memory = HeapMemory(pageCount: pageCount)
    options = StoreOptions(filesystems: filesystems, environment: world.environment)
    options.limits = limits
    store = try Store.create(on: memory, format: FormatOptions(blockByteCount: blockByteCount), options: options)
    if makesVolume { try store.createVolume("notes", kind: VolumeKind("note")) }
  }

  /// Opens the image again; `cleanly` closes it first, otherwise it is as after a crash.
  func reopen(cleanly: Bool = false) throws(StorageError) {
    if cleanly { try store.close() }
    store = try Store.open(on: memory, options: options)
  }

  /// The store for a principal of this name.
  func acting(_ name: String) throws(StorageError) -> Store { store.acting(as: try Principal(name)) }

  /// What a check finds, as text.
  func findings(deep: Bool = true) throws(StorageError) -> [String] {
    try store.check(deep: deep).findings.map { $0.description }
  }

  /// Puts a note in a commit of its own.
  func put(_ name: String, _ text: [UInt8], in volume: String = "notes") throws(StorageError) {
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.notes(volume).put(text, under: name)
    }
  }

  /// Reads a note.
  func text(_ name: String, in volume: String = "notes") throws(StorageError) -> [UInt8]? {
    try store.read { (transaction) throws(StorageError) in try transaction.notes(volume).text(of: name) }
  }

  /// All names.
  func names(in volume: String = "notes") throws(StorageError) -> [String] {
    try store.read { (transaction) throws(StorageError) in try transaction.notes(volume).names() }
  }
}

/// Text of a length that its seed decides the contents of.
func bytes(_ count: Int, seed: UInt8 = 7) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed)) }
}
