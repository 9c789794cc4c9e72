import CairnBlocks
import CairnBytes
import CairnMaps
import CairnMemory
import CairnTables
import CairnTestSupport
import CairnVolumes

/// An image with one volume of maps or tables in it, all of it at home, and an open transaction.
struct VolumeSample: Sendable {
  let source: ImageSource

  static let name = "volume"
  /// Rows and entries.
  static let count = 60

  private static let format = FormatOptions(
    blockByteCount: 1024, journalByteCount: 64 * 1024, imageSlotCount: 2, imageSlotBlockCount: 4)

  static func options(seed: UInt64, isReadOnly: Bool = false) -> StoreOptions {
    let random = SharedGenerator(seed: seed)
    var options = StoreOptions(
      filesystems: [MapFilesystem(), TableFilesystem()],
      environment: Environment(now: { 1_000_000_000 }, random: { random.next() }))
    options.device.isReadOnly = isReadOnly
    options.device.memoryBudget = 256 << 10
    return options
  }

  static func make(_ kind: VolumeKind) throws(StorageError) -> VolumeSample {
    let memory = ImageMemory(pageCount: 5)
    let store = try Store.create(on: memory, format: format, options: options(seed: 11))
    if kind == .map {
      try store.transaction { (transaction) throws(StorageError) in
        let map = try transaction.createMap(name, Int32.self, String?.self)
        for number in 0..<Int32(count) { try map.put(number * number, entry(number)) }
      }
    } else {
      try store.createTables(name)
      try store.transaction { (transaction) throws(StorageError) in
        let tables = try transaction.tables(name)
        try tables.createTables(schemas)
        for number in 0..<Int64(count) {
          try tables.table("parents").insert(parent(number))
          try tables.table("children").insert([.null, .integer(number / 3), day(number)])
        }
        try tables.analyze("parents")
      }
    }
    let id = try store.begin(lease: .hours(1))
    try store.resume(id) { (transaction) throws(StorageError) in
      if kind == .map {
        try transaction.map(name, Int32.self, String?.self).put(-1, nil)
      } else {
        try transaction.tables(name).table("parents").insert(parent(1000))
      }
    }
    try store.checkpoint()
    try store.close()
    let layout = try DeviceLayout(
      options: format, byteCount: UInt64(memory.bytes.count), guarantees: memory.guarantees)
    return VolumeSample(
      source: ImageSource(bytes: memory.bytes, layout: layout, storeID: store.storeID.low))
  }

  private static func entry(_ number: Int32) -> String? {
    number % 7 == 0 ? nil : String(repeating: "entry ", count: Int(number) % 11)
  }

  // MARK: Tables

  /// A table with indexes of all kinds, and one that refers to it.
  static let schemas = [
    TableSchema(
      "parents",
      columns: [
        ColumnDefinition("id", .int64), ColumnDefinition("name", .string, sanitizers: [.trim]),
        ColumnDefinition("price", .decimal, isOptional: true), ColumnDefinition("weight", .double),
        ColumnDefinition("note", .bytes, isOptional: true),
      ],
      primaryKey: ["id"],
      indexes: [
        IndexDefinition("name", on: ["name"], isUnique: true),
        IndexDefinition("price", on: ["price", "weight"], whereNotNull: ["price"]),
      ],
      checks: [CheckDefinition("positive", .compare("id", .greaterOrEqual, .integer(0)))]),
    TableSchema(
      "children",
      columns: [
        ColumnDefinition("id", .int32, isAutoIncrement: true), ColumnDefinition("parent", .int64, isOptional: true),
        ColumnDefinition("day", .date),
      ],
      primaryKey: ["id"],
      references: [
        ReferenceDefinition("parent", from: ["parent"], to: "parents", onDelete: .cascade, onUpdate: .cascade)
      ]),
  ]

  static func parent(_ number: Int64) -> [ColumnValue] {
    let price = number % 5 == 0 ? nil : ExactDecimal("\(number).25")
    return [
      .integer(number), .string("name \(number)"), price.map { .decimal($0) } ?? .null, .double(Double(number % 4)),
      number % 6 == 0 ? .bytes([UInt8](repeating: 7, count: Int(number) * 20)) : .null,
    ]
  }

  static func day(_ number: Int64) -> ColumnValue {
    CalendarDate(daysSince1970: Int32(number) * 100).map { .date($0) } ?? .null
  }
}

/// Does to maps and tables in an image everything that a program can do, whatever comes of it. Nothing may stop the program or go
/// on for ever; every answer is a value or an error.
enum VolumeExercise {
  static func run(on image: [UInt8]) {
    if let store = try? Store.open(on: ImageMemory(image), options: VolumeSample.options(seed: 2, isReadOnly: true)) {
      _ = try? store.check(deep: true)
      look(at: store)
    }
    salvage(image)
    let memory = ImageMemory(image)
    guard let store = try? Store.open(on: memory, options: VolumeSample.options(seed: 3)) else { return }
    changeMap(store)
    changeTables(store)
    for found in (try? store.transactions()) ?? [] {
      try? store.prepare(found.id)
      try? store.commit(found.id)
      try? store.rollback(found.id)
    }
    try? store.checkpoint()
    _ = try? store.check(deep: true)
    look(at: store)
    try? store.removeVolume(VolumeSample.name)
    // A removal goes on in steps, until nothing is left or the damage stops it.
    for _ in 0..<8 { _ = try? store.step(budget: 16) }
    try? store.close()
  }

