import CairnBytes
import CairnVolumes

/// The model of a store with tables: two of them, of which one refers to the other, beside a bucket and a map.
struct TablesState: ModelState {
  /// Rows of the table that is referred to, by their keys.
  var owners: [Int64: Owner] = [:]
  /// Rows that refer to it, by their keys.
  var items: [Int64: Item] = [:]
  /// Objects of the one bucket.
  var objects: [String: [UInt8]] = [:]
  /// Entries of the one map.
  var entries: [String: [UInt8]] = [:]
  var schema = SchemaState()
  /// Open multi-call transactions, oldest first.
  var open: [OpenTransaction] = []

  struct Owner: Equatable, Sendable {
    /// Unique.
    var name: String
    /// In an index of the rows that have one.
    var note: String?
  }

  struct Item: Equatable, Sendable {
    /// The owner that it goes with, and whose key it follows.
    var owner: Int64?
    var rank: Int64
    var name: String
  }

  /// How far the tables have come.
  struct SchemaState: Equatable, Sendable {
    /// The version that they were last brought to.
    var version: UInt32 = 1
    /// Migrations that were made; one more than the versions while the tables are still to be altered.
    var migrationCount = 1
    /// The last item that an unfinished migration has changed.
    var cursor: Int64?
    /// Whether there is an index of ranks, as in odd versions, and whether it is still to be built.
    var hasRankIndex = true
    var isRankIndexPending = false
    /// Whether there is an index of items by their names.
    var hasNameIndex = false
  }

  /// A transaction of several calls: what it staged takes effect when it commits.
  struct OpenTransaction: KnownTransaction, Sendable {
    /// Nil: the call that began it was cut off, and nobody was told.
    var id: TransactionID?
    /// Its keys are those of this hundred, so that it meets nobody.
    var number: Int64
    var isPrepared = false
    /// The tables were altered since it staged something: it ends with a conflict.
    var isStale = false
    var staged: [Change] = []
  }

  /// One change, as a transaction makes or stages it.
  enum Change: Sendable {
    case insertOwner(Int64, Owner)
    case upsertOwner(Int64, Owner)
    /// Puts note and key of the one with the name.
    case upsertByName(Int64, Owner)
    case setNote(Int64, String?)
    case setNotes(String?)
    case moveOwner(Int64, to: Int64)
    case deleteOwner(Int64)
    case insertItem(Int64, Item)
    case setRanks(atLeast: Int64, to: Int64)
    case setRank(Int64, to: Int64)
    case deleteItems(rank: Int64)
    case deleteItem(Int64)
    case put(String, [UInt8])
    case set(String, [UInt8])
  }

  /// Keys below are those of transactions of one call.
  static let ownKeys: Range<Int64> = 0..<100

  /// What a change makes of the state; false: it breaks a rule, and nothing has changed.
  mutating func apply(_ change: Change) -> Bool {
    func isTaken(_ name: String, besides key: Int64) -> Bool {
      owners.contains { $0.key != key && $0.value.name == name }
    }
    switch change {
    case .insertOwner(let key, let owner):
      guard owners[key] == nil, !isTaken(owner.name, besides: key) else { return false }
      owners[key] = owner
    case .upsertOwner(let key, let owner):
      guard !isTaken(owner.name, besides: key) else { return false }
      owners[key] = owner
    case .upsertByName(let key, let owner):
      if let old = owners.first(where: { $0.value.name == owner.name })?.key {
        owners[old] = owner
      } else {
        guard owners[key] == nil else { return false }
        owners[key] = owner
      }
    case .setNote(let key, let note): owners[key]?.note = note
    case .setNotes(let note): for key in owners.keys where Self.ownKeys.contains(key) { owners[key]?.note = note }
    case .moveOwner(let key, let other):
      guard let owner = owners[key] else { return true }
      guard key == other || owners[other] == nil else { return false }
      owners[key] = nil
      owners[other] = owner
      for (item, value) in items where value.owner == key { items[item]?.owner = other }
    case .deleteOwner(let key):
      guard owners.removeValue(forKey: key) != nil else { return true }
      items = items.filter { $0.value.owner != key }
    case .insertItem(let key, let item):
      guard items[key] == nil, item.owner.map({ owners[$0] != nil }) ?? true else { return false }
      items[key] = item
    case .setRanks(let least, let rank):
      for (key, item) in items where Self.ownKeys.contains(key) && item.rank >= least { items[key]?.rank = rank }
    case .setRank(let key, let rank): items[key]?.rank = rank
    case .deleteItems(let rank):
      items = items.filter { !Self.ownKeys.contains($0.key) || $0.value.rank != rank }
    case .deleteItem(let key): items[key] = nil
    case .put(let key, let bytes): objects[key] = bytes
    case .set(let key, let bytes): entries[key] = bytes
    }
    return true
  }

