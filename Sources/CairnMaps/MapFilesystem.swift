public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension VolumeKind {
  /// An ordered map of byte strings.
  public static let map = VolumeKind("MAPS")
}

/// The code behind ordered maps: one volume holds one map.
///
/// A volume has two trees: its root tree says what the map is (`MapHeader`), the other one holds the entries as they are.
/// Programs work with `ByteMap`.
public final class MapFilesystem: Filesystem {
  /// The filesystem; one serves all maps of a store.
  public init() {}

  /// `MAPS`.
  public var kind: VolumeKind { .map }
  /// The version of the format that is described here.
  public var formatVersion: UInt16 { 1 }

  /// Makes an empty map. The option is its definition.
  public func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {
    guard options.count <= MapHeader.definitionByteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(options.count), limit: UInt64(MapHeader.definitionByteCountMax))
    }
    let entries = try volume.makeTree()
    let header = MapHeader(entries: entries.rootBlock, definition: options)
    try volume.root.put(MapHeader.key, header.encoded)
  }

  /// Looks whether the header makes sense.
  public func mount(_ volume: Volume) throws(StorageError) {
    _ = try ByteMap(volume)
  }

  /// Does a staged operation.
  public func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    try ByteMap(volume).apply(try volume.decode(operation, MapOperation.init(decoding:)))
  }

  /// Counts the entries and their bytes.
  public func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    let map = try ByteMap(volume)
    try check.tree(volume.root) { (key, _) throws(StorageError) in
      if key != MapHeader.key { check.report("a record of no map", key: key) }
    }
    var items: UInt64 = 0
    var bytes: UInt64 = 0
    try check.tree(map.entries) { (key, value) throws(StorageError) in
      items += 1
      bytes += UInt64(key.count + value.count)
    }
    check.expect(items: items, bytes: bytes)
  }

  /// Removes some entries, at last the tree that held them.
  public func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    guard try volume.root.contains(MapHeader.key) else { return true }
    let map = try ByteMap(volume)
    var budget = budget
    guard try volume.empty(map.entries, budget: &budget) else { return false }
    try volume.destroy(map.entries)
    try volume.root.delete(MapHeader.key)
    return true
  }
}

extension Transaction {
  /// Makes an ordered map as a volume of its own.
  ///
  /// - Parameter definition: says what keys and values mean, in words of the caller's; at most 1024 bytes of UTF-8. Who
  ///   opens the map names it again, and is refused when it is another one.
  @discardableResult
  public func createMap(
    _ name: String, definition: String = "", quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try createVolume(name, kind: .map, options: Array(definition.utf8), quotaByteCount: quotaByteCount)
  }

  /// A map by the name of its volume. It lives as long as the transaction.
  ///
  /// - Throws: `notFound`; `wrongKind` when the volume is no map, or one with another definition; `accessDenied`.
  public func map(_ name: String, definition: String = "") throws(StorageError) -> ByteMap {
    try ByteMap(volume(name, kind: .map), definition: definition)
  }

  /// A map by the id of its volume. It lives as long as the transaction.
  ///
  /// - Throws: as the one by name.
  public func map(_ id: VolumeID, definition: String = "") throws(StorageError) -> ByteMap {
    try ByteMap(volume(id, kind: .map), definition: definition)
  }
}

extension Store {
  /// Makes an ordered map in a commit of its own; see `Transaction.createMap`.
  @discardableResult
  public func createMap(
    _ name: String, definition: String = "", quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try transaction { (transaction) throws(StorageError) in
      try transaction.createMap(name, definition: definition, quotaByteCount: quotaByteCount)
    }
  }
}
