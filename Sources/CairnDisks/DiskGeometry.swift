public import CairnBlocks
package import CairnBytes

/// How many blocks a disk has, and how large they are.
///
/// It stands in the root tree under the key 00, and is the option with which a volume of disks is made:
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     3  0
///          4     4  bytes of a block: a power of two, 512...65536
///          8     8  blocks
public struct DiskGeometry: Hashable, Sendable {
  /// Blocks that can be read and written.
  public let blockCount: UInt64
  /// Bytes of a block.
  public let blockByteCount: Int

  /// The disk's size in bytes.
  public var byteCount: UInt64 { blockCount * UInt64(blockByteCount) }

  /// Bytes that a block may have, powers of two.
  public static let blockByteCounts = 512...65536
  /// Most bytes of a disk.
  public static let byteCountMax: UInt64 = 1 << 60

  /// A geometry of its parts. A block of the disk takes whole blocks of the device, so the disk's should not be smaller.
  ///
  /// - Throws: `invalidArgument`.
  public init(blockCount: UInt64, blockByteCount: Int = 4096) throws(StorageError) {
    guard Self.isPossible(blockCount: blockCount, blockByteCount: UInt64(clamping: blockByteCount)) else {
      throw .invalidArgument("a disk has blocks of 512 to 65536 bytes, a power of two, and at most 2^60 bytes")
    }
    self.blockCount = blockCount
    self.blockByteCount = blockByteCount
  }

  private static func isPossible(blockCount: UInt64, blockByteCount: UInt64) -> Bool {
    blockByteCount >= blockByteCounts.lowerBound && blockByteCount <= blockByteCounts.upperBound
      && blockByteCount & (blockByteCount - 1) == 0
      && blockCount <= byteCountMax / blockByteCount
  }

  private static let version: UInt8 = 1
}

extension DiskGeometry {
  /// The bytes of the record, and the option of `createVolume`.
  public var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.append([0, 0, 0])
    writer.uint32(UInt32(truncatingIfNeeded: blockByteCount))
    writer.uint64(blockCount)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    for _ in 0..<3 {
      guard try reader.uint8() == 0 else { throw .malformed }
    }
    let blockByteCount = try reader.uint32()
    let blockCount = try reader.uint64()
    try reader.finish()
    guard Self.isPossible(blockCount: blockCount, blockByteCount: UInt64(blockByteCount)) else { throw .malformed }
    self.blockCount = blockCount
    self.blockByteCount = Int(blockByteCount)
  }
}
