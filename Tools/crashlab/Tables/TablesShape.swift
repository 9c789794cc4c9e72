import CairnBlocks
import CairnMaps
import CairnObjects
import CairnTables
import CairnTestSupport
import CairnVolumes

/// How the store of a table trace is made, and what is in it from the beginning.
struct TablesShape: Sendable {
  static let owners = "owner"
  static let items = "item"
  /// Items that one step of a migration changes.
  static let itemsPerStep = 2

  let name: String
  var store: StoreShape

  static let all = StoreShape.all.filter { $0.name != "b512wide" }.map { TablesShape(name: $0.name, store: $0) }

  static func named(_ name: String) throws -> TablesShape {
    guard let shape = all.first(where: { $0.name == name }) else { throw LabError("there is no shape \(name)") }
    return shape
  }

  /// Options whose clock stands still and whose random numbers come from a seed.
  func options(_ seed: UInt64) -> StoreOptions {
    var options = StoreOptions(
      filesystems: [ObjectFilesystem(), MapFilesystem(), TableFilesystem()], environment: .seeded(seed))
    options.device.memoryBudget = 2 << 20
    return options
  }

  /// A new store with empty tables, bucket and map, closed: the memory.
  func makeMemory() throws(StorageError) -> SimulatedMemory {
    let memory = SimulatedMemory(pageCount: store.pageCount, isMessageAtomic: store.isMessageAtomic)
    let store = try Store.create(on: memory, format: self.store.format, options: options(0x5EED))
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.createMap(StoreShape.map)
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket(StoreShape.bucket)
    }
    try store.openTables("tables", try Self.schema(version: 1))
    try store.close()
    return memory
  }

  // MARK: Schemas

  static func hasRankIndex(_ version: UInt32) -> Bool { version % 2 == 1 }

  /// What a migration makes of an item's rank.
  static func migrated(_ rank: Int64) -> Int64 { (rank + 1) % 10 }

  /// The tables as a version of a program expects them.
  static func schema(version: UInt32) throws(StorageError) -> DatabaseSchema {
    var migrations: [Migration] = []
    for number in 1...version { migrations.append(migration(number)) }
    return try DatabaseSchema(
      [ownerSchema, itemSchema(hasRankIndex: hasRankIndex(version), hasNameIndex: false)], version: version,
      migrations: migrations)
  }

  static let ownerSchema = TableSchema(
    owners,
    columns: [
      ColumnDefinition("id", .int64), ColumnDefinition("name", .string),
      ColumnDefinition("note", .string, isOptional: true),
    ], primaryKey: ["id"],
    indexes: [
      IndexDefinition("name", on: ["name"], isUnique: true),
      IndexDefinition("note", on: ["note"], whereNotNull: ["note"]),
    ])

  static func itemSchema(hasRankIndex: Bool, hasNameIndex: Bool) -> TableSchema {
    var indexes = [IndexDefinition("owner", on: ["owner"])]
    if hasRankIndex { indexes.append(IndexDefinition("rank", on: ["rank", "name"])) }
    if hasNameIndex { indexes.append(IndexDefinition("name", on: ["name"])) }
    return TableSchema(
      items,
      columns: [
        ColumnDefinition("id", .int64), ColumnDefinition("owner", .int64, isOptional: true),
        ColumnDefinition("rank", .int32), ColumnDefinition("name", .string),
      ], primaryKey: ["id"], indexes: indexes,
      references: [ReferenceDefinition("owner", from: ["owner"], to: owners, onDelete: .cascade, onUpdate: .cascade)])
  }

  /// Changes all items, two in a transaction.
  private static func migration(_ number: UInt32) -> Migration {
    Migration("m\(number)") { (step: MigrationStep) throws(StorageError) -> Bool in
      let items = try step.tables.table(TablesShape.items)
      var filter = Predicate.always
      if let cursor = try step.cursor() {
        let last = Int64(String(decoding: cursor, as: UTF8.self)) ?? .max
        filter = .compare("id", .greater, .integer(last))
      }
      let rows = try items.select(
        Query(filter, order: [OrderTerm("id")], limit: UInt64(itemsPerStep), columns: ["id", "rank"])
      ).all()
      for row in rows {
        guard case .integer(let id) = row[0], case .integer(let rank) = row[1] else { continue }
        try items.update([.integer(id)], [("rank", .integer(migrated(rank)))])
        try step.setCursor(Array("\(id)".utf8))
      }
      return rows.isEmpty
    }
  }
}
