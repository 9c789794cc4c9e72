import CairnBlocks
import CairnBytes

/// Where the bytes of a long value are: what the leaf holds instead of them.
///
///     offset  size  field
///          0     8  byte count
///          8     4  depth: 0, the bytes are the value; else they are a descriptor whose depth is one less
///         12     4  count of extents
///         16    12  each extent: first block (8), blocks (4)
///          .     8  each digest: one for each 64 KiB of each extent's bytes
///
/// The bytes fill the extents in order, so all but the last are full. A descriptor that is too long for the leaf goes to
/// extents of its own, described by one of the next depth, until one fits: one of a single extent and chunk always does.
struct OverflowDescriptor: Equatable {
  var byteCount: Int
  var depth: UInt32
  var extents: [Extent]
  var digests: [UInt64]

  private enum Layout {
    static let headerByteCount = 16
    static let extentByteCount = 12
    static let digestByteCount = 8
  }

  /// The greatest depth: each describes at least ten times as much as the one before.
  static let depthMax: UInt32 = 8

  var encodedByteCount: Int {
    Layout.headerByteCount + Layout.extentByteCount * extents.count + Layout.digestByteCount * digests.count
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint64(UInt64(byteCount))
    writer.uint32(depth)
    writer.uint32(UInt32(extents.count))
    for extent in extents {
      writer.uint64(extent.start.rawValue)
      writer.uint32(extent.count)
    }
    for digest in digests { writer.uint64(digest) }
    return writer.bytes
  }

  /// Reads a descriptor; nil when the bytes are none, or its numbers contradict one another.
  init?(decoding bytes: [UInt8], blockByteCount: Int) {
    var reader = ByteReader(bytes)
    guard let decoded = try? Self.decode(&reader, blockByteCount: blockByteCount) else { return nil }
    self = decoded
    guard isConsistent(blockByteCount: blockByteCount) else { return nil }
  }

  init(byteCount: Int, depth: UInt32, extents: [Extent], digests: [UInt64]) {
    self.byteCount = byteCount
    self.depth = depth
    self.extents = extents
    self.digests = digests
  }

  private static func decode(
    _ reader: inout ByteReader, blockByteCount: Int
  ) throws(ByteReader.Failure) -> OverflowDescriptor {
    let byteCount = try reader.uint64()
    let depth = try reader.uint32()
    let extentCount = try reader.uint32()
    guard byteCount > 0, byteCount <= UInt64(TreeLimits.valueByteCountMax), depth <= depthMax,
      UInt64(extentCount) * UInt64(Layout.extentByteCount) <= UInt64(reader.remaining)
    else { throw .malformed }
    var extents: [Extent] = []
    for _ in 0..<extentCount {
      let start = try reader.uint64()
      extents.append(Extent(start: BlockNumber(start), count: try reader.uint32()))
    }
    guard reader.remaining % Layout.digestByteCount == 0 else { throw .malformed }
    var digests: [UInt64] = []
    while reader.remaining > 0 { digests.append(try reader.uint64()) }
    return OverflowDescriptor(byteCount: Int(byteCount), depth: depth, extents: extents, digests: digests)
  }

  /// Whether extents and digests are just those that the bytes need.
  private func isConsistent(blockByteCount: Int) -> Bool {
    var left = byteCount
    var digestCount = 0
    for extent in extents {
      guard left > 0, extent.count > 0 else { return false }
      let used = portion(of: extent, left: left, blockByteCount: blockByteCount)
      left -= used
      digestCount += Self.chunkCount(used)
      if left == 0 && (used + blockByteCount - 1) / blockByteCount != Int(extent.count) { return false }
    }
    return left == 0 && digestCount == digests.count
  }

  /// How many of the bytes that are left lie in an extent.
  func portion(of extent: Extent, left: Int, blockByteCount: Int) -> Int {
    Int(min(UInt64(left), UInt64(extent.count) * UInt64(blockByteCount)))
  }

  /// How many digests that many bytes of one extent have.
  static func chunkCount(_ byteCount: Int) -> Int {
    (byteCount + DeviceLimits.chunkByteCount - 1) / DeviceLimits.chunkByteCount
  }
}
