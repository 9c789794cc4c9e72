#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the engine takes from outside: the time and randomness. Injected, so that a test decides both.
public struct Environment: Sendable {
  /// Nanoseconds since 1970-01-01T00:00:00Z. Recovery never looks at it.
  public var now: @Sendable () -> UInt64
  /// Random bits, unguessable where clients of the store are hostile: journal epochs and store ids come from it.
  public var random: @Sendable () -> UInt64

  /// An environment made of the two sources.
  public init(now: @escaping @Sendable () -> UInt64, random: @escaping @Sendable () -> UInt64) {
    self.now = now
    self.random = random
  }

  #if !hasFeature(Embedded)
    /// The host's clock and the system's random numbers.
    public static let system = Environment(
      now: {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0, time.tv_sec >= 0 else { return 0 }
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
      },
      random: {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
      }
    )
  #endif
}

/// What the journal says of a commit beside its changes: which transaction, which step of it, who, and when.
public struct CommitAnnotation: Hashable, Sendable {
  /// Which step of a transaction a commit is.
  public enum Event: UInt8, Hashable, Sendable {
    /// A transaction of one call.
    case auto = 0
    /// A multi-call transaction begins.
    case begin = 1
    /// Operations are staged.
    case stage = 2
    /// Validated, ranges held.
    case prepare = 3
    /// Staged operations take effect.
    case commit = 4
    /// Staged operations are dropped.
    case rollback = 5
    /// The device's own housekeeping.
    case maintenance = 6
  }

  /// The step.
  public var event: Event
  /// The multi-call transaction; 0 for none.
  public var transaction: UInt64
  /// The principal that acted, at most 64 bytes; empty for the owner.
  public var principal: [UInt8]
  /// Nanoseconds since 1970-01-01T00:00:00Z.
  public var time: UInt64

  /// An annotation of its parts.
  public init(event: Event = .auto, transaction: UInt64 = 0, principal: [UInt8] = [], time: UInt64 = 0) {
    self.event = event
    self.transaction = transaction
    self.principal = principal
    self.time = time
  }
}
