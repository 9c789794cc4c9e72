import CairnMemory

/// Finds the superblock to go by.
enum SuperblockReader {
  /// Both copies as far as they verify, the newest first.
  static func read(_ memory: any StableMemory) throws(StorageError) -> [Superblock] {
    var found: [Superblock] = []
    var failures: [Superblock.DecodingFailure] = []
    let byteCount = memory.pageCount * MemoryPage.byteCount
    func look(at block: UInt64, blockByteCount: Int) throws(StorageError) {
      let offset = block * UInt64(blockByteCount)
      guard offset + UInt64(Superblock.byteCount) <= byteCount else { return }
      var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
      var span = bytes.mutableSpan
      do { try readMemory(memory, at: offset, into: &span) } catch { throw .memory(error) }
      do {
        let superblock = try Superblock(decoding: bytes.span, at: block)
        if block == DeviceLayout.superblockA || superblock.layout.blockByteCount == blockByteCount {
          found.append(superblock)
        }
      } catch { failures.append(error) }
    }
    try look(at: DeviceLayout.superblockA, blockByteCount: 4096)
    if let first = found.first {
      try look(at: DeviceLayout.superblockB, blockByteCount: first.layout.blockByteCount)
    } else {
      // Without the first copy the block size is not known: all places where the second can be are tried.
      var blockByteCount = DeviceLimits.blockByteCounts.lowerBound
      while blockByteCount <= DeviceLimits.blockByteCounts.upperBound {
        try look(at: DeviceLayout.superblockB, blockByteCount: blockByteCount)
        blockByteCount *= 2
      }
    }
    for failure in failures {
      if case .newerVersion(let version) = failure {
        throw .unsupportedVersion(found: version, supported: Superblock.formatVersion)
      }
      if case .unknownFeatures(let features) = failure { throw .unsupportedFeatures(features) }
    }
    guard let first = found.first else {
      let isDamaged = failures.contains { $0 != .wrongMagic && $0 != .truncated }
      throw isDamaged ? .damaged(DeviceLayout.superblockA, .superblocks) : .notCairn
    }
    // Copies of two stores: whichever is an impostor, nothing may be written on the strength of it.
    guard found.allSatisfy({ $0.storeID == first.storeID && $0.layout == first.layout }) else {
      throw .damaged(DeviceLayout.superblockB, .superblocks)
    }
    return found.sorted { $0.sequence > $1.sequence }
  }
}
