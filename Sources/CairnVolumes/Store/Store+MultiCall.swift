public import CairnBlocks
import CairnTrees

// Transactions of several calls. Each call is one small commit; what they stage takes effect at once, in `commit`.

extension Store {
  /// Begins a transaction that may take many calls and survives restarts between them.
  ///
  /// Only the principal of this store may go on with it, until its lease runs out.
  public func begin(lease: Lease = .standard) throws(StorageError) -> TransactionID {
    try core.sweep()
    try core.requireAllowed(lease)
    return try core.write { (writer) throws(StorageError) in
      let stored = try core.catalog.store(in: writer.view)
      let now = core.time(atLeast: stored.latestTime)
      try core.requireAnyRights(principal, in: writer.view)
      guard UInt64(stored.openTransactionCount) < core.limits.openTransactionCount else {
        throw .limitExceeded(what: "open multi-call transactions", limit: core.limits.openTransactionCount)
      }
      let id = try core.unusedTransactionID(in: writer.view)
      writer.annotation = core.annotation(.begin, id, principal, in: writer)
      let retention = core.limits.outcomeRetention.nanoseconds
      if now > retention { try core.catalog.forgetOutcomes(before: now - retention, limit: 64, in: writer) }
      let record = TransactionRecord(beganAt: now, lease: lease, owner: principal)
      try core.catalog.setTransaction(id, record, in: writer)
      try core.changeStore(in: writer) { store in
        store.latestTime = max(store.latestTime, now)
        store.openTransactionCount += 1
        store.earliestExpiry = min(store.earliestExpiry, record.expiresAt)
      }
      return id
    }
  }

  /// Begins a transaction for a principal: the same as `acting(as: principal).begin(lease:)`.
  public func begin(as principal: Principal, lease: Lease = .standard) throws(StorageError) -> TransactionID {
    try acting(as: principal).begin(lease: lease)
  }

  /// Goes on with a transaction. `body` sees the store with all that the transaction has done so far; what it does is
  /// staged, and what it reads is kept to be compared at commit.
  ///
  /// When `body` throws, this call stages nothing; the transaction stays as it was (but for what was read).
  @discardableResult
  public func resume<Result>(
    _ id: TransactionID, _ body: (Transaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    switch try core.resume(id, callNumber: nil, principal, body) {
    case .done(let result): return result
    case .failed(let error): throw error
    case .repeated: throw .transactionState(id.rawValue, state: "open")
    }
  }

  /// Goes on with a transaction in a call that may be repeated by a client that lost the answer: 1, 2, 3 and so on.
  ///
  /// Nil: this call was staged before, and `body` did not run. A number too high throws, because a call is missing.
  @discardableResult
  public func resume<Result>(
    _ id: TransactionID, callNumber: UInt64, _ body: (Transaction) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    switch try core.resume(id, callNumber: callNumber, principal, body) {
    case .done(let result): return result
    case .failed(let error): throw error
    case .repeated: return nil
    }
  }

  /// Makes everything that the transaction staged take effect, in one commit.
  ///
  /// Throws `conflict` when something that it read was changed by others; it is rolled back then. Committing what was
  /// committed before does nothing, for a day. Any other error leaves the transaction open.
  ///
  /// - Parameter callCount: how many numbered calls there must have been.
  public func commit(_ id: TransactionID, callCount: UInt64? = nil) throws(StorageError) {
    let ended = try core.commit(id, callCount: callCount, principal)
    if let failure = ended.failure { throw failure }
    if ended.removedVolumes { core.removeAfterCommit() }
  }

  /// Drops everything that the transaction staged. Rolling back what was rolled back before does nothing, for a day.
  ///
  /// - Parameter force: rolls back another principal's transaction. For administrators of the store.
  public func rollback(_ id: TransactionID, force: Bool = false) throws(StorageError) {
    try core.rollback(id, force: force, principal)
  }

  /// Makes sure that the transaction can be committed, whatever others do: holds what it read and what it will change, until
  /// it is committed or rolled back or its lease runs out. It takes no further calls.
  ///
  /// - Parameter lease: a new lease, for as long as the coordinator may need.
  public func prepare(_ id: TransactionID, lease: Lease? = nil) throws(StorageError) {
    if let failure = try core.prepare(id, lease: lease, principal) { throw failure }
  }

  /// Gives a transaction a new lease from now on.
  public func renew(_ id: TransactionID, lease: Lease) throws(StorageError) {
    try core.renew(id, lease: lease, principal)
  }

  /// The open transactions: the principal's own; all of them for the owner and administrators of the store.
  public func transactions() throws(StorageError) -> [TransactionInformation] {
    try core.device.read { (view) throws(StorageError) in try core.transactions(for: principal, in: view) }
  }

  /// Rolls back the transactions whose leases ran out; how many. It also happens at open, begin, resume, prepare and commit.
  @discardableResult
  public func sweep() throws(StorageError) -> Int { try core.sweep() }
}
