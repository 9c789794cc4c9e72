public import CairnBlocks
import CairnBytes
import CairnVolumes

/// All that a program expects of a volume of tables: its tables, and how older ones become them. Programs keep it.
public final class DatabaseSchema: Sendable {
  /// The tables.
  public let tables: [PreparedSchema]
  /// A number that grows with each release that changes something. A volume with a greater one is refused.
  public let version: UInt32
  /// What was ever needed to bring older volumes up to date, oldest first. Names are never changed or dropped.
  public let migrations: [Migration]
  /// Differs when a table, the version or a migration's name does.
  let hash: UInt64

  static let tableCountMax = 1024

  /// What a program expects. Throws `invalidArgument` that says what is wrong with a schema.
  public init(
    _ tables: [TableSchema], version: UInt32 = 1, migrations: [Migration] = []
  ) throws(StorageError) {
    var prepared: [PreparedSchema] = []
    for table in tables {
      if prepared.contains(where: { $0.schema.name.utf8.elementsEqual(table.name.utf8) }) {
        throw .invalidArgument("there are two tables \(table.name)")
      }
      prepared.append(try PreparedSchema(table))
    }
    guard tables.count <= Self.tableCountMax else {
      throw .limitExceeded(what: "tables of a volume", limit: UInt64(Self.tableCountMax))
    }
    for (index, migration) in migrations.enumerated() {
      if migrations[..<index].contains(where: { $0.name.utf8.elementsEqual(migration.name.utf8) }) {
        throw .invalidArgument("there are two migrations \(migration.name)")
      }
    }
    self.tables = prepared
    self.version = version
    self.migrations = migrations
    var writer = ByteWriter()
    writer.uint32(version)
    writer.list(prepared) { $1.uint64($0.hash) }
    writer.list(migrations) { $1.string($0.name) }
    hash = XXHash64.digest(writer.bytes.span)
  }
}

/// A named step from what tables were to what they are.
public struct Migration: Sendable {
  /// Its name, unique among all that ever were.
  public let name: String
  let body: @Sendable (MigrationStep) throws(StorageError) -> Bool

  /// A migration in one transaction.
  public init(_ name: String, _ body: @escaping @Sendable (TableVolume) throws(StorageError) -> Void) {
    self.name = name
    self.body = { (step) throws(StorageError) in
      try body(step.tables)
      return true
    }
  }

  /// A migration that may take many transactions: `step` does a part, keeps in the cursor how far it came, and says whether all
  /// is done. It goes on behind the last part that was committed, after a crash, too.
  public init(
    _ name: String, step: @escaping @Sendable (MigrationStep) throws(StorageError) -> Bool
  ) {
    self.name = name
    body = step
  }
}

/// One transaction of a migration in steps.
public final class MigrationStep {
  /// The tables, as the migration left them so far.
  public let tables: TableVolume

  static let cursorByteCountMax = 4096

  init(_ tables: TableVolume) {
    self.tables = tables
  }

  /// What the last step kept; nil in the first.
  public func cursor() throws(StorageError) -> [UInt8]? {
    try tables.volume.root.get(TableRecordKey.cursor)
  }

  /// Keeps how far the migration came: at most 4096 bytes, with the commit of this step.
  public func setCursor(_ cursor: [UInt8]) throws(StorageError) {
    guard cursor.count <= Self.cursorByteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(cursor.count), limit: UInt64(Self.cursorByteCountMax))
    }
    try tables.setCursor(cursor)
  }
}
