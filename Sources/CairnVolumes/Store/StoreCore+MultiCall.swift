import CairnBlocks
import CairnTrees

/// What came of a call of a multi-call transaction.
enum CallOutcome<Result> {
  case done(Result)
  /// It was staged before.
  case repeated
  /// It failed, but something had to be committed: what it read, or the end of the transaction.
  case failed(StorageError)
}

// The steps of multi-call transactions. Every one is a single commit of the device.

extension StoreCore {
  // MARK: Finding

  func unusedTransactionID(in view: BlockView) throws(StorageError) -> TransactionID {
    var number = randomNumber()
    while true {
      // A number that was used is not asked for again: random ones may repeat.
      defer { number = uniqueNumber(generation: 0) }
      guard let id = TransactionID(rawValue: number) else { continue }
      if try catalog.transaction(id, in: view) == nil, try catalog.outcome(of: id, in: view) == nil { return id }
    }
  }

  /// Throws unless the principal was given something somewhere: others may not take up room.
  func requireAnyRights(_ principal: Principal?, in view: BlockView) throws(StorageError) {
    guard let principal else { return }
    if try !catalog.rights(of: principal, on: .store, in: view).isEmpty { return }
    for volume in try catalog.volumes(in: view)
    where try !catalog.rights(of: principal, on: .volume(volume.id), in: view).isEmpty { return }
    throw .accessDenied(principal: principal.bytes, right: Rights.read.description, volume: "")
  }

  /// The open transaction of a caller, or the error that says why it is none.
  private func openTransaction(
    _ id: TransactionID, _ principal: Principal?, now: UInt64, in view: BlockView
  ) throws(StorageError) -> TransactionRecord {
    guard let record = try catalog.transaction(id, in: view) else {
      let outcome = try endedTransaction(id, principal, in: view)
      switch outcome {
      case .committed: throw .transactionState(id.rawValue, state: "committed")
      case .rolledBack: throw .transactionState(id.rawValue, state: "rolled back")
      case .expired: throw .expiredTransaction(id.rawValue)
      case .conflict(let volume, let key): throw .conflict(volume: volume, key: key)
      }
    }
    guard record.owner == principal else { throw .foreignTransaction(id.rawValue) }
    // The sweep before this call did not see it expired; time has passed since.
    guard record.expiresAt > now else { throw .expiredTransaction(id.rawValue) }
    return record
  }

  /// How a transaction of a caller ended.
  private func endedTransaction(
    _ id: TransactionID, _ principal: Principal?, isForced: Bool = false, in view: BlockView
  ) throws(StorageError) -> OutcomeRecord.Outcome {
    guard let outcome = try catalog.outcome(of: id, in: view) else { throw .unknownTransaction(id.rawValue) }
    guard isForced || outcome.owner == principal else { throw .foreignTransaction(id.rawValue) }
    return outcome.outcome
  }

  private func staging(of record: TransactionRecord) -> Tree? {
    record.staging.map { Tree(root: $0, owner: catalog.tree.owner) }
  }

  private func now(in view: BlockView) throws(StorageError) -> UInt64 {
    time(atLeast: try catalog.store(in: view).latestTime)
  }

  // MARK: Sweep

  /// Rolls back what has expired, each transaction in a commit of its own.
  @discardableResult
  func sweep() throws(StorageError) -> Int {
    guard !isReadOnly else { throw .readOnly }
    if isPlanted(.leaveOrphans) { return 0 }
    let expired = try device.read { (view) throws(StorageError) -> [TransactionID] in
      let store = try catalog.store(in: view)
      let now = time(atLeast: store.latestTime)
      guard store.earliestExpiry <= now else { return [] }
      var expired: [TransactionID] = []
      for (id, record) in try catalog.transactions(in: view) where record.expiresAt <= now { expired.append(id) }
      return expired
    }
    var count = 0
    for id in expired {
      do throws(StorageError) {
        try rollbackExpired(id)
        count += 1
      } catch {
        // What one transaction staged has rotted. That is for `check` to tell; it must not keep everybody else out.
        guard case .damaged = error else { throw error }
      }
    }
    return count
  }

