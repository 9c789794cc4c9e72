public import CairnBlocks
import CairnBytes
import CairnTrees

// Data outside trees. They are written before the operation that refers to them, straight to their place, and never
// overwritten. What no operation took over is given back when the call ends.

extension Volume {
  /// Allocates room for `byteCount` bytes, in as few runs as there are.
  ///
  /// All runs but the last are filled whole.
  public func allocateData(byteCount: UInt64) throws(StorageError) -> [Extent] {
    guard byteCount > 0 else { return [] }
    let blocks = DataExtent.blockCount(of: byteCount, blockByteCount: blockByteCount)
    try requireRoom(forBlocks: blocks)
    let extents = try allocating { (writer) throws(StorageError) in
      try writer.allocateExtents(blockCount: blocks)
    }
    transaction.noteExtents(extents, of: self)
    return extents
  }

  /// Writes bytes at a block of data that this transaction allocated; whole chunks of 64 KiB counted from the start of the
  /// extent, but for the last. Gives a digest for each chunk.
  public func writeData(_ bytes: RawSpan, at start: BlockNumber) throws(StorageError) -> [UInt64] {
    try transaction.requireWriter().writeData(bytes, at: start)
  }

  /// Allocates room for bytes and writes them.
  public func writeData(_ bytes: RawSpan) throws(StorageError) -> [DataExtent] {
    var written: [DataExtent] = []
    var offset = 0
    for extent in try allocateData(byteCount: UInt64(bytes.byteCount)) {
      let room = UInt64(extent.count) * UInt64(blockByteCount)
      let count = Int(min(room, UInt64(bytes.byteCount - offset)))
      let digests = try writeData(bytes.extracting(offset..<offset + count), at: extent.start)
      written.append(DataExtent(extent: extent, byteCount: UInt64(count), digests: digests))
      offset += count
    }
    return written
  }

