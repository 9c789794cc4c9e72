public import CairnBlocks
import CairnBytes
import CairnTrees

/// What a filesystem works with while a damaged volume of its kind is brought over to a new store.
///
/// It reads what still verifies of the old volume (`tree`, `readData`), makes the new one (`create`), fills it (`change`), and
/// tells what is lost (`lose`). Nothing of the old store is changed, and what does not verify is never handed out.
public final class VolumeSalvage {
  /// The volume's id, in both stores.
  public let id: VolumeID
  /// The volume's name in the new store.
  public let name: String
  /// The root of the old volume's root tree; nil when it is lost.
  public let root: BlockNumber?
  private let salvage: Salvage
  private let kind: VolumeKind
  private let owner: Principal?

  init(_ salvage: Salvage, id: VolumeID, name: String, root: BlockNumber?, kind: VolumeKind, owner: Principal?) {
    self.salvage = salvage
    self.id = id
    self.name = name
    self.root = root
    self.kind = kind
    self.owner = owner
  }

  /// Bytes of a block, in both stores.
  public var blockByteCount: Int { salvage.view.blockByteCount }

  // MARK: The old volume

  /// A tree of the old volume, as far as it can be read.
  ///
  /// - Parameters:
  ///   - root: The tree's root; nil when it is lost.
  ///   - isRecord: Whether a record can be one of this tree and of no other of the volume. Leaves below lost nodes are looked
  ///     for among all blocks of the volume, and taken in if this holds for all their records. The value is nil when it lies
  ///     outside the tree and does not verify.
  ///   - describe: What a range of keys that is lost held, in the user's terms; nil tells nothing of lost ranges.
  public func tree(
    _ root: BlockNumber?, isRecord: (_ key: [UInt8], _ value: [UInt8]?) -> Bool,
    describe: ((_ low: [UInt8], _ high: [UInt8]?) -> String)?
  ) throws(StorageError) -> SalvageTree {
    let tree = try salvage.tree(root: root, owner: id.rawValue, isRecord: isRecord)
    if let describe { try tell(tree, describe) }
    return SalvageTree(tree: tree, view: salvage.view)
  }

  private func tell(
    _ tree: SalvagedTree, _ describe: (_ low: [UInt8], _ high: [UInt8]?) -> String
  ) throws(StorageError) {
    guard tree.missingCount != 0 else { return }
    for gap in tree.gaps {
      try lose(describe(gap.low, gap.high) + " (\(gap.text))", block: gap.block)
    }
    if let missing = tree.missingCount, tree.gaps.isEmpty {
      try lose("\(missing) records are missing of those that a tree counts", block: tree.root)
    }
  }

  /// The roots of trees of the old volume that no tree opened so far contains, ascending: for finding trees whose names are
  /// lost.
  public func strayRoots() throws(StorageError) -> [BlockNumber] {
    try salvage.strays(of: id.rawValue).filter { $0.isRoot }.map { $0.block }
  }

  /// Data of the old volume, verified; nil when they do not verify or cannot be read.
  public func readData(_ data: DataExtent) throws(StorageError) -> [UInt8]? {
    guard data.isConsistent(blockByteCount: blockByteCount),
      data.byteCount <= salvage.view.blockCount * UInt64(blockByteCount)
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(data.byteCount))
    do throws(StorageError) {
      try BulkCopy.withMutableRawSpan(of: &bytes) { (span) throws(StorageError) in
        try salvage.view.readData(at: data.extent.start, digests: data.digests, into: &span)
      }
    } catch {
      guard error.hidesData else { throw error }
      return nil
    }
    try salvage.advance(by: UInt64(data.extent.count), name)
    return bytes
  }

  // MARK: The new volume

  /// The new store, for writing data outside of transactions.
  public var store: Store { salvage.target }

  /// Makes the new volume, once and before anything is changed in it.
  public func create(options: [UInt8] = []) throws(StorageError) {
    try salvage.create(id: id, name: name, kind: kind, owner: owner, options: options)
  }

  /// Changes the new volume in a transaction of its own. When the new store is full it grows, and `body` runs again.
  public func change(_ body: (Volume) throws(StorageError) -> Void) throws(StorageError) {
    try growing { () throws(StorageError) in
      try salvage.target.transaction { (transaction) throws(StorageError) in
        try body(try transaction.volume(id, kind: kind))
      }
    }
  }

  /// Runs `body`, and again after the new store has grown if it was full.
  public func growing(_ body: () throws(StorageError) -> Void) throws(StorageError) {
    try salvage.growing(body)
  }

  /// Tells that something is lost.
  public func lose(_ text: String, key: [UInt8] = [], block: BlockNumber? = nil) throws(StorageError) {
    try salvage.lose(SalvageLoss(volume: name, key: key, block: block, text: text))
  }
}

/// A tree of a damaged volume.
public struct SalvageTree {
  let tree: SalvagedTree
  let view: BlockView

  /// Whether no record is missing, as far as that can be told.
  public var isWhole: Bool { tree.missingCount == 0 }

  /// Calls `body` with the records from `from` to before `to` that are left, ascending, until it returns false. The value is
  /// nil when it lies outside the tree and does not verify.
  public func scan(
    from: [UInt8] = [], to: [UInt8]? = nil,
    _ body: (_ key: [UInt8], _ value: [UInt8]?) throws(StorageError) -> Bool
  ) throws(StorageError) {
    try tree.scan(from: from, to: to, in: view, body)
  }

  /// The value of a key; nil when the record is lost, or there is none.
  public func value(of key: [UInt8]) throws(StorageError) -> [UInt8]? {
    var found: [UInt8]?
    try tree.scan(from: key, to: KeyRange.successor(of: key), in: view) { (_, value) throws(StorageError) -> Bool in
      found = value
      return false
    }
    return found
  }
}
