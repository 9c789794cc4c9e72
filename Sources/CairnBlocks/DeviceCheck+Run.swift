import CairnBytes
import CairnMemory

extension BlockDevice {
  /// Checks what the device keeps for itself: superblocks, journal, geometry, bitmaps, generation tables. Writes nothing.
  ///
  /// Damage becomes a finding; only I/O errors are thrown. Time: proportional to the ring and the bitmaps.
  public func checkDevice() throws(StorageError) -> DeviceReport {
    var check = DeviceCheck(device: self)
    try check.run()
    return check.report
  }
}

/// One check of a device.
private struct DeviceCheck {
  let device: BlockDevice
  var core: DeviceCore { device.core }
  var report = DeviceReport()

  init(device: BlockDevice) { self.device = device }

  private mutating func find(_ block: UInt64, _ text: String) {
    report.findings.append(DeviceFinding(block: BlockNumber(block), text: text))
  }

  mutating func run() throws(StorageError) {
    if let damage = device.journalDamage {
      find(damage.block.rawValue, "the journal is damaged: \(damage.reason.description)")
    }
    try checkSuperblocks()
    let snapshot = try device.snapshot()
    defer { snapshot.end() }
    try checkJournal(upTo: snapshot.view.sequence, blockCount: snapshot.view.blockCount)
    do throws(StorageError) {
      try checkAllocation(snapshot.view)
    } catch {
      guard case .damaged(let damage) = error else { throw error }
      find(damage.block.rawValue, damage.reason.description)
    }
  }

  // MARK: Superblocks

  private mutating func checkSuperblocks() throws(StorageError) {
    let copies = try SuperblockReader.read(core.memory)
    for copy in copies {
      let expected = copy.sequence % 2 == 0 ? DeviceLayout.superblockA : DeviceLayout.superblockB
      if copy.address.rawValue != expected {
        find(copy.address.rawValue, "superblock \(copy.sequence) stands where the other copy belongs")
      }
      // Features of later versions may use what is zero in this one.
      if copy.features == Superblock.Features(), try !isZeroPadded(copy) {
        find(copy.address.rawValue, "bytes of the superblock that nothing uses are not zero")
      }
    }
    if copies.count < 2 {
      let isFirst = copies.first?.address.rawValue == DeviceLayout.superblockA
      find(
        isFirst ? DeviceLayout.superblockB : DeviceLayout.superblockA, "this copy of the superblock does not verify")
    } else if copies[0].sequence - copies[1].sequence != 1 {
      find(
        copies[1].address.rawValue,
        copies[0].sequence == copies[1].sequence
          ? "both superblocks have the same number" : "the older superblock is more than one write behind")
    }
  }

  /// Whether the bytes on the memory are those that the decoded superblock has.
  private func isZeroPadded(_ superblock: Superblock) throws(StorageError) -> Bool {
    var found = [UInt8](repeating: 0, count: Superblock.byteCount)
    var span = found.mutableSpan
    let offset = superblock.address.rawValue * UInt64(core.layout.blockByteCount)
    do { try readMemory(core.memory, at: offset, into: &span) } catch { throw .memory(error) }
    // A new superblock may have been written since; whichever stands there now is judged by the next check.
    guard let now = try? Superblock(decoding: found.span, at: superblock.address.rawValue), now == superblock else {
      return true
    }
    var expected = [UInt8](repeating: 0, count: Superblock.byteCount)
    var target = expected.mutableSpan
    superblock.encode(into: &target)
    return found == expected
  }

  // MARK: Journal

  /// Follows the chain from the oldest commit that is kept to the newest: each verifies and names its predecessor, and
  /// changes blocks only that a commit may change, each once.
  private mutating func checkJournal(upTo last: UInt64, blockCount: UInt64) throws(StorageError) {
    let reader = try device.journalReader()
    while let commit = try reader.next(), commit.sequence <= last {
      guard commit.isValid else {
        if commit.block != device.journalDamage?.block, try isKept(commit.sequence) {
          find(
            commit.block.rawValue, "the record of commit \(commit.sequence), which must be there, does not verify")
        }
        continue
      }
      report.journalCommitCount += 1
      var seen: Set<UInt64> = []
      for block in commit.blocks {
        // Behind the end lies what a later commit cannot have taken away: devices never shrink.
        if block < core.layout.groupStart || block == DeviceLayout.superblockB || block >= blockCount {
          find(
            commit.block.rawValue, "commit \(commit.sequence) changes block \(block), which no commit may change")
        } else if !seen.insert(block).inserted {
          find(commit.block.rawValue, "commit \(commit.sequence) changes block \(block) twice")
        }
      }
    }
  }

  /// Whether a commit is still part of the history: while a device is in use, old ones are overwritten.
  private func isKept(_ sequence: UInt64) throws(StorageError) -> Bool {
    let copies = try SuperblockReader.read(core.memory)
    return copies.allSatisfy { $0.oldest.sequence <= sequence }
  }

  // MARK: Allocation

  private mutating func checkAllocation(_ view: BlockView) throws(StorageError) {
    let layout = core.layout
    let (geometry, isPadded) = try view.pinned { () throws(StorageError) in
      let block = try view.block(BlockNumber(layout.geometryBlock))
      return (Geometry(decoding: block), Geometry.isZeroPadded(block, blockByteCount: layout.blockByteCount))
    }
    if !isPadded { find(layout.geometryBlock, "bytes of the geometry block that nothing uses are not zero") }
    let map = try view.allocationMap()
    map.forEachAllocated { _ in report.allocatedBlockCount += 1 }
    report.groupCount = layout.groupCount(blockCount: geometry.blockCount)
    report.formattedGroupCount = geometry.formattedGroupCount
    if let block = map.firstBeyondEnd {
      find(block.rawValue, "a bitmap says that this block is in use, but the device ends before it")
    }
    if geometry.root != 0, !map.isAllocated(BlockNumber(geometry.root)) || map.isReserved(BlockNumber(geometry.root)) {
      find(layout.geometryBlock, "the root is block \(geometry.root), which no bitmap says is in use")
    }
    let usable = DeviceCore.usableBlockCount(layout: layout, blockCount: geometry.blockCount) - 1
    if geometry.freeBlockCount + report.allocatedBlockCount != usable {
      find(
        layout.geometryBlock,
        "\(geometry.freeBlockCount) blocks are counted as free, the bitmaps say "
          + "\(usable - min(usable, report.allocatedBlockCount))")
    }
    for group in 0..<geometry.formattedGroupCount { try checkGroup(group, map, view) }
  }

  /// The blocks that describe a group: marked as used, and what they say they are.
  private mutating func checkGroup(_ group: UInt64, _ map: AllocationMap, _ view: BlockView) throws(StorageError) {
    let layout = core.layout
    let start = layout.bitmapBlock(ofGroup: group)
    var own = Array(start..<start + DeviceLayout.groupOverhead)
    if group == 0 { own.append(layout.geometryBlock) }
    if layout.group(of: DeviceLayout.superblockB) == group { own.append(DeviceLayout.superblockB) }
    for block in own where !map.isAllocated(BlockNumber(block)) {
      find(block, "a block of the device's own is marked free")
    }
    for index in 1...DeviceLayout.generationBlockCount {
      do throws(StorageError) {
        try view.withBlock(BlockNumber(start + index), kind: .generations) { _ in }
      } catch {
        // The damage of one table does not hide that of the next.
        guard case .damaged(let damage) = error else { throw error }
        find(damage.block.rawValue, damage.reason.description)
      }
    }
  }
}
