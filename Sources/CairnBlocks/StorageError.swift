public import CairnMemory

/// Why an operation on a store could not be done.
///
/// One type for the block device and everything on it. A case names what failed and carries what a person needs to act;
/// `description` says it in a sentence.
public enum StorageError: Error, Equatable, Sendable {
  /// The memory below failed: an I/O error, no space, a file in use.
  case memory(MemoryError)
  /// An earlier write or flush failed. What was acknowledged is safe; reopen the store to go on.
  case poisoned
  /// The store was closed.
  case closed
  /// The memory holds no Cairn image.
  case notCairn
  /// The memory holds an image already; formatting would destroy it.
  case alreadyFormatted
  /// The image was written by a newer version of the format.
  case unsupportedVersion(found: UInt32, supported: UInt32)
  /// The image uses features that this version does not know.
  case unsupportedFeatures(UInt32)
  /// The image is shorter than its own geometry says.
  case truncated(expectedByteCount: UInt64, foundByteCount: UInt64)
  /// Something on the device is not what was written there.
  case damaged(Damage)
  /// A write on a store that was opened for reading.
  case readOnly
  /// No free blocks are left. Deleting something gives some back.
  case full(requestedBlocks: UInt64, freeBlocks: UInt64)
  /// The transaction changes more than the journal (or the cache) can hold at once.
  case transactionTooLarge(byteCount: UInt64, limit: UInt64)
  /// The cache may not grow further: raise the memory budget or end snapshots.
  case memoryBudgetExceeded(limit: UInt64)
  /// So many bytes at once are more than the memory that the store may use: ask for less at a time.
  case allocationRefused(byteCount: UInt64)
  /// Too many snapshots and reads at one time.
  case tooManyViews(limit: Int)
  /// The transaction failed half-way through an operation and can only be rolled back.
  case transactionFailed
  /// A key is empty or longer than the limit.
  case invalidKey(byteCount: Int, limit: Int)
  /// A value is longer than the limit.
  case valueTooLarge(byteCount: UInt64, limit: UInt64)
  /// An argument makes no sense; the text says which and why.
  case invalidArgument(String)
  /// There is no such thing.
  case notFound(Subject)
  /// There is one already.
  case alreadyExists(Subject)
  /// It is not empty, or still in use.
  case notEmpty(Subject)
  /// A condition of the request does not hold.
  case preconditionFailed(Subject)
  /// What a transaction read was changed by another; it was rolled back. Try again.
  case conflict(volume: String, key: [UInt8])
  /// The principal has no such right.
  case accessDenied(principal: [UInt8], right: String, volume: String)
  /// No open multi-call transaction has this id.
  case unknownTransaction(UInt64)
  /// The transaction's lease ran out; it was rolled back.
  case expiredTransaction(UInt64)
  /// Another principal began the transaction.
  case foreignTransaction(UInt64)
  /// The transaction has ended, or is prepared, and does not take this call.
  case transactionState(UInt64, state: String)
  /// A limit of the store is reached.
  case limitExceeded(what: String, limit: UInt64)
  /// The volume's quota is used up.
  case quotaExceeded(volume: String, limit: UInt64)
  /// The volume is of another kind, or of a newer format of its kind.
  case wrongKind(volume: String, found: String, expected: String)
  /// A rule of a table does not allow a row.
  case constraintViolated(ConstraintViolation)
  /// The tables of a volume are not as the program expects them; the text says where they differ and what to do.
  case schemaMismatch(volume: String, reason: String)
  /// A byte range outside the value.
  case invalidRange(lower: UInt64, upper: UInt64, byteCount: UInt64)
}

/// What a `notFound`, `alreadyExists` or `preconditionFailed` is about.
public struct Subject: Hashable, Sendable {
  /// What kind of thing: "bucket", "key", "volume"...
  public let kind: String
  /// Its name, as bytes.
  public let name: [UInt8]

  /// A thing by kind and name.
  public init(_ kind: String, _ name: [UInt8]) {
    self.kind = kind
    self.name = name
  }

  /// A thing by kind and name.
  public init(_ kind: String, _ name: String) {
    self.kind = kind
    self.name = Array(name.utf8)
  }
}

/// Damage found on the device: where, and how it showed.
public struct Damage: Hashable, Sendable {
  /// How the damage showed.
  public enum Reason: Hashable, Sendable {
    /// No superblock verifies.
    case superblocks
    /// A block's checksum does not match its contents.
    case checksum
    /// A block says that it is another block: a misdirected read or write.
    case misdirected(found: UInt64)
    /// A block of another store.
    case foreignStore
    /// An old version of the block: a write home was lost.
    case staleBlock(found: UInt8, expected: UInt8)
    /// The generation table is older than the block: a write of the table was lost.
    case staleGenerationTable(found: UInt8, expected: UInt8)
    /// A block of another kind, owner or level than its parent says.
    case wrongKind(found: UInt8, expected: UInt8)
    /// The contents break a rule of their structure.
    case malformed
    /// A pointer leaves the device.
    case outOfRange
    /// Data do not match the digest in their metadata.
    case digest
    /// The journal ends where it must go on: a record of an acknowledged commit does not verify.
    case journal(sequence: UInt64)
    /// A block is free, or used twice.
    case allocation
  }

  /// The block in question; for the journal, the block of the ring.
  public let block: BlockNumber
  /// How the damage showed.
  public let reason: Reason

  /// Damage at a block.
  public init(block: BlockNumber, reason: Reason) {
    self.block = block
    self.reason = reason
  }
}

extension StorageError {
  /// Damage at a block.
  package static func damaged(_ block: UInt64, _ reason: Damage.Reason) -> StorageError {
    .damaged(Damage(block: BlockNumber(block), reason: reason))
  }
}

/// Runs a call into the memory and hands its error on as a storage error.
@inlinable
package func onMemory<Result: ~Copyable>(
  _ body: () throws(MemoryError) -> Result
) throws(StorageError) -> Result {
  do { return try body() } catch { throw .memory(error) }
}
