import CairnBlocks
import CairnBytes

/// The model of a device: what each of its blocks and data extents holds after some commit.
struct DeviceState: ModelState {
  /// The first bytes behind the header of each metadata block; zeros follow.
  var blocks: [UInt64: [UInt8]] = [:]
  /// What was written to each data extent.
  var data: [UInt64: Piece] = [:]
  /// Bytes by which the device was made larger.
  var grownByteCount: UInt64 = 0

  struct Piece: Sendable {
    var blockCount: UInt32
    var bytes: [UInt8]
    var digests: [UInt64]
  }

  /// Bytes of a block that traces change.
  static let blockByteCount = 48

  /// Blocks that the bitmaps must say are handed out.
  var allocatedCount: UInt64 { data.values.reduce(UInt64(blocks.count)) { $0 + UInt64($1.blockCount) } }

  var contentHash: UInt64 {
    var hash = mix(grownByteCount)
    for (block, bytes) in blocks { hash = hash &+ XXHash64.digest(bytes.span, seed: block) }
    for (start, piece) in data {
      hash = hash &+ mix(start ^ (piece.digests.first ?? 0) ^ UInt64(piece.blockCount) << 40)
    }
    return hash
  }

  var summary: String {
    let blocks = blocks.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value[0])" }
    let data = data.sorted { $0.key < $1.key }.map { "\($0.key)x\($0.value.blockCount)=\($0.value.bytes[0])" }
    return "[" + (blocks + data).joined(separator: " ") + (grownByteCount > 0 ? " +\(grownByteCount)" : "") + "]"
  }

  /// What is different in an open device; nil: nothing.
  func difference(in device: BlockDevice, report: DeviceReport) throws(StorageError) -> String? {
    guard report.allocatedBlockCount == allocatedCount else {
      return "\(report.allocatedBlockCount) blocks are in use, the model says \(allocatedCount)"
    }
    return try device.read { view throws(StorageError) in try difference(in: view) }
  }

  /// What is different in a view; nil: nothing.
  func difference(in view: BlockView) throws(StorageError) -> String? {
    let map = try view.allocationMap()
    for (block, bytes) in blocks {
      guard map.isAllocated(BlockNumber(block)) else { return "block \(block) is free" }
      let isEqual = try view.withBlock(BlockNumber(block), kind: .lab) { span in
        for index in 32..<span.count where span[index] != (index - 32 < bytes.count ? bytes[index - 32] : 0) {
          return false
        }
        return true
      }
      if !isEqual { return "block \(block) holds something else" }
    }
    for (start, piece) in data {
      guard map.isAllocated(BlockNumber(start)) else { return "data block \(start) is free" }
      var bytes = [UInt8](repeating: 0, count: piece.bytes.count)
      try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(StorageError) in
        try view.readData(at: BlockNumber(start), digests: piece.digests, into: &span)
      }
      if bytes != piece.bytes { return "the data at block \(start) are something else" }
    }
    return nil
  }
}

extension BlockKind {
  /// The kind of the blocks that traces make.
  static let lab = BlockKind(rawValue: 0x80)
}
