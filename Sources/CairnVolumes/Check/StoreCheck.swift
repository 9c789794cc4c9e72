import CairnBlocks
import CairnBytes
import CairnTrees

/// One walk over a whole store, as of one moment. Writes nothing; takes a bit of memory for each block.
///
/// Every block that something points to is marked: once, and only where the bitmaps say that it is used. What is left over
/// in the bitmaps has leaked.
final class StoreCheck {
  let core: StoreCore
  let transaction: Transaction
  let view: BlockView
  let isDeep: Bool
  private let progress: (CheckProgress) throws(StorageError) -> Void
  private let map: AllocationMap
  private var visited: [UInt64]
  private(set) var report: CheckReport
  /// Something could not be followed, so what looks leaked may not be.
  private var isIncomplete = false
  private var volumeName = ""
  private var nextProgress: UInt64 = 0
  private var scratch: [UInt8] = []

  init(
    _ core: StoreCore, _ transaction: Transaction, isDeep: Bool,
    progress: @escaping (CheckProgress) throws(StorageError) -> Void
  ) throws(StorageError) {
    self.core = core
    self.transaction = transaction
    self.isDeep = isDeep
    self.progress = progress
    view = transaction.view
    map = try view.allocationMap()
    report = CheckReport(device: try core.device.checkDevice())
    try view.requireAllocation(byteCount: map.blockCount / 8)
    visited = [UInt64](repeating: 0, count: Int((map.blockCount + 63) / 64))
    report.isDeep = isDeep
    var allocated: UInt64 = 0
    map.forEachAllocated { _ in allocated += 1 }
    report.allocatedBlockCount = allocated
  }

  // MARK: Findings

  func find(
    _ kind: CheckFinding.Kind, _ text: String, block: BlockNumber? = nil, key: [UInt8] = [], volume: String? = nil
  ) {
    report.findingCount += 1
    guard report.findings.count < CheckReport.findingCountMax else { return }
    report.findings.append(
      CheckFinding(kind: kind, volume: volume ?? volumeName, block: block, key: key, text: text))
  }

  /// Runs a part of the walk. Damage is a finding, and what lies behind it can not be followed; other errors go on.
  func part<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result? {
    do {
      return try body()
    } catch {
      switch error {
      case .damaged(let damage):
        isIncomplete = true
        find(.damage, damage.reason.description, block: damage.block)
      case .notFound, .invalidKey, .invalidRange, .wrongKind:
        // A filesystem that stumbles over its own records.
        isIncomplete = true
        find(.filesystem, "its records contradict each other")
      default: throw error
      }
      return nil
    }
  }

  func countTransaction() { report.transactionCount += 1 }

  /// Something can not be followed, so what looks leaked may not be.
  func setIncomplete() { isIncomplete = true }

  // MARK: Blocks

  /// What may be wrong with a block that something points to.
  private enum Trouble: Equatable {
    case reserved, usedTwice, free
  }

  func mark(_ block: BlockNumber) throws(StorageError) {
    try mark(Extent(start: block, count: 1))
  }

  /// Marks blocks as pointed to. A run of blocks with the same trouble is one finding.
  func mark(_ extent: Extent) throws(StorageError) {
    guard extent.end <= map.blockCount else {
      isIncomplete = true
      return find(.damage, "a pointer leaves the device", block: extent.start)
    }
    var trouble: Trouble?
    var start = extent.start.rawValue
    for number in extent.start.rawValue..<extent.end {
      let found = visit(BlockNumber(number))
      if found != trouble {
        tell(trouble, start, number - start)
        (trouble, start) = (found, number)
      }
    }
    tell(trouble, start, extent.end - start)
    if report.reachedBlockCount >= nextProgress { try tell() }
  }

  private func visit(_ block: BlockNumber) -> Trouble? {
    if map.isReserved(block) { return .reserved }
    let word = Int(block.rawValue / 64)
    let bit = UInt64(1) << (block.rawValue % 64)
    if visited[word] & bit != 0 { return .usedTwice }
    visited[word] |= bit
    report.reachedBlockCount += 1
    return map.isAllocated(block) ? nil : .free
  }

  private func tell(_ trouble: Trouble?, _ start: UInt64, _ count: UInt64) {
    let blocks = count == 1 ? "the block" : "\(count) blocks"
    switch trouble {
    case .reserved: find(.usedTwice, "data point to the device's own \(count) blocks", block: BlockNumber(start))
    case .usedTwice: find(.usedTwice, "two things point to \(blocks)", block: BlockNumber(start))
    case .free: find(.usedButFree, "something points to \(blocks), marked free", block: BlockNumber(start))
    case nil: break
    }
  }

