import CairnTestSupport

/// An input of a fuzzer as a source of choices: behind its end everything is zero, so every string of bytes is an input, and
/// a short one means few changes.
struct InputReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  mutating func byte() -> UInt8 {
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func number(byteCount: Int) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<byteCount { value = value << 8 | UInt64(byte()) }
    return value
  }

  /// A number below a bound.
  mutating func below(_ bound: Int) -> Int {
    guard bound > 1 else { return 0 }
    return Int(number(byteCount: bound <= 256 ? 1 : 3) % UInt64(bound))
  }

  /// A number where mistakes are: at the ends of its type, around `limit`, small, or any.
  mutating func suspicious(around limit: UInt64) -> UInt64 {
    switch below(10) {
    case 0: 0
    case 1: 1
    case 2: .max
    case 3: .max - UInt64(below(64))
    case 4: limit
    case 5: limit &+ 1
    case 6: limit &- 1
    case 7: UInt64(below(256))
    case 8: 1 << UInt64(below(64))
    default: number(byteCount: 8)
    }
  }

  /// The bytes that are left, at most `limit`.
  mutating func rest(limit: Int) -> [UInt8] {
    let end = min(bytes.count, position + limit)
    defer { position = end }
    return Array(bytes[min(position, end)..<end])
  }
}

extension SeededGenerator {
  /// An input for a fuzz target: mostly short, with the bytes that choose between few things not too far apart.
  package mutating func fuzzInput() -> [UInt8] {
    let count = 4 + below(below(4) == 0 ? 120 : 28)
    return bytes(count)
  }
}
