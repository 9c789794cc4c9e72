import CairnTestSupport

/// A set of 64-bit hashes that many threads add to: 8 to 16 bytes an entry, one lock for each of its parts.
final class DistinctSet: Sendable {
  private static let partCount = 64
  private let parts = (0..<partCount).map { _ in Part() }

  /// Adds a hash; whether it is new.
  func insert(_ hash: UInt64) -> Bool { parts[Int(hash >> 58)].insert(hash) }

  /// How many hashes are in it.
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Open addressing; a slot of 0 is empty, the hash 0 is stored as 1.
  private final class Part: @unchecked Sendable {
    private let lock = SpinLock()
    private var slots = [UInt64](repeating: 0, count: 256)
    private var used = 0

    var count: Int { lock.with { used } }

    func insert(_ hash: UInt64) -> Bool {
      lock.with {
        let isNew = place(max(hash, 1))
        if isNew && used * 2 > slots.count { grow() }
        return isNew
      }
    }

    private func place(_ hash: UInt64) -> Bool {
      let mask = slots.count - 1
      var index = Int(truncatingIfNeeded: hash) & mask
      while slots[index] != 0 {
        if slots[index] == hash { return false }
        index = (index + 1) & mask
      }
      slots[index] = hash
      used += 1
      return true
    }

    private func grow() {
      let old = slots
      slots = [UInt64](repeating: 0, count: old.count * 2)
      used = 0
      for hash in old where hash != 0 { _ = place(hash) }
    }
  }
}
