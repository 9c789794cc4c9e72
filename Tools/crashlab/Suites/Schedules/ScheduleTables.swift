import CairnBlocks
import CairnTables
import CairnVolumes

/// Two tables that all transactions of a schedule share: parents with a unique code, and children that refer to them. What a
/// rule forbids is an answer like others: the transaction sees it, and goes on.
enum ScheduleTables: ScheduleSubject {
  static let name = "tables"
  static let patternCount = 32

  enum Call: UInt8, Sendable, CaseIterable {
    /// The first parent.
    case getParent
    /// The parent with the code that several want.
    case getByCode
    /// All parents in the order of their codes.
    case listParents
    /// The children of the first parent.
    case listChildren
    /// How many children have a rank of five and more.
    case countByRank
    /// A parent with a key that all want.
    case insertKey
    /// A parent of one's own key, with a code that all want.
    case insertCode
    /// The parent with that code, or a new one.
    case upsertCode
    /// A child of the first parent.
    case insertChild
    /// The second parent gets another key, and its children follow.
    case moveParent
    /// The first parent and its children go.
    case deleteParent
    /// Children with a rank of five and more get another one.
    case updateWhere
    /// Children with less than that go.
    case deleteWhere
  }

  /// Unique keys and codes, lost updates, write skew and phantoms by a filter, parents that go or move under new children.
  static let classics: [[[Call]]] = [
    [[.insertKey], [.insertKey]],
    [[.insertCode], [.insertCode]],
    [[.insertKey, .getByCode], [.insertCode, .listParents]],
    [[.upsertCode], [.upsertCode, .getByCode]],
    [[.deleteParent], [.insertChild]],
    [[.deleteParent, .listChildren], [.insertChild, .getParent]],
    [[.insertChild, .listChildren], [.deleteParent, .insertChild]],
    [[.moveParent, .listParents], [.moveParent]],
    [[.moveParent], [.deleteParent, .updateWhere]],
    [[.updateWhere, .countByRank], [.updateWhere]],
    [[.countByRank, .updateWhere], [.countByRank, .insertChild]],
    [[.deleteWhere, .insertChild], [.updateWhere, .listChildren]],
    [[.getParent, .deleteParent], [.getParent, .insertChild, .listChildren]],
    [[.listParents, .insertCode], [.listParents, .insertKey]],
    [[.upsertCode, .deleteParent, .insertChild], [.insertCode, .moveParent, .listParents]],
    [[.insertCode, .insertCode, .getByCode, .upsertCode], [.upsertCode, .countByRank, .deleteWhere, .insertKey]],
  ]

  static let outsiders: [[Call]] = [
    [.getParent, .updateWhere], [.upsertCode, .insertChild], [.deleteParent, .listChildren],
  ]

  static let initial = ScheduleTablesModel(
    parents: [1: .init(code: "a", value: 0), 2: .init(code: "b", value: 0)],
    children: [1: .init(parent: 1, rank: 3), 2: .init(parent: 1, rank: 6), 3: .init(parent: 2, rank: 8)])

  static var filesystems: [any Filesystem] { [TableFilesystem()] }

  private static let parentSchema = TableSchema(
    "parent",
    columns: [ColumnDefinition("id", .int64), ColumnDefinition("code", .string), ColumnDefinition("value", .int64)],
    primaryKey: ["id"], indexes: [IndexDefinition("code", on: ["code"], isUnique: true)])

  private static let childSchema = TableSchema(
    "child",
    columns: [ColumnDefinition("id", .int64), ColumnDefinition("parent", .int64), ColumnDefinition("rank", .int64)],
    primaryKey: ["id"], indexes: [IndexDefinition("rank", on: ["rank"]), IndexDefinition("parent", on: ["parent"])],
    references: [ReferenceDefinition("parent", from: ["parent"], to: "parent", onDelete: .cascade, onUpdate: .cascade)])

