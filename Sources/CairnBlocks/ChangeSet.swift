/// The blocks that a transaction changed, in the order in which it first touched them.
struct ChangeSet {
  /// One changed block: the private version, and what it is based on.
  struct Entry {
    var block: UInt64
    var version: BlockBytes
    /// The version before; nil for a block that the transaction allocated.
    var base: BlockBytes?
    /// Set for a block that the transaction allocated.
    var created: CreatedBlock?
  }

  private(set) var entries: [Entry] = []
  private var indices: [UInt64: Int] = [:]
  /// Metadata blocks that the transaction freed and that existed before it.
  var freedBlocks: [UInt64] = []
  /// Data extents that the transaction freed and that existed before it.
  var freedExtents: [Extent] = []
  /// Of both, those whose bytes are to become zeros.
  var erased: [Extent] = []
  /// Extents and blocks that it allocated, by start.
  var allocated: [UInt64: UInt32] = [:]
  /// Data that it wrote to new extents, by start block.
  var external: [UInt64: ExternalData] = [:]
  /// Bytes of those.
  var externalByteCount: UInt64 = 0
  /// How the number of free blocks changed.
  var freeBlockDelta: Int64 = 0
  /// Free blocks that came with a larger device.
  var grownBlockCount: Int64 = 0

  var isEmpty: Bool {
    entries.isEmpty && freedBlocks.isEmpty && freedExtents.isEmpty && allocated.isEmpty
  }

  mutating func append(_ entry: Entry) {
    indices[entry.block] = entries.count
    entries.append(entry)
  }

  func entry(of block: UInt64) -> Entry? {
    indices[block].map { entries[$0] }
  }

  /// Takes a block off the list.
  mutating func remove(_ block: UInt64) -> Entry? {
    guard let index = indices.removeValue(forKey: block) else { return nil }
    let removed = entries[index]
    if index != entries.count - 1 {
      let last = entries[entries.count - 1]
      entries[index] = last
      indices[last.block] = index
    }
    entries.removeLast()
    return removed
  }

  /// Whether blocks lie inside one extent that the transaction allocated.
  func covers(_ start: UInt64, blockCount: UInt64) -> Bool {
    if let count = allocated[start], blockCount <= UInt64(count) { return true }
    return allocated.contains { first, count in
      start >= first && start - first <= UInt64(count) && blockCount <= UInt64(count) - (start - first)
    }
  }

  /// Takes an extent out of those that the transaction allocated; false when it is not one of them.
  mutating func forgetAllocated(_ extent: Extent) -> Bool {
    let (start, end) = (extent.start.rawValue, extent.end)
    guard let (first, count) = allocated.first(where: { start >= $0.key && end <= $0.key + UInt64($0.value) }) else {
      return false
    }
    allocated[first] = nil
    if start > first { allocated[first] = UInt32(start - first) }
    let last = first + UInt64(count)
    if end < last { allocated[end] = UInt32(last - end) }
    for data in external.values where data.start >= start && data.start < end {
      external[data.start] = nil
      externalByteCount -= data.byteCount
    }
    return true
  }

  mutating func addExternal(_ data: ExternalData) {
    if let old = external.updateValue(data, forKey: data.start) { externalByteCount -= old.byteCount }
    externalByteCount += data.byteCount
  }

  mutating func setCreated(_ block: UInt64, _ created: CreatedBlock) {
    guard let index = indices[block] else { return }
    entries[index].created = created
    entries[index].version.mutable.store(created.level, at: BlockHeader.Layout.level)
  }
}
