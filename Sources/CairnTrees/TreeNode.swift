package import CairnBlocks
import CPrefetch

/// A node of a tree, for reading.
///
///     offset  size  field
///          0    32  block header; kind 0x10, byte 7: the level, 0xFF in a root
///         32     2  count of entries
///         34     1  front gap: unused entries before the first
///         35     1  level: 0 in leaves
///         36     2  prefix length: so many bytes of the low fence begin every key of the node and are not stored again
///         38     2  heap length: bytes from the lowest record to the end of the block
///         40     2  dead bytes: bytes of the heap that belong to nothing; they are zero
///         42     2  low fence length
///         44     2  high fence length
///         46     2  high fence offset; 0 when its length is 0
///         48     8  leftmost child; 0 in leaves
///         56     8  records of the tree; 0 but in a root
///         64     8  front gap, then entries, ascending by key: head (4), record offset (2), suffix length (2)
///          .        free space, zero
///          .        heap: records and the high fence in any order; the low fence is the end of the block
///
/// All integers are little-endian. A *suffix* is a key without the node's prefix. An entry's *head* is its first four
/// bytes as a number, the first byte the most significant, padded with zeros. The record holds the *rest*, what is
/// behind these four:
///
///     leaf    2  payload length, bit 15 set when the payload describes an overflow value (`OverflowDescriptor`)
///             .  rest
///             .  payload
///     inner   8  child: the keys not less than this key (and less than the next)
///             .  rest
///
/// The *fences* are bounds of the keys of the node: none is less than the low fence, and none is behind all keys that
/// begin with the high fence. They may be cut short, and a length of 0 bounds nothing. What counts is that both begin
/// with the prefix, so every key that a search leads here does too, and the search need not compare it.
///
/// A root's level stands in its body alone because it grows, and what stands in a block's header never changes.
@safe
package struct TreeNode {
  package let bytes: BlockBytes
  let blockByteCount: Int

  @inline(__always)
  init(_ bytes: BlockBytes, blockByteCount: Int) {
    self.bytes = bytes
    self.blockByteCount = blockByteCount
  }

  package enum Layout {
    /// Kind, generation, owner and level in the block header. (Here again, because constants of another module are not
    /// constants to the optimizer.)
    static let tag = 4
    static let kind: UInt8 = 0x10
    static let count = 32
    static let frontGap = 34
    static let level = 35
    static let prefixByteCount = 36
    static let heapByteCount = 38
    static let deadByteCount = 40
    static let lowFenceByteCount = 42
    static let highFenceByteCount = 44
    static let highFenceOffset = 46
    static let leftmostChild = 48
    static let recordCount = 56
    static let entries = 64
    static let entryByteCount = 8
    static let leafHeaderByteCount = 2
    static let innerHeaderByteCount = 8
    /// The bit of a payload's length that marks the description of an overflow value.
    static let overflowFlag: UInt16 = 0x8000
    /// Byte 7 of the block header of a root.
    static let rootMark: UInt8 = 0xFF
    /// Bytes of a suffix that stand in its entry.
    static let headByteCount = 4
  }

  var limits: TreeLimits { TreeLimits(blockByteCount: blockByteCount) }

  @inline(__always) var count: Int { Int(bytes.u16(at: Layout.count)) }
  @inline(__always) var frontGap: Int { Int(bytes.u8(at: Layout.frontGap)) }
  @inline(__always) var level: UInt8 { bytes.u8(at: Layout.level) }
  @inline(__always) var isLeaf: Bool { level == 0 }
  @inline(__always) var prefixByteCount: Int { Int(bytes.u16(at: Layout.prefixByteCount)) }
  @inline(__always) var heapByteCount: Int { Int(bytes.u16(at: Layout.heapByteCount)) }
  @inline(__always) var deadByteCount: Int { Int(bytes.u16(at: Layout.deadByteCount)) }
  @inline(__always) var lowFenceByteCount: Int { Int(bytes.u16(at: Layout.lowFenceByteCount)) }
  @inline(__always) var highFenceByteCount: Int { Int(bytes.u16(at: Layout.highFenceByteCount)) }
  @inline(__always) var highFenceOffset: Int { Int(bytes.u16(at: Layout.highFenceOffset)) }
  @inline(__always) var leftmostChild: BlockNumber { BlockNumber(bytes.u64(at: Layout.leftmostChild)) }
  @inline(__always) var recordCount: UInt64 { bytes.u64(at: Layout.recordCount) }
  @inline(__always) var headerByteCount: Int {
    isLeaf ? Layout.leafHeaderByteCount : Layout.innerHeaderByteCount
  }
}

