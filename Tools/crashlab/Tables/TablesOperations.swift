import CairnBlocks
import CairnMaps
import CairnObjects
import CairnTables
import CairnTestSupport
import CairnVolumes

/// What the letters of a table trace do, to the store and to its model alike.
struct TablesOperations {
  /// Where the operation's choices come from: the same for the same place in a trace.
  var random: SeededGenerator

  /// The changes that a letter makes in one transaction; nil: the letter is no transaction of one call.
  mutating func changes(_ letter: Character, _ state: TablesState) -> [TablesState.Change]? {
    switch letter {
    case "i": return [.insertOwner(ownerKey(), owner())]
    case "I":
      return (0..<3).map { _ in .insertItem(itemKey(), item(of: pick(state.owners.keys))) }
    case "u": return [.upsertOwner(ownerKey(), owner())]
    case "y": return [.upsertByName(ownerKey(), owner())]
    case "U": return [.setRanks(atLeast: Int64(random.below(6)), to: rank())]
    case "N": return [.setNotes(random.below(3) == 0 ? nil : text(1 + random.below(70)))]
    case "K":
      guard let key = pick(state.owners.keys) else { return [] }
      return [.moveOwner(key, to: ownerKey())]
    case "D": return pick(state.owners.keys).map { [.deleteOwner($0)] } ?? []
    case "d": return [.deleteItems(rank: rank())]
    case "m":
      return [
        .put("object-\(random.below(3))", random.bytes(600)), .upsertOwner(ownerKey(), owner()),
        .set("entry-\(random.below(4))", random.bytes(30)), .insertItem(itemKey(), item(of: pick(state.owners.keys))),
      ]
    default: return nil
    }
  }

  /// What a call stages: keys of its own transaction alone.
  mutating func staged(_ transaction: TablesState.OpenTransaction, _ state: TablesState) -> TablesState.Change {
    let first = transaction.number * 100
    let (key, other) = (first + Int64(random.below(3)), first + Int64(random.below(5)))
    let owner = TablesState.Owner(name: "staged-\(transaction.number)-\(random.below(4))", note: note())
    let isThere = state.owners.keys.filter { ($0 - first).magnitude < 100 && $0 >= first }
    switch random.below(8) {
    case 0, 1: return .insertOwner(key, owner)
    case 2: return .upsertOwner(key, owner)
    case 3, 4: return .insertItem(other, item(of: isThere.min()))
    case 5: return .setRank(other, to: rank())
    case 6: return random.below(2) == 0 ? .deleteItem(other) : .setNote(key, note())
    default: return random.below(2) == 0 ? .deleteOwner(key) : .put("staged-\(transaction.number)", random.bytes(900))
    }
  }

  private mutating func ownerKey() -> Int64 { Int64(random.below(7)) }
  private mutating func itemKey() -> Int64 { Int64(random.below(20)) }
  private mutating func rank() -> Int64 { Int64(random.below(10)) }
  private mutating func text(_ count: Int) -> String {
    String(decoding: (0..<count).map { _ in UInt8(97 + random.below(26)) }, as: UTF8.self)
  }
  private mutating func note() -> String? { random.below(2) == 0 ? nil : text(1 + random.below(60)) }
  private mutating func owner() -> TablesState.Owner {
    TablesState.Owner(name: "name-\(random.below(9))", note: note())
  }
  private mutating func item(of owner: Int64?) -> TablesState.Item {
    TablesState.Item(owner: random.below(5) == 0 ? nil : owner, rank: rank(), name: text(1 + random.below(24)))
  }

  private mutating func pick(_ keys: some Collection<Int64>) -> Int64? {
    let keys = keys.filter(TablesState.ownKeys.contains).sorted()
    return keys.isEmpty ? nil : keys[random.below(keys.count)]
  }
}

extension Transaction {
  /// Makes a change of the model.
  func make(_ change: TablesState.Change) throws(StorageError) {
    let tables = try self.tables()
    let owners = try tables.table(TablesShape.owners)
    let items = try tables.table(TablesShape.items)
    switch change {
    case .insertOwner(let key, let owner): try owners.insert(owner.row(key))
    case .upsertOwner(let key, let owner): try owners.upsert(owner.row(key))
    case .upsertByName(let key, let owner): try owners.upsert(owner.row(key), on: "name")
    case .setNote(let key, let note): try owners.update([.integer(key)], [("note", .text(note))])
    case .setNotes(let note): try owners.update(where: Self.isOwn, [("note", .text(note))])
    case .moveOwner(let key, let other): try owners.update([.integer(key)], [("id", .integer(other))])
    case .deleteOwner(let key): try owners.delete([.integer(key)])
    case .insertItem(let key, let item): try items.insert(item.row(key))
    case .setRanks(let least, let rank):
      try items.update(
        where: .and([.compare("rank", .greaterOrEqual, .integer(least)), Self.isOwn]), [("rank", .integer(rank))])
    case .setRank(let key, let rank): try items.update([.integer(key)], [("rank", .integer(rank))])
    case .deleteItems(let rank):
      try items.delete(where: .and([.compare("rank", .equal, .integer(rank)), Self.isOwn]))
    case .deleteItem(let key): try items.delete([.integer(key)])
    case .put(let key, let bytes): try bucket(StoreShape.bucket).put(ObjectKey(key), bytes)
    case .set(let key, let bytes): try map(StoreShape.map).put(Array(key.utf8), bytes)
    }
  }

  private static var isOwn: Predicate { .compare("id", .less, .integer(TablesState.ownKeys.upperBound)) }
}

extension ColumnValue {
  /// Text, or nothing.
  static func text(_ text: String?) -> ColumnValue { text.map { .string($0) } ?? .null }
}

extension TablesState.Owner {
  func row(_ key: Int64) -> [ColumnValue] { [.integer(key), .string(name), .text(note)] }
}

extension TablesState.Item {
  func row(_ key: Int64) -> [ColumnValue] {
    [.integer(key), owner.map { .integer($0) } ?? .null, .integer(rank), .string(name)]
  }
}