  /// What a salvage brings over is sound, whatever the image was.
  private static func salvage(_ image: [UInt8]) {
    let target = ImageMemory(pageCount: 0)
    let report = try? Store.salvage(
      from: ImageMemory(image), to: target, options: VolumeSample.options(seed: 5),
      lost: { (_) throws(StorageError) in })
    guard report != nil, let copy = try? Store.open(on: target, options: VolumeSample.options(seed: 6)) else { return }
    let findings = (try? copy.check(deep: true))?.findings.map { $0.description }
    precondition(findings == [], "the check of a salvaged copy: \(findings ?? ["it failed"])")
  }

  private static func look(at store: Store) {
    _ = try? store.read { (transaction) throws(StorageError) in
      let map = try transaction.map(VolumeSample.name, Int32.self, String?.self)
      _ = try? map.count()
      _ = try? map.first()
      _ = try? map.last()
      for number in 0..<Int32(VolumeSample.count) { _ = try? map.get(number * number) }
      _ = try? map.items(limit: 1000)
    }
    _ = try? store.read { (transaction) throws(StorageError) in
      let tables = try transaction.tables(VolumeSample.name)
      let schemas = try tables.schemas
      for schema in schemas {
        let table = try tables.table(schema.name)
        ask(table, schema)
      }
    }
  }

  private static func ask(_ table: Table, _ schema: TableSchema) {
    _ = try? table.count()
    _ = try? table.select().all()
    for column in schema.columns {
      let order = [OrderTerm(column.name, isDescending: true)]
      _ = try? table.select(Query(.isNull(column.name), order: order)).all()
      _ = try? table.select(Query(order: order, limit: 10, columns: [column.name], isDistinct: true)).all()
    }
    for number in 0..<Int64(VolumeSample.count) {
      _ = try? table.get([.integer(number)])
      _ = try? table.get(index: "name", [.string("name \(number)")])
    }
    let joins = [Join(.left, "parents", reference: "parent")]
    _ = try? table.select(Query(joins: joins)).all()
    _ = try? table.select(Query(groupBy: [schema.columns[0].name], aggregates: [Aggregate(.count)])).all()
  }

  private static func changeMap(_ store: Store) {
    func inMap(_ body: (StableMap<Int32, String?>) throws(StorageError) -> Void) {
      try? store.transaction { (transaction) throws(StorageError) in
        try body(try transaction.map(VolumeSample.name, Int32.self, String?.self))
      }
    }
    for number in 0..<Int32(20) {
      inMap { (map) throws(StorageError) in try map.put(number * 9, String(repeating: "x", count: Int(number) * 30)) }
    }
    inMap { (map) throws(StorageError) in _ = try map.popFirst() }
    inMap { (map) throws(StorageError) in _ = try map.popLast() }
    for number in 0..<Int32(20) { inMap { (map) throws(StorageError) in _ = try map.remove(number * number) } }
    inMap { (map) throws(StorageError) in _ = try map.removeRange(from: 900, to: 2500) }
    inMap { (map) throws(StorageError) in try map.clear() }
  }

  private static func changeTables(_ store: Store) {
    func inTables(_ body: (TableVolume) throws(StorageError) -> Void) {
      try? store.transaction { (transaction) throws(StorageError) in
        try body(try transaction.tables(VolumeSample.name))
      }
    }
    for number in 0..<Int64(8) {
      inTables { (tables) throws(StorageError) in
        try tables.table("parents").insert(VolumeSample.parent(100 + number))
      }
      inTables { (tables) throws(StorageError) in
        try tables.table("parents").upsert(VolumeSample.parent(number * 5), on: "name")
      }
      inTables { (tables) throws(StorageError) in
        try tables.table("children").insert([.null, .integer(number), VolumeSample.day(3)])
      }
      inTables { (tables) throws(StorageError) in
        try tables.table("parents").update([.integer(number * 3)], [("id", .integer(500 + number))])
      }
      inTables { (tables) throws(StorageError) in try tables.table("parents").delete([.integer(number * 7)]) }
    }
    inTables { (tables) throws(StorageError) in
      try tables.table("parents").update(
        where: .compare("weight", .greater, .double(1)), [("price", .null)])
    }
    inTables { (tables) throws(StorageError) in try tables.analyze("parents") }
    inTables { (tables) throws(StorageError) in
      var schema = VolumeSample.schemas[0]
      schema.columns.append(ColumnDefinition("added", .bool, default: .value(.bool(true))))
      schema.indexes.append(IndexDefinition("weight", on: ["weight"]))
      try tables.alterTable(schema)
    }
    inTables { (tables) throws(StorageError) in
      try tables.table("children").delete(where: .compare("id", .less, .integer(30)))
    }
    inTables { (tables) throws(StorageError) in try tables.dropTable("children") }
  }
}
