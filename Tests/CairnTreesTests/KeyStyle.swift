import CairnTestSupport

/// Kinds of keys that a tree finds hard in different ways.
enum KeyStyle: CaseIterable, Sendable {
  /// Few short keys over three letters, zero among them: heads with padding, keys that begin others.
  case short
  /// Random bytes, as hashes are.
  case random
  /// Paths: long common prefixes, and heads that tell nothing without prefix truncation.
  case path
  /// Numbers.
  case counter
  /// Up to the longest key, mostly common to all.
  case long
  /// Up to the longest key, nothing in common.
  case longRandom
  /// A long run of equal bytes of random length, then something: every key begins others.
  case run

  func key(_ generator: inout SeededGenerator, limit: Int) -> [UInt8] {
    switch self {
    case .short: (0..<(1 + generator.below(6))).map { _ in [0, 1, 255][generator.below(3)] }
    case .random: generator.bytes(16)
    case .path:
      Array(
        "app/tenant/\(generator.below(4))/user/\(100_000 + generator.below(2_000))/\(generator.below(3))".utf8)
    case .counter: Self.bigEndian(UInt64(generator.below(5_000)))
    case .long:
      [UInt8](repeating: 7, count: generator.below(limit - 4)) + generator.bytes(1 + generator.below(4))
    case .longRandom: generator.bytes(1 + generator.below(limit))
    case .run:
      [UInt8](repeating: UInt8(generator.below(2)), count: 1 + generator.below(limit - 1)) + [
        UInt8(generator.below(256))
      ]
    }
  }

  static func bigEndian(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
  }
}
