import CairnBytes
import CairnMemory

// Data outside the journal: written once, straight from the caller's bytes, with a digest for each 64 KiB.

extension DeviceCore {
  /// Reads data and verifies each chunk, but for those that were verified when they came into the cache. No lock: data are
  /// never overwritten while anybody can see them.
  func readData(
    at start: UInt64, digests: [UInt64], into bytes: inout MutableRawSpan, fromDevice: Bool
  ) throws(StorageError) {
    let chunk = DeviceLimits.chunkByteCount
    let chunkBlocks = UInt64(chunk / layout.blockByteCount)
    let usesCache = dataCache.isOn && !fromDevice
    var index = 0
    while index < digests.count {
      if usesCache {
        var part = bytes._mutatingExtracting(index * chunk..<min((index + 1) * chunk, bytes.byteCount))
        if dataCache.copy(start + UInt64(index) * chunkBlocks, digest: digests[index], to: &part) {
          index += 1
          continue
        }
      }
      // Not all at once: what was just read is hashed while it is in the processor's second cache.
      let end = min(index + (usesCache ? 1 : Self.chunksPerRead), digests.count)
      let (lower, upper) = (index * chunk, min(end * chunk, bytes.byteCount))
      var piece = bytes._mutatingExtracting(lower..<upper)
      do {
        try memory.read(at: start * UInt64(layout.blockByteCount) + UInt64(lower), into: &piece)
      } catch { throw .memory(error) }
      while index < end {
        let content = bytes.bytes.extracting(index * chunk..<min((index + 1) * chunk, bytes.byteCount))
        let block = start + UInt64(index) * chunkBlocks
        guard XXHash3.digest(content) == digests[index] || isPlanted(.ignoreDataDigest) else {
          throw .damaged(block, .digest)
        }
        if usesCache && options.admitsAllocation(UInt64(chunk)) {
          dataCache.insert(block, digest: digests[index], content)
        }
        index += 1
      }
    }
  }

  /// Chunks that are read at a time.
  private static var chunksPerRead: Int { 4 }

  /// Writes data to blocks that nobody sees; their digests.
  func writeData(_ bytes: RawSpan, at start: UInt64) throws(StorageError) -> [UInt64] {
    let blockByteCount = layout.blockByteCount
    let offset = start * UInt64(blockByteCount)
    let whole = bytes.byteCount / blockByteCount * blockByteCount
    var digests: [UInt64] = []
    digests.reserveCapacity(bytes.byteCount / DeviceLimits.chunkByteCount + 1)
    var lower = 0
    while lower < bytes.byteCount {
      // Piece by piece: what was just hashed is copied from the processor's second cache, and the memory may begin to bring
      // a piece to the device while the next one is hashed.
      let end = min(lower + Self.pieceByteCount, bytes.byteCount)
      var chunk = lower
      while chunk < end {
        let upper = min(chunk + DeviceLimits.chunkByteCount, end)
        digests.append(XXHash3.digest(bytes.extracting(chunk..<upper)))
        chunk = upper
      }
      let upper = min(end, whole)
      do {
        if upper > lower { try memory.write(bytes.extracting(lower..<upper), at: offset + UInt64(lower)) }
      } catch { throw poisoning(error) }
      lower = end
    }
    if whole < bytes.byteCount {
      // The rest of the last block is zeros: nothing of an earlier life stays readable behind the data.
      var last = [UInt8](repeating: 0, count: blockByteCount)
      BulkCopy.withMutableRawSpan(of: &last) { BulkCopy.copy(bytes.extracting(whole..<bytes.byteCount), into: &$0) }
      do {
        try memoryWrite(last, at: offset + UInt64(whole))
      } catch { throw poisoning(error) }
    }
    return digests
  }

  /// Makes free blocks zeros that nobody sees.
  func erase(_ extent: Extent) throws(StorageError) {
    let blockByteCount = UInt64(layout.blockByteCount)
    var offset = extent.start.rawValue * blockByteCount
    let end = extent.end * blockByteCount
    let zeros = [UInt8](repeating: 0, count: Int(min(end - offset, Self.zeroByteCountMax)))
    while offset < end {
      let count = Int(min(end - offset, Self.zeroByteCountMax))
      do throws(MemoryError) {
        try BulkCopy.withRawSpan(of: zeros) { span throws(MemoryError) in
          try memory.write(span.extracting(0..<count), at: offset)
        }
      } catch { throw .memory(error) }
      offset += UInt64(count)
    }
  }

  /// Zeros that are written at a time.
  private static var zeroByteCountMax: UInt64 { 256 << 10 }

  /// Makes zeros of what durable commits freed and no view sees any more. Recovery needs nothing of it: it never goes back
  /// behind a durable commit, and leaves blocks alone that a commit in the ring freed. What can not be written is tried again
  /// behind the next flush. Under the lock.
  func eraseFreed(oldestView: UInt64) {
    guard !erasures.isEmpty, !isPlanted(.keepFreedBytes) else { return }
    var kept: [(sequence: UInt64, extent: Extent)] = []
    unerased.removeAll()
    for entry in erasures {
      // A batch may still write one of its blocks home.
      let isHeld = batches.contains { batch in
        batch.state != .free
          && batch.blocks.contains { $0 >= entry.extent.start.rawValue && $0 < entry.extent.end }
      }
      // A view of the commit that freed it does not see it any more.
      guard entry.sequence <= min(durableSequence, oldestView), !isHeld else {
        kept.append(entry)
        continue
      }
      do { try erase(entry.extent) } catch {
        kept.append(entry)
        unerased.append(entry.extent)
      }
    }
    hasErased = hasErased || kept.count < erasures.count
    erasures = kept
  }

  /// Whether a part of an extent could not be made zeros yet: until it is it must not be handed out, or what comes there would
  /// become zeros. Under the lock.
  func isToBeErased(_ extent: Extent) -> Bool {
    unerased.contains { $0.start.rawValue < extent.end && extent.start.rawValue < $0.end }
  }

  /// Behind the last flush of a clean close: makes zeros of what is left, since no view and no batch goes on, and has them on
  /// the device. Under the lock.
  func eraseRest() throws(StorageError) {
    if isPlanted(.keepFreedBytes) { return }
    for entry in erasures where entry.sequence <= durableSequence {
      do { try erase(entry.extent) } catch {
        poison()
        throw error
      }
      hasErased = true
    }
    erasures = []
    if hasErased { try flushAhead() }
    hasErased = false
  }

  /// Bytes that are hashed and written at a time: whole chunks, and whole blocks of any size.
  private static var pieceByteCount: Int { 4 * DeviceLimits.chunkByteCount }

  private func memoryWrite(_ bytes: [UInt8], at offset: UInt64) throws(MemoryError) {
    try BulkCopy.withRawSpan(of: bytes) { span throws(MemoryError) in try memory.write(span, at: offset) }
  }

  /// Poisons the device after a failed write.
  private func poisoning(_ error: MemoryError) -> StorageError {
    lock.lock()
    poison()
    lock.unlock()
    return .memory(error)
  }
}
