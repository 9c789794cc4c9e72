#if arch(wasm32)
  import CairnBlocks
  import CairnBytes
  import CairnMemory
  import CairnTables
  import CairnVolumes

  /// L5: values of every type, and rows of a type of the program's own, written as `@Table` would write it.
  func smokeTypedTables() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      let options = StoreOptions(filesystems: [TableFilesystem()], environment: smokeEnvironment())
      let store = try Store.create(on: memory, format: FormatOptions(), options: options)
      let schema = try DatabaseSchema([Town.tableSchema])
      try store.openTables("tables", schema)
      let changed = try store.transaction { (transaction) throws(StorageError) in
        try transaction.tables().createTable(Town.self, named: Village.tableName)
        try transaction.tables().table(Town.self, named: Village.tableName).insert(
          Town(id: 1, name: "Berne", country: "CH"))
        return try changeTowns(try transaction.table(Town.self))
      }
      let asked = try store.read { (transaction) throws(StorageError) in
        try askTowns(try transaction.tables().table(Town.self))
      }
      return changed && asked && smokeValues()
    } catch {
      return false
    }
  }

  private func changeTowns(_ towns: TypedTable<Town>) throws(StorageError) -> Bool {
    try towns.insert(Town(id: 1, name: "Aachen", country: nil))
    try towns.insert(contentsOf: [Town(id: 2, name: "Bern", country: "CH"), Town(id: 3, name: "Zug", country: "CH")])
    let isNew = try towns.upsert(Town(id: 4, name: "Ulm", country: "DE"))
    let isReplaced = try towns.replace(Town(id: 4, name: "Ulm", country: "D"))
    let isUpdated = try towns.update(2) { [$0.name.set("Berne")] }
    let count = try towns.filter { $0.country == "D" }.update { [$0.country.set("DE")] }
    let isDeleted = try towns.delete(9)
    let deleted = try towns.filter { $0.name == "none" }.delete()
    let isThere = try towns.exists(4)
    return isNew && isReplaced && isUpdated && count == 1 && !isDeleted && deleted == 0 && isThere
  }

  private func askTowns(_ towns: TypedTable<Town>) throws(StorageError) -> Bool {
    let swiss = towns.filter {
      $0.country == "CH" && $0.id.isBetween(1, 9) && !$0.name.contains("x") && $0.id.isIn([1, 2, 3, 4])
    }
    let sorted = try swiss.sorted { [$0.name.descending, $0.id.ascending] }.offset(0).limit(5).all()
    let page = try towns.sorted { $0.id }.page(size: 3)
    let rest = try towns.sorted { $0.id }.after(page.next).rows()
    var left = 0
    while try rest.next() != nil { left += 1 }
    let names = try towns.sorted { $0.id }.select { $0.name }
    let pairs = try swiss.select { ($0.id, $0.name) }
    let triples = try swiss.select { ($0.id, $0.name, $0.country) }
    let countries = try towns.query.distinct { $0.country }
    let groups = try towns.query.grouped { $0.country }.count()
    let sums = try towns.query.grouped { $0.country }.select { [$0.id.sum, $0.id.average, $0.name.maximum] }
    let joined = try swiss.join(Village.self) { left, right in left.country == right.country }
    let outer = try towns.query.leftJoin(Village.self) { left, right in left.name == right.name }
    let along = swiss.join(Town.self, along: "reference")
    let pair = try joined.offset(1).rows().next()
    let greatest = try towns.query.maximum { $0.id }
    let least = try towns.query.minimum { $0.name }
    let total = try towns.query.sum { $0.id }
    let aachen = try towns.get(1)
    let count = try towns.count()
    let first = try swiss.first()
    let plan = try swiss.explain()
    return sorted.count == 2 && page.rows.count == 3 && left == 1 && names.count == 4 && pairs.count == 2
      && triples.count == 2 && countries.count == 3 && groups.count == 3 && sums.count == 3 && greatest == 4
      && least.map { ColumnValue.string($0) } == .string("Aachen") && total == .integer(10)
      && aachen != nil && aachen?.country == nil && count == 4 && first != nil
      && pair != nil && !along.query.joins.isEmpty && !joined.query.joins.isEmpty && !outer.query.joins.isEmpty
      && plan.steps.count > 0
  }

  private func smokeValues() -> Bool {
    var writer = ByteWriter()
    var key: [UInt8] = []
    let texts: [(ColumnType, String)] = [
      (.int64, "-5"), (.uint8, "5"), (.decimal, "-12.50"), (.bool, "true"), (.string, "a"), (.bytes, "0x00ff"),
      (.date, "2026-11-25"), (.timestamp, "2026-11-25T12:00:00.5Z"),
      (.uniqueID, "018f3c1e-7b2a-7c4d-9e5f-0123456789ab"), (.principal, "me"),
    ]
    var values: [ColumnValue] = []
    for (type, text) in texts {
      guard let value = type.parse(text), type.accepts(value), type.converted(value) == value else { return false }
      values.append(value)
      value.encode(into: &writer)
      value.appendKey(as: type, isOptional: true, to: &key)
      guard !value.text.isEmpty else { return false }
    }
    var reader = ByteReader(writer.bytes)
    var keys = KeyReader(key)
    do throws(ByteReader.Failure) {
      for (value, (type, _)) in zip(values, texts) {
        guard try ColumnValue(decoding: &reader) == value, try keys.columnValue(as: type, isOptional: true) == value
        else { return false }
      }
    } catch {
      return false
    }
    do throws(ExactDecimal.Failure) {
      let third = try ExactDecimal(Int64(1)).divided(by: ExactDecimal(UInt64(3)), fractionDigits: 4)
      let product = try third.multiplied(by: ExactDecimal(Int64(-3))).adding(ExactDecimal(Int64(1))).rounded(
        fractionDigits: 4)
      let difference = try product.subtracting(third)
      return product == ExactDecimal("0.0001") && difference < third && third.approximateDouble < 0.34
    } catch {
      return false
    }
  }

  private struct Town: TableRow {
    var id: Int32
    var name: String
    var country: String?

    struct Columns: TableColumns {
      let id: Column<Int32>
      let name: Column<String>
      let country: Column<String?>

      init(qualifier: String) {
        id = Column(qualifier + "id")
        name = Column(qualifier + "name")
        country = Column(qualifier + "country")
      }
    }

    static let tableName = "Town"
    static let tableDefinition = TableDefinition(tableSchema)

    static var tableSchema: TableSchema {
      TableSchema(
        tableName,
        columns: [
          ColumnDefinition("id", Int32.self), ColumnDefinition("name", String.self),
          ColumnDefinition("country", String?.self),
        ], primaryKey: ["id"], checks: checks(Columns(qualifier: "")))
    }

    init(id: Int32, name: String, country: String?) {
      self.id = id
      self.name = name
      self.country = country
    }

    init(rowValues: [ColumnValue]) throws(StorageError) {
      var values = try RowValues(rowValues, count: 3, table: "Town")
      id = try values.next("id")
      name = try values.next("name")
      country = try values.next("country")
    }

    var rowValues: [ColumnValue] { [id.columnValue, name.columnValue, country.columnValue] }
    var tableKey: Int32 { id }
  }

  /// The table of towns that has another name, so that both can stand in one query.
  private struct Village: TableRow {
    typealias Columns = Town.Columns

    var town: Town

    static let tableName = "Village"
    static let tableDefinition = TableDefinition(tableSchema)
    static var tableSchema: TableSchema {
      TableSchema(
        tableName, columns: Town.tableSchema.columns, primaryKey: ["id"], checks: checks(Columns(qualifier: "")))
    }

    init(rowValues: [ColumnValue]) throws(StorageError) { town = try Town(rowValues: rowValues) }

    var rowValues: [ColumnValue] { town.rowValues }
    var tableKey: Int32 { town.tableKey }
  }
#endif
