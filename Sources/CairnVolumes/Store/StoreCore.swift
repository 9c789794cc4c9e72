import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTrees
import Synchronization

/// What all handles of one open store share.
///
/// `lock` guards the stored properties that change. What stands there can always be read from the device again, so a
/// commit that fails leaves nothing wrong behind.
final class StoreCore: @unchecked Sendable {
  let device: BlockDevice
  let catalog: Catalog
  let filesystems: [any Filesystem]
  let limits: TransactionLimits
  let environment: Environment
  let isReadOnly: Bool
  let whenClosed: (@Sendable () -> Void)?
  let removesInSteps: Bool

  /// The thread whose transaction runs; 0 for none.
  private let writingThread = Atomic<UInt>(0)

  private let lock = Lock()
  private var newest: CatalogState?
  /// The state as of the last commit that was read: as long as nobody commits, readers need not look it up.
  private var lastRead: (sequence: UInt64, state: CatalogState)?
  private var mounted: Set<UInt64> = []
  private var latestTime: UInt64 = 0
  /// What filesystems parsed, the latest last.
  private var parsed: [(incarnation: UInt64, definition: UInt64, value: any ParsedDefinition)] = []
  private static let parsedCountMax = 16
  private var uniqueNumberCount: UInt64 = 0

  init(device: BlockDevice, catalog: Catalog, options: StoreOptions) {
    self.device = device
    self.catalog = catalog
    filesystems = options.filesystems
    limits = options.limits
    environment = options.environment
    isReadOnly = options.device.isReadOnly
    whenClosed = options.whenClosed
    removesInSteps = options.removesInSteps
  }

  /// Runs a transaction of the device. One that is begun inside another would wait for itself, so it is refused.
  func write<Result>(
    _ body: (BlockTransaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    try requireNotWriting()
    return try device.transaction { (writer) throws(StorageError) in
      writingThread.store(CurrentThread.number, ordering: .relaxed)
      defer { writingThread.store(0, ordering: .relaxed) }
      return try body(writer)
    }
  }

  /// Throws inside a transaction of the same thread.
  func requireNotWriting() throws(StorageError) {
    guard writingThread.load(ordering: .relaxed) != CurrentThread.number else {
      throw .invalidArgument(
        "a transaction is running in this thread; end it before the next call that changes the store")
    }
  }

  /// The time, which never runs backwards: neither within a life of the store nor behind the latest time that an earlier
  /// life kept.
  func time(atLeast stored: UInt64) -> UInt64 {
    let now = environment.now()
    lock.lock()
    defer { lock.unlock() }
    latestTime = isPlanted(.clockRunsBack) ? now : max(latestTime, now, stored)
    return latestTime
  }

  /// The catalog's volumes and holds as a view sees them.
  func state(_ store: StoreRecord, in view: BlockView) throws(StorageError) -> CatalogState {
    lock.lock()
    let known = newest
    lock.unlock()
    if let known, known.generation == store.generation { return known }
    let loaded = try CatalogState.load(catalog, store, in: view)
    lock.lock()
    defer { lock.unlock() }
    if (newest?.generation ?? 0) <= loaded.generation { newest = loaded }
    return loaded
  }

  /// The catalog's volumes and holds as a view of a commit sees them.
  func state(in view: BlockView) throws(StorageError) -> CatalogState {
    lock.lock()
    let known = lastRead
    lock.unlock()
    if let known, known.sequence == view.sequence { return known.state }
    let state = try state(try catalog.store(in: view), in: view)
    lock.lock()
    defer { lock.unlock() }
    if (lastRead?.sequence ?? 0) <= view.sequence { lastRead = (view.sequence, state) }
    return state
  }

  /// The filesystem of a kind, if the program registered it.
  func filesystem(_ kind: VolumeKind) -> (any Filesystem)? {
    for filesystem in filesystems where filesystem.kind == kind { return filesystem }
    return nil
  }

  /// Whether a life of a volume was mounted since the store was opened.
  func isMounted(_ incarnation: UInt64) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    return mounted.contains(incarnation)
  }

  func setMounted(_ incarnation: UInt64) {
    lock.lock()
    defer { lock.unlock() }
    mounted.insert(incarnation)
  }

  /// What a filesystem made of a definition of a volume, if it is kept.
  func parsed(_ incarnation: UInt64, _ definition: UInt64) -> (any ParsedDefinition)? {
    lock.lock()
    defer { lock.unlock() }
    return parsed.last { $0.incarnation == incarnation && $0.definition == definition }?.value
  }

  func setParsed(_ incarnation: UInt64, _ definition: UInt64, _ value: any ParsedDefinition) {
    lock.lock()
    defer { lock.unlock() }
    if parsed.count == Self.parsedCountMax { parsed.removeFirst() }
    parsed.append((incarnation, definition, value))
  }

  /// A number other than 0 that was not given before, under which parsed definitions may be kept: also not with an
  /// environment whose random numbers repeat. `generation` is the catalog's, which grows with each change of it that is
  /// committed; those that are not, of this life of the store, the count tells apart.
  func uniqueNumber(generation: UInt64) -> UInt64 {
    lock.lock()
    uniqueNumberCount &+= 1
    let count = uniqueNumberCount
    lock.unlock()
    var writer = ByteWriter()
    for part in [environment.random(), environment.now(), generation, count] { writer.uint64(part) }
    let digest = XXHash64.digest(writer.bytes.span)
    return digest == 0 ? 1 : digest
  }

  /// A random number other than 0.
  func randomNumber() -> UInt64 {
    let number = environment.random()
    return number != 0 ? number : uniqueNumber(generation: 0)
  }
}
