/// Values by block number: a table with open addressing and linear probing.
///
/// What the checkpoint knows of a block is asked for several times for each block of each commit. Block numbers are no
/// foreign keys that somebody picks so that they collide, at worst runs of neighbours; one multiplication spreads those, where the
/// library's dictionary pays for a keyed hash. All operations take constant time on average; an entry is removed without
/// leaving a mark (those behind it move up).
struct BlockDictionary<Value> {
  /// No block has this number.
  private static var none: UInt64 { .max }

  private var keys: [UInt64]
  private var values: [Value?]
  private(set) var count = 0
  /// 64 less the binary logarithm of the table's length.
  private var shift: UInt64

  init() {
    keys = Array(repeating: Self.none, count: 16)
    values = Array(repeating: nil, count: 16)
    shift = 60
  }

  var isEmpty: Bool { count == 0 }

  /// The value of a block; setting nil removes it.
  subscript(_ block: UInt64) -> Value? {
    get {
      let index = place(of: block)
      return keys[index] == block ? values[index] : nil
    }
    set {
      guard let newValue else {
        remove(block)
        return
      }
      var index = place(of: block)
      if keys[index] == Self.none {
        // At most half full: runs stay short.
        if (count + 1) * 2 > keys.count {
          grow()
          index = place(of: block)
        }
        keys[index] = block
        count += 1
      }
      values[index] = newValue
    }
  }

  /// Removes a block; what it had.
  @discardableResult
  mutating func remove(_ block: UInt64) -> Value? {
    var hole = place(of: block)
    guard keys[hole] == block else { return nil }
    let removed = values[hole]
    let mask = keys.count - 1
    var next = (hole + 1) & mask
    while keys[next] != Self.none {
      // An entry may move to the hole unless the place where its search begins lies behind the hole.
      if (next - home(of: keys[next])) & mask >= (next - hole) & mask {
        keys[hole] = keys[next]
        values[hole] = values[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    keys[hole] = Self.none
    values[hole] = nil
    count -= 1
    return removed
  }

  private func home(of block: UInt64) -> Int {
    // The golden ratio: neighbours come to lie far apart.
    Int(truncatingIfNeeded: (block &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }

  /// Where a block is, or would be.
  private func place(of block: UInt64) -> Int {
    let mask = keys.count - 1
    var index = home(of: block)
    while keys[index] != block && keys[index] != Self.none { index = (index + 1) & mask }
    return index
  }

  private mutating func grow() {
    let (oldKeys, oldValues) = (keys, values)
    keys = Array(repeating: Self.none, count: oldKeys.count * 2)
    values = Array(repeating: nil, count: keys.count)
    shift -= 1
    for (index, block) in oldKeys.enumerated() where block != Self.none {
      let place = place(of: block)
      keys[place] = block
      values[place] = oldValues[index]
    }
  }
}
