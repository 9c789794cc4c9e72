import CairnBlocks

/// A node of a bulk load that still takes records.
///
/// How many records fit depends on the prefix, so on the bounds of the node, and the upper one is known only when the next
/// node begins. So records wait here with whole keys. Adding is allowed as long as they fit under the prefix that the low
/// bound and the newest key share; the final prefix is that of the low bound and the key behind the last record, which can
/// be shorter, and then the last record moves on to the next node.
struct PendingNode {
  private let limits: TreeLimits
  private let level: UInt8
  /// The bound that all keys are not less than.
  let low: [UInt8]
  /// The child before the first record of an inner node.
  var leftmostChild: BlockNumber?
  private var records: [Record] = []
  private var bytes: [UInt8] = []
  /// Bytes of entries and records but for their rests.
  private var fixedByteCount = 0
  private var keyByteCount = 0
  private var shortestKeyByteCount = Int.max

  private struct Record {
    var header: UInt64
    var key: Range<Int>
    var payload: Range<Int>
  }

  private typealias Layout = TreeNode.Layout

  init(_ limits: TreeLimits, level: UInt8, low: [UInt8]) {
    self.limits = limits
    self.level = level
    self.low = low
  }

  var count: Int { records.count }
  private var isLeaf: Bool { level == 0 }
  private var headerByteCount: Int { isLeaf ? Layout.leafHeaderByteCount : Layout.innerHeaderByteCount }

  private func key(_ index: Int) -> [UInt8] { Array(bytes[records[index].key]) }

  func isAscending(_ key: BorrowedBytes) -> Bool {
    guard let last = records.last else { return true }
    return bytes[last.key].withBorrowedBytes { $0.compare(key) < 0 }
  }

  mutating func append(_ record: TreeRecord) {
    let start = bytes.count
    record.key.append(to: &bytes)
    let end = bytes.count
    record.payload.append(to: &bytes)
    records.append(Record(header: record.header, key: start..<end, payload: end..<bytes.count))
    fixedByteCount += Layout.entryByteCount + headerByteCount + record.payload.count
    keyByteCount += record.key.count
    shortestKeyByteCount = min(shortestKeyByteCount, record.key.count)
  }

  /// Whether one more record fits if the node ends behind it.
  func hasRoom(for record: TreeRecord) -> Bool {
    let fence = limits.fenceByteCountMax
    let prefix = low.withBorrowedBytes {
      $0.prefix(fence).commonPrefixByteCount(record.key.prefix(fence))
    }
    let own =
      Layout.entryByteCount + record.byteCount(prefixByteCount: prefix, headerByteCount: headerByteCount)
    let fences = min(fence, low.count) + min(fence, record.key.count)
    return fixedByteCount + restByteCount(prefix) + own + fences <= limits.capacity
  }

  /// Bytes of the rests of all keys under a prefix that they share.
  private func restByteCount(_ prefix: Int) -> Int {
    let stored = prefix + Layout.headByteCount
    if shortestKeyByteCount >= stored { return keyByteCount - records.count * stored }
    var sum = 0
    for record in records { sum += max(0, record.key.count - stored) }
    return sum
  }

  /// How a full node ends.
  struct Division {
    /// Records that stay.
    var count: Int
    /// The bound between this node and the next.
    var separator: [UInt8]
    /// In an inner node, the child of this node's last record, when that record becomes the separator.
    var promotesRecord: UInt64?
    /// Whether the record that did not fit becomes the separator itself.
    var takesRecord: Bool
  }

  /// Where the node ends when the next record is `record`.
  func division(before record: TreeRecord) -> Division {
    let next = record.key.array()
    let separator = isLeaf ? Self.separator(key(count - 1), next) : next
    if count == 1 || fits(count, high: separator) {
      return Division(count: count, separator: separator, promotesRecord: nil, takesRecord: !isLeaf)
    }
    return divisionBeforeLast
  }

  /// Where the node ends when no other follows it; nil when it fits as it is.
  func divisionOfLast() -> Division? {
    count > 1 && !fits(count, high: []) ? divisionBeforeLast : nil
  }

  /// All records but the last stay.
  private var divisionBeforeLast: Division {
    isLeaf
      ? Division(
        count: count - 1, separator: Self.separator(key(count - 2), key(count - 1)), promotesRecord: nil,
        takesRecord: false)
      : Division(
        count: count - 1, separator: key(count - 1), promotesRecord: records[count - 1].header, takesRecord: false)
  }

  /// The shortest string greater than `left` and not greater than `right`.
  private static func separator(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    left.withBorrowedBytes { left in
      right.withBorrowedBytes { right in right.prefix(right.commonPrefixByteCount(left) + 1).array() }
    }
  }

  private func fits(_ count: Int, high: [UInt8]) -> Bool { plan(count, high: high).isFitting }

  /// Fences and prefix of a node of the first records.
  private func plan(_ count: Int, high: [UInt8]) -> (prefix: Int, low: Int, high: Int, isFitting: Bool) {
    let fence = limits.fenceByteCountMax
    var used = Layout.entryByteCount * count
    let prefix = low.withBorrowedBytes { low in
      high.withBorrowedBytes { low.prefix(fence).commonPrefixByteCount($0.prefix(fence)) }
    }
    for record in records[..<count] {
      used += headerByteCount + record.payload.count + max(0, record.key.count - prefix - Layout.headByteCount)
    }
    let (lowCount, highCount) = (min(low.count, fence), min(high.count, fence))
    if used + lowCount + highCount <= limits.capacity { return (prefix, lowCount, highCount, true) }
    return (prefix, prefix, prefix, used + 2 * prefix <= limits.capacity)
  }

  /// What comes behind the first records.
  func remainder(behind count: Int, low: [UInt8]) -> PendingNode {
    var next = PendingNode(limits, level: level, low: low)
    guard isLeaf else { return next }
    for record in records[count...] {
      bytes[record.key].withBorrowedBytes { key in
        bytes[record.payload].withBorrowedBytes { payload in
          next.append(
            TreeRecord(
              key: key, payload: payload, isOverflow: record.header & UInt64(Layout.overflowFlag) != 0))
        }
      }
    }
    return next
  }

  /// Writes a node of the first records.
  func build(_ count: Int, high: [UInt8], in target: MutableTreeNode) {
    let plan = plan(count, high: high)
    low.withBorrowedBytes { low in
      high.withBorrowedBytes { high in
        var builder = TreeNodeBuilder(
          target, level: level, low: low.prefix(plan.low), high: high.prefix(plan.high),
          prefixByteCount: plan.prefix)
        for record in records[..<count] {
          bytes[record.key].withBorrowedBytes { key in
            bytes[record.payload].withBorrowedBytes { payload in
              builder.append(TreeRecord(key: key, header: record.header, payload: payload))
            }
          }
        }
        if let leftmostChild { target.setLeftmostChild(leftmostChild) }
        builder.finish()
      }
    }
  }
}
