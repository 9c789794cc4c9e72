import CairnBlocks

/// A node of a tree that the running transaction may change.
///
/// What a commit costs is the bytes that changed, so changes here touch few: entries are moved on the shorter side, a
/// new record goes to free space or into a hole that another left, and nothing is rewritten to look tidy. Bytes that
/// become free are zeroed: what was deleted is not there any more.
@safe
struct MutableTreeNode {
  let bytes: MutableBlockBytes
  let blockByteCount: Int

  typealias Layout = TreeNode.Layout

  @inline(__always)
  init(_ bytes: MutableBlockBytes, blockByteCount: Int) {
    self.bytes = bytes
    self.blockByteCount = blockByteCount
  }

  /// The same node for reading.
  @inline(__always)
  var node: TreeNode { TreeNode(bytes.bytes, blockByteCount: blockByteCount) }

  /// What became of an attempt to add a record.
  enum Outcome {
    /// The record is in.
    case done
    /// It would fit if the free bytes were in one piece; nothing has changed.
    case scattered
    /// It does not fit; nothing has changed.
    case full
  }
}

// MARK: - Fields

extension MutableTreeNode {
  @inline(__always) func setCount(_ value: Int) { set16(value, at: Layout.count) }
  @inline(__always) func setFrontGap(_ value: Int) {
    bytes.store(UInt8(truncatingIfNeeded: value), at: Layout.frontGap)
  }
  @inline(__always) func setHeapByteCount(_ value: Int) { set16(value, at: Layout.heapByteCount) }
  @inline(__always) func setDeadByteCount(_ value: Int) { set16(value, at: Layout.deadByteCount) }
  @inline(__always) func setLeftmostChild(_ value: BlockNumber) {
    bytes.store(value.rawValue, at: Layout.leftmostChild)
  }
  @inline(__always) func setRecordCount(_ value: UInt64) { bytes.store(value, at: Layout.recordCount) }

  @inline(__always)
  private func set16(_ value: Int, at offset: Int) { bytes.store(UInt16(truncatingIfNeeded: value), at: offset) }

  @inline(__always)
  func storeEntry(head: UInt32, offset: Int, suffixByteCount: Int, at place: Int) {
    let word = UInt64(head) | UInt64(offset) &<< 32 | UInt64(suffixByteCount) &<< 48
    bytes.store(word, at: place)
  }

  @inline(__always)
  func copy(_ source: BorrowedBytes, to offset: Int) {
    unsafe bytes.copy(from: source.address, count: source.count, to: offset)
  }

  @inline(__always)
  func storeHeader(_ header: UInt64, headerByteCount: Int, at offset: Int) {
    if headerByteCount == Layout.leafHeaderByteCount {
      bytes.store(UInt16(truncatingIfNeeded: header), at: offset)
    } else {
      bytes.store(header, at: offset)
    }
  }
}

// MARK: - Adding

extension MutableTreeNode {
  /// Adds a record as entry `index`.
  @inline(__always)
  func insert(_ record: TreeRecord, at index: Int, headerByteCount: Int) -> Outcome {
    let node = node
    let count = node.count
    let frontGap = node.frontGap
    let length = record.byteCount(prefixByteCount: node.prefixByteCount, headerByteCount: headerByteCount)
    let gap = blockByteCount &- node.heapByteCount &- node.entriesOffset &- Layout.entryByteCount &* count
    // The entry takes the shorter way: into the front gap, or towards the heap.
    let isFront = frontGap > 0 && (2 &* index < count || gap < length &+ Layout.entryByteCount)
    guard gap >= (isFront ? length : length &+ Layout.entryByteCount) else {
      return insertIntoHole(record, at: index, length: length, gap: gap, headerByteCount: headerByteCount)
    }
    let heap = node.heapByteCount &+ length
    setHeapByteCount(heap)
    let offset = blockByteCount &- heap
    place(record, at: index, offset: offset, isFront: isFront, headerByteCount: headerByteCount)
    return .done
  }

  /// Adds a record where there is no room at the top of the heap.
  @inline(never)
  private func insertIntoHole(
    _ record: TreeRecord, at index: Int, length: Int, gap: Int, headerByteCount: Int
  ) -> Outcome {
    let node = node
    guard node.freeByteCount >= length + Layout.entryByteCount else { return .full }
    if gap + Layout.entryByteCount * node.frontGap >= length + Layout.entryByteCount {
      closeFrontGap()
      return insert(record, at: index, headerByteCount: headerByteCount)
    }
    guard node.frontGap > 0 || gap >= Layout.entryByteCount, node.deadByteCount >= length else { return .scattered }
    var map = ByteMap(blockByteCount: blockByteCount)
    guard node.mark(in: &map),
      let hole = map.firstHole(
        of: length, in: (blockByteCount - node.heapByteCount)..<(blockByteCount - node.lowFenceByteCount))
    else { return .scattered }
    setDeadByteCount(node.deadByteCount - length)
    let isFront = node.frontGap > 0 && (2 * index < node.count || gap < Layout.entryByteCount)
    place(record, at: index, offset: hole, isFront: isFront, headerByteCount: headerByteCount)
    return .done
  }

