public import CairnBlocks
public import CairnTables
public import CairnVolumes

extension Store {
  /// Makes the tables of these types what the program expects, and the volume itself if it is not there: tables that are
  /// missing are made; columns that are optional or have a default value, and indexes, are added.
  ///
  /// With nothing to do this is one look-up, so programs call it each time they open the store.
  ///
  /// - Parameters:
  ///   - types: the types of rows; those that refer to each other in one call.
  ///   - volume: the volume of tables.
  ///   - version: a number that grows with each release that changes something.
  ///   - migrations: what else older tables need, oldest first.
  public func openTables(
    _ types: any TableRow.Type..., in volume: String = "tables", version: UInt32 = 1, migrations: [Migration] = []
  ) throws(StorageError) {
    var schemas: [TableSchema] = []
    for type in types { schemas.append(type.tableSchema) }
    try openTables(volume, try DatabaseSchema(schemas, version: version, migrations: migrations))
  }
}
