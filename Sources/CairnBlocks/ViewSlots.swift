public import Synchronization

/// Where running views announce themselves, so that nobody takes away what they read.
///
/// A slot says two things: the commit whose state the view sees (versions and freed blocks that it needs are kept as long
/// as the view lives), and, while it is pinned, the reclamation epoch at which it was pinned (frames that it may hold
/// pointers into are kept until it unpins). Taking a slot and pinning are a few atomic operations, no lock.
@safe
@usableFromInline
package final class ViewSlots: @unchecked Sendable {
  /// One view's announcements, two cache lines, so that neighbours do not disturb each other.
  @usableFromInline struct Slot: ~Copyable {
    /// 1 + the sequence that the view sees; 0 when the slot is free; `.max` for the writer, which sees the newest.
    @usableFromInline let sequence = Atomic<UInt64>(0)
    /// The epoch at which the view is pinned; 0 when it is not.
    @usableFromInline let pinned = Atomic<UInt64>(0)
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    private let more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    init() {}
  }

  @usableFromInline let slots: UnsafeMutablePointer<Slot>
  /// Slots from this one on were never used.
  private let highWater = Atomic<Int>(0)
  @usableFromInline let epoch = Atomic<UInt64>(1)
  /// The last commit that is durable: what a new view sees.
  let durable = Atomic<UInt64>(0)

  init() {
    unsafe slots = .allocate(capacity: DeviceLimits.viewCountMax)
    for index in 0..<DeviceLimits.viewCountMax { unsafe (slots + index).initialize(to: Slot()) }
  }

  deinit {
    unsafe slots.deinitialize(count: DeviceLimits.viewCountMax)
    unsafe slots.deallocate()
  }

  /// Takes a slot for a view of the last durable commit; its index and the sequence.
  func acquire() throws(StorageError) -> (index: Int, sequence: UInt64) {
    var sequence = durable.load(ordering: .sequentiallyConsistent)
    let index = try claim(marking: sequence + 1)
    // A commit may have become durable, and versions dropped, between the load and the store: then look again. Both sides
    // are sequentially consistent, so either this sees the new commit or the dropper saw the slot.
    while true {
      let now = durable.load(ordering: .sequentiallyConsistent)
      if now == sequence { return (index, sequence) }
      sequence = now
      unsafe slots[index].sequence.store(sequence + 1, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes a slot for the writer.
  func acquireForWriter() throws(StorageError) -> Int { try claim(marking: .max) }

  private func claim(marking value: UInt64) throws(StorageError) -> Int {
    for index in 0..<DeviceLimits.viewCountMax {
      if unsafe slots[index].sequence.load(ordering: .relaxed) != 0 { continue }
      let taken = unsafe slots[index].sequence.compareExchange(
        expected: 0, desired: value, ordering: .sequentiallyConsistent
      ).exchanged
      guard taken else { continue }
      var high = highWater.load(ordering: .relaxed)
      while high <= index {
        let (done, now) = highWater.compareExchange(
          expected: high, desired: index + 1, ordering: .sequentiallyConsistent)
        if done { break }
        high = now
      }
      return index
    }
    throw .tooManyViews(limit: DeviceLimits.viewCountMax)
  }

  func release(_ index: Int) {
    unsafe slots[index].pinned.store(0, ordering: .releasing)
    unsafe slots[index].sequence.store(0, ordering: .releasing)
  }

  @inlinable @inline(__always)
  func pin(_ index: Int) {
    let now = epoch.load(ordering: .relaxed)
    unsafe slots[index].pinned.store(now, ordering: .sequentiallyConsistent)
  }

  @inlinable @inline(__always)
  func unpin(_ index: Int) {
    unsafe slots[index].pinned.store(0, ordering: .releasing)
  }

  /// The epoch to retire frames under; later pins get a later one.
  func advanceEpoch() -> UInt64 {
    epoch.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
  }

  /// The oldest epoch at which a view is pinned; `.max` when none is.
  func oldestPin() -> UInt64 {
    var oldest = UInt64.max
    for index in 0..<highWater.load(ordering: .sequentiallyConsistent) {
      let pinned = unsafe slots[index].pinned.load(ordering: .sequentiallyConsistent)
      if pinned != 0 { oldest = min(oldest, pinned) }
    }
    return oldest
  }

  /// The sequences that views other than the writer see, ascending.
  func activeSequences() -> [UInt64] {
    var sequences: [UInt64] = []
    for index in 0..<highWater.load(ordering: .sequentiallyConsistent) {
      let marked = unsafe slots[index].sequence.load(ordering: .sequentiallyConsistent)
      if marked != 0 && marked != .max { sequences.append(marked - 1) }
    }
    sequences.sort()
    return sequences
  }

  /// How many views other than the writer exist.
  var activeCount: Int { activeSequences().count }
}
