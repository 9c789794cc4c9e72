#if arch(wasm32)
  import CairnBlocks
  import CairnMemory

  /// L2: format, commit, read, snapshot, reopen, check.
  func smokeBlocks() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    let environment = Environment(now: { 1 }, random: { 0x1234_5678_9ABC_DEF0 })
    do throws(StorageError) {
      try BlockDevice.format(memory, options: FormatOptions(), environment: environment)
      let device = try BlockDevice.open(memory, options: OpenOptions(memoryBudget: 4 << 20), environment: environment)
      guard try useDevice(device) else { return false }
      try device.close()

      var options = OpenOptions(isReadOnly: true, memoryBudget: 4 << 20)
      options.admitsAllocation = { $0 <= OpenOptions.allocationByteCountMax / 2 }
      let reopened = try BlockDevice.open(memory, options: options, environment: environment)
      guard try reopened.rootBlock() != nil, try countCommits(reopened) > 0 else { return false }
      let report = try reopened.checkDevice()
      try reopened.close()
      return report.findings.isEmpty
    } catch {
      return error.description.utf8.isEmpty
    }
  }

  private let kind = BlockKind(rawValue: 0x80)

  private func useDevice(_ device: BlockDevice) throws(StorageError) -> Bool {
    let content: [UInt8] = [1, 2, 3, 4]
    let block = try device.transaction { (transaction) throws(StorageError) -> BlockNumber in
      let block = try transaction.allocate(kind: kind, owner: 1)
      try transaction.change(block, at: 100, content.span)
      try transaction.setRoot(block)
      transaction.annotation = CommitAnnotation(event: .auto, principal: [7])
      return block
    }
    let snapshot = try device.snapshot()
    let data = [UInt8](repeating: 9, count: 70_000)
    let (extents, digests) = try device.transaction { (transaction) throws(StorageError) in
      let extents = try transaction.allocateExtents(blockCount: 18)
      guard let first = extents.first else { return (extents, [UInt64]()) }
      let span = data.span
      return (extents, try transaction.writeData(unsafe span.bytes, at: first.start))
    }
    guard let extent = extents.first else { return false }
    var read = [UInt8](repeating: 0, count: data.count)
    try device.read { (view) throws(StorageError) in
      try view.requireAllocation(byteCount: UInt64(read.count))
      var span = read.mutableSpan
      var bytes = unsafe span.mutableBytes
      try view.readData(at: extent.start, digests: digests, into: &bytes)
    }
    var allocated = 0
    try device.read { (view) throws(StorageError) in
      try view.allocationMap().forEachAllocated { (_) throws(StorageError) in allocated += 1 }
    }
    let seen = try snapshot.view.withBlock(block, kind: kind) { (bytes) throws(StorageError) in
      bytes[100] == 1 && bytes[103] == 4
    }
    snapshot.end()
    let before = device.space.free
    try device.transaction { (transaction) throws(StorageError) in
      transaction.usesReserve = true
      for extent in extents { try transaction.free(extent) }
    }
    let reservation = try device.reserveExtents(blockCount: 4)
    try device.checkpoint()
    try device.grow(byBytes: 4 << 20)
    return seen && read == data && allocated >= 19 && device.space.free > before && reservation.extents.count > 0
  }

  private func countCommits(_ device: BlockDevice) throws(StorageError) -> Int {
    let journal = try device.journalReader()
    var count = 0
    while let commit = try journal.next() {
      guard commit.isValid else { return -1 }
      count += try journal.changes(of: commit).isEmpty ? 0 : 1
    }
    return count
  }
#endif