  private func rollbackExpired(_ id: TransactionID) throws(StorageError) {
    try write { (writer) throws(StorageError) in
      let now = try now(in: writer.view)
      // Another thread may have renewed or ended it meanwhile.
      guard let record = try catalog.transaction(id, in: writer.view), record.expiresAt <= now else { return }
      writer.annotation = annotation(.rollback, id, record.owner, in: writer)
      try end(id, record, .expired, now: now, in: writer)
      try refreshEarliestExpiry(in: writer)
    }
  }

  /// Sets the time before which no transaction expires; it only ever was too early.
  private func refreshEarliestExpiry(in writer: BlockTransaction) throws(StorageError) {
    var earliest = UInt64.max
    for (_, record) in try catalog.transactions(in: writer.view) { earliest = min(earliest, record.expiresAt) }
    try changeStore(in: writer) { $0.earliestExpiry = earliest }
  }

  // MARK: Calls

  func resume<Result>(
    _ id: TransactionID, callNumber: UInt64?, _ principal: Principal?,
    _ body: (Transaction) throws(StorageError) -> Result
  ) throws(StorageError) -> CallOutcome<Result> {
    try sweep()
    return try write { (writer) throws(StorageError) -> CallOutcome<Result> in
      let now = try now(in: writer.view)
      var record = try openTransaction(id, principal, now: now, in: writer.view)
      guard record.state == .open else { throw .transactionState(id.rawValue, state: "prepared") }
      if let callNumber, !isPlanted(.repeatCall) {
        guard callNumber > 0 else { throw .invalidArgument("calls are numbered from 1") }
        if callNumber <= record.callNumber { return .repeated }
        // `callNumber` is the larger one, so this can not overflow.
        guard callNumber - 1 == record.callNumber else {
          throw .transactionState(id.rawValue, state: "waiting for call \(record.callNumber + 1)")
        }
      }
      writer.annotation = annotation(.stage, id, principal, in: writer)
      let transaction = try Transaction(
        self, mode: .staging, view: writer.view, writer: writer, principal: principal, id: id,
        staging: staging(of: record), recorder: ReadRecorder(.call, limit: limits.readCount))
      transaction.stagedOperationCount = record.operationCount
      transaction.stagedByteCount = record.stagedByteCount
      defer { transaction.end() }
      let outcome = run(body, in: transaction)
      if transaction.isConflicted, case .failed(let error) = outcome {
        try writer.reset(keeping: [])
        writer.annotation.event = .rollback
        try end(id, record, Self.outcome(of: error), now: now, in: writer)
        return outcome
      }
      try keep(outcome, of: transaction, id, &record, callNumber: callNumber, now: now, writer)
      return outcome
    }
  }

  private func run<Result>(
    _ body: (Transaction) throws(StorageError) -> Result, in transaction: Transaction
  ) -> CallOutcome<Result> {
    do {
      if let staging = transaction.staging { try transaction.reapply(try transaction.catalogVolume(), from: staging) }
      let result = try body(transaction)
      try transaction.requireSound()
      return .done(result)
    } catch {
      return .failed(error)
    }
  }

  /// Takes the changes of a call back and keeps its operations and reads; of one that failed only the reads, since the caller
  /// has seen something nevertheless.
  private func keep<Result>(
    _ outcome: CallOutcome<Result>, of transaction: Transaction, _ id: TransactionID,
    _ record: inout TransactionRecord, callNumber: UInt64?, now: UInt64, _ writer: BlockTransaction
  ) throws(StorageError) {
    var isDone = false
    if case .done = outcome { isDone = true }
    if !isDone { transaction.dropStaged() }
    if !isDone && isPlanted(.forgetReadsOfFailedCall) { return try writer.reset(keeping: []) }
    do {
      if !isPlanted(.publishStaged) { try writer.reset(keeping: transaction.taken) }
      let isKept = try transaction.keep(with: id, &record, writer, now: now)
      guard isKept || (isDone && callNumber != nil) else { return }
      if isDone, let callNumber { record.callNumber = callNumber }
      record.expiresAt = max(record.expiresAt, record.lease.end(from: now))
      try catalog.setTransaction(id, record, in: writer)
      try changeStore(in: writer) { $0.latestTime = max($0.latestTime, now) }
    } catch {
      // Why the call failed matters more than that it could not be noted.
      if case .failed(let first) = outcome { throw first }
      throw error
    }
  }

