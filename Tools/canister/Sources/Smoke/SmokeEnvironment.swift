#if arch(wasm32)
  import CairnBlocks

  /// A clock that stands still, and numbers that differ each time: epochs and definitions are told apart by them.
  func smokeEnvironment() -> Environment {
    let numbers = SmokeNumbers()
    return Environment(now: { 1_000_000_000 }, random: { numbers.next() })
  }

  /// Numbers that never repeat, from a multiplication by an odd constant (the golden ratio's, in 64 bits).
  private final class SmokeNumbers: @unchecked Sendable {
    private var count: UInt64 = 0

    func next() -> UInt64 {
      count &+= 1
      return count &* 0x9E37_79B9_7F4A_7C15
    }
  }
#endif
