/// The payload of the geometry block: what the device knows of itself and changes through the journal.
///
///     offset  size  field
///         32     8  blocks of the device
///         40     8  free blocks: their bit is clear, or their group was never used
///         48     8  groups whose bitmap and table exist
///         56     8  the upper layer's root block; 0 before it is set
///         64     8  1: the device asks its memory for more when it is full; 0: it never grows by itself
package struct Geometry: Equatable, Sendable {
  package var blockCount: UInt64
  package var freeBlockCount: UInt64
  package var formattedGroupCount: UInt64
  package var root: UInt64
  package var growsByItself = false

  enum Layout {
    static let blockCount = 32
    static let freeBlockCount = 40
    static let formattedGroupCount = 48
    static let root = 56
    static let growsByItself = 64
    static let end = 72
  }

  init(
    blockCount: UInt64, freeBlockCount: UInt64, formattedGroupCount: UInt64, root: UInt64, growsByItself: Bool = false
  ) {
    self.growsByItself = growsByItself
    self.blockCount = blockCount
    self.freeBlockCount = freeBlockCount
    self.formattedGroupCount = formattedGroupCount
    self.root = root
  }

  init(decoding block: BlockBytes) {
    blockCount = block.u64(at: Layout.blockCount)
    freeBlockCount = block.u64(at: Layout.freeBlockCount)
    formattedGroupCount = block.u64(at: Layout.formattedGroupCount)
    root = block.u64(at: Layout.root)
    growsByItself = block.u64(at: Layout.growsByItself) == 1
  }

  func encode(into block: MutableBlockBytes) {
    block.store(blockCount, at: Layout.blockCount)
    block.store(freeBlockCount, at: Layout.freeBlockCount)
    block.store(formattedGroupCount, at: Layout.formattedGroupCount)
    block.store(root, at: Layout.root)
    block.store(growsByItself ? UInt64(1) : 0, at: Layout.growsByItself)
  }

  /// Whether the rest of a geometry block is zero, as it is written.
  static func isZeroPadded(_ block: BlockBytes, blockByteCount: Int) -> Bool {
    for offset in Layout.end..<blockByteCount where block.u8(at: offset) != 0 { return false }
    return block.u64(at: Layout.growsByItself) <= 1
  }

  /// Whether the numbers are possible on a memory of `memoryBlockCount` blocks.
  func isPlausible(layout: DeviceLayout) -> Bool {
    let groups = layout.groupCount(blockCount: blockCount)
    return blockCount >= DeviceLimits.blockCountMin && blockCount <= DeviceLimits.blockCountMax
      && blockCount > layout.geometryBlock && freeBlockCount <= blockCount
      && formattedGroupCount >= 1 && formattedGroupCount <= groups && root < blockCount
  }

  /// Blocks that stay aside, so that deleting works on a full device.
  var reserveBlockCount: UInt64 { min(max(blockCount / 128, 4), 4096) }
}
