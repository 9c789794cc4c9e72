import CairnBlocks
import CairnTestSupport
import Foundation

/// Commits that share a flush, always the same way: the first one leads a flush of its own, the others enter the journal one
/// after the other while it is under way, and the next flush carries them all.
final class RigGroup: @unchecked Sendable {
  private let device: BlockDevice
  private let commits: [RigCommit]
  private let lock = SpinLock()
  private let threads = DispatchGroup()
  private(set) var hasAppended = false
  private var state: RigState
  private var entered: [(commit: RigCommit, state: RigState)] = []
  private var acknowledged = 0
  private var interrupted = false
  private var error: StorageError?

  init(_ device: BlockDevice, _ state: RigState, _ commits: [RigCommit]) {
    self.device = device
    self.state = state
    self.commits = commits
  }

  /// Runs the first commit; `append` must run while it is flushed.
  func lead() { run(commits[0], whenEntered: {}) }

  /// Starts the others, each once the one before is in the journal.
  func append() {
    guard !hasAppended else { return }
    hasAppended = true
    for commit in commits.dropFirst() {
      let isInside = DispatchSemaphore(value: 0)
      let thread = Thread { [self] in
        run(commit, whenEntered: { isInside.signal() })
        isInside.signal()
        threads.leave()
      }
      threads.enter()
      thread.start()
      guard isInside.wait(timeout: .now() + 10) == .success else { return }
      // Whoever writes after it finds it in the journal. One that changes nothing waits for no flush.
      do { try device.transaction { (_) throws(StorageError) in } } catch { return }
    }
  }

  /// Waits until all have ended.
  func wait() { threads.wait() }

  private func run(_ commit: RigCommit, whenEntered: () -> Void) {
    do throws(StorageError) {
      try device.transaction { (transaction) throws(StorageError) in
        defer { whenEntered() }
        // One writer at a time: nobody else looks at the state now.
        try commit.perform(on: &state, transaction)
        lock.with { entered.append((commit, state)) }
      }
      lock.with { acknowledged += 1 }
    } catch {
      switch error {
      case .memory, .poisoned: lock.with { interrupted = true }
      default: lock.with { self.error = error }
      }
    }
  }

  /// The commits that entered the journal, in order, and what the device shows with each.
  var members: [(commit: RigCommit, state: RigState)] { lock.with { entered } }
  var acknowledgedCount: Int { lock.with { acknowledged } }
  /// Whether a fault has met a commit, be it before it entered the journal.
  var wasInterrupted: Bool { lock.with { interrupted } }
  /// An error that no fault explains.
  var failure: StorageError? { lock.with { error } }
}

/// Looks at a device while a commit is being flushed: readers must not see it yet.
final class FlushWatch: @unchecked Sendable {
  private let device: BlockDevice
  private let state: RigState
  private let sequence: UInt64
  private(set) var violation: Violation?

  init(_ device: BlockDevice, _ state: RigState) {
    self.device = device
    self.state = state
    sequence = device.durableSequence
  }

  func look() {
    // Commits of the device's own may have become durable with an earlier flush.
    guard device.durableSequence > sequence, violation == nil else { return }
    do { try device.show(state) } catch {
      violation = Violation("a reader sees a commit that is not durable: \(error)")
    }
  }
}

/// Salts from a seed.
final class RigSalts: @unchecked Sendable {
  private let lock = SpinLock()
  private var generator: SeededGenerator

  init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

  func next() -> UInt64 { lock.with { generator.next() } }
}
