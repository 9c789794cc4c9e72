public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension MapFilesystem {
  /// Whether the root tree has the record of a map.
  public func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool {
    try Self.header(of: salvage) != nil
  }

  /// Brings over every entry that is left. A map whose definition is lost has none in the copy.
  public func salvage(_ salvage: VolumeSalvage) throws(StorageError) {
    var header = try Self.header(of: salvage)
    if header == nil {
      try salvage.lose("the definition of the map; it is empty now")
      // The root tree is a single leaf, so the other tree's root is the one that is left.
      header = try salvage.strayRoots().first.map { MapHeader(entries: $0, definition: []) }
    }
    try salvage.create(options: header?.definition ?? [])
    // All leaves below a root are of the tree with the entries, whose keys may be anything.
    let entries = try salvage.tree(header?.entries, isRecord: { (_, _) in true }) { (_, _) in "entries of the map" }
    try entries.scan { (key, value) throws(StorageError) -> Bool in
      guard let value else {
        try salvage.lose("an entry whose value does not verify", key: key)
        return true
      }
      try salvage.change { (volume) throws(StorageError) in try ByteMap(volume).put(key, value) }
      return true
    }
  }

  private static func header(of salvage: VolumeSalvage) throws(StorageError) -> MapHeader? {
    let root = try salvage.tree(salvage.root, isRecord: { (_, _) in false }, describe: nil)
    guard let value = try root.value(of: MapHeader.key) else { return nil }
    var reader = ByteReader(value)
    guard let header = try? MapHeader(decoding: &reader), header.entries.rawValue != 0, reader.remaining == 0 else {
      return nil
    }
    return header
  }
}
