import CairnBlocks
import CairnBytes
import CairnVolumes

/// Everything that one change of a row brings with it: the rows that refer to it, and the rows that refer to those.
///
/// The plan is made first, by looking only; then every rule is held against the rows as they will be; then all of it is
/// done. So a change that is refused has changed nothing.
final class ChangePlan {
  struct Change {
    let table: Int
    let key: [UInt8]
    let old: [ColumnValue]
    /// What the row will be; nil: gone.
    var new: [ColumnValue]?
    /// How many references lead from the row that the user named to this one.
    let level: Int
  }

  private struct Place: Hashable {
    let table: Int
    let key: [UInt8]
  }

  /// A change whose effects on other rows are not followed yet.
  private struct Effect {
    let table: Int
    let before: [ColumnValue]
    let after: [ColumnValue]?
    let level: Int
  }

  /// Values of a row that others may refer to, and that it has no more.
  private struct Vacancy: Hashable {
    let table: Int
    let columns: [Int]
    let values: [ColumnValue]
  }

  /// Values that a reference has in a row of the plan, and did not have before.
  private struct Arrival: Hashable {
    let table: Int
    let columns: [Int]
    let values: [ColumnValue]
  }

  /// Rows that must not refer to some values any more when all is done.
  private struct Restriction {
    let reference: ReferenceState
    let values: [ColumnValue]
    let parent: [ColumnValue]
  }

  /// Rows that one change may change.
  static let rowCountMax = 1_000_000
  /// References in a row that one change may follow.
  static let levelCountMax = 1_000

  private let tables: TableVolume
  private(set) var changes: [Change] = []
  private var places: [Place: Int] = [:]
  private var effects: [Effect] = []
  private var vacancies: Set<Vacancy> = []
  /// Where rows of the plan came to refer to other values, by the numbers of their changes: the trees do not know it yet.
  private var arrivals: [Arrival: [Int]] = [:]
  /// The tables whose rows the plan can change.
  private var reachable: Set<Int> = []
  private var restrictions: [Restriction] = []
  /// Each row as its trees will hold it, made when the rules are held against it; nil: it goes.
  private var stored: [TableVolume.StoredRow?] = []
  private var deferrals: [(reference: ReferenceState, values: [ColumnValue])] = []

  init(_ tables: TableVolume) {
    self.tables = tables
  }

  private var catalog: TableCatalog { tables.catalog }

  /// The change of a row.
  func change(_ table: Int, _ key: [UInt8]) -> Change? {
    places[Place(table: table, key: key)].map { changes[$0] }
  }

  /// Whether the plan changes a row of a table into one that is as asked for.
  func contains(_ table: Int, _ isWanted: ([ColumnValue]) -> Bool) -> Bool {
    changes.contains { $0.table == table && ($0.new.map(isWanted) ?? false) }
  }

  // MARK: Making it

  /// Plans that a row goes.
  func delete(_ table: Int, _ key: [UInt8], _ old: [ColumnValue], level: Int = 0) throws(StorageError) {
    try change(table, key, old, nil, level)
  }

  /// Plans that a row becomes another.
  func update(
    _ table: Int, _ key: [UInt8], _ old: [ColumnValue], _ new: [ColumnValue], level: Int = 0
  ) throws(StorageError) {
    try change(table, key, old, new, level)
  }

  private func change(
    _ table: Int, _ key: [UInt8], _ old: [ColumnValue], _ new: [ColumnValue]?, _ level: Int
  ) throws(StorageError) {
    if reachable.isEmpty { reachable = tablesReached(from: table) }
    let place = Place(table: table, key: key)
    var before = old
    if let position = places[place] {
      guard let current = changes[position].new else { return }
      before = current
      changes[position].new = new
    } else {
      guard changes.count < Self.rowCountMax else {
        throw .limitExceeded(what: "rows that one change may change", limit: UInt64(Self.rowCountMax))
      }
      places[place] = changes.count
      changes.append(Change(table: table, key: key, old: old, new: new, level: level))
    }
    noteArrivals(table, place, old, new)
    guard !catalog.incoming[table].isEmpty else { return }
    effects.append(Effect(table: table, before: before, after: new, level: level))
  }