  static func create(in store: Store) throws(StorageError) {
    try store.createTables()
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.tables().createTables([parentSchema, childSchema])
    }
  }

  static func reset(_ transaction: Transaction) throws(StorageError) {
    let tables = try transaction.tables()
    try tables.table("child").delete(where: .always)
    try tables.table("parent").delete(where: .always)
    for (key, parent) in initial.parents.sorted(by: { $0.key < $1.key }) {
      try tables.table("parent").insert([.integer(key), .string(parent.code), .integer(parent.value)])
    }
    for (key, child) in initial.children.sorted(by: { $0.key < $1.key }) {
      try tables.table("child").insert([.integer(key), .integer(child.parent), .integer(child.rank)])
    }
  }

  static func contents(_ transaction: Transaction) throws(StorageError) -> ScheduleTablesModel {
    var model = ScheduleTablesModel(parents: [:], children: [:])
    let tables = try transaction.tables()
    for row in try tables.table("parent").select().all() {
      guard case .integer(let key) = row[0], case .string(let code) = row[1], case .integer(let value) = row[2] else {
        continue
      }
      model.parents[key] = .init(code: code, value: value)
    }
    for row in try tables.table("child").select().all() {
      guard case .integer(let key) = row[0], case .integer(let parent) = row[1], case .integer(let rank) = row[2] else {
        continue
      }
      model.children[key] = .init(parent: parent, rank: rank)
    }
    return model
  }

  static func run(
    _ call: Call, _ who: Int, _ transaction: Transaction, _ seen: inout ScheduleObservation
  ) throws(StorageError) {
    let tables = try transaction.tables()
    do throws(StorageError) {
      seen.note(
        try answer(
          call, Int64(who), ScheduleTablesModel.number(of: seen.value(of: who)), try tables.table("parent"),
          try tables.table("child")))
    } catch {
      guard case .constraintViolated = error else { throw error }
      seen.note(ScheduleTablesModel.refused)
    }
  }

  private static func answer(
    _ call: Call, _ who: Int64, _ value: Int64, _ parents: Table, _ children: Table
  ) throws(StorageError) -> [UInt8] {
    func text(_ rows: [[ColumnValue]]) -> [UInt8] {
      var text = ""
      for row in rows { for value in row { text += value.text + "," } }
      return Array(text.utf8)
    }
    let high = Predicate.compare("rank", .greaterOrEqual, .integer(5))
    switch call {
    case .getParent: return text(try parents.get([.integer(1)]).map { [$0] } ?? [])
    case .getByCode: return text(try parents.get(index: "code", [.string("u")]).map { [$0] } ?? [])
    case .listParents: return text(try parents.select(Query(order: [OrderTerm("code")])).all())
    case .listChildren:
      return text(
        try children.select(
          Query(.compare("parent", .equal, .integer(1)), order: [OrderTerm("id")])
        ).all())
    case .countByRank: return Array("\(try children.count(high))".utf8)
    case .insertKey: try parents.insert([.integer(3), .string("key-\(who)"), .integer(value)])
    case .insertCode: try parents.insert([.integer(10 + who), .string("u"), .integer(value)])
    case .upsertCode:
      return Array("\(try parents.upsert([.integer(20 + who), .string("u"), .integer(value)], on: "code"))".utf8)
    case .insertChild: try children.insert([.integer(10 + who), .integer(1), .integer(value)])
    case .moveParent: return Array("\(try parents.update([.integer(2)], [("id", .integer(5))]))".utf8)
    case .deleteParent: return Array("\(try parents.delete([.integer(1)]))".utf8)
    case .updateWhere: return Array("\(try children.update(where: high, [("rank", .integer(value))]))".utf8)
    case .deleteWhere: return Array("\(try children.delete(where: .not(high)))".utf8)
    }
    return []
  }

  static func run(_ call: Call, _ who: Int, on model: inout ScheduleTablesModel, _ seen: inout ScheduleObservation) {
    let value = ScheduleTablesModel.number(of: seen.value(of: who))
    seen.note(model.answer(call, Int64(who), value).map { Array($0.utf8) } ?? ScheduleTablesModel.refused)
  }
}

/// The same tables without a store: one transaction at a time.
struct ScheduleTablesModel: Equatable {
  struct Parent: Equatable {
    var code: String
    var value: Int64
  }
  struct Child: Equatable {
    var parent: Int64
    var rank: Int64
  }

  var parents: [Int64: Parent]
  var children: [Int64: Child]

  /// What is seen of a call that a rule forbids.
  static let refused: [UInt8] = [255]

  /// What a transaction writes, as a rank.
  static func number(of value: [UInt8]) -> Int64 { Int64(value[2] % 10) }

  /// Makes a call; nil: a rule forbids it, and nothing has changed.
  mutating func answer(_ call: ScheduleTables.Call, _ who: Int64, _ value: Int64) -> String? {
    func text(_ key: Int64, _ parent: Parent) -> String { "\(key),\(parent.code),\(parent.value)," }
    func isTaken(_ code: String) -> Bool { parents.contains { $0.value.code == code } }
    switch call {
    case .getParent: return parents[1].map { text(1, $0) } ?? ""
    case .getByCode: return parents.first { $0.value.code == "u" }.map { text($0.key, $0.value) } ?? ""
    case .listParents:
      return parents.sorted { $0.value.code < $1.value.code }.map { text($0.key, $0.value) }.joined()
    case .listChildren:
      return children.sorted { $0.key < $1.key }.filter { $0.value.parent == 1 }.map {
        "\($0.key),\($0.value.parent),\($0.value.rank),"
      }.joined()
    case .countByRank: return "\(children.count { $0.value.rank >= 5 })"
    case .insertKey:
      guard parents[3] == nil, !isTaken("key-\(who)") else { return nil }
      parents[3] = Parent(code: "key-\(who)", value: value)
    case .insertCode:
      guard parents[10 + who] == nil, !isTaken("u") else { return nil }
      parents[10 + who] = Parent(code: "u", value: value)
    case .upsertCode:
      if let known = parents.first(where: { $0.value.code == "u" })?.key {
        parents[known] = Parent(code: "u", value: value)
        return "false"
      }
      guard parents[20 + who] == nil else { return nil }
      parents[20 + who] = Parent(code: "u", value: value)
      return "true"
    case .insertChild:
      guard children[10 + who] == nil, parents[1] != nil else { return nil }
      children[10 + who] = Child(parent: 1, rank: value)
    case .moveParent:
      guard let parent = parents[2] else { return "false" }
      guard parents[5] == nil else { return nil }
      parents[2] = nil
      parents[5] = parent
      for (key, child) in children where child.parent == 2 { children[key]?.parent = 5 }
      return "true"
    case .deleteParent:
      guard parents.removeValue(forKey: 1) != nil else { return "false" }
      children = children.filter { $0.value.parent != 1 }
      return "true"
    case .updateWhere:
      let keys = children.filter { $0.value.rank >= 5 }.keys
      for key in keys { children[key]?.rank = value }
      return "\(keys.count)"
    case .deleteWhere:
      let count = children.count { $0.value.rank < 5 }
      children = children.filter { $0.value.rank >= 5 }
      return "\(count)"
    }
    return ""
  }
}
