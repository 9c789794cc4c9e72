import CairnBlocks
import CairnTestSupport
import Foundation

/// Transactions of several threads that share one flush, in an order that is the same each time.
///
/// The first one's flush is held up; meanwhile each of the others is begun once the one before it has been appended. An empty
/// transaction at the end returns when the last of them is: then the flush goes on, and one flush carries all that waited.
final class GroupCommit: @unchecked Sendable {
  private let device: BlockDevice
  private var operations: DeviceOperations
  private let lock = SpinLock()
  private let group = DispatchGroup()
  private var failure: StorageError?
  /// The states after the first, the second, ... of them.
  private(set) var states: [DeviceState] = []
  private var model: DeviceState
  private static let followers = 2

  init(device: BlockDevice, model: DeviceState, random: SeededGenerator) {
    self.device = device
    self.model = model
    operations = DeviceOperations(random: random)
  }

  func commitFirst() throws(StorageError) { try commit("a") {} }

  /// Called within the first one's flush.
  func appendFollowers() {
    for _ in 0..<Self.followers {
      let hasBegun = DispatchSemaphore(value: 0)
      group.enter()
      Thread { [self] in
        do throws(StorageError) { try commit("a") { hasBegun.signal() } } catch { lock.with { failure = error } }
        group.leave()
      }.start()
      hasBegun.wait()
    }
    // The writer's lock is free again when the last one is in the chain.
    do { try device.transaction { _ in } } catch { lock.with { failure = error } }
  }

  func wait() throws(StorageError) {
    group.wait()
    if let failure { throw failure }
  }

  private func commit(_ letter: Character, whenBegun: () -> Void) throws(StorageError) {
    try device.transaction { transaction throws(StorageError) in
      whenBegun()
      var next = model
      try operations.perform(letter, &next, transaction)
      model = next
      states.append(next)
    }
  }
}
