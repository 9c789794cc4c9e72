public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension VolumeKind {
  /// Tables.
  public static let tables = VolumeKind("TABL")
}

/// The code behind volumes of tables. Register one with the store; it serves all of them.
public final class TableFilesystem: Filesystem {
  /// The filesystem.
  public init() {}

  /// `TABL`.
  public var kind: VolumeKind { .tables }
  /// The version of the format that is described here.
  public var formatVersion: UInt16 { 1 }

  /// Makes a volume without tables. There are no options.
  public func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {
    guard options.isEmpty else { throw .invalidArgument("a volume of tables takes no options") }
    try volume.root.put(TableRecordKey.header, TableHeader().encoded)
  }

  /// Looks whether the schemas make sense.
  public func mount(_ volume: Volume) throws(StorageError) {
    _ = try TableVolume.of(volume)
  }

  /// Does a staged operation: the same as the call that staged it did.
  public func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let decoded = try volume.decode(operation) { (reader) throws(ByteReader.Failure) in
      try TableOperation(decoding: &reader)
    }
    try TableVolume.of(volume).apply(decoded)
  }

  /// Writes the numbers of auto-increment columns, and throws when a deferred reference refers to nothing.
  public func complete(_ volume: Volume) throws(StorageError) {
    guard let tables = volume.companion as? TableVolume else { return }
    try tables.requireDeferredReferences()
    try tables.writeCounters()
  }

  /// Writes the numbers of auto-increment columns, so that no other transaction gets those that this one was given.
  public func retain(_ volume: Volume) throws(StorageError) {
    guard let tables = volume.companion as? TableVolume else { return }
    try tables.reserveCounters()
  }

  /// Deleted rows do not stay readable on the device.
  public var erasesFreedSpace: Bool { true }

  /// Walks the rows, their index entries and what the rows refer to.
  public func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    try TableCheck(tables: try TableVolume.of(volume), check: check).run()
  }

  /// Takes the trees of the tables down one after the other. Their records tell a call after a crash how far it came.
  public func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    var budget = budget
    let range = TableRecordKey.range(1)
    var cursor = try volume.root.cursor(from: range.from, to: range.to)
    while try cursor.next() {
      let key = cursor.key
      var record = try volume.decode(try cursor.value()) { (reader) throws(ByteReader.Failure) in
        try TableRecord(decoding: &reader)
      }
      for position in record.indexes.indices where record.indexes[position].root != 0 {
        guard try take(record.indexes[position].root, of: volume, &budget) else { return false }
        record.indexes[position].root = 0
        try volume.root.put(key, record.encoded)
      }
      guard record.root != 0 else { continue }
      guard try take(record.root, of: volume, &budget) else { return false }
      record.root = 0
      try volume.root.put(key, record.encoded)
    }
    return try volume.empty(volume.root, budget: &budget)
  }

  private func take(_ root: UInt64, of volume: Volume, _ budget: inout Int) throws(StorageError) -> Bool {
    let tree = volume.tree(at: BlockNumber(root))
    guard try volume.empty(tree, budget: &budget) else { return false }
    try volume.destroy(tree)
    return true
  }

  /// The table and the values of the key.
  public func userKey(for key: [UInt8], in tree: BlockNumber, of volume: Volume) -> [UInt8] {
    guard let tables = try? TableVolume.of(volume) else { return [] }
    for table in tables.catalog.tables {
      var layout = table.layout
      if tree != layout.root {
        guard let index = table.indexes.first(where: { $0.layout.root == tree }) else { continue }
        layout = index.layout
      }
      var reader = KeyReader(key)
      var text = table.schema.name
      for (part, shape) in layout.key.parts.enumerated() {
        guard let value = try? reader.columnValue(as: shape.type, isOptional: shape.isOptional) else { break }
        text += (part == 0 ? " " : ", ") + value.text
      }
      return Array(text.utf8)
    }
    guard let (_, id, _) = TableRecordKey.split(key), let position = tables.catalog.find(id) else { return [] }
    return Array(tables.catalog.tables[position].schema.name.utf8)
  }
}
