public import CairnBlocks
public import CairnVolumes

// Indexes over any number of rows that `Store.step(budget:)` builds piece by piece, across restarts and upgrades.

extension TableVolume {
  /// Begins to build the indexes that are not ready, in steps; with nothing to build it does nothing. Until an index is ready
  /// every write keeps it up, and queries do without it.
  public func beginBuildingIndexes() throws(StorageError) {
    guard !catalog.tables.allSatisfy({ $0.indexes.allSatisfy { $0.isReady } }) else { return }
    try volume.begin(work: TableFilesystem.buildWork)
  }
}

extension TableFilesystem {
  /// Build whatever index is not ready. How far each came stands beside its table.
  fileprivate static let buildWork: [UInt8] = [1]

  /// Builds a part of an index.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    guard work == Self.buildWork else { throw .damaged(Damage(block: volume.root.rootBlock, reason: .malformed)) }
    return try TableVolume.of(volume).buildIndexes(rowCount: UInt32(clamping: budget)) ? nil : [1]
  }
}
