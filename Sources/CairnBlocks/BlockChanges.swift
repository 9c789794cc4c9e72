package import CairnBytes

/// The changes of one block in a change record.
///
///     varint   block
///     1        flags: bit 0, the block was allocated by this commit and its base is zeros
///     3        kind, owner, level: only with bit 0
///     varint   ranges; each: varint gap since the end of the last range (since the end of the header for the first),
///              varint length, the bytes
package struct BlockChangeHead: Equatable {
  package var block: UInt64
  /// What the block is, when its base is zeros.
  package var created: CreatedBlock?
  package var rangeCount: UInt64
}

/// What a newly allocated block is.
package struct CreatedBlock: Equatable, Sendable {
  package var kind: BlockKind
  package var owner: UInt8
  package var level: UInt8
}

extension BlockChangeHead {
  /// Bit 0 of the flags.
  private static let createdFlag: UInt8 = 1

  package func encode(into writer: inout ByteWriter) {
    writer.varint(block)
    writer.uint8(created == nil ? 0 : Self.createdFlag)
    if let created {
      writer.uint8(created.kind.rawValue)
      writer.uint8(created.owner)
      writer.uint8(created.level)
    }
    writer.varint(rangeCount)
  }

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    block = try reader.varint()
    let flags = try reader.uint8()
    guard flags & ~Self.createdFlag == 0 else { throw .malformed }
    if flags & Self.createdFlag != 0 {
      created = CreatedBlock(
        kind: BlockKind(rawValue: try reader.uint8()), owner: try reader.uint8(), level: try reader.uint8())
    }
    rangeCount = try reader.varint()
  }
}

/// One byte range, as read from a change record.
package struct ByteRangeChange: Equatable, Sendable {
  /// Offset in the block.
  package var offset: Int
  /// The new bytes.
  package var bytes: [UInt8]
}

/// Reads the ranges behind a head, checking that they ascend and stay inside a block of `blockByteCount` bytes.
package func decodeRanges(
  _ head: BlockChangeHead, blockByteCount: Int, from reader: inout ByteReader,
  _ body: (_ offset: Int, _ bytes: [UInt8]) -> Void
) throws(ByteReader.Failure) {
  var end = BlockHeader.byteCount
  guard head.rangeCount <= UInt64(blockByteCount) else { throw .malformed }
  for _ in 0..<head.rangeCount {
    let range = try nextRange(behind: end, blockByteCount: blockByteCount, from: &reader)
    body(range.lowerBound, try reader.bytes(count: range.count))
    end = range.upperBound
  }
}

/// Steps over the ranges behind a head, with the same checks, and copies nothing.
func skipRanges(
  _ head: BlockChangeHead, blockByteCount: Int, from reader: inout ByteReader
) throws(ByteReader.Failure) {
  var end = BlockHeader.byteCount
  guard head.rangeCount <= UInt64(blockByteCount) else { throw .malformed }
  for _ in 0..<head.rangeCount {
    let range = try nextRange(behind: end, blockByteCount: blockByteCount, from: &reader)
    try reader.skip(range.count)
    end = range.upperBound
  }
}

/// The place of the next range; its bytes come next.
private func nextRange(
  behind end: Int, blockByteCount: Int, from reader: inout ByteReader
) throws(ByteReader.Failure) -> Range<Int> {
  let gap = try reader.varint()
  let count = try reader.varint()
  guard gap <= UInt64(blockByteCount - end) else { throw .malformed }
  let offset = end + Int(gap)
  guard count > 0, count <= UInt64(blockByteCount - offset) else { throw .malformed }
  return offset..<offset + Int(count)
}

/// Calls `body` with the byte ranges, behind the header, in which a block differs from its base (zeros when nil).
///
/// Ranges closer than two words are joined: each costs two to four bytes of lengths. Only the noted lines are looked at.
package func forEachDifference(
  from base: BlockBytes?, to block: BlockBytes, byteCount: Int, in lines: NotedLines = .all,
  _ body: (Range<Int>) -> Void
) {
  func differs(_ offset: Int) -> Bool {
    if let base { return block.u64(at: offset) != base.u64(at: offset) }
    return block.u64(at: offset) != 0
  }
  func byteDiffers(_ offset: Int) -> Bool {
    if let base { return block.u8(at: offset) != base.u8(at: offset) }
    return block.u8(at: offset) != 0
  }
  var start = 0
  var end = 0
  func emit() {
    var (lower, upper) = (start, end)
    while !byteDiffers(lower) { lower += 1 }
    while !byteDiffers(upper - 1) { upper -= 1 }
    body(lower..<upper)
  }
  var offset = BlockHeader.byteCount
  while true {
    let run = lines.run(from: offset, end: byteCount)
    if run.isEmpty { return }
    start = block.firstDifference(from: run.lowerBound, to: base, end: run.upperBound)
    if start == run.upperBound {
      offset = start
      continue
    }
    end = start + 8
    offset = end
    // Up to two equal words in a row.
    while offset < byteCount && offset - end < 16 {
      if differs(offset) { end = offset + 8 }
      offset += 8
    }
    emit()
  }
}
