import CairnBlocks
import CairnMemory
import CairnTrees

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

  private let lock = Lock()
  private var newest: CatalogState?
  private var mounted: Set<UInt64> = []
  private var latestTime: UInt64 = 0

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

  /// The time, which never runs backwards: neither within a life of the store nor behind the latest time that an earlier
  /// life kept.
  func time(atLeast stored: UInt64) -> UInt64 {
    let now = environment.now()
    lock.lock()
    defer { lock.unlock() }
    latestTime = max(latestTime, now, stored)
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

  /// A random number other than 0.
  func randomNumber() -> UInt64 {
    while true {
      let number = environment.random()
      if number != 0 { return number }
    }
  }
}
