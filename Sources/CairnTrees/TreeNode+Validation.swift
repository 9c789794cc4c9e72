package import CairnBlocks

extension TreeNode {
  /// Whether the bytes of a block are those of a node: every offset, count and length inside its bounds, nothing
  /// overlapping, and the keys ascending.
  ///
  /// Runs when a block enters the cache. After it, searches and changes of the node compute with its numbers unchecked,
  /// so that no byte string whatever may pass here and lead a load or a store outside the block. What concerns more than
  /// one node is not looked at.
  package static func isWellFormed(_ bytes: BlockBytes, blockByteCount: Int) -> Bool {
    let node = TreeNode(bytes, blockByteCount: blockByteCount)
    return node.hasSoundHeader && node.hasSoundHeap && node.hasAscendingKeys
  }

  /// As above, for a whole block as a span.
  package static func isWellFormed(_ block: Span<UInt8>) -> Bool {
    block.withBorrowedBlock { bytes in isWellFormed(bytes, blockByteCount: block.count) }
  }

  /// The numbers before the entries, and that entries and heap do not meet.
  private var hasSoundHeader: Bool {
    guard DeviceLimits.blockByteCounts.contains(blockByteCount) else { return false }
    let mark = bytes.u8(at: BlockHeader.Layout.level)
    guard level < TreeLimits.levelCountMax, mark == level || mark == Layout.rootMark else { return false }
    if mark != Layout.rootMark && recordCount != 0 { return false }
    if isLeaf && leftmostChild.rawValue != 0 { return false }

    let entriesEnd = entriesOffset + Layout.entryByteCount * count
    let fences = lowFenceByteCount + highFenceByteCount
    guard entriesEnd + heapByteCount <= blockByteCount, fences + deadByteCount <= heapByteCount else { return false }
    guard lowFenceByteCount <= limits.fenceByteCountMax, highFenceByteCount <= limits.fenceByteCountMax else {
      return false
    }
    if highFenceByteCount == 0 {
      guard highFenceOffset == 0 else { return false }
    } else {
      guard highFenceOffset >= blockByteCount - heapByteCount,
        highFenceOffset + highFenceByteCount <= blockByteCount - lowFenceByteCount
      else { return false }
    }
    guard prefixByteCount <= min(lowFenceByteCount, highFenceByteCount) else { return false }
    return lowFence.commonPrefixByteCount(highFence) >= prefixByteCount
  }

  /// That each record lies in the heap, none overlaps another or a fence, and the dead bytes are the rest.
  private var hasSoundHeap: Bool {
    let limits = limits
    let lowest = blockByteCount - heapByteCount
    let end = blockByteCount - lowFenceByteCount
    let header = headerByteCount
    let flag = isLeaf ? Layout.overflowFlag : 0
    var map = ByteMap(blockByteCount: blockByteCount)
    guard map.insert(highFenceOffset, count: highFenceByteCount) else { return false }
    var live = lowFenceByteCount + highFenceByteCount
    for index in 0..<count {
      let entry = entry(index)
      let keyByteCount = prefixByteCount + entry.suffixByteCount
      guard keyByteCount > 0, keyByteCount <= limits.keyByteCountMax else { return false }
      guard entry.offset >= lowest, entry.offset + header + entry.restByteCount <= end else { return false }
      if isLeaf {
        let payload = Int(bytes.u16(at: entry.offset) & ~flag)
        guard payload <= limits.payloadByteCountMax(keyByteCount: keyByteCount) else { return false }
      }
      if entry.suffixByteCount < Layout.headByteCount {
        // Padding that is not zero would change the order.
        guard entry.suffixByteCount == 0 ? entry.head == 0 : entry.head << (8 * entry.suffixByteCount) == 0 else {
          return false
        }
      }
      let length = recordByteCount(of: entry)
      guard entry.offset + length <= end, map.insert(entry.offset, count: length) else { return false }
      live += length
    }
    return live + deadByteCount == heapByteCount
  }

  /// That keys ascend strictly and respect what the fences say.
  private var hasAscendingKeys: Bool {
    guard count > 0 else { return true }
    for index in 0..<(count - 1) {
      guard compareEntries(index, index + 1) < 0 else { return false }
    }
    // Bounds: not before the low fence, not behind the keys that begin with the high one.
    let low = lowFence.dropping(prefixByteCount)
    guard compareSuffix(0, low, cut: false) >= 0 else { return false }
    let high = highFence.dropping(prefixByteCount)
    return high.count == 0 || compareSuffix(count - 1, high, cut: true) <= 0
  }

  /// The order of an entry's suffix, cut to the length of `other` on demand, and `other`.
  private func compareSuffix(_ index: Int, _ other: BorrowedBytes, cut: Bool) -> Int {
    let entry = entry(index)
    let length = cut ? min(entry.suffixByteCount, other.count) : entry.suffixByteCount
    let (mine, theirs) = (BigEndianHead(entry.head, count: length), BigEndianHead(other.head, count: other.count))
    if mine.value != theirs.value { return mine.value < theirs.value ? -1 : 1 }
    let rest = lend(entry.offset + headerByteCount, count: max(0, length - Layout.headByteCount))
    let order = rest.compare(other.rest)
    return order != 0 ? order : length - other.count
  }

  /// A head of which only some bytes count.
  private struct BigEndianHead {
    let value: UInt32
    init(_ head: UInt32, count: Int) {
      value = count >= 4 ? head : count == 0 ? 0 : head & ~(UInt32.max >> (8 * UInt32(count)))
    }
  }
}
