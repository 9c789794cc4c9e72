/// The position of a block on a device, counted in blocks from its start.
public struct BlockNumber: Hashable, Comparable, Sendable {
  /// Blocks before this one.
  public let rawValue: UInt64

  /// The block with `rawValue` blocks before it.
  @inlinable
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The order of the device.
  @inlinable
  public static func < (left: Self, right: Self) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The block `count` blocks further on.
  @inlinable
  package func advanced(by count: UInt64) -> BlockNumber {
    BlockNumber(rawValue &+ count)
  }
}

/// A run of consecutive blocks.
public struct Extent: Hashable, Sendable {
  /// The first block.
  public let start: BlockNumber
  /// How many blocks; at least one.
  public let count: UInt32

  /// The run of `count` blocks that begins at `start`.
  public init(start: BlockNumber, count: UInt32) {
    self.start = start
    self.count = count
  }

  /// The number of the first block behind the run; saturates rather than wraps on hostile values.
  package var end: UInt64 {
    let (sum, overflow) = start.rawValue.addingReportingOverflow(UInt64(count))
    return overflow ? .max : sum
  }
}

/// What a metadata block holds; the fifth byte of its header.
public struct BlockKind: Hashable, Sendable {
  /// The byte on the device.
  public let rawValue: UInt8

  /// A kind by its byte. 0x80 to 0xFF are free for filesystems outside this package.
  @inlinable
  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The bitmap of an allocation group.
  package static let bitmap = BlockKind(rawValue: 0x01)
  /// A part of the generation table of an allocation group.
  package static let generations = BlockKind(rawValue: 0x02)
  /// The one block that holds the device's size, its free blocks and the upper layer's root.
  package static let geometry = BlockKind(rawValue: 0x03)
  /// A node of an ordered map.
  public static let treeNode = BlockKind(rawValue: 0x10)
}

/// Constants of the block device, in one place.
package enum DeviceLimits {
  /// The smallest and largest block, in bytes. Both are powers of two.
  package static let blockByteCounts = 512...65536
  /// Blocks of the smallest image; the second superblock is the last of them.
  package static let blockCountMin: UInt64 = 64
  /// Blocks of the largest image: the block table's first level stays within 8 MiB.
  package static let blockCountMax: UInt64 = 1 << 32
  /// Blocks of the smallest journal ring.
  package static let ringBlockCountMin: UInt64 = 16
  /// Bytes of the largest journal ring.
  package static let ringByteCountMax: UInt64 = 1 << 30
  /// Data behind one digest, bytes.
  package static let chunkByteCount = 65536
  /// New data of one commit beyond which they are flushed before the commit, so that opening after a crash never
  /// reads more than this to verify digests. Bytes.
  package static let unflushedDataByteCountMax: UInt64 = 16 << 20
  /// Payload of one change record, bytes; a longer list of changes is split.
  package static let changePayloadByteCountMax = 1 << 20
  /// Longest record that a reader accepts, bytes: a change record whose last entry is a whole block of the largest size,
  /// or a commit record with digests for 16 MiB in the shortest extents.
  package static let recordByteCountMax = 2 << 20
  /// Longest principal, bytes.
  package static let principalByteCountMax = 64
  /// The owner byte of blocks that belong to the device itself.
  package static let deviceOwner: UInt8 = 255
  /// Views (snapshots, running reads and the writer) that can exist at one time.
  package static let viewCountMax = 512
  /// Numbers of commits, flushes and superblocks stay below this; far from where adding to them would wrap.
  package static let sequenceEnd: UInt64 = 1 << 60
  /// Journal segments that a superblock can list; an opening that needs one more folds the two oldest into one.
  package static let segmentCountMax = 8
}
