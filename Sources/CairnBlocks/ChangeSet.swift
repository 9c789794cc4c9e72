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
    /// Whether the base was durable and the only version when this one was made: then there is none older behind it.
    var isBaseLast = false
  }

  private(set) var entries: [Entry] = []
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
    entry.version.changeIndex = entries.count
    entries.append(entry)
  }

  /// The entry of a block, by its newest version; nil when that is none of this transaction's.
  func entry(of newest: BlockBytes?) -> Entry? { index(of: newest).map { entries[$0] } }

  private func index(of newest: BlockBytes?) -> Int? {
    guard let newest, newest.sequence == .max else { return nil }
    let index = newest.changeIndex
    guard entries.indices.contains(index), entries[index].version == newest else { return nil }
    return index
  }

  /// Takes a block off the list, by its newest version.
  mutating func remove(_ newest: BlockBytes?) -> Entry? {
    guard let index = index(of: newest) else { return nil }
    let removed = entries[index]
    let last = entries.removeLast()
    if index < entries.count {
      entries[index] = last
      last.version.changeIndex = index
    }
    return removed
  }

  /// Asks the processor for what comparing the entries behind one will look at: a large transaction's blocks have left its
  /// caches since they were changed.
  func prefetch(behind index: Int) {
    if index + 4 < entries.count { entries[index + 4].version.prefetchHead() }
    if index + 2 < entries.count {
      let next = entries[index + 2]
      next.version.prefetchNotedLines(besides: next.base)
    }
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

  mutating func setCreated(_ newest: BlockBytes?, _ created: CreatedBlock) {
    guard let index = index(of: newest) else { return }
    entries[index].created = created
    entries[index].version.mutable.store(created.level, at: BlockHeader.Layout.level)
  }
}
