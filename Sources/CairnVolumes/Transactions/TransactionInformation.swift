/// What is known of an open multi-call transaction.
public struct TransactionInformation: Hashable, Sendable {
  /// How far the transaction is.
  public enum State: UInt8, Hashable, Sendable {
    /// It takes calls.
    case open = 1
    /// It was validated and holds its ranges; only commit and rollback are left.
    case prepared = 2
  }

  /// Its id.
  public let id: TransactionID
  /// Who began it; nil: the owner.
  public let owner: Principal?
  /// How far it is.
  public let state: State
  /// When it began, nanoseconds since 1970.
  public let beganAt: UInt64
  /// When its lease runs out, nanoseconds since 1970.
  public let expiresAt: UInt64
  /// Its lease has run out; the next sweep rolls it back.
  public let isExpired: Bool
  /// The number of its last numbered call; 0 for none.
  public let callNumber: UInt64
  /// Operations staged.
  public let operationCount: UInt64
  /// Bytes of its operations and of their data.
  public let stagedByteCount: UInt64
  /// Ranges that it read.
  public let readCount: UInt64
}