extension TreeNode {
  /// Asks for the cache line at an offset and does not wait for it.
  ///
  /// A node that is not in the processor's cache costs three misses, one after the other: the header says where the
  /// entries are, the entry says where the record is. The first entries are nearly always within four lines.
  @inline(__always)
  func touch(_ offset: Int) {
    unsafe cairn_prefetch(bytes.address + offset)
  }

  /// Asks for the lines that a search in a leaf will need.
  @inline(__always)
  func touchEntries() {
    touch(Layout.entries)
    touch(Layout.entries &+ 64)
    touch(Layout.entries &+ 128)
  }
}

// MARK: - Parts

extension TreeNode {
  /// What stands in the array of entries for one key.
  struct Entry {
    var head: UInt32
    var offset: Int
    var suffixByteCount: Int

    /// Bytes of the suffix that stand in the record.
    @inline(__always)
    var restByteCount: Int { max(0, suffixByteCount &- Layout.headByteCount) }
  }

  /// Where the first entry is.
  @inline(__always)
  var entriesOffset: Int { Layout.entries &+ Layout.entryByteCount &* frontGap }

  @inline(__always)
  func entry(_ index: Int) -> Entry {
    let word = bytes.u64(at: entriesOffset &+ Layout.entryByteCount &* index)
    return Entry(
      head: UInt32(truncatingIfNeeded: word),
      offset: Int(truncatingIfNeeded: (word &>> 32) & 0xFFFF),
      suffixByteCount: Int(truncatingIfNeeded: word &>> 48)
    )
  }

  @inline(__always)
  func head(_ index: Int) -> UInt32 { bytes.u32(at: entriesOffset &+ Layout.entryByteCount &* index) }

  @inline(__always)
  func lend(_ offset: Int, count: Int) -> BorrowedBytes {
    unsafe BorrowedBytes(bytes.address + offset, count: count)
  }

  @inline(__always)
  func rest(of entry: Entry, headerByteCount: Int) -> BorrowedBytes {
    lend(entry.offset &+ headerByteCount, count: entry.restByteCount)
  }

  /// The value of a leaf's record, or the description of its overflow value.
  @inline(__always)
  func payload(of entry: Entry) -> (bytes: BorrowedBytes, isOverflow: Bool) {
    let length = bytes.u16(at: entry.offset)
    return (
      lend(
        entry.offset &+ Layout.leafHeaderByteCount &+ entry.restByteCount,
        count: Int(length & ~Layout.overflowFlag)),
      length & Layout.overflowFlag != 0
    )
  }

  /// Bytes of a record, without its entry.
  @inline(__always)
  func recordByteCount(of entry: Entry) -> Int {
    isLeaf
      ? Layout.leafHeaderByteCount &+ entry.restByteCount &+ Int(bytes.u16(at: entry.offset) & ~Layout.overflowFlag)
      : Layout.innerHeaderByteCount &+ entry.restByteCount
  }

  /// The child with `index` separators before it.
  @inline(__always)
  func child(_ index: Int) -> BlockNumber {
    index == 0 ? leftmostChild : BlockNumber(bytes.u64(at: entry(index &- 1).offset))
  }

  var lowFence: BorrowedBytes { lend(blockByteCount &- lowFenceByteCount, count: lowFenceByteCount) }
  var highFence: BorrowedBytes { lend(highFenceOffset, count: highFenceByteCount) }
  var prefix: BorrowedBytes { lend(blockByteCount &- lowFenceByteCount, count: prefixByteCount) }