  /// The tables that a change of one may change: itself, those that refer to it, and so on.
  private func tablesReached(from table: Int) -> Set<Int> {
    var reached: Set<Int> = [table]
    var next = [table]
    while let table = next.popLast() {
      for reference in catalog.incoming[table] where reached.insert(reference.child).inserted {
        next.append(reference.child)
      }
    }
    return reached
  }

  private func noteArrivals(_ table: Int, _ place: Place, _ old: [ColumnValue], _ new: [ColumnValue]?) {
    guard let new, let position = places[place] else { return }
    for reference in catalog.references[table] where reachable.contains(reference.parent) {
      guard let values = reference.values(of: new), values != reference.values(of: old) else { continue }
      arrivals[Arrival(table: table, columns: reference.columns, values: values), default: []].append(position)
    }
  }

  /// Follows the references to all rows that change.
  func follow() throws(StorageError) {
    var next = 0
    while next < effects.count {
      let effect = effects[next]
      next += 1
      // Cycles of references that set one another would come by the same rows for ever.
      guard next <= 2 * Self.rowCountMax else {
        throw .limitExceeded(what: "rows that one change may change", limit: UInt64(Self.rowCountMax))
      }
      for reference in catalog.incoming[effect.table] { try follow(effect, reference) }
    }
  }

  private func follow(_ effect: Effect, _ reference: ReferenceState) throws(StorageError) {
    guard let old = reference.parentValues(of: effect.before) else { return }
    let new = effect.after.flatMap { reference.parentValues(of: $0) }
    if effect.after != nil, new == old { return }
    let definition = reference.definition
    let action = effect.after == nil ? definition.onDelete : definition.onUpdate
    if action == .restrict {
      if definition.isDeferred {
        deferrals.append((reference, old))
      } else {
        restrictions.append(Restriction(reference: reference, values: old, parent: effect.before))
      }
      return
    }
    vacancies.insert(vacancy(reference, old))
    let table = catalog.tables[reference.child]
    var keys: [[UInt8]] = []
    try tables.forEachKey(table, reference.children, old) { (key) throws(StorageError) in
      keys.append(key)
      guard keys.count <= Self.rowCountMax else {
        throw .limitExceeded(what: "rows that one change may change", limit: UInt64(Self.rowCountMax))
      }
      return true
    }
    // Rows that only the plan makes refer to the values: a row that gets another key and refers to its own old one, say.
    let arrived = Arrival(table: reference.child, columns: reference.columns, values: old)
    for position in arrivals[arrived] ?? [] { keys.append(changes[position].key) }
    guard !keys.isEmpty else { return }
    guard effect.level < Self.levelCountMax else {
      throw .limitExceeded(what: "references that one change may follow", limit: UInt64(Self.levelCountMax))
    }
    try tables.require(effect.after == nil && action == .cascade ? .delete : .update, on: table)
    for key in keys {
      guard let row = try tables.row(table, key) else { throw table.layout.damage }
      let current: [ColumnValue]
      if let change = change(reference.child, key) {
        guard let new = change.new else { continue }
        current = new
      } else {
        current = row
      }
      guard reference.values(of: current) == old else { continue }
      if action == .cascade && effect.after == nil {
        try delete(reference.child, key, row, level: effect.level + 1)
        continue
      }
      var changed = current
      for (position, column) in reference.columns.enumerated() {
        switch action {
        case .cascade: changed[column] = new?[position] ?? .null
        case .setDefault: changed[column] = try tables.defaultValue(of: table, column)
        case .setNull, .restrict: changed[column] = .null
        }
      }
      try update(reference.child, key, row, changed, level: effect.level + 1)
    }
  }

  private func vacancy(_ reference: ReferenceState, _ values: [ColumnValue]) -> Vacancy {
    Vacancy(table: reference.parent, columns: reference.parentColumns, values: values)
  }

  // MARK: Holding the rules against it

