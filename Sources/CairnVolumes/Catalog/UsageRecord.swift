package import CairnBytes

/// What a volume takes and holds, changed in the commit that changes it. Always as long as now.
///
///     offset  size  field
///          0     8  blocks of the volume
///          8     8  blocks with data staged by open transactions
///         16     8  items
///         24     8  bytes of contents
extension VolumeUsage {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint64(blockCount)
    writer.uint64(stagedBlockCount)
    writer.uint64(itemCount)
    writer.uint64(byteCount)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    self.init()
    var reader = ByteReader(bytes)
    blockCount = try reader.uint64()
    stagedBlockCount = try reader.uint64()
    itemCount = try reader.uint64()
    byteCount = try reader.uint64()
    try reader.finish()
  }
}

/// The sum of two figures, or the largest number: hostile figures must not trap.
func adding(_ more: UInt64, to value: UInt64) -> UInt64 {
  let (sum, overflow) = value.addingReportingOverflow(more)
  return overflow ? .max : sum
}

/// Changes of a volume's usage that a transaction collects.
struct UsageChange: Equatable {
  var blocks: Int64 = 0
  var stagedBlocks: Int64 = 0
  var items: Int64 = 0
  var bytes: Int64 = 0

  var isNone: Bool { blocks == 0 && stagedBlocks == 0 && items == 0 && bytes == 0 }
}

extension VolumeUsage {
  /// Adds a change. Figures stay within their range: a wrong one is for `check` to report, not to trap on.
  mutating func add(_ change: UsageChange) {
    blockCount = Self.sum(blockCount, change.blocks)
    stagedBlockCount = Self.sum(stagedBlockCount, change.stagedBlocks)
    itemCount = Self.sum(itemCount, change.items)
    byteCount = Self.sum(byteCount, change.bytes)
  }

  /// Blocks that the volume takes, staged ones included.
  var takenBlockCount: UInt64 { Self.sum(blockCount, Int64(clamping: stagedBlockCount)) }

  private static func sum(_ value: UInt64, _ change: Int64) -> UInt64 {
    if change < 0 { return value - min(value, change.magnitude) }
    let (sum, overflow) = value.addingReportingOverflow(change.magnitude)
    return overflow ? .max : sum
  }
}
