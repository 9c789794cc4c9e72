public import CairnBlocks
import CairnBytes
import CairnTrees

/// What a filesystem reports to while its volume is checked: everything that the volume owns, once.
public final class VolumeCheck {
  private let check: StoreCheck
  private let volume: Volume
  private var expected: (items: UInt64, bytes: UInt64)?

  init(_ check: StoreCheck, _ volume: Volume) {
    self.check = check
    self.volume = volume
  }

  /// The digests of data are to be compared, too. `data(_:key:)` does it by itself.
  public var isDeep: Bool { check.isDeep }

  /// Only a part of the volume is walked: what was counted or collected on the way is not all that there is.
  public var isPartial: Bool { check.window != nil }

  /// Walks a tree: its own rules first, then each entry in order. Entries of a damaged tree are not visited.
  public func tree(
    _ tree: VolumeTree,
    _ entry: (_ key: [UInt8], _ value: [UInt8]) throws(StorageError) -> Void = { (_, _) throws(StorageError) in }
  ) throws(StorageError) {
    if let window = check.window { return try check.walk(tree.tree, in: window, entry) }
    guard try check.walk(tree.tree) else { return }
    try tree.tree.scan(in: check.view) { (key, value) throws(StorageError) -> Bool in
      try entry(BulkCopy.array(key), BulkCopy.array(value))
      return true
    }
  }

  /// Marks data as the volume's; in a deep check, compares their digests.
  public func data(_ data: DataExtent, key: [UInt8] = []) throws(StorageError) {
    try check.walk(data, key: key)
  }

  /// Says what was counted, to be compared with what was accounted.
  public func expect(items: UInt64, bytes: UInt64) {
    expected = (items, bytes)
  }

  /// Says that a rule of the filesystem is broken.
  public func report(_ text: String, key: [UInt8] = []) {
    check.find(.filesystem, text, key: key)
  }

  func compare(blocks: UInt64) throws(StorageError) {
    let usage = try volume.filesystem.usage(of: volume)
    compare("blocks", counted: blocks, accounted: usage.blockCount)
    guard let expected else { return }
    compare("items", counted: expected.items, accounted: usage.itemCount)
    compare("bytes", counted: expected.bytes, accounted: usage.byteCount)
  }

  private func compare(_ what: String, counted: UInt64, accounted: UInt64) {
    guard counted != accounted else { return }
    check.find(.counter, "it has \(counted) \(what), but \(accounted) are accounted")
  }
}