  private static func outcome(of error: StorageError) -> OutcomeRecord.Outcome {
    if case .conflict(let volume, let key) = error {
      return .conflict(volume: volume, key: key)
    }
    return .rolledBack
  }

  // MARK: Ends

  func commit(
    _ id: TransactionID, callCount: UInt64?, _ principal: Principal?
  ) throws(StorageError) -> (failure: StorageError?, removedVolumes: Bool) {
    try sweep()
    return try write {
      (writer) throws(StorageError) -> (failure: StorageError?, removedVolumes: Bool) in
      let now = try now(in: writer.view)
      guard try catalog.transaction(id, in: writer.view) != nil else {
        if case .committed = try endedTransaction(id, principal, in: writer.view) { return (nil, false) }
        _ = try openTransaction(id, principal, now: now, in: writer.view)
        return (nil, false)
      }
      let record = try openTransaction(id, principal, now: now, in: writer.view)
      if let callCount, callCount != record.callNumber {
        throw .transactionState(id.rawValue, state: "\(record.callNumber) calls staged")
      }
      writer.annotation = annotation(.commit, id, principal, in: writer)
      let transaction = try Transaction(
        self, mode: .committing, view: writer.view, writer: writer, principal: principal, id: id,
        staging: staging(of: record), recorder: ReadRecorder(.commit))
      transaction.holds = transaction.holds?.excluding(id)
      defer { transaction.end() }
      do throws(StorageError) {
        if let staging = transaction.staging {
          if record.state == .open { try transaction.validate(staging) }
          try transaction.reapplyAll(from: staging)
        }
        try transaction.finish(writer)
        try end(id, record, .committed, now: now, in: writer)
        return (nil, transaction.removedVolumes)
      } catch {
        guard transaction.isConflicted else { throw error }
        try rollback(id, record, for: error, now: now, writer)
        return (error, false)
      }
    }
  }

  /// Rolls back for a conflict, in the transaction that found it.
  private func rollback(
    _ id: TransactionID, _ record: TransactionRecord, for error: StorageError, now: UInt64, _ writer: BlockTransaction
  ) throws(StorageError) {
    try writer.reset(keeping: [])
    writer.annotation.event = .rollback
    try end(id, record, Self.outcome(of: error), now: now, in: writer)
  }

  func rollback(_ id: TransactionID, force: Bool, _ principal: Principal?) throws(StorageError) {
    guard !isReadOnly else { throw .readOnly }
    try write { (writer) throws(StorageError) in
      let now = try now(in: writer.view)
      var isForced = false
      if force {
        let rights = try principal.map { (principal) throws(StorageError) in
          try catalog.rights(of: principal, on: .store, in: writer.view)
        }
        isForced = (rights ?? .admin).contains(.admin)
      }
      guard let record = try catalog.transaction(id, in: writer.view) else {
        if case .committed = try endedTransaction(id, principal, isForced: isForced, in: writer.view) {
          throw .transactionState(id.rawValue, state: "committed")
        }
        return
      }
      guard isForced || record.owner == principal else { throw .foreignTransaction(id.rawValue) }
      writer.annotation = annotation(.rollback, id, principal, in: writer)
      try end(id, record, record.expiresAt <= now ? .expired : .rolledBack, now: now, in: writer)
    }
  }

