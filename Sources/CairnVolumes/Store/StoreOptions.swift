public import CairnBlocks

/// How a store is opened.
public struct StoreOptions: Sendable {
  /// The filesystems that the store knows, one object for each kind; it serves every volume of that kind.
  public var filesystems: [any Filesystem]
  /// Who the store acts as; nil: the owner.
  public var principal: Principal?
  /// How the device is opened: read-only or not, and its memory budget.
  public var device: OpenOptions
  /// Bounds for multi-call transactions.
  public var limits: TransactionLimits
  /// The clock and the source of randomness.
  public var environment: Environment
  /// Leaves the blocks of removed volumes to `Store.step(budget:)`, for callers whose calls are bounded (a canister).
  public var removesInSteps: Bool

  /// Runs once when the store is closed, behind everything else: who opened the memory for it may close it there.
  public var whenClosed: (@Sendable () -> Void)?

  /// Options with the given environment.
  public init(filesystems: [any Filesystem] = [], environment: Environment) {
    self.filesystems = filesystems
    self.environment = environment
    principal = nil
    device = OpenOptions()
    limits = TransactionLimits()
    removesInSteps = false
    whenClosed = nil
  }

  #if !hasFeature(Embedded)
    /// Options with the host's clock and random numbers.
    public init(filesystems: [any Filesystem] = []) {
      self.init(filesystems: filesystems, environment: .system)
    }
  #endif
}

/// Bounds of multi-call transactions, so that forgotten ones can not fill a store.
public struct TransactionLimits: Sendable {
  /// Transactions open at one time.
  public var openTransactionCount: UInt64 = 1024
  /// Operations staged in one transaction.
  public var operationCount: UInt64 = 1_000_000
  /// Bytes of one operation, its data extents not counted.
  public var operationByteCount: UInt64 = 1 << 20
  /// Bytes of the operations of one transaction and of their data extents.
  public var stagedByteCount: UInt64 = 64 << 30
  /// Ranges that one transaction reads.
  public var readCount: UInt64 = 100_000
  /// The longest lease.
  public var maximumLease: Lease = .days(7)
  /// How long the outcome of a transaction is kept, so that a repeated commit or rollback gets the same answer.
  public var outcomeRetention: Lease = .days(1)

  /// The default bounds.
  public init() {}
}
