#if arch(wasm32)
  public import CairnBlocks

  extension Environment {
    /// The replica's clock, and numbers that differ from message to message.
    ///
    /// They are made of the time, the canister's version and a counter, because all replicas must compute the same: they
    /// never repeat, which is what ids and journal epochs need, but whoever knows the time can guess them.
    public static let canister = Environment(
      now: { Message.time },
      random: { CanisterNumbers.shared.next() }
    )
  }

  /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) over the moment.
  private final class CanisterNumbers: @unchecked Sendable {
    static let shared = CanisterNumbers()
    private var counter: UInt64 = 0

    func next() -> UInt64 {
      counter &+= 1
      return Self.mixed(Self.mixed(Self.mixed(Message.time) ^ Message.canisterVersion) &+ counter)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
      var z = value &+ 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }
#endif
