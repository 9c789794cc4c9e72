import CairnBlocks
import CairnTrees

// Removed volumes give their blocks back in commits of their own, so that a large volume needs no large transaction. The
// catalog keeps the volume, without its name, until it is done; so it goes on after a crash.

extension StoreCore {
  /// Most blocks that one commit gives back.
  private static let blocksPerStep = 8192

  /// Gives back about `budget` blocks of removed volumes; true when none is left.
  func removeStep(budget: Int) throws(StorageError) -> Bool {
    guard !isReadOnly else { throw .readOnly }
    guard let id = try device.read({ (view) throws(StorageError) in try self.removedVolume(in: view) }) else {
      return true
    }
    try write { (writer) throws(StorageError) in
      writer.annotation = annotation(.maintenance, nil, nil, in: writer)
      let transaction = try Transaction(self, mode: .single, view: writer.view, writer: writer, principal: nil)
      defer { transaction.end() }
      guard let found = transaction.state.volume(id), found.record.isBeingRemoved else { return }
      let volume = try transaction.open(found, isAccessChecked: false)
      writer.usesReserve = true
      let isDone = try volume.changing { () throws(StorageError) in
        try volume.filesystem.remove(volume, budget: max(1, min(budget, Self.blocksPerStep)))
      }
      if isDone { try forget(volume, in: transaction, writer) }
      try transaction.finish(writer)
    }
    return false
  }

  private func removedVolume(in view: BlockView) throws(StorageError) -> VolumeID? {
    let state = try state(try catalog.store(in: view), in: view)
    // Without its filesystem nobody knows what belongs to a volume; it waits for a program that does.
    return state.volumes.first { $0.record.isBeingRemoved && filesystem($0.record.kind) != nil }?.id
  }

  private func forget(
    _ volume: Volume, in transaction: Transaction, _ writer: BlockTransaction
  ) throws(StorageError) {
    try volume.changing { () throws(StorageError) in try volume.tree.destroy(in: writer) }
    volume.change = UsageChange()
    try catalog.tree.delete(CatalogKey.volume(volume.id), in: writer)
    try catalog.tree.delete(CatalogKey.usage(volume.id), in: writer)
    let grants = CatalogKey.grants(on: volume.id)
    try catalog.tree.deleteRange(from: grants.low, to: grants.high, limit: nil, in: writer)
    try transaction.reloadState()
  }

  /// Goes on with removals behind a commit that succeeded: whatever goes wrong here does not make it undone, and the next
  /// opening goes on.
  func removeAfterCommit() {
    guard !removesInSteps else { return }
    do {
      while try !removeStep(budget: .max) {}
    } catch {
      return
    }
  }
}
