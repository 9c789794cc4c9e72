package import CairnBlocks
package import CairnBytes

/// What the catalog keeps for an open multi-call transaction.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  state: 1 open, 2 prepared
///          2     8  began at, nanoseconds since 1970
///         10     8  expires at
///         18     8  lease, nanoseconds
///         26     8  number of the last numbered call
///         34     8  operations staged
///         42     8  bytes of the operations and of their data
///         50     8  reads recorded
///         58     8  ranges held (only in state 2)
///         66     8  block of the staging tree; 0 before the first stage
///         74     n  owner: varint length (0: the owner of the store), the bytes
package struct TransactionRecord: Equatable, Sendable {
  package var state: TransactionInformation.State = .open
  package var beganAt: UInt64
  package var expiresAt: UInt64
  package var lease: Lease
  package var callNumber: UInt64 = 0
  package var operationCount: UInt64 = 0
  package var stagedByteCount: UInt64 = 0
  package var readCount: UInt64 = 0
  package var holdCount: UInt64 = 0
  package var staging: BlockNumber?
  package var owner: Principal?

  package init(beganAt: UInt64, lease: Lease, owner: Principal?) {
    self.beganAt = beganAt
    self.lease = lease
    self.owner = owner
    expiresAt = lease.end(from: beganAt)
  }

  private static let version: UInt8 = 1
}

extension TransactionRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(state.rawValue)
    writer.uint64(beganAt)
    writer.uint64(expiresAt)
    writer.uint64(lease.nanoseconds)
    writer.uint64(callNumber)
    writer.uint64(operationCount)
    writer.uint64(stagedByteCount)
    writer.uint64(readCount)
    writer.uint64(holdCount)
    writer.uint64(staging?.rawValue ?? 0)
    writer.lengthPrefixed(owner?.bytes ?? [])
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    guard let state = TransactionInformation.State(rawValue: try reader.uint8()) else { throw .malformed }
    self.state = state
    beganAt = try reader.uint64()
    expiresAt = try reader.uint64()
    lease = .nanoseconds(try reader.uint64())
    callNumber = try reader.uint64()
    operationCount = try reader.uint64()
    stagedByteCount = try reader.uint64()
    readCount = try reader.uint64()
    holdCount = try reader.uint64()
    let staging = try reader.uint64()
    self.staging = staging == 0 ? nil : BlockNumber(staging)
    owner = Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax))
    try reader.finish()
  }
}
