import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnTables

/// Damaged tables are salvaged: what is left comes over and holds together, and what is lost is told by table and keys.
@Suite("Salvage of tables")
struct SalvageTests {
  private static let blockByteCount = 1024
  private static let count: Int64 = 150

  /// Rows by their tables; a value of the columns of each, in the schema's order.
  private typealias Rows = [String: [[ColumnValue]]]

  private struct Salvaged {
    var rows: Rows
    var losses: [SalvageLoss]
    var schemas: [TableSchema]

    func mentions(_ text: String) -> Bool { losses.contains { $0.description.contains(text) } }
  }

  private static func options(_ seed: UInt64) -> StoreOptions {
    StoreOptions(filesystems: [TableFilesystem()], environment: TestWorld(seed: seed).environment)
  }

  /// A closed image with users and posts, some with long titles, all of it at home.
  private static func image() throws -> [UInt8] {
    let memory = SimulatedMemory(pageCount: 12)
    let store = try Store.create(
      on: memory, format: FormatOptions(blockByteCount: blockByteCount, journalByteCount: 128 * 1024),
      options: options(1))
    try store.createTables()
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.tables().createTables([Blog.users, Blog.posts])
      try transaction.tables().grant(.read, on: "posts", to: Principal("alice"))
    }
    for number in 0..<count {
      try store.transaction { (transaction) throws(StorageError) in
        let tables = try transaction.tables()
        try tables.table("users").insert([
          .null, text("User \(number)"), text("u\(number)@example.org"), .integer(number % 70),
        ])
        let title = number % 40 == 0 ? String(repeating: "long ", count: 500) : "Title \(number)"
        try tables.table("posts").insert([.null, int(number + 1), text(title), .double(Double(number) / 2)])
      }
    }
    try store.transaction { (transaction) throws(StorageError) in try transaction.tables().analyze("users") }
    try store.checkpoint()
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.tables().table("users").update([int(1)], [("name", text("first"))])
    }
    try store.checkpoint()
    try store.close()
    return memory.durableImage
  }

  private static func salvage(_ image: [UInt8], _ comment: Comment? = nil) throws -> Salvaged {
    let target = SimulatedMemory(pageCount: 0)
    var losses: [SalvageLoss] = []
    let report = try Store.salvage(
      from: SimulatedMemory(image: image), to: target, options: options(2),
      lost: { (loss) throws(StorageError) in losses.append(loss) })
    #expect(report.lossCount == UInt64(losses.count))
    let store = try Store.open(on: target, options: options(3))
    #expect(try store.check(deep: true).findings.map { $0.description } == [], comment)
    var rows: Rows = [:]
    var schemas: [TableSchema] = []
    try store.read { (transaction) throws(StorageError) in
      for volume in try transaction.volumes() where volume.kind == .tables {
        let tables = try transaction.tables(volume.name)
        schemas += try tables.schemas
        for schema in try tables.schemas { rows[schema.name] = try tables.table(schema.name).select().all() }
      }
    }
    return Salvaged(rows: rows, losses: losses, schemas: schemas)
  }

  /// The block of the root of a tree.
  private static func root(
    _ image: [UInt8], _ find: (TableVolume) throws(StorageError) -> VolumeTree
  ) throws -> Int {
    let store = try Store.open(on: SimulatedMemory(image: image), options: options(4))
    return try store.read { (transaction) throws(StorageError) in
      Int(try find(try transaction.tables()).rootBlock.rawValue)
    }
  }

  private static func damaging(_ image: [UInt8], _ block: Int) -> [UInt8] {
    var damaged = image
    damaged[block * blockByteCount + 100] ^= 0x20
    return damaged
  }

  @Test("a sound volume comes over whole, with rights, rules and counts")
  func whole() throws {
    let image = try Self.image()
    let salvaged = try Self.salvage(image)
    #expect(salvaged.losses == [])
    let before = try Store.open(on: SimulatedMemory(image: image), options: Self.options(5))
    try before.read { (transaction) throws(StorageError) in
      for name in ["users", "posts"] {
        #expect(try salvaged.rows[name] == transaction.tables().table(name).select().all())
      }
      #expect(try salvaged.schemas.map { $0.hash } == transaction.tables().schemas.map { $0.hash })
    }
    let target = SimulatedMemory(pageCount: 0)
    _ = try Store.salvage(
      from: SimulatedMemory(image: image), to: target, options: Self.options(6), lost: { (_) throws(StorageError) in })
    let copy = try Store.open(on: target, options: Self.options(7))
    try copy.transaction { (transaction) throws(StorageError) in
      let tables = try transaction.tables()
      #expect(try tables.grants(on: "posts").map { $0.principal } == [Principal("alice")])
      // The next number goes on behind the last one, and references act.
      let row = try tables.table("users").insert([.null, text("new"), text("new@example.org"), .null])
      #expect(row[0] == int(Self.count + 1))
      try tables.table("users").delete([int(3)])
      #expect(try tables.table("posts").get([int(3)]) == nil)
    }
    #expect(try copy.check(deep: true).isClean)
  }

  @Test("whichever node is damaged: rows that are there are right, missing ones are told, and the copy is sound")
  func everyNode() throws {
    let image = try Self.image()
    let all = try Self.salvage(image).rows
    #expect(all["users"]?.count == Int(Self.count) && all["posts"]?.count == Int(Self.count))
    var (withoutRows, withoutIndexOnly, withoutSchema) = (0, 0, 0)
    for block in 0..<image.count / Self.blockByteCount where image[block * Self.blockByteCount + 4] == 0x10 {
      let salvaged = try Self.salvage(Self.damaging(image, block), "block \(block)")
      var missing = 0
      for (name, rows) in all {
        guard let left = salvaged.rows[name] else {
          withoutSchema += 1
          #expect(!salvaged.losses.isEmpty, "block \(block)")
          continue
        }
        let known = Set(rows)
        #expect(left.allSatisfy { known.contains($0) }, "block \(block)")
        missing += rows.count - left.count
      }
      if missing > 0 {
        withoutRows += 1
        // One leaf of one table.
        #expect(missing < 40, "block \(block): \(missing)")
        #expect(salvaged.mentions("rows of table"), "block \(block): \(salvaged.losses)")
      } else if salvaged.losses.isEmpty {
        withoutIndexOnly += 1
      }
    }
    #expect(withoutRows > 5 && withoutIndexOnly > 5 && withoutSchema >= 2)
  }

  @Test("a damaged leaf is told by its table and keys, and what refers to its rows is kept")
  func leaf() throws {
    let image = try Self.image()
    var told = 0
    for block in 0..<image.count / Self.blockByteCount where image[block * Self.blockByteCount + 4] == 0x10 {
      let salvaged = try Self.salvage(Self.damaging(image, block))
      guard salvaged.mentions("rows of table users"), let users = salvaged.rows["users"] else { continue }
      let left = Set(users.map { $0[0] })
      let lost = (1...Self.count).filter { !left.contains(int($0)) }
      // Without its root nobody knows how many rows a table had, though all of them are found.
      guard let first = lost.first, let last = lost.last else { continue }
      told += 1
      #expect(lost.count == Int(last - first) + 1)
      // The bounds are those of the gap: the keys that are lost, and none that is left.
      let from = first == 1 ? "the first" : "\(first)"
      let to = last == Self.count ? "the last" : "before \(last + 1)"
      #expect(salvaged.mentions("rows of table users from \(from) to \(to)"), "\(salvaged.losses)")
      #expect(salvaged.rows["posts"]?.count == Int(Self.count))
      #expect(salvaged.losses.filter { $0.text.contains("refers to by author") }.count == lost.count)
      #expect(salvaged.schemas.first { $0.name == "posts" }?.references.isEmpty == true)
    }
    #expect(told > 2)
  }

  @Test("a damaged index is built again, and nothing is lost", arguments: [0, 1])
  func index(_ position: Int) throws {
    let image = try Self.image()
    let root = try Self.root(image) { (tables) throws(StorageError) in
      tables.tree(tables.catalog.tables[0].indexes[position])
    }
    let salvaged = try Self.salvage(Self.damaging(image, root))
    #expect(salvaged.losses == [])
    #expect(salvaged.rows["users"]?.count == Int(Self.count))
  }

  @Test("a damaged catalog is told, and so are the trees of its tables")
  func catalog() throws {
    let image = try Self.image()
    let root = try Self.root(image) { (tables) throws(StorageError) in tables.volume.root }
    let salvaged = try Self.salvage(Self.damaging(image, root))
    #expect(salvaged.mentions("schemas of tables"))
    // Schemas whose leaf is left below the damaged root come back with all their rows; trees of the others are told.
    let trees = salvaged.losses.filter { $0.text.contains("a table whose schema is lost") }.count
    for schema in salvaged.schemas { #expect(salvaged.rows[schema.name]?.count == Int(Self.count)) }
    #expect(trees == 0 ? salvaged.schemas.count == 2 : salvaged.schemas.count < 2)
    // A table whose root is damaged is found again by its leaves.
    let table = try Self.root(image) { (tables) throws(StorageError) in tables.tree(tables.catalog.tables[0]) }
    let found = try Self.salvage(Self.damaging(image, table))
    #expect(found.rows["users"]?.count == Int(Self.count) && found.rows["posts"]?.count == Int(Self.count))
  }

  @Test("rows of two tables of the same shape are not taken for one another's")
  func sameShape() throws {
    let memory = SimulatedMemory(pageCount: 8)
    let store = try Store.create(
      on: memory, format: FormatOptions(blockByteCount: Self.blockByteCount, journalByteCount: 64 * 1024),
      options: Self.options(1))
    try store.createTables()
    let columns = [ColumnDefinition("id", .int64), ColumnDefinition("text", .string)]
    let schemas = ["first", "second"].map { TableSchema($0, columns: columns, primaryKey: ["id"]) }
    try store.transaction { (transaction) throws(StorageError) in try transaction.tables().createTables(schemas) }
    for number in Int64(0)..<120 {
      try store.transaction { (transaction) throws(StorageError) in
        for schema in schemas {
          try transaction.tables().table(schema.name).insert([int(number), text("\(schema.name) \(number)")])
        }
      }
    }
    try store.checkpoint()
    try store.close()
    let image = memory.durableImage
    for name in 0..<2 {
      let root = try Self.root(image) { (tables) throws(StorageError) in
        tables.tree(tables.catalog.tables[name])
      }
      // Both roots: each leaf fits both tables then, and neither may have it.
      let other = try Self.root(image) { (tables) throws(StorageError) in
        tables.tree(tables.catalog.tables[1 - name])
      }
      let one = try Self.salvage(Self.damaging(image, root))
      for (index, schema) in schemas.enumerated() {
        let rows = try #require(one.rows[schema.name])
        #expect(rows.allSatisfy { $0[1].text.hasPrefix(schema.name) })
        // The leaves of the one that is damaged are found: the other one misses none.
        #expect(rows.count == 120, "\(index)")
      }
      let both = try Self.salvage(Self.damaging(Self.damaging(image, root), other))
      for schema in schemas {
        #expect(try #require(both.rows[schema.name]).allSatisfy { $0[1].text.hasPrefix(schema.name) })
        #expect(both.mentions("rows of table \(schema.name)"))
      }
    }
  }
}