  private func tell() throws(StorageError) {
    nextProgress = report.reachedBlockCount + max(256, report.allocatedBlockCount / 1000)
    try progress(
      CheckProgress(
        volume: volumeName, blockCount: report.reachedBlockCount, totalBlockCount: report.allocatedBlockCount))
  }

  /// Walks a tree's blocks. False: it is damaged, and its entries are not to be trusted.
  func walk(_ tree: Tree) throws(StorageError) -> Bool {
    let isSound = try part { () throws(StorageError) -> Bool in
      let found = try tree.check(in: view, deep: isDeep) { (visit) throws(StorageError) in
        switch visit {
        case .block(let block):
          try mark(block)
          // The cache may hide what has become of the block on the memory.
          if isDeep { try verifyHome(block) }
        case .extent(let extent): try mark(extent)
        }
      }
      for problem in found.problems { find(.tree, problem.description, block: problem.block) }
      if !found.problems.isEmpty { isIncomplete = true }
      report.entryCount += found.recordCount
      return found.problems.isEmpty
    }
    return isSound ?? false
  }

  private func verifyHome(_ block: BlockNumber) throws(StorageError) {
    guard block.rawValue < map.blockCount else { return }
    do throws(StorageError) {
      try view.verifyHome(block)
    } catch {
      guard case .damaged(let damage) = error else { throw error }
      find(.damage, "its home: " + damage.reason.description, block: damage.block)
    }
  }

  /// Marks data and, in a deep check, compares their digests.
  func walk(_ data: DataExtent, key: [UInt8]) throws(StorageError) {
    guard data.isConsistent(blockByteCount: view.blockByteCount) else {
      return find(.filesystem, "data without a digest for each 64 KiB", block: data.extent.start, key: key)
    }
    try mark(data.extent)
    report.dataByteCount += data.byteCount
    guard isDeep, data.extent.end <= map.blockCount else { return }
    let chunk = DataExtent.chunkByteCount
    for (index, digest) in data.digests.enumerated() {
      let start = UInt64(index) * chunk
      let count = Int(min(chunk, data.byteCount - start))
      if scratch.count < count { scratch = [UInt8](repeating: 0, count: Int(chunk)) }
      let block = BlockNumber(data.extent.start.rawValue + start / UInt64(view.blockByteCount))
      do {
        try BulkCopy.withMutableRawSpan(of: &scratch) { (bytes) throws(StorageError) in
          var target = bytes._mutatingExtracting(0..<count)
          try view.readData(at: block, digests: [digest], into: &target, fromDevice: true)
        }
      } catch {
        guard case .damaged = error else { throw error }
        find(.damage, "the data do not match their digest", block: block, key: key)
      }
    }
  }

  // MARK: The whole

  func run() throws(StorageError) -> CheckReport {
    for finding in report.device.findings { find(.device, finding.text, block: finding.block) }
    try checkCatalog()
    for found in transaction.state.volumes {
      volumeName = found.record.name
      try tell()
      try check(found)
    }
    volumeName = ""
    try checkTransactions()
    try findLeaks()
    nextProgress = 0
    try tell()
    return report
  }

  /// The part of the walk that concerns one volume.
  func run(only found: CatalogVolume) throws(StorageError) -> CheckReport {
    volumeName = found.record.name
    try check(found)
    return report
  }

  private func check(_ found: CatalogVolume) throws(StorageError) {
    report.volumeCount += 1
    guard core.filesystem(found.record.kind) != nil else {
      isIncomplete = true
      return find(.unknownKind, "no filesystem of kind \(found.record.kind) is registered")
    }
    let before = report.reachedBlockCount
    let wasIncomplete = isIncomplete
    isIncomplete = false
    try part { () throws(StorageError) in
      let volume = try transaction.open(found, isAccessChecked: false)
      let check = VolumeCheck(self, volume)
      try volume.filesystem.check(volume, check)
      // Half of a volume that is being removed is gone; its figures follow at the end.
      if !found.record.isBeingRemoved && !isIncomplete { try check.compare(blocks: report.reachedBlockCount - before) }
    }
    isIncomplete = isIncomplete || wasIncomplete
  }

  private func findLeaks() throws(StorageError) {
    guard !isIncomplete else { return }
    var leaked: Extent?
    func tell() {
      guard let run = leaked else { return }
      find(.leaked, "\(run.count) blocks are marked used, and nothing points to them", block: run.start)
    }
    map.forEachAllocated { block in
      guard visited[Int(block.rawValue / 64)] & (1 << (block.rawValue % 64)) == 0 else { return }
      if let run = leaked, run.end == block.rawValue, run.count < .max {
        leaked = Extent(start: run.start, count: run.count + 1)
      } else {
        tell()
        leaked = Extent(start: block, count: 1)
      }
    }
    tell()
  }
}
