import CairnMemory

// Loads for views. The memory is read without the lock, so that a reader whose block is not in the cache keeps nobody
// waiting but those who want the same block.

extension DeviceCore {
  /// The version of a block that a view of commit `sequence` sees, read from the memory when it is not cached.
  func loadForView(_ block: UInt64, sequence: UInt64) throws(StorageError) -> BlockBytes {
    lock.lock()
    defer { lock.unlock() }
    while true {
      if let version = table.find(block, sequence: sequence) { return version }
      guard loading.contains(block) else { break }
      loaded.wait(for: lock)
    }
    if isPlainHome(block), let version = try loadPlainHome(block) { return version }
    // With changes to apply, of the device's own, or after an attempt that did not succeed: under the lock.
    return try load(block, sequence: sequence)
  }

  /// Whether what the view sees is just what lies at the block's home.
  private func isPlainHome(_ block: UInt64) -> Bool {
    block >= layout.groupStart && block < geometry.blockCount && !isPoisoned && !isClosed && table.newest(block) == nil
      && replay[block] == nil && imageOverrides[block] == nil
  }

  /// Reads a home while others go on; nil when what was read does not verify, perhaps because something happened to the
  /// block meanwhile: the attempt under the lock says what is wrong. Called under the lock, which is released meanwhile.
  private func loadPlainHome(_ block: UInt64) throws(StorageError) -> BlockBytes? {
    let frame = try makeFrame(block)
    loading.insert(block)
    lock.unlock()
    var header: BlockHeader?
    var failure: StorageError?
    do { header = try readBlock(at: block, into: frame, number: block) } catch { failure = error }
    let isSound = header.map { header in
      header.kind.rawValue > BlockKind.geometry.rawValue
        && options.validator(header.kind, frame.bytes, layout.blockByteCount)
    }
    lock.lock()
    loading.remove(block)
    loaded.broadcast()
    if let failure, case .memory = failure {
      frames.discard(frame.bytes)
      throw failure
    }
    // A block that became dirty, went home and left the cache while it was read has another generation than was found.
    guard let header, isSound == true, isPlainHome(block), header.sequence <= durableSequence,
      (try? verifyGeneration(of: block, found: header.generation)) != nil, table.newest(block) == nil
    else {
      frames.discard(frame.bytes)
      return nil
    }
    table.set(block, frame.bytes)
    return frame.bytes
  }
}