  /// The states that bringing the tables to another version goes through, each a commit: steps of a migration, then another
  /// schema, then the index that is built over the rows.
  func migrated(to version: UInt32) -> [TablesState] {
    var states = [self]
    var state = self
    while state.schema.migrationCount < Int(version) {
      let rest = state.items.keys.filter { $0 > state.schema.cursor ?? .min }.sorted()
      if rest.isEmpty {
        state.schema.cursor = nil
        state.schema.migrationCount += 1
      } else {
        for key in rest.prefix(TablesShape.itemsPerStep) {
          guard let item = state.items[key] else { continue }
          state.items[key]?.rank = TablesShape.migrated(item.rank)
          state.schema.cursor = key
        }
      }
      states.append(state)
    }
    if state.schema.version != version {
      let hadRankIndex = state.schema.hasRankIndex
      state.schema.version = version
      state.schema.hasNameIndex = false
      state.schema.hasRankIndex = TablesShape.hasRankIndex(version)
      state.schema.isRankIndexPending =
        state.schema.hasRankIndex && (hadRankIndex ? state.schema.isRankIndexPending : !state.items.isEmpty)
      states.append(state)
    }
    if state.schema.isRankIndexPending {
      state.schema.isRankIndexPending = false
      states.append(state)
    }
    return states.map { $0.withStaleTransactions() }
  }

  /// The same, after the tables were altered.
  func withStaleTransactions() -> TablesState {
    var state = self
    for index in state.open.indices where !state.open[index].staged.isEmpty { state.open[index].isStale = true }
    return state
  }

  var contentHash: UInt64 {
    func hash(_ text: String, _ seed: UInt64) -> UInt64 { XXHash64.digest(Array(text.utf8).span, seed: seed) }
    var sum: UInt64 = hash("\(schema)", 5)
    for (key, owner) in owners { sum = sum &+ hash("\(key) \(owner.name) \(owner.note ?? "-")", 1) }
    for (key, item) in items { sum = sum &+ hash("\(key) \(item.owner ?? -1) \(item.rank) \(item.name)", 2) }
    for (key, bytes) in objects { sum = sum &+ XXHash64.digest(bytes.span, seed: hash(key, 3)) }
    for (key, bytes) in entries { sum = sum &+ XXHash64.digest(bytes.span, seed: hash(key, 4)) }
    for (index, transaction) in open.enumerated() {
      sum = sum &+ mix(UInt64(index) << 32 | UInt64(transaction.staged.count) << 1 | (transaction.isPrepared ? 1 : 0))
      if let id = transaction.id { sum = sum &+ mix(id.rawValue) }
    }
    return sum
  }

  var summary: String {
    let open = open.map { "\($0.id.map { "\($0)" } ?? "?")/\($0.staged.count)\($0.isPrepared ? "!" : "")" }
    return "[\(TablesContents.text(owners)) \(TablesContents.text(items)) objects \(objects.keys.sorted()) "
      + "map \(entries.keys.sorted()) \(schema) open \(open)]"
  }
}
