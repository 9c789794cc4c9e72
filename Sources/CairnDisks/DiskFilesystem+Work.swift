public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Ranges of any size that `Store.step(budget:)` trims piece by piece, across restarts and upgrades.

extension Disk {
  /// Begins to trim blocks, in steps, in the order of their numbers. A block that is written meanwhile may be trimmed, too.
  public func beginTrimming(_ blocks: Range<UInt64>) throws(StorageError) {
    try requireInside(blocks.lowerBound, blocks.upperBound - blocks.lowerBound)
    try volume.begin(work: DiskOperation.trim(blocks).encoded)
  }

  /// Trims the first written blocks of a range, `budget` of them; where the rest begins, nil when there is none.
  fileprivate func trimSome(of blocks: Range<UInt64>, budget: Int) throws(StorageError) -> UInt64? {
    let range = DiskKey.range(blocks)
    var cursor = try volume.root.cursor(from: range.from, to: range.to)
    var count = 0
    while try cursor.next() {
      guard count == budget else {
        count += 1
        continue
      }
      guard let rest = DiskKey.number(cursor.key) else { throw Self.damage(volume) }
      try trim(blocks.lowerBound..<rest)
      return rest
    }
    try trim(blocks)
    return nil
  }
}

extension DiskFilesystem {
  /// Trims some blocks. The work is the operation that would trim all of them at once, the cursor the number of the next one.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    let decoded = try Disk.decode(in: volume) { () throws(ByteReader.Failure) in
      try DiskOperation(decoding: work, deviceBlockByteCount: volume.blockByteCount)
    }
    guard case .trim(let blocks) = decoded else { throw Disk.damage(volume) }
    let disk = try Disk(volume)
    var next = blocks.lowerBound
    if !cursor.isEmpty {
      next = try volume.decode(cursor) { (reader) throws(ByteReader.Failure) in try reader.uint64() }
    }
    // The disk may have become smaller meanwhile.
    let end = min(blocks.upperBound, disk.geometry.blockCount)
    guard next < end, let rest = try disk.trimSome(of: next..<end, budget: budget) else { return nil }
    var writer = ByteWriter()
    writer.uint64(rest)
    return writer.bytes
  }
}
