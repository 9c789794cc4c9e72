package import CairnBytes

/// What the catalog keeps for the whole store. It is as long as it ever was, so that a change of it is a few bytes.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     8  generation: raised by every commit that changes volumes or held ranges; key of caches
///          9     8  latest time seen, nanoseconds since 1970: leases are never judged by an earlier one
///         17     8  no open transaction expires before this time; all ones without any
///         25     4  open multi-call transactions
///         29     4  of these, prepared ones
package struct StoreRecord: Equatable, Sendable {
  package var generation: UInt64 = 0
  package var latestTime: UInt64 = 0
  package var earliestExpiry: UInt64 = .max
  package var openTransactionCount: UInt32 = 0
  package var preparedTransactionCount: UInt32 = 0

  package init() {}

  private static let version: UInt8 = 1
}

extension StoreRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint64(generation)
    writer.uint64(latestTime)
    writer.uint64(earliestExpiry)
    writer.uint32(openTransactionCount)
    writer.uint32(preparedTransactionCount)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    generation = try reader.uint64()
    latestTime = try reader.uint64()
    earliestExpiry = try reader.uint64()
    openTransactionCount = try reader.uint32()
    preparedTransactionCount = try reader.uint32()
    guard preparedTransactionCount <= openTransactionCount else { throw .malformed }
    try reader.finish()
  }
}
