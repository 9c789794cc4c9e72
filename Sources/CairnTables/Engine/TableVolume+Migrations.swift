public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Bringing the tables of a volume to what a program expects.

extension Store {
  /// Makes the tables of a volume what a program expects, and the volume itself if it is not there.
  ///
  /// With the schemas that it was opened with last this is one look-up. Otherwise tables that are missing are made, columns
  /// that are optional or have a default value and indexes are added by themselves, and everything else is up to the
  /// migrations that the volume has not seen yet. Each of them, and each part of a long one or of a large index, is a
  /// transaction; after a crash the next call goes on behind the last. Throws `schemaMismatch` when the volume is newer than
  /// the program, or a migration is missing here or there.
  ///
  /// - Parameter buildsIndexesInSteps: leaves the building of new indexes to `step(budget:)`, for callers whose calls are bounded
  ///   (a canister). Until they are ready, queries do without them.
  public func openTables(
    _ volume: String = "tables", _ schema: DatabaseSchema, buildsIndexesInSteps: Bool = false
  ) throws(StorageError) {
    let isCurrent = try read { (transaction) throws(StorageError) -> Bool in
      guard try transaction.volumeExists(volume) else { return false }
      return try transaction.tables(volume).isCurrent(schema)
    }
    if isCurrent { return }
    var isDone = false
    while !isDone {
      isDone = try transaction { (transaction) throws(StorageError) in
        if try !transaction.volumeExists(volume) { try transaction.createTables(volume) }
        let tables = try transaction.tables(volume)
        if buildsIndexesInSteps, tables.catalog.header.hash == schema.hash {
          try tables.beginBuildingIndexes()
          return true
        }
        return try tables.step(to: schema)
      }
    }
  }
}

extension TableVolume {
  /// Makes the tables what a program expects, all in this transaction; see `Store.openTables`.
  public func open(_ schema: DatabaseSchema) throws(StorageError) {
    while try !step(to: schema) {}
  }

  /// The version of the program's schema that the tables were last brought to; 0: none yet.
  public var schemaVersion: UInt32 { catalog.header.schemaVersion }

  /// The names of the migrations that were made, in their order.
  public func migrations() throws(StorageError) -> [String] {
    let range = TableRecordKey.range(6)
    var names: [String] = []
    var cursor = try volume.root.cursor(from: range.from, to: range.to)
    while try cursor.next() {
      let bytes = try cursor.value()
      names.append(
        try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in try reader.string() })
    }
    return names
  }

  /// Whether the tables are what the program expects. Throws when the volume is newer.
  func isCurrent(_ schema: DatabaseSchema) throws(StorageError) -> Bool {
    if catalog.header.hash == schema.hash {
      return catalog.tables.allSatisfy { $0.indexes.allSatisfy { $0.isReady } }
    }
    guard catalog.header.schemaVersion <= schema.version else {
      throw .schemaMismatch(
        volume: volume.name,
        reason:
          "they are of version \(catalog.header.schemaVersion), the program knows \(schema.version): use a newer program"
      )
    }
    return false
  }

  /// Does a part of what is to be done; true: all is done.
  fileprivate func step(to schema: DatabaseSchema) throws(StorageError) -> Bool {
    if try isCurrent(schema) { return true }
    try requireAdmin()
    if catalog.header.nextTable == 1 && catalog.header.migrationCount == 0 {
      // Nothing is there yet: the tables are made as they are now.
      try createTables(schema.tables.map { $0.schema })
      for migration in schema.migrations { try addMigration(migration.name) }
      try setVersion(schema)
      return true
    }
    let made = try migrations()
    for (index, name) in made.enumerated() {
      guard index < schema.migrations.count, schema.migrations[index].name.utf8.elementsEqual(name.utf8) else {
        throw .schemaMismatch(
          volume: volume.name,
          reason: "migration \(index + 1), \(name), was made, and the program does not have it at that place")
      }
    }
    if made.count < schema.migrations.count {
      let migration = schema.migrations[made.count]
      guard try migration.body(MigrationStep(self)) else { return false }
      try setCursor(nil)
      try addMigration(migration.name)
      return false
    }
    if catalog.header.hash != schema.hash {
      var missing: [TableSchema] = []
      for table in schema.tables where catalog.find(table.schema.name) == nil { missing.append(table.schema) }
      if !missing.isEmpty { try createTables(missing) }
      for table in schema.tables { try alterTable(table, isAdditive: true, buildsIndexes: false) }
      try setVersion(schema)
      return catalog.tables.allSatisfy { $0.indexes.allSatisfy { $0.isReady } }
    }
    return try buildIndexes()
  }

  private func setVersion(_ schema: DatabaseSchema) throws(StorageError) {
    let operation = TableOperation.setVersion(schema.version, hash: schema.hash)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try setVersionNow(schema.version, hash: schema.hash)
    }
  }

  private func addMigration(_ name: String) throws(StorageError) {
    let operation = TableOperation.addMigration(name)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in try addMigrationNow(name) }
  }

  func setCursor(_ cursor: [UInt8]?) throws(StorageError) {
    let operation = TableOperation.setCursor(cursor)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in try setCursorNow(cursor) }
  }

  // MARK: Doing

  func setVersionNow(_ version: UInt32, hash: UInt64) throws(StorageError) {
    try requireAdmin()
    var header = catalog.header
    header.schemaVersion = version
    header.hash = hash
    try volume.root.put(TableRecordKey.header, header.encoded)
    try reload()
  }

  func addMigrationNow(_ name: String) throws(StorageError) {
    try requireAdmin()
    var header = catalog.header
    var writer = ByteWriter()
    writer.string(name)
    try volume.root.put(TableRecordKey.migration(header.migrationCount), writer.bytes)
    header.migrationCount += 1
    try volume.root.put(TableRecordKey.header, header.encoded)
    try reload()
  }

  func setCursorNow(_ cursor: [UInt8]?) throws(StorageError) {
    try requireAdmin()
    if let cursor {
      try volume.root.put(TableRecordKey.cursor, cursor)
    } else {
      try volume.root.delete(TableRecordKey.cursor)
    }
  }
}
