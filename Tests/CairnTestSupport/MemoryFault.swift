/// What goes wrong in a simulated memory, and when.
public struct MemoryFault: Sendable {
  /// A kind of call.
  public enum Call: Hashable, CaseIterable, Sendable { case read, write, flush, grow }

  /// What happens to a call that the fault meets.
  public enum Effect: Hashable, Sendable {
    /// It throws, and does nothing. A failed flush drops the unflushed writes from the device but not from the cache, as
    /// systems do.
    case error
    /// It returns as if it were done, and does nothing: a write or a growth that is not there, a read that leaves the buffer
    /// as it is, a flush whose writes never reach the device.
    case lost
    /// It returns as if it were done, and does the first part: so many sectors of a read, of a write or of what a flush
    /// should make durable (the rest stays unflushed), so many pages of a growth.
    case torn(Int)
    /// A read or write at a place so many bytes further on (or back); outside the memory it is lost.
    case misdirected(Int)
    /// The bytes of a read or write are noise from this seed.
    case garbled(UInt64)
    /// A read sees what was durable before the unflushed writes; a write or a flush is done with the next flush but not
    /// with this one; a growth as `lost`.
    case delayed
  }

  /// The kinds of calls that it can meet.
  public var calls: Set<Call>
  /// Calls of those kinds that still go well.
  public var after: Int
  public var effect: Effect
  /// Decides which unflushed sectors a flush that fails has brought to the device nevertheless; 0: none.
  public var survivors: UInt64 = 0
  /// Whether all later calls of those kinds meet it too.
  public var lasts: Bool

  public init(_ calls: Set<Call>, after: Int, effect: Effect = .error, lasts: Bool = false) {
    self.calls = calls
    self.after = after
    self.effect = effect
    self.lasts = lasts
  }
}