  func renew(_ id: TransactionID, lease: Lease, _ principal: Principal?) throws(StorageError) {
    try requireAllowed(lease)
    try sweep()
    try write { (writer) throws(StorageError) in
      let now = try now(in: writer.view)
      var record = try openTransaction(id, principal, now: now, in: writer.view)
      writer.annotation = annotation(.stage, id, principal, in: writer)
      record.lease = lease
      record.expiresAt = lease.end(from: now)
      try catalog.setTransaction(id, record, in: writer)
      try changeStore(in: writer) { store in
        store.latestTime = max(store.latestTime, now)
        store.earliestExpiry = min(store.earliestExpiry, record.expiresAt)
      }
    }
  }

  func requireAllowed(_ lease: Lease) throws(StorageError) {
    guard lease.nanoseconds > 0, lease.nanoseconds <= limits.maximumLease.nanoseconds else {
      throw .limitExceeded(what: "nanoseconds of a lease", limit: limits.maximumLease.nanoseconds)
    }
  }

  // MARK: Prepare

  /// Validates a transaction and holds what it relies on; the conflict that it was rolled back for, or nil.
  func prepare(_ id: TransactionID, lease: Lease?, _ principal: Principal?) throws(StorageError) -> StorageError? {
    if let lease { try requireAllowed(lease) }
    try sweep()
    return try write { (writer) throws(StorageError) -> StorageError? in
      let now = try now(in: writer.view)
      var record = try openTransaction(id, principal, now: now, in: writer.view)
      guard record.state == .open else { return nil }
      writer.annotation = annotation(.prepare, id, principal, in: writer)
      let transaction = try Transaction(
        self, mode: .staging, view: writer.view, writer: writer, principal: principal, id: id,
        staging: staging(of: record), recorder: ReadRecorder(.prepare))
      defer { transaction.end() }
      var held: [HeldRange] = []
      do throws(StorageError) {
        if let staging = transaction.staging {
          try transaction.validate(staging)
          try transaction.reapplyAll(from: staging)
          try transaction.completeVolumes()
          held = try transaction.rangesToHold(staging)
        }
      } catch {
        guard transaction.isConflicted else { throw error }
        try rollback(id, record, for: error, now: now, writer)
        return error
      }
      try writer.reset(keeping: [])
      record.state = .prepared
      if let lease { record.lease = lease }
      record.expiresAt = max(record.expiresAt, record.lease.end(from: now))
      try hold(held, with: &record, in: writer)
      try catalog.setTransaction(id, record, in: writer)
      try changeStore(in: writer) { store in
        store.latestTime = max(store.latestTime, now)
        store.preparedTransactionCount = min(store.preparedTransactionCount &+ 1, store.openTransactionCount)
        store.generation &+= 1
      }
      return nil
    }
  }

  private func hold(
    _ ranges: [HeldRange], with record: inout TransactionRecord, in writer: BlockTransaction
  ) throws(StorageError) {
    guard let tree = staging(of: record) else { return }
    for range in ranges where !isPlanted(.holdNothing) {
      try tree.put(StagingKey.hold(record.holdCount), range.encoded, in: writer)
      record.holdCount = adding(1, to: record.holdCount)
    }
  }

  // MARK: Listing

  func transactions(for principal: Principal?, in view: BlockView) throws(StorageError) -> [TransactionInformation] {
    let now = try now(in: view)
    var seesAll = true
    if let principal { seesAll = try catalog.rights(of: principal, on: .store, in: view).contains(.admin) }
    var list: [TransactionInformation] = []
    for (id, record) in try catalog.transactions(in: view) where seesAll || record.owner == principal {
      list.append(
        TransactionInformation(
          id: id, owner: record.owner, state: record.state, beganAt: record.beganAt, expiresAt: record.expiresAt,
          isExpired: record.expiresAt <= now, callNumber: record.callNumber, operationCount: record.operationCount,
          stagedByteCount: record.stagedByteCount, readCount: record.readCount))
    }
    return list
  }
}
