public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Ranges of any size that `Store.step(budget:)` removes piece by piece, across restarts and upgrades.

extension ByteMap {
  /// Begins to remove the entries from `from` to before `to`, in steps. Entries that are put there meanwhile may go, too.
  public func beginDeletingRange(from: [UInt8]? = nil, to: [UInt8]? = nil) throws(StorageError) {
    try Self.requireAllowed(from, to)
    try volume.begin(work: MapOperation.deleteRange(from: from ?? [], to: to, limit: nil).encoded)
  }
}

extension StableMap {
  /// Begins to remove the entries from `from` to before `to`, in steps. Entries that are put there meanwhile may go, too.
  public func beginRemovingRange(from: Key? = nil, to: Key? = nil) throws(StorageError) {
    try bytes.beginDeletingRange(from: try Self.bound(from), to: try Self.bound(to))
  }

  /// Begins to remove all entries, in steps.
  public func beginClearing() throws(StorageError) { try bytes.beginDeletingRange() }
}

extension MapFilesystem {
  /// Removes some entries of a range. The work is the operation that would remove all of them at once; the entries that are
  /// left are the cursor.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    guard case .deleteRange(let from, let to, nil) = try volume.decode(work, MapOperation.init(decoding:)) else {
      throw .damaged(Damage(block: volume.root.rootBlock, reason: .malformed))
    }
    let limit = UInt64(budget)
    return try ByteMap(volume).deleteRange(from: from, to: to, limit: limit) < limit ? nil : [1]
  }
}
