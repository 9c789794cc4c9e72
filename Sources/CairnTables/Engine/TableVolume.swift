public import CairnBlocks
import CairnBytes
public import CairnVolumes

/// The tables of one volume inside one transaction. It ends with the transaction.
public final class TableVolume: VolumeCompanion {
  let volume: Volume
  /// The tables as they are now, changes of this transaction included.
  private(set) var catalog: TableCatalog
  /// What is looked at when the transaction commits.
  var deferred = DeferredChecks()
  /// The next numbers of auto-increment columns that were asked for.
  var counters: [Counter] = []
  /// What the last update of one row came to: the next one is likely to be of the same columns.
  var updateShape: UpdateShape?
  /// Counts that the planner asked for before in this transaction: of the primary key (0) or an index.
  var knownStatistics: [(table: UInt32, index: Int, counts: [UInt64]?)] = []
  /// Readers that nobody uses now.
  private var readers: [RowReader] = []
  /// What the principal may do, by the number of the table.
  private var rights: [(table: UInt32, rights: TableRights)] = []

  private init(_ volume: Volume) throws(StorageError) {
    self.volume = volume
    catalog = try Self.current(volume)
  }

  /// The tables of a volume in use: one object for each transaction.
  static func of(_ volume: Volume) throws(StorageError) -> TableVolume {
    if let known = volume.companion as? TableVolume { return known }
    let tables = try TableVolume(volume)
    volume.companion = tables
    return tables
  }

  private static func current(_ volume: Volume) throws(StorageError) -> TableCatalog {
    let parsed = try volume.parsedDefinition { () throws(StorageError) in try TableCatalog.load(volume) }
    guard let catalog = parsed as? TableCatalog else { return try TableCatalog.load(volume) }
    return catalog
  }

  /// Reads the tables again after an operation that changed them. Handles of tables find them by their numbers.
  func reload() throws(StorageError) {
    try volume.changeDefinition()
    catalog = try Self.current(volume)
    rights = []
    knownStatistics = []
  }

  /// Forgets what is known of rights.
  func forgetRights() { rights = [] }

  var damage: StorageError { .damaged(Damage(block: volume.root.rootBlock, reason: .malformed)) }

  // MARK: Tables

  /// The schemas of the tables that the principal may do anything with, in the order in which they were made.
  public var schemas: [TableSchema] {
    get throws(StorageError) {
      var schemas: [TableSchema] = []
      for table in catalog.tables where try !rights(on: table).isEmpty { schemas.append(table.schema) }
      return schemas
    }
  }

  /// A table by its name, with what is stored of its schema.
  public func table(_ name: String) throws(StorageError) -> Table {
    guard let position = catalog.find(name) else { throw .notFound(Subject("table", name)) }
    return Table(self, catalog.tables[position], catalog.tables[position].schema)
  }

  /// A table that must be as the program expects, with the closures of the program's schema. Throws `schemaMismatch`.
  public func table(_ expected: PreparedSchema) throws(StorageError) -> Table {
    let name = expected.schema.name
    guard let position = catalog.find(name) else { throw .notFound(Subject("table", name)) }
    let table = catalog.tables[position]
    guard table.hash == expected.hash else {
      throw .schemaMismatch(
        volume: volume.name,
        reason: "table \(name) is not as the program expects it; open the tables with the program's schemas first")
    }
    return Table(self, table, expected.schema)
  }

  /// A table that must be as the program expects, with the closures of the program's schema. Throws `schemaMismatch`.
  public func table(_ expected: TableSchema) throws(StorageError) -> Table {
    try table(try PreparedSchema(expected))
  }

  // MARK: Rights

  /// What the principal may do with a table: everything for administrators of the volume; otherwise what is granted on the
  /// table, or for tables that are not restricted what the volume's rights allow.
  func rights(on table: TableState) throws(StorageError) -> TableRights {
    guard let principal = volume.transaction.principal else { return .all }
    if let known = rights.first(where: { $0.table == table.id }) { return known.rights }
    let found = try volume.withoutRecording { () throws(StorageError) -> TableRights in
      let general = try volume.rights()
      if general.contains(.admin) { return .all }
      var granted: TableRights = []
      if let bytes = try volume.root.get(TableRecordKey.grant(table.id, principal)) {
        granted = TableRights(
          rawValue: try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in try reader.uint32() })
      }
      guard !table.record.isRestricted else { return granted }
      if general.contains(.read) { granted.insert(.read) }
      if general.contains(.write) { granted.formUnion([.insert, .update, .delete]) }
      return granted
    }
    rights.append((table.id, found))
    return found
  }

  /// Throws `accessDenied` unless the principal has a right on a table.
  @inline(__always)
  func require(_ needed: TableRights, on table: TableState) throws(StorageError) {
    guard volume.transaction.principal != nil else { return }
    guard try !rights(on: table).isSuperset(of: needed) else { return }
    throw .accessDenied(
      principal: volume.transaction.principal?.bytes ?? [], right: needed.description,
      volume: "\(volume.name), table \(table.schema.name)")
  }

  /// Throws `accessDenied` unless the principal administers the volume.
  func requireAdmin() throws(StorageError) {
    guard let principal = volume.transaction.principal, try !volume.rights().contains(.admin) else { return }
    throw .accessDenied(principal: principal.bytes, right: Rights.admin.description, volume: volume.name)
  }

  // MARK: Readers

  /// A reader with memory of its own, for as long as a closure runs; then it is given back.
  func takeReader(_ layout: EntryLayout) -> RowReader {
    guard let reader = readers.popLast() else { return RowReader(layout) }
    reader.begin(layout)
    return reader
  }

  /// Takes back a reader that nobody uses any more.
  func giveBack(_ reader: RowReader) { readers.append(reader) }

  // MARK: Trees

  func tree(_ table: TableState) -> VolumeTree { volume.tree(at: table.layout.root) }

  func tree(_ index: IndexState) -> VolumeTree { volume.tree(at: index.layout.root) }
}

extension Transaction {
  /// The tables of a volume.
  public func tables(_ volume: String = "tables") throws(StorageError) -> TableVolume {
    try TableVolume.of(try self.volume(volume, kind: .tables))
  }

  /// Makes a volume for tables.
  @discardableResult
  public func createTables(
    _ volume: String = "tables", quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try createVolume(volume, kind: .tables, quotaByteCount: quotaByteCount)
  }
}

extension Store {
  /// Makes a volume for tables.
  @discardableResult
  public func createTables(
    _ volume: String = "tables", quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try transaction { (transaction) throws(StorageError) in
      try transaction.createTables(volume, quotaByteCount: quotaByteCount)
    }
  }
}
