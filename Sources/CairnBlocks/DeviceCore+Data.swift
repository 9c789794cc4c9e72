import CairnBytes
import CairnMemory

// Data outside the journal: written once, straight from the caller's bytes, with a digest for each 64 KiB.

extension DeviceCore {
  /// Reads data and verifies each chunk. No lock: data are never overwritten while anybody can see them.
  func readData(
    at start: UInt64, digests: [UInt64], into bytes: inout MutableRawSpan
  ) throws(StorageError) {
    do {
      try memory.read(at: start * UInt64(layout.blockByteCount), into: &bytes)
    } catch { throw .memory(error) }
    var offset = 0
    for digest in digests {
      let end = min(offset + DeviceLimits.chunkByteCount, bytes.byteCount)
      guard XXHash64.digest(bytes.bytes.extracting(offset..<end)) == digest || isPlanted(.ignoreDataDigest) else {
        throw .damaged(start + UInt64(offset / layout.blockByteCount), .digest)
      }
      offset = end
    }
  }

  /// Writes data to blocks that nobody sees; their digests.
  func writeData(_ bytes: RawSpan, at start: UInt64) throws(StorageError) -> [UInt64] {
    let blockByteCount = layout.blockByteCount
    let whole = bytes.byteCount / blockByteCount * blockByteCount
    let offset = start * UInt64(blockByteCount)
    do {
      if whole > 0 { try memory.write(bytes.extracting(0..<whole), at: offset) }
    } catch { throw poisoning(error) }
    if whole < bytes.byteCount {
      // The rest of the last block is zeros: nothing of an earlier life stays readable behind the data.
      var last = [UInt8](repeating: 0, count: blockByteCount)
      BulkCopy.withMutableRawSpan(of: &last) { BulkCopy.copy(bytes.extracting(whole..<bytes.byteCount), into: &$0) }
      do {
        try memoryWrite(last, at: offset + UInt64(whole))
      } catch { throw poisoning(error) }
    }
    var digests: [UInt64] = []
    digests.reserveCapacity(bytes.byteCount / DeviceLimits.chunkByteCount + 1)
    var lower = 0
    while lower < bytes.byteCount {
      let upper = min(lower + DeviceLimits.chunkByteCount, bytes.byteCount)
      digests.append(XXHash64.digest(bytes.extracting(lower..<upper)))
      lower = upper
    }
    return digests
  }

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
