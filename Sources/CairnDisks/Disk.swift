public import CairnBlocks
import CairnBytes
import CairnVolumes

/// A disk inside a transaction: blocks by number, read and written whole.
///
/// Nothing is overwritten in place: what is written goes to fresh blocks of the device, and the map from the disk's blocks
/// to the device's changes with the commit. So a transaction over any number of blocks is atomic, and once it has returned
/// it is durable: there is no flush to call. Every read verifies its digest.
public struct Disk {
  let volume: Volume
  /// How many blocks there are, and how large they are.
  public let geometry: DiskGeometry

  /// Blocks that one staged operation carries at most, so that it stays far below the limit of one.
  private static let operationBlockCountMax = 4096

  init(_ volume: Volume) throws(StorageError) {
    self.volume = volume
    guard let bytes = try volume.root.get(DiskKey.geometry) else { throw Self.damage(volume) }
    geometry = try Self.decode(in: volume) { () throws(ByteReader.Failure) in try DiskGeometry(decoding: bytes) }
  }

  // MARK: Reading

  /// Reads blocks. What was never written is zeros.
  ///
  /// - Throws: `invalidRange`, counted in blocks, beyond the disk's end.
  public func read(_ block: UInt64, count: UInt64 = 1) throws(StorageError) -> [UInt8] {
    try requireInside(block, count)
    try volume.requireAllocation(byteCount: count * UInt64(geometry.blockByteCount), isStored: false)
    var bytes = [UInt8](repeating: 0, count: Int(count) * geometry.blockByteCount)
    try BulkCopy.withMutableRawSpan(of: &bytes) { (target) throws(StorageError) in
      try read(block, into: &target, isZeroed: true)
    }
    return bytes
  }

  /// Reads as many blocks as `bytes` holds: a multiple of the block size.
  public func read(_ block: UInt64, into bytes: inout MutableRawSpan) throws(StorageError) {
    try requireInside(block, try blockCount(of: bytes.byteCount))
    try read(block, into: &bytes, isZeroed: false)
  }

  private func read(_ first: UInt64, into bytes: inout MutableRawSpan, isZeroed: Bool) throws(StorageError) {
    let size = geometry.blockByteCount
    let zeros = isZeroed ? [] : [UInt8](repeating: 0, count: size)
    for index in 0..<bytes.byteCount / size {
      var target = bytes._mutatingExtracting(index * size..<(index + 1) * size)
      if let entry = try entry(of: first + UInt64(index)) {
        var offset = 0
        for piece in entry.pieces {
          var part = target._mutatingExtracting(offset..<offset + Int(piece.byteCount))
          try volume.readData(piece, into: &part)
          offset += Int(piece.byteCount)
        }
      } else if !isZeroed {
        BulkCopy.withRawSpan(of: zeros) { BulkCopy.copy($0, into: &target) }
      }
    }
  }

  /// How many blocks were written and not trimmed since.
  public func writtenBlockCount() throws(StorageError) -> UInt64 { try volume.root.count() - 1 }

  // MARK: Writing

  /// Writes one or more whole blocks.
  ///
  /// - Throws: `invalidRange`, counted in blocks, beyond the disk's end; `full`.
  public func write(_ block: UInt64, _ bytes: RawSpan) throws(StorageError) {
    try volume.requireWrite()
    try requireInside(block, try blockCount(of: bytes.byteCount))
    let step = Self.operationBlockCountMax * geometry.blockByteCount
    var first = block
    var lower = 0
    while lower < bytes.byteCount {
      let part = bytes.extracting(lower..<min(lower + step, bytes.byteCount))
      // First the data, straight to their place; then the operation that makes them part of the disk.
      let (extents, entries) = try place(part)
      try volume.perform(taking: extents, operation: { DiskOperation.write(first: first, entries).encoded }) {
        () throws(StorageError) in
        try apply(.write(first: first, entries))
      }
      first += UInt64(entries.count)
      lower += part.byteCount
    }
  }

  /// Writes one or more whole blocks.
  ///
  /// - Throws: `invalidRange`, counted in blocks, beyond the disk's end; `full`.
  public func write(_ block: UInt64, _ bytes: [UInt8]) throws(StorageError) {
    try BulkCopy.withRawSpan(of: bytes) { (span) throws(StorageError) in try write(block, span) }
  }

  /// Forgets blocks: they read as zeros, and the space that they took is free again.
  public func trim(_ blocks: Range<UInt64>) throws(StorageError) {
    try requireInside(blocks.lowerBound, blocks.upperBound - blocks.lowerBound)
    try perform(.trim(blocks))
  }

  /// Gives the disk another size. Blocks behind a smaller one are trimmed. A handle knows the size that was there when it
  /// was made: ask the transaction for a new one.
  public func resize(to blockCount: UInt64) throws(StorageError) {
    _ = try DiskGeometry(blockCount: blockCount, blockByteCount: geometry.blockByteCount)
    try perform(.resize(blockCount: blockCount))
  }

  private func perform(_ operation: DiskOperation) throws(StorageError) {
    try volume.perform(releasesSpace: true, operation: { operation.encoded }) { () throws(StorageError) in
      try apply(operation)
    }
  }