  /// Writes a record at an offset of the heap and its entry.
  @inline(__always)
  private func place(_ record: TreeRecord, at index: Int, offset: Int, isFront: Bool, headerByteCount: Int) {
    let node = node
    let suffix = record.key.dropping(node.prefixByteCount)
    let rest = suffix.rest
    storeHeader(record.header, headerByteCount: headerByteCount, at: offset)
    copy(rest, to: offset &+ headerByteCount)
    copy(record.payload, to: offset &+ headerByteCount &+ rest.count)
    openEntry(index, isFront: isFront)
    storeEntry(
      head: suffix.head, offset: offset, suffixByteCount: suffix.count,
      at: self.node.entriesOffset &+ Layout.entryByteCount &* index)
  }

  /// Makes room for an entry.
  @inline(__always)
  private func openEntry(_ index: Int, isFront: Bool) {
    let node = node
    let start = node.entriesOffset
    let count = node.count
    setCount(count &+ 1)
    if isFront {
      setFrontGap(node.frontGap &- 1)
      bytes.move(from: start, to: start &- Layout.entryByteCount, count: Layout.entryByteCount &* index)
    } else {
      let place = start &+ Layout.entryByteCount &* index
      bytes.move(
        from: place, to: place &+ Layout.entryByteCount, count: Layout.entryByteCount &* (count &- index))
    }
  }

  /// Moves all entries to the front, so that their gap is free for records.
  private func closeFrontGap() {
    let node = node
    let length = Layout.entryByteCount * node.count
    let gap = Layout.entryByteCount * node.frontGap
    bytes.move(from: node.entriesOffset, to: Layout.entries, count: length)
    bytes.fill(0, at: Layout.entries + length, count: gap)
    setFrontGap(0)
  }
}

// MARK: - Removing and replacing

extension MutableTreeNode {
  /// Takes an entry and its record away.
  func remove(_ index: Int) {
    let node = node
    let count = node.count
    let start = node.entriesOffset
    free(node.entry(index))
    setCount(count - 1)
    if 2 * index < count && node.frontGap < Int(UInt8.max) {
      bytes.move(from: start, to: start + Layout.entryByteCount, count: Layout.entryByteCount * index)
      bytes.store(UInt64(0), at: start)
      setFrontGap(node.frontGap + 1)
    } else {
      let place = start + Layout.entryByteCount * index
      bytes.move(
        from: place + Layout.entryByteCount, to: place, count: Layout.entryByteCount * (count - index - 1))
      bytes.store(UInt64(0), at: start + Layout.entryByteCount * (count - 1))
    }
  }

  /// Takes a run of entries and their records away.
  func remove(_ range: Range<Int>) {
    if range.count == 1 { return remove(range.lowerBound) }
    guard !range.isEmpty else { return }
    let node = node
    let count = node.count
    let start = node.entriesOffset
    for index in range { free(node.entry(index)) }
    let place = start + Layout.entryByteCount * range.lowerBound
    bytes.move(
      from: start + Layout.entryByteCount * range.upperBound, to: place,
      count: Layout.entryByteCount * (count - range.upperBound))
    bytes.fill(
      0, at: start + Layout.entryByteCount * (count - range.count), count: Layout.entryByteCount * range.count)
    setCount(count - range.count)
  }

  /// Gives a record's bytes back to the heap.
  private func free(_ entry: TreeNode.Entry) {
    free(entry.offset, count: node.recordByteCount(of: entry))
  }

  private func free(_ offset: Int, count: Int) {
    bytes.fill(0, at: offset, count: count)
    if offset == blockByteCount - node.heapByteCount {
      setHeapByteCount(node.heapByteCount - count)
    } else {
      setDeadByteCount(node.deadByteCount + count)
    }
  }

  /// Replaces the payload of a leaf's record by one that is not longer.
  func replacePayload(_ index: Int, with payload: BorrowedBytes, isOverflow: Bool) {
    let entry = node.entry(index)
    let old = node.payload(of: entry).bytes.count
    let offset = entry.offset + Layout.leafHeaderByteCount + entry.restByteCount
    copy(payload, to: offset)
    if payload.count < old {
      bytes.fill(0, at: offset + payload.count, count: old - payload.count)
      setDeadByteCount(node.deadByteCount + old - payload.count)
    }
    bytes.store(UInt16(payload.count) | (isOverflow ? Layout.overflowFlag : 0), at: entry.offset)
  }

  /// Makes another block the child with `index` separators before it.
  func setChild(_ index: Int, _ child: BlockNumber) {
    if index == 0 { setLeftmostChild(child) } else { bytes.store(child.rawValue, at: node.entry(index - 1).offset) }
  }
}

extension TreeNode {
  /// Takes the places of the records and the high fence in a map; false when two overlap, which never happens in a node
  /// that was well-formed.
  func mark(in map: inout ByteMap) -> Bool {
    guard map.insert(highFenceOffset, count: highFenceByteCount) else { return false }
    for index in 0..<count {
      let entry = entry(index)
      guard map.insert(entry.offset, count: recordByteCount(of: entry)) else { return false }
    }
    return true
  }
}
