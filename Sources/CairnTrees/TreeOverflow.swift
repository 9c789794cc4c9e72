public import CairnBlocks

// Values that do not fit in a leaf.

extension Tree {
  /// Writes a value to extents; the encoded descriptor, at most `limit` bytes.
  func writeOverflow(
    _ value: RawSpan, limit: Int, in transaction: BlockTransaction
  ) throws(StorageError) -> [UInt8] {
    var descriptor = try writeExtents(value, depth: 0, in: transaction)
    while descriptor.encodedByteCount > limit {
      guard descriptor.depth < OverflowDescriptor.depthMax else {
        throw .valueTooLarge(byteCount: UInt64(value.byteCount), limit: UInt64(Self.maximumValueByteCount))
      }
      let list = descriptor.encoded()
      descriptor = try writeExtents(unsafe list.span.bytes, depth: descriptor.depth + 1, in: transaction)
    }
    return descriptor.encoded()
  }

  private func writeExtents(
    _ bytes: RawSpan, depth: UInt32, in transaction: BlockTransaction
  ) throws(StorageError) -> OverflowDescriptor {
    let blockByteCount = transaction.view.blockByteCount
    let blockCount = (bytes.byteCount + blockByteCount - 1) / blockByteCount
    var descriptor = OverflowDescriptor(byteCount: bytes.byteCount, depth: depth, extents: [], digests: [])
    descriptor.extents = try transaction.allocateExtents(blockCount: UInt64(blockCount), near: root)
    var offset = 0
    for extent in descriptor.extents {
      let count = descriptor.portion(of: extent, left: bytes.byteCount - offset, blockByteCount: blockByteCount)
      descriptor.digests += try transaction.writeData(
        bytes.extracting(offset..<(offset + count)), at: extent.start)
      offset += count
    }
    return descriptor
  }

  /// Reads a value by its encoded descriptor.
  @usableFromInline
  func readOverflow(_ encoded: BorrowedBytes, in view: BlockView) throws(StorageError) -> [UInt8] {
    try followOverflow(encoded.array(), in: view, readsValue: true) { (_) throws(StorageError) in }
  }

  /// Gives the extents of a value back; how many bytes the value had.
  func freeOverflow(_ encoded: BorrowedBytes, in transaction: BlockTransaction) throws(StorageError) -> Int {
    var extents: [Extent] = []
    var byteCount = 0
    _ = try followOverflow(encoded.array(), in: transaction.view, readsValue: false) {
      (descriptor) throws(StorageError) in
      extents += descriptor.extents
      // The last descriptor is the value's own.
      byteCount = descriptor.byteCount
    }
    for extent in extents { try transaction.free(extent) }
    return byteCount
  }

  /// Goes from a descriptor in a leaf down to the value, and hands out each descriptor on the way.
  ///
  /// - Parameter readsValue: whether the value itself is wanted; else the result is empty.
  func followOverflow(
    _ encoded: [UInt8], in view: BlockView, readsValue: Bool,
    _ body: (OverflowDescriptor) throws(StorageError) -> Void
  ) throws(StorageError) -> [UInt8] {
    var bytes = encoded
    var depth: UInt32?
    while true {
      guard let descriptor = OverflowDescriptor(decoding: bytes, blockByteCount: view.blockByteCount),
        depth == nil || depth == descriptor.depth
      else { throw .damaged(root.rawValue, .malformed) }
      try body(descriptor)
      if descriptor.depth == 0 {
        return readsValue ? try read(descriptor, in: view) : []
      }
      depth = descriptor.depth - 1
      bytes = try read(descriptor, in: view)
    }
  }

  /// Reads what a descriptor describes. No value is longer than the device, so a forged length cannot ask for much, and a
  /// chain of descriptors not for more at each step.
  private func read(_ descriptor: OverflowDescriptor, in view: BlockView) throws(StorageError) -> [UInt8] {
    guard UInt64(descriptor.byteCount) <= view.blockCount * UInt64(view.blockByteCount) else {
      throw .damaged(root.rawValue, .malformed)
    }
    try view.requireAllocation(byteCount: UInt64(descriptor.byteCount))
    var bytes = [UInt8](repeating: 0, count: descriptor.byteCount)
    var span = bytes.mutableSpan
    var target = unsafe span.mutableBytes
    var offset = 0
    var digest = 0
    for extent in descriptor.extents {
      let count = descriptor.portion(
        of: extent, left: descriptor.byteCount - offset, blockByteCount: view.blockByteCount)
      let chunkCount = OverflowDescriptor.chunkCount(count)
      var part = target._mutatingExtracting(offset..<(offset + count))
      try view.readData(
        at: extent.start, digests: Array(descriptor.digests[digest..<(digest + chunkCount)]),
        into: &part)
      offset += count
      digest += chunkCount
    }
    return bytes
  }
}
