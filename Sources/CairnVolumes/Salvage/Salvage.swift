import CairnBlocks
import CairnTrees

/// One salvage of a store: the blocks of the old one, and the new one.
final class Salvage {
  let device: BlockDevice
  let view: BlockView
  let target: Store
  let filesystems: [any Filesystem]
  private(set) var report = SalvageReport()
  private let progress: (CheckProgress) throws(StorageError) -> Void
  private let lost: (SalvageLoss) throws(StorageError) -> Void
  private let map: AllocationMap
  private let usedBlockCount: UInt64
  /// One bit for each block: nodes of trees that were found.
  private var reached: [UInt64]
  private var passedBlockCount: UInt64 = 0
  private var nextProgress: UInt64 = 0
  /// Roots and leaves that no tree contains, as of the first time that somebody asked.
  private var allStrays: [Stray]?

  /// A root or a leaf of which nobody knows yet where it belongs.
  struct Stray {
    var block: BlockNumber
    var owner: UInt8
    var isRoot: Bool
  }

  init(
    device: BlockDevice, view: BlockView, target: Store, filesystems: [any Filesystem],
    progress: @escaping (CheckProgress) throws(StorageError) -> Void,
    lost: @escaping (SalvageLoss) throws(StorageError) -> Void
  ) throws(StorageError) {
    self.device = device
    self.view = view
    self.target = target
    self.filesystems = filesystems
    self.progress = progress
    self.lost = lost
    map = try view.readableAllocationMap()
    reached = [UInt64](repeating: 0, count: Int((map.blockCount + 63) / 64))
    var count: UInt64 = 0
    map.forEachAllocated { _ in count += 1 }
    usedBlockCount = count
  }

  func run() throws(StorageError) {
    if let damage = device.journalDamage {
      try lose(
        SalvageLoss(
          block: damage.block, text: "the commits behind a damaged place of the journal (\(damage.reason.description))")
      )
    }
    try salvageCatalog()
    for volume in try target.volumes() {
      report.volumeCount += 1
      report.itemCount = adding(volume.usage.itemCount, to: report.itemCount)
      report.byteCount = adding(volume.usage.byteCount, to: report.byteCount)
    }
  }

  func lose(_ loss: SalvageLoss) throws(StorageError) {
    report.lossCount += 1
    try lost(loss)
  }

  /// Counts blocks that were looked at.
  func advance(by count: UInt64, _ volume: String) throws(StorageError) {
    passedBlockCount += count
    guard passedBlockCount >= nextProgress else { return }
    nextProgress = passedBlockCount + max(256, usedBlockCount / 1000)
    try progress(
      CheckProgress(
        volume: volume, blockCount: min(passedBlockCount, usedBlockCount), totalBlockCount: usedBlockCount))
  }

  // MARK: Trees of the old store

  /// A tree as far as it can be read, with the leaves that belong into its gaps.
  func tree(
    root: BlockNumber?, owner: UInt8, isRecord: (_ key: [UInt8], _ value: [UInt8]?) -> Bool
  ) throws(StorageError) -> SalvagedTree {
    var tree = try SalvagedTree(root: root, owner: owner, in: view) { (block) throws(StorageError) in
      setReached(block)
      try advance(by: 1, "")
    }
    guard !tree.gaps.isEmpty else { return tree }
    for stray in try strays(of: owner) where !stray.isRoot {
      _ = try tree.adopt(stray.block, in: view, isRecord: isRecord)
    }
    return tree
  }

  /// The roots and leaves of a volume that no tree contains so far.
  func strays(of owner: UInt8) throws(StorageError) -> [Stray] {
    if allStrays == nil {
      var found: [Stray] = []
      try view.forEachMetadataBlock(in: map) { (block, kind, owner, level) throws(StorageError) in
        let isRoot = level == .max
        if kind == .treeNode, isRoot || level == 0, !isReached(block) {
          found.append(Stray(block: block, owner: owner, isRoot: isRoot))
        }
      }
      allStrays = found
    }
    return (allStrays ?? []).filter { $0.owner == owner && !isReached($0.block) }
  }

  private func setReached(_ block: BlockNumber) {
    guard block.rawValue < map.blockCount else { return }
    reached[Int(block.rawValue / 64)] |= 1 << (block.rawValue % 64)
  }

  private func isReached(_ block: BlockNumber) -> Bool {
    block.rawValue >= map.blockCount || reached[Int(block.rawValue / 64)] & (1 << (block.rawValue % 64)) != 0
  }

  // MARK: The new store

  /// Runs `body`, and again after the new store has grown if it was full.
  func growing(_ body: () throws(StorageError) -> Void) throws(StorageError) {
    // Each step adds an eighth; what is salvaged fitted into the old store but for a few nodes.
    for _ in 0..<64 {
      do throws(StorageError) {
        return try body()
      } catch {
        guard case .full(let requested, _) = error else { throw error }
        let blockByteCount = UInt64(view.blockByteCount)
        let (bytes, overflow) = requested.multipliedReportingOverflow(by: 2 * blockByteCount)
        try target.grow(byByteCount: max(target.space.capacity / 8, overflow ? 0 : bytes))
      }
    }
    try body()
  }

  /// Makes a volume with a given id.
  func create(
    id: VolumeID, name: String, kind: VolumeKind, owner: Principal?, options: [UInt8]
  ) throws(StorageError) {
    guard let filesystem = target.core.filesystem(kind) else {
      throw .invalidArgument("no filesystem of kind \(kind) is registered")
    }
    let volume = CatalogOperation.NewVolume(
      id: id, kind: kind, formatVersion: filesystem.formatVersion, incarnation: target.core.uniqueNumber(generation: 0),
      quotaByteCount: nil, reservationByteCount: 0, owner: owner, name: name, options: options)
    try growing { () throws(StorageError) in
      try target.transaction { (transaction) throws(StorageError) in try transaction.perform(.create(volume)) }
    }
  }
}
