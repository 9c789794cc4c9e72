/// A range of keys of a tree.
struct KeyBounds: Hashable, Sendable {
  /// The first key, or what would stand before it.
  var low: [UInt8]
  /// What stands behind the last key; nil: nothing.
  var high: [UInt8]?

  /// All keys.
  static let all = KeyBounds(low: [], high: nil)

  init(low: [UInt8], high: [UInt8]?) {
    self.low = low
    self.high = high
  }

  /// The keys that begin with some bytes.
  init(prefix: [UInt8]) {
    low = prefix
    high = Self.end(ofPrefix: prefix)
  }

  /// Whether no key can be in it.
  var isEmpty: Bool {
    guard let high else { return false }
    return !low.lexicographicallyPrecedes(high)
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
}