  /// Allocates room for bytes and writes them.
  public func writeData(_ bytes: [UInt8]) throws(StorageError) -> [DataExtent] {
    try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in try writeData(bytes) }
  }

  /// Reads all bytes of several extents, one behind the other, and verifies them.
  ///
  /// - Parameter limit: more bytes than this are not read but `valueTooLarge`.
  public func readData(_ pieces: [DataExtent], limit: UInt64 = 1 << 30) throws(StorageError) -> [UInt8] {
    var byteCount: UInt64 = 0
    for piece in pieces {
      guard piece.isConsistent(blockByteCount: blockByteCount) else {
        throw .damaged(piece.extent.start.rawValue, .malformed)
      }
      byteCount = byteCount.addingReportingOverflow(piece.byteCount).partialValue
      guard piece.byteCount <= limit, byteCount <= limit else {
        throw .valueTooLarge(byteCount: byteCount, limit: limit)
      }
    }
    try requireAllocation(byteCount: byteCount, isStored: true)
    var all = [UInt8](repeating: 0, count: Int(byteCount))
    try BulkCopy.withMutableRawSpan(of: &all) { (bytes) throws(StorageError) in
      var offset = 0
      for piece in pieces {
        var part = bytes._mutatingExtracting(offset..<offset + Int(piece.byteCount))
        try readData(piece, into: &part)
        offset += Int(piece.byteCount)
      }
    }
    return all
  }

  /// Makes data that were written to a reservation, outside of any transaction, part of this one.
  public func claim(_ reservation: ExtentReservation) throws(StorageError) -> [Extent] {
    try requireRoom(forBlocks: reservation.extents.reduce(0) { $0 + UInt64($1.count) })
    let extents = try allocating { (writer) throws(StorageError) in try writer.claim(reservation) }
    transaction.noteExtents(extents, of: self)
    return extents
  }

  /// Gives back data of this call that no operation took over (an upload that was broken off).
  public func discardData(_ extents: [Extent]) throws(StorageError) {
    for extent in extents {
      guard transaction.dropUntaken(extent) else {
        throw .invalidArgument("only data that no operation took over can be discarded")
      }
      try allocating { (writer) throws(StorageError) in try writer.free(extent) }
    }
  }

  /// Room for what is laid aside until the transaction ends at the latest. Nobody's rights or quota count for it.
  func allocateTemporary(blockCount: UInt64) throws(StorageError) -> [Extent] {
    let writer = try transaction.requireWriter()
    let extents = try accounting(writer) { () throws(StorageError) in
      try writer.allocateExtents(blockCount: blockCount)
    }
    transaction.noteExtents(extents, of: self)
    return extents
  }

  /// Gives such room back, unless the end of the transaction has.
  func discardTemporary(_ extents: [Extent]) {
    guard transaction.isActive, let writer = transaction.writer else { return }
    let before = writer.erasesFreed
    writer.erasesFreed = filesystem.erasesFreedSpace
    defer { writer.erasesFreed = before }
    for extent in extents where transaction.dropUntaken(extent) {
      // What can not be given back now goes with the others at the transaction's end.
      do throws(StorageError) {
        try accounting(writer) { () throws(StorageError) in try writer.free(extent) }
      } catch {
        transaction.noteExtents([extent], of: self)
      }
    }
  }

  /// Gives back data that nothing refers to any more. Inside an operation.
  public func free(_ extent: Extent) throws(StorageError) {
    let writer = try requireChanging()
    // What is staged is taken back at the end of the call, and extents of earlier operations are still needed then.
    guard !transaction.isStaging else { return }
    try writer.free(extent)
  }

  /// Reads all bytes of an extent and verifies them. `bytes` is exactly as long.
  public func readData(_ data: DataExtent, into bytes: inout MutableRawSpan) throws(StorageError) {
    try readData(data, range: 0..<data.byteCount, into: &bytes)
  }

  /// Reads a range of an extent's bytes, verifying the chunks that it touches.
  public func readData(_ data: DataExtent, range: Range<UInt64>) throws(StorageError) -> [UInt8] {
    guard range.upperBound <= data.byteCount, data.isConsistent(blockByteCount: blockByteCount) else {
      throw .invalidRange(lower: range.lowerBound, upper: range.upperBound, byteCount: data.byteCount)
    }
    try requireAllocation(byteCount: range.upperBound - range.lowerBound, isStored: true)
    var part = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
    try BulkCopy.withMutableRawSpan(of: &part) { (bytes) throws(StorageError) in
      try readData(data, range: range, into: &bytes)
    }
    return part
  }

  /// Reads a range of an extent's bytes, verifying the chunks that it touches. `bytes` is exactly as long as the range.
  public func readData(
    _ data: DataExtent, range: Range<UInt64>, into bytes: inout MutableRawSpan
  ) throws(StorageError) {
    try transaction.requireActive()
    guard data.isConsistent(blockByteCount: blockByteCount) else {
      throw .damaged(data.extent.start.rawValue, .malformed)
    }
    guard range.upperBound <= data.byteCount, range.upperBound - range.lowerBound == UInt64(bytes.byteCount) else {
      throw .invalidRange(lower: range.lowerBound, upper: range.upperBound, byteCount: data.byteCount)
    }
    guard !range.isEmpty else { return }
    let chunk = DataExtent.chunkByteCount
    var position = range.lowerBound
    while position < range.upperBound {
      let first = position / chunk
      let end = min((first + 1) * chunk, data.byteCount)
      let done = Int(position - range.lowerBound)
      if position == first * chunk && range.upperBound >= end {
        // Whole chunks go straight to their place, as many as there are.
        let last = range.upperBound == data.byteCount ? UInt64(data.digests.count) : range.upperBound / chunk
        let upper = min(last * chunk, data.byteCount)
        var target = bytes._mutatingExtracting(done..<done + Int(upper - position))
        try readChunks(data, first..<last, into: &target)
        position = upper
      } else {
        let count = Int(end - first * chunk)
        var scratch = [UInt8](repeating: 0, count: count)
        try BulkCopy.withMutableRawSpan(of: &scratch) { (target) throws(StorageError) in
          try readChunks(data, first..<first + 1, into: &target)
        }
        let upper = min(end, range.upperBound)
        let offset = Int(position - first * chunk)
        BulkCopy.withRawSpan(of: scratch) { source in
          BulkCopy.copy(source.extracting(offset..<offset + Int(upper - position)), into: &bytes, at: done)
        }
        position = upper
      }
    }
  }

  private func readChunks(
    _ data: DataExtent, _ chunks: Range<UInt64>, into bytes: inout MutableRawSpan
  ) throws(StorageError) {
    let start = data.extent.start.rawValue + chunks.lowerBound * DataExtent.chunkByteCount / UInt64(blockByteCount)
    let digests = Array(data.digests[Int(chunks.lowerBound)..<Int(chunks.upperBound)])
    try transaction.view.readData(at: BlockNumber(start), digests: digests, into: &bytes)
  }
}
