import CairnBlocks
import CairnMaps
import CairnObjects
import CairnTables
import CairnVolumes

/// What an open store with tables shows: its rows, by their keys and by each of their indexes.
struct TablesContents {
  var owners: [Int64: TablesState.Owner] = [:]
  var items: [Int64: TablesState.Item] = [:]
  var objects: [String: [UInt8]] = [:]
  var entries: [String: [UInt8]] = [:]
  var schema = TablesState.SchemaState()
  var open: [TransactionInformation] = []

  /// Reads all of it through the public interface. Throws a `Mismatch` when an index tells something else than the rows.
  init(_ store: Store) throws {
    var found = TablesContents()
    var mismatch: String?
    try store.read { (transaction) throws(StorageError) in
      let bucket = try transaction.bucket(StoreShape.bucket)
      for object in try bucket.list().objects { found.objects[object.key.description] = try bucket.get(object.key) }
      var cursor = try transaction.map(StoreShape.map).cursor()
      while try cursor.next() { found.entries[String(decoding: cursor.key, as: UTF8.self)] = try cursor.value() }
      let tables = try transaction.tables()
      let (owners, items) = (try tables.table(TablesShape.owners), try tables.table(TablesShape.items))
      try found.readRows(owners, items)
      found.schema.version = tables.schemaVersion
      found.schema.migrationCount = try tables.migrations().count
      let indexes = items.schema.indexes.map { $0.name }
      found.schema.hasRankIndex = indexes.contains("rank")
      found.schema.hasNameIndex = indexes.contains("name")
      mismatch = try found.mismatchOfIndexes(owners, items)
    }
    if let mismatch { throw Mismatch(mismatch) }
    found.open = try store.transactions()
    self = found
  }

  private init() {}

  private mutating func readRows(_ owners: Table, _ items: Table) throws(StorageError) {
    for row in try owners.select(Query(order: [OrderTerm("id")])).all() {
      guard case .integer(let key) = row[0], case .string(let name) = row[1] else { continue }
      if case .string(let note) = row[2] {
        self.owners[key] = TablesState.Owner(name: name, note: note)
      } else {
        self.owners[key] = TablesState.Owner(name: name)
      }
    }
    for row in try items.select(Query(order: [OrderTerm("id")])).all() {
      guard case .integer(let key) = row[0], case .integer(let rank) = row[2], case .string(let name) = row[3] else {
        continue
      }
      var item = TablesState.Item(rank: rank, name: name)
      if case .integer(let owner) = row[1] { item.owner = owner }
      self.items[key] = item
    }
  }

  /// Asks the same of the indexes. Queries that an index answers are checked by their plans to be answered by it.
  private func mismatchOfIndexes(_ owners: Table, _ items: Table) throws(StorageError) -> String? {
    for (key, owner) in self.owners {
      guard try owners.get(index: "name", [.string(owner.name)]) == owner.row(key) else {
        return "owner \(key) is not to be found by its name"
      }
    }
    func keys(_ table: Table, _ query: Query, by index: String) throws(StorageError) -> [Int64]? {
      switch try table.explain(query).access {
      case .index(let name), .indexOnly(let name):
        guard name == index else { return nil }
      default: return nil
      }
      var keys: [Int64] = []
      for row in try table.select(query).all() {
        if case .integer(let key) = row[0] { keys.append(key) }
      }
      return keys
    }
    let notes = Query(.not(.isNull("note")), order: [OrderTerm("note")], columns: ["id", "note"])
    let byNote = self.owners.filter { $0.value.note != nil }.sorted {
      ($0.value.note ?? "", $0.key) < ($1.value.note ?? "", $1.key)
    }
    if let found = try keys(owners, notes, by: "note"), found != byNote.map({ $0.key }) {
      return "by their notes the owners are \(found)"
    }
    for owner in Set(self.items.values.map { $0.owner }) {
      let filter: Predicate = owner.map { .compare("owner", .equal, .integer($0)) } ?? .isNull("owner")
      let expected = self.items.filter { $0.value.owner == owner }.map { $0.key }.sorted()
      if let found = try keys(items, Query(filter, order: [OrderTerm("id")], columns: ["id"]), by: "owner"),
        found != expected
      {
        return "items of owner \(owner.map { "\($0)" } ?? "none") are \(found) in the index, not \(expected)"
      }
    }
    let byRank = self.items.sorted {
      ($0.value.rank, $0.value.name, $0.key) < ($1.value.rank, $1.value.name, $1.key)
    }
    let ranks = Query(order: [OrderTerm("rank"), OrderTerm("name")], columns: ["id", "rank", "name"])
    if let found = try keys(items, ranks, by: "rank"), found != byRank.map({ $0.key }) {
      return "by their ranks the items are \(found), not \(byRank.map { $0.key })"
    }
    let byName = self.items.sorted { ($0.value.name, $0.key) < ($1.value.name, $1.key) }
    if let found = try keys(items, Query(order: [OrderTerm("name")], columns: ["id", "name"]), by: "name"),
      found != byName.map({ $0.key })
    {
      return "by their names the items are \(found), not \(byName.map { $0.key })"
    }
    return nil
  }

  /// What is different from a state; nil: nothing.
  func difference(from state: TablesState) -> String? {
    if owners != state.owners { return Self.text(owners) }
    if items != state.items { return Self.text(items) }
    if objects != state.objects { return "objects \(objects.keys.sorted())" }
    if entries != state.entries { return "map \(entries.keys.sorted())" }
    // How far a migration or an index is shows when it goes on.
    var schema = schema
    schema.cursor = state.schema.cursor
    schema.isRankIndexPending = state.schema.isRankIndexPending
    if schema != state.schema { return "\(schema)" }
    var left = open
    for expected in state.open.sorted(by: { $0.id != nil && $1.id == nil }) {
      let found = left.firstIndex {
        (expected.id == nil || $0.id == expected.id) && $0.operationCount == UInt64(expected.staged.count)
          && ($0.state == .prepared) == expected.isPrepared
      }
      guard let found else { return "open \(open.map { "\($0.id)/\($0.operationCount)" })" }
      left.remove(at: found)
    }
    return left.isEmpty ? nil : "open beside others \(left.map { "\($0.id)/\($0.operationCount)" })"
  }

  static func text(_ owners: [Int64: TablesState.Owner]) -> String {
    "owners \(owners.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.name)/\($0.value.note?.count ?? -1)" })"
  }

  static func text(_ items: [Int64: TablesState.Item]) -> String {
    let texts = items.sorted { $0.key < $1.key }.map {
      "\($0.key)=\($0.value.owner.map { "\($0)" } ?? "-")/\($0.value.rank)/\($0.value.name)"
    }
    return "items \(texts)"
  }
}