  /// Bytes that entries and records use.
  var usedByteCount: Int {
    Layout.entryByteCount &* count &+ heapByteCount &- deadByteCount &- lowFenceByteCount &- highFenceByteCount
  }

  /// Bytes that are free, in one piece or not.
  var freeByteCount: Int { limits.capacity &- Layout.entryByteCount &* count &- heapByteCount &+ deadByteCount }

  /// Bytes that entries and records would use without prefixes: how full the node is, whatever its neighbours are.
  var weight: Int { usedByteCount &+ count &* prefixByteCount }
}

// MARK: - Search

extension TreeNode {
  /// The first entry that is not less than a suffix, and whether it is equal.
  @inline(__always)
  func lowerBound(_ suffix: BorrowedBytes, headerByteCount: Int) -> (index: Int, isExact: Bool) {
    let head = suffix.head
    let entries = unsafe bytes.address + entriesOffset
    let count = count
    var low = 0
    var high = count
    // With branches, not conditional moves: the processor guesses and loads the next head before this one has arrived.
    while low < high {
      let middle = (low &+ high) &>> 1
      if unsafe UInt32(littleEndian: entries.load(fromByteOffset: Layout.entryByteCount &* middle, as: UInt32.self))
        < head
      {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    if low == count || self.head(low) != head { return (low, false) }
    let order = compare(low, suffix, headerByteCount: headerByteCount)
    if order >= 0 { return (low, order == 0) }
    low &+= 1
    if low == count || self.head(low) != head { return (low, false) }
    return lowerBoundAmongEqualHeads(suffix, from: low, headerByteCount: headerByteCount)
  }

  /// Keys made to share their heads must not turn the search into a linear one.
  @inline(never)
  private func lowerBoundAmongEqualHeads(
    _ suffix: BorrowedBytes, from start: Int, headerByteCount: Int
  ) -> (index: Int, isExact: Bool) {
    let head = suffix.head
    var low = start
    var high = count
    while low < high {
      let middle = (low &+ high) &>> 1
      if self.head(middle) <= head { low = middle &+ 1 } else { high = middle }
    }
    high = low
    low = start
    while low < high {
      let middle = (low &+ high) &>> 1
      let order = compare(middle, suffix, headerByteCount: headerByteCount)
      if order == 0 { return (middle, true) }
      if order < 0 { low = middle &+ 1 } else { high = middle }
    }
    return (low, false)
  }

  /// The order of an entry and a suffix that have the same head.
  @inline(__always)
  private func compare(_ index: Int, _ suffix: BorrowedBytes, headerByteCount: Int) -> Int {
    let entry = entry(index)
    let order = rest(of: entry, headerByteCount: headerByteCount).compare(suffix.rest)
    // Equal heads and no rest: "a" and "a\0" differ in length alone.
    return order != 0 ? order : entry.suffixByteCount &- suffix.count
  }

  /// The order of an entry and a suffix.
  func compareSuffix(_ index: Int, _ suffix: BorrowedBytes) -> Int {
    let (mine, theirs) = (head(index), suffix.head)
    if mine != theirs { return mine < theirs ? -1 : 1 }
    return compare(index, suffix, headerByteCount: headerByteCount)
  }

  /// The order of two entries.
  func compareEntries(_ left: Int, _ right: Int) -> Int {
    let (mine, theirs) = (entry(left), entry(right))
    if mine.head != theirs.head { return mine.head < theirs.head ? -1 : 1 }
    let order = rest(of: mine, headerByteCount: headerByteCount)
      .compare(rest(of: theirs, headerByteCount: headerByteCount))
    return order != 0 ? order : mine.suffixByteCount - theirs.suffixByteCount
  }

  /// The child where a key belongs; with `isBefore`, the one where the keys just before it belong.
  ///
  /// The key must begin with the node's prefix; nil when it is shorter than that, which a sound tree does not lead to.
  @inline(__always)
  func childIndex(for key: BorrowedBytes, isBefore: Bool = false) -> Int? {
    let prefix = prefixByteCount
    guard key.count >= prefix else { return nil }
    let (index, isExact) = lowerBound(key.dropping(prefix), headerByteCount: Layout.innerHeaderByteCount)
    return isExact && !isBefore ? index &+ 1 : index
  }
}

extension TreeNode {
  /// The first entry of a leaf that is not less than a key, and whether it is equal.
  @inline(__always)
  func leafIndex(for key: BorrowedBytes, _ block: BlockNumber) throws(StorageError) -> (index: Int, isExact: Bool) {
    let prefix = prefixByteCount
    guard key.count >= prefix else { throw StorageError.damaged(block.rawValue, .malformed) }
    return lowerBound(key.dropping(prefix), headerByteCount: Layout.leafHeaderByteCount)
  }
}

// MARK: - Whole keys

extension TreeNode {
  /// What stands behind `prefix` in the key of a leaf's entry that is not before it, and whether the key begins with it; nil
  /// when that does not stand in the record in one piece.
  ///
  /// The prefix must begin with the node's.
  @inline(__always)
  func tail(_ index: Int, behind prefix: BorrowedBytes) -> (bytes: BorrowedBytes, isThere: Bool)? {
    let suffix = prefix.dropping(prefixByteCount)
    guard suffix.count >= Layout.headByteCount else { return nil }
    let entry = entry(index)
    let rest = rest(of: entry, headerByteCount: Layout.leafHeaderByteCount)
    let wanted = suffix.rest
    guard entry.head == suffix.head, entry.suffixByteCount >= suffix.count,
      rest.prefix(wanted.count).compare(wanted) == 0
    else { return (.empty, false) }
    return (rest.dropping(wanted.count), true)
  }

  /// Copies a whole key to memory that has room for the longest key and sixteen bytes more.
  @inline(__always)
  func copyKey(_ index: Int, to target: UnsafeMutableRawPointer) -> Int {
    let prefix = prefixByteCount
    unsafe target.copyMemory(from: self.prefix.address, byteCount: prefix)
    return unsafe prefix &+ copySuffix(entry(index), to: target + prefix, headerByteCount: headerByteCount)
  }

  /// A copy of a whole key.
  func key(_ index: Int) -> [UInt8] {
    let entry = entry(index)
    var key = prefix.array()
    for position in 0..<min(entry.suffixByteCount, Layout.headByteCount) {
      key.append(UInt8(truncatingIfNeeded: entry.head >> UInt32(24 - 8 * position)))
    }
    key += rest(of: entry, headerByteCount: headerByteCount).array()
    return key
  }

  /// Copies a suffix. Up to twenty bytes are written whatever its length, and up to sixteen are read behind its end: both
  /// sides have the slack, and most suffixes need no more than this.
  @inline(__always)
  func copySuffix(_ entry: Entry, to target: UnsafeMutableRawPointer, headerByteCount: Int) -> Int {
    unsafe target.storeBytes(of: entry.head.bigEndian, as: UInt32.self)
    let source = unsafe bytes.address + (entry.offset &+ headerByteCount)
    if entry.suffixByteCount <= 20 {
      unsafe (target + 4).storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
    } else {
      unsafe (target + 4).copyMemory(from: source, byteCount: entry.restByteCount)
    }
    return entry.suffixByteCount
  }

  /// How many bytes the suffixes of two entries both begin with.
  func commonPrefixByteCount(_ left: Int, _ right: Int) -> Int {
    let (mine, theirs) = (entry(left), entry(right))
    let common = min(mine.suffixByteCount, theirs.suffixByteCount)
    if mine.head != theirs.head { return min(common, (mine.head ^ theirs.head).leadingZeroBitCount / 8) }
    let rest = rest(of: mine, headerByteCount: headerByteCount)
      .commonPrefixByteCount(rest(of: theirs, headerByteCount: headerByteCount))
    return min(common, Layout.headByteCount + rest)
  }
}