  /// Brings blocks to the device: where each is, and the extents to be taken over.
  private func place(_ bytes: RawSpan) throws(StorageError) -> ([Extent], [DiskEntry]) {
    let size = geometry.blockByteCount
    let device = volume.blockByteCount
    let deviceBlocksEach = DataExtent.blockCount(of: UInt64(size), blockByteCount: device)
    let blockCount = UInt64(bytes.byteCount / size)
    let extents = try volume.allocateData(byteCount: blockCount * deviceBlocksEach * UInt64(device))
    // The device's blocks one after the other, whatever extents they are in.
    var free = extents.first.map { $0.start.rawValue..<$0.start.rawValue + UInt64($0.count) } ?? 0..<0
    var next = 1
    var entries: [DiskEntry] = []
    for index in 0..<Int(blockCount) {
      var pieces: [DataExtent] = []
      var offset = index * size
      let end = offset + size
      while offset < end {
        if free.isEmpty {
          free = extents[next].start.rawValue..<extents[next].start.rawValue + UInt64(extents[next].count)
          next += 1
        }
        let room = UInt64(free.count) * UInt64(device)
        let count = Int(min(room, UInt64(end - offset)))
        let start = BlockNumber(free.lowerBound)
        let blocks = DataExtent.blockCount(of: UInt64(count), blockByteCount: device)
        let digests = try volume.writeData(bytes.extracting(offset..<offset + count), at: start)
        pieces.append(
          DataExtent(
            extent: Extent(start: start, count: UInt32(blocks)), byteCount: UInt64(count), digests: digests))
        free = free.lowerBound + blocks..<free.upperBound
        offset += count
      }
      entries.append(DiskEntry(pieces))
    }
    return (extents, entries)
  }

  // MARK: Changes

  /// Does an operation: now, or again for one that was staged.
  func apply(_ operation: DiskOperation) throws(StorageError) {
    switch operation {
    case .write(let first, let entries):
      guard entries.allSatisfy({ $0.byteCount == UInt64(geometry.blockByteCount) }) else { throw Self.damage(volume) }
      // The size may be another one than when the operation was staged.
      try requireInside(first, UInt64(entries.count))
      var added: Int64 = 0
      for (index, entry) in entries.enumerated() {
        let number = first + UInt64(index)
        if let old = try self.entry(of: number) { try free(old) } else { added += 1 }
        try volume.root.put(DiskKey.block(number), entry.encoded)
      }
      try account(blocks: added)
    case .trim(let blocks):
      try requireInside(blocks.lowerBound, blocks.upperBound - blocks.lowerBound)
      try forget(blocks)
    case .resize(let blockCount):
      let resized = try DiskGeometry(blockCount: blockCount, blockByteCount: geometry.blockByteCount)
      if blockCount < geometry.blockCount { try forget(blockCount..<geometry.blockCount) }
      try volume.root.put(DiskKey.geometry, resized.encoded)
    }
  }

  private func forget(_ blocks: Range<UInt64>) throws(StorageError) {
    let range = DiskKey.range(blocks)
    var cursor = try volume.root.cursor(from: range.from, to: range.to)
    while try cursor.next() { try free(decode(cursor.value())) }
    try account(blocks: -Int64(clamping: volume.root.deleteRange(from: range.from, to: range.to)))
  }

  private func free(_ entry: DiskEntry) throws(StorageError) {
    for piece in entry.pieces { try volume.free(piece.extent) }
  }

  private func account(blocks: Int64) throws(StorageError) {
    try volume.account(items: blocks, bytes: blocks * Int64(geometry.blockByteCount))
  }

  // MARK: Entries and errors

  private func entry(of block: UInt64) throws(StorageError) -> DiskEntry? {
    guard let bytes = try volume.root.get(DiskKey.block(block)) else { return nil }
    return try decode(bytes)
  }

  func decode(_ bytes: [UInt8]) throws(StorageError) -> DiskEntry {
    let entry = try Self.decode(in: volume) { () throws(ByteReader.Failure) in
      try DiskEntry(decoding: bytes, deviceBlockByteCount: volume.blockByteCount)
    }
    guard entry.byteCount == UInt64(geometry.blockByteCount) else { throw Self.damage(volume) }
    return entry
  }

  static func decode<Record>(
    in volume: Volume, _ body: () throws(ByteReader.Failure) -> Record
  ) throws(StorageError) -> Record {
    do throws(ByteReader.Failure) { return try body() } catch { throw damage(volume) }
  }

  static func damage(_ volume: Volume) -> StorageError {
    .damaged(Damage(block: volume.root.rootBlock, reason: .malformed))
  }

  private func blockCount(of byteCount: Int) throws(StorageError) -> UInt64 {
    guard byteCount % geometry.blockByteCount == 0 else {
      throw .invalidArgument("a disk is read and written in whole blocks of \(geometry.blockByteCount) bytes")
    }
    return UInt64(byteCount / geometry.blockByteCount)
  }

  func requireInside(_ block: UInt64, _ count: UInt64) throws(StorageError) {
    guard block <= geometry.blockCount, count <= geometry.blockCount - block else {
      let (end, overflow) = block.addingReportingOverflow(count)
      throw .invalidRange(lower: block, upper: overflow ? .max : end, byteCount: geometry.blockCount)
    }
  }
}
