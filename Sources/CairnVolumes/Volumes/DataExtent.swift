public import CairnBlocks
public import CairnBytes

/// Bytes of a volume that lie outside its trees: where, how many, and what they must be.
///
/// Encoded, as a filesystem puts it into its records:
///
///     varint   start block
///     varint   bytes; the extent's blocks follow from them and the block size
///     8 each   digests, one for each 64 KiB, the last chunk may be short
public struct DataExtent: Hashable, Sendable {
  /// The blocks.
  public let extent: Extent
  /// Bytes in them.
  public let byteCount: UInt64
  /// XXH3 of each 64 KiB.
  public let digests: [UInt64]

  /// Bytes behind one digest.
  public static let chunkByteCount: UInt64 = 65536

  /// Data at a place. There is one digest for each chunk.
  public init(extent: Extent, byteCount: UInt64, digests: [UInt64]) {
    self.extent = extent
    self.byteCount = byteCount
    self.digests = digests
  }

  /// Blocks that so many bytes take.
  public static func blockCount(of byteCount: UInt64, blockByteCount: Int) -> UInt64 {
    let block = UInt64(blockByteCount)
    return byteCount / block + (byteCount % block == 0 ? 0 : 1)
  }

  private static func chunkCount(of byteCount: UInt64) -> UInt64 {
    byteCount / chunkByteCount + (byteCount % chunkByteCount == 0 ? 0 : 1)
  }

  /// Appends the encoded form.
  public func encode(into writer: inout ByteWriter) {
    writer.varint(extent.start.rawValue)
    writer.varint(byteCount)
    for digest in digests { writer.uint64(digest) }
  }

  /// Reads the encoded form. That the blocks are on the device is checked when the data are read.
  public init(decoding reader: inout ByteReader, blockByteCount: Int) throws(ByteReader.Failure) {
    let start = try reader.varint()
    byteCount = try reader.varint()
    let blocks = Self.blockCount(of: byteCount, blockByteCount: blockByteCount)
    guard byteCount > 0, blocks <= UInt64(UInt32.max), start <= .max - blocks else { throw .malformed }
    extent = Extent(start: BlockNumber(start), count: UInt32(blocks))
    let count = Self.chunkCount(of: byteCount)
    guard count <= UInt64(reader.remaining) / 8 else { throw .truncated }
    var digests: [UInt64] = []
    digests.reserveCapacity(Int(count))
    for _ in 0..<count { digests.append(try reader.uint64()) }
    self.digests = digests
  }

  /// Whether there is a digest for each chunk, and the blocks are what the bytes take.
  func isConsistent(blockByteCount: Int) -> Bool {
    byteCount > 0 && UInt64(digests.count) == Self.chunkCount(of: byteCount)
      && UInt64(extent.count) == Self.blockCount(of: byteCount, blockByteCount: blockByteCount)
  }
}
