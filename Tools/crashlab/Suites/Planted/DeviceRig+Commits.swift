import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

// What the steps of a trace do, each with the state that it leads to.

extension DeviceRig {
  func commit(_ commit: RigCommit) throws {
    var next = current
    let device = self.device
    let watch = FlushWatch(device, current)
    let planned = memory.beforeFlush
    memory.beforeFlush = {
      watch.look()
      planned?()
    }
    var error: StorageError?
    do {
      try device.transaction { (transaction) throws(StorageError) in try commit.perform(on: &next, transaction) }
    } catch let failure { error = failure }
    memory.beforeFlush = planned
    if let violation = watch.violation { throw violation }
    switch error {
    case nil: acknowledge([next])
    // What snapshots still see cannot be used again.
    case .full where !snapshots.isEmpty: break
    case .memory, .poisoned:
      inFlight = [(commit, next)]
      throw Interrupted()
    case let error?: throw Violation("\(error)")
    }
  }

  func acknowledge(_ states: [RigState]) {
    guard let last = states.last else { return }
    lastFlush = [current] + states
    current = last
    acknowledged = device.durableSequence
  }

  /// One commit, and while it is flushed four more, which the next flush carries together: any, or such that write data and
  /// free some for good.
  func commitGroup(erases: Bool = false) throws {
    // Each must change something: one that does not is acknowledged without a flush, before those that entered earlier.
    let letters = Array(current.blocks.isEmpty ? "axx" : "ccxaxc")
    let chosen = erases ? Array("axzxz") : (0..<5).map { _ in letters[random.below(letters.count)] }
    let commits = chosen.map { RigCommit(letter: $0, seed: random.next()) }
    let group = RigGroup(device, current, commits)
    let death = memory.beforeFlush
    memory.beforeFlush = {
      // Death is planned for a flush: it is the one that carries the others.
      if group.hasAppended { death?() }
      group.append()
    }
    group.lead()
    group.wait()
    if let error = group.failure { throw Violation("a commit of a group fails: \(error)") }
    let members = group.members
    let count = group.acknowledgedCount
    if count > 0 { acknowledge([members[0].state]) }
    if count > 1 { acknowledge(members[1..<count].map(\.state)) }
    inFlight = Array(members[count...])
    if group.wasInterrupted { throw Interrupted() }
  }

  func grow() throws {
    let old = current
    let byteCount = device.space.capacity + MemoryPage.byteCount
    var next = current
    next.byteCount = byteCount
    do {
      try attempt { () throws(StorageError) in try device.grow(byBytes: MemoryPage.byteCount) }
      acknowledge([next])
    } catch {
      if error is Interrupted { inFlight = [(RigCommit(letter: "w", seed: 0), next)] }
      current = old
      throw error
    }
  }

  /// Frees data that a snapshot still sees, asks for all that is said to be free, and for it again without the snapshot.
  func askForAll() throws {
    try operate("s")
    try operate("d")
    func ask() throws -> StorageError {
      let count = device.space.free / UInt64(shape.format.blockByteCount)
      do {
        try device.transaction { (transaction) throws(StorageError) in
          _ = try transaction.allocateExtents(blockCount: count)
          throw .transactionFailed
        }
      } catch { return error }
      throw Violation("a transaction that throws is committed")
    }
    switch try ask() {
    case .full, .transactionFailed: break
    case let error: throw Violation("asking for all free blocks says: \(error)")
    }
    try operate("e")
    guard case .transactionFailed = try ask() else { throw Violation("what is said to be free cannot be taken") }
  }
}
