/// The keys from `low` to before `high`, in byte order.
///
/// One key is the range up to its successor, which is the key and a zero byte.
struct KeyRange: Hashable, Sendable {
  /// The first key; empty: from the first of all.
  var low: [UInt8]
  /// The first key behind; nil: to the last of all.
  var high: [UInt8]?

  /// Every key.
  static let all = KeyRange(low: [], high: nil)

  init(low: [UInt8], high: [UInt8]?) {
    self.low = low
    self.high = high
  }

  /// One key.
  init(key: [UInt8]) {
    low = key
    high = Self.successor(of: key)
  }

  /// The first key behind `key`.
  static func successor(of key: [UInt8]) -> [UInt8] {
    var next = key
    next.append(0)
    return next
  }

  /// The first bytes behind all that begin with `prefix`; nil when there are none.
  static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    var end = prefix
    while let last = end.popLast() {
      if last < 0xFF {
        end.append(last + 1)
        return end
      }
    }
    return nil
  }

  /// Whether the ranges share a key.
  func overlaps(_ other: KeyRange) -> Bool {
    Self.isBelow(low, end: other.high) && Self.isBelow(other.low, end: high)
  }

  /// Whether `key` lies before the end of a range.
  static func isBelow(_ key: [UInt8], end: [UInt8]?) -> Bool {
    guard let end else { return true }
    return key.lexicographicallyPrecedes(end)
  }

  /// The later of two ends.
  static func laterEnd(_ first: [UInt8]?, _ second: [UInt8]?) -> [UInt8]? {
    guard let first, let second else { return nil }
    return first.lexicographicallyPrecedes(second) ? second : first
  }
}