  /// Throws when a rule forbids what the plan would do.
  func validate() throws(StorageError) {
    for restriction in restrictions { try validate(restriction) }
    var taken: Set<Place> = []
    for change in changes {
      guard let new = change.new else {
        stored.append(nil)
        continue
      }
      let table = catalog.tables[change.table]
      try tables.requireRules(table, new)
      stored.append(try tables.stored(table, table.key(of: new), new))
      try requireUnique(change, new, table, &taken)
      for reference in catalog.references[change.table] {
        guard let values = reference.values(of: new) else { continue }
        // The same values as before are right as long as the row that they refer to stays: a default may be the key of the
        // very row that goes.
        if values == reference.values(of: change.old), !vacancies.contains(vacancy(reference, values)) { continue }
        if reference.definition.isDeferred {
          deferrals.append((reference, values))
        } else if try !tables.parentExists(reference, values, self) {
          throw table.violation(.reference, reference.definition.name, new)
        }
      }
    }
  }

  private func validate(_ restriction: Restriction) throws(StorageError) {
    let reference = restriction.reference
    // Another row may have come to stand for the values.
    let table = catalog.tables[reference.child]
    var isViolated = false
    try tables.forEachKey(table, reference.children, restriction.values) { (key) throws(StorageError) in
      if let change = change(reference.child, key) {
        guard let new = change.new, reference.values(of: new) == restriction.values else { return true }
      }
      isViolated = true
      return false
    }
    guard isViolated, !contains(reference.parent, { reference.parentValues(of: $0) == restriction.values }) else {
      return
    }
    throw catalog.tables[reference.parent].violation(.referenced, reference.definition.name, restriction.parent)
  }

  private func requireUnique(
    _ change: Change, _ new: [ColumnValue], _ table: TableState, _ taken: inout Set<Place>
  ) throws(StorageError) {
    let key = table.key(of: new)
    if key != change.key {
      if try tables.tree(table).contains(key), self.change(change.table, key).map({ isAt($0, key) }) ?? true {
        throw table.violation(.primaryKey, "the primary key", new)
      }
    }
    if changes.count > 1, !taken.insert(Place(table: change.table, key: key)).inserted {
      throw table.violation(.primaryKey, "the primary key", new)
    }
    for index in table.indexes where index.isUnique(for: new) {
      let values = index.columns.map { new[$0] }
      if changes.count > 1 {
        var prefix = [UInt8(index.position), 0]
        index.appendPrefix(new, to: &prefix)
        // Tables and their indexes are told apart by numbers that no table has.
        guard taken.insert(Place(table: -1 - change.table, key: prefix)).inserted else {
          throw table.violation(.unique, index.definition.name, new)
        }
      }
      if index.columns.allSatisfy({ change.old[$0] == new[$0] }), index.isUnique(for: change.old) { continue }
      guard let other = try tables.uniqueKey(table, index, values), other != change.key else { continue }
      if let otherChange = self.change(change.table, other) {
        guard let otherNew = otherChange.new, index.isUnique(for: otherNew),
          index.columns.map({ otherNew[$0] }) == values
        else { continue }
      }
      throw table.violation(.unique, index.definition.name, new)
    }
  }

  /// Whether a row that changes will still be at a key.
  private func isAt(_ change: Change, _ key: [UInt8]) -> Bool {
    change.new.map { catalog.tables[change.table].key(of: $0) == key } ?? false
  }

  // MARK: Doing it

  /// Does everything. Rows that move go first, so that they do not stand in each other's way.
  func apply() throws(StorageError) {
    var moves: [Int] = []
    for (number, change) in changes.enumerated() {
      let table = catalog.tables[change.table]
      guard let new = change.new, let stored = stored[number] else {
        try tables.remove(table, change.key, change.old)
        continue
      }
      if stored.key == change.key {
        try tables.replace(table, stored, change.old, new)
      } else {
        try tables.remove(table, change.key, change.old)
        moves.append(number)
      }
    }
    for number in moves {
      guard let new = changes[number].new, let stored = stored[number] else { continue }
      try tables.put(catalog.tables[changes[number].table], stored, new)
    }
    for deferral in deferrals {
      try tables.deferred.insert(catalog.tables[deferral.reference.child], deferral.reference, deferral.values)
    }
  }
}
