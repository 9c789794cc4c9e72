import CairnBlocks
import CairnVolumes

/// Finds the cheapest way to the rows of one table that a condition asks for.
///
/// Costs are numbers of tree entries looked at: one for each entry of a range that is walked, a handful more for each row
/// that must be fetched by its key, and for a sort the comparisons it takes. How many entries a range has follows from the
/// table's number of rows and, if the table was analyzed, from how many different values its columns have; otherwise from
/// guesses: a tenth of the rows have the same value in the first column, and see `ColumnBounds.share`.
///
/// A condition that is one of several alternatives, or has such a part, can also be answered by a union: a path for each
/// alternative. It is taken when every alternative has one that is bound by a key or an index, and all together cost less.
struct Planner {
  struct Choice {
    let path: AccessPath
    let isOrdered: Bool
    let estimatedRowCount: UInt64
    let cost: Double
    let reason: String
    let access: QueryPlan.Access
    /// The condition bounds the entries that are looked at.
    let isBound: Bool
  }

  let tables: TableVolume
  let table: TableState
  let condition: Condition
  /// The columns to order by, and whether they descend.
  var order: [(column: Int, isDescending: Bool)]
  /// The columns that are needed at all.
  let needed: [Bool]
  /// How many rows are wanted.
  var limit: UInt64?
  /// Whether to say why; a query that is only done needs no text.
  var explains = false
  /// Rows may come out of an index alone.
  private var allowsIndexOnly = true

  init(
    tables: TableVolume, table: TableState, condition: Condition, order: [(column: Int, isDescending: Bool)],
    needed: [Bool], limit: UInt64?
  ) {
    self.tables = tables
    self.table = table
    self.condition = condition
    self.order = order
    self.needed = needed
    self.limit = limit
  }

  private static let fetchCost = 4.0
  private static let guessedShare = 0.1
  /// Alternatives that a union may have.
  private static let branchCountMax = 64

  func choose() throws(StorageError) -> Choice {
    var bounds: [ColumnBounds?] = Array(repeating: nil, count: table.schema.columns.count)
    ColumnBounds.collect(condition, &bounds)
    let rowCount = Double(
      try tables.volume.withoutRecording { () throws(StorageError) in try tables.tree(table).count() })
    var best = try choose(bounds, rowCount)
    for alternatives in Self.alternatives(in: condition) {
      if let union = try union(of: alternatives, bounds, rowCount), union.cost < best.cost { best = union }
    }
    return best
  }

  /// The cheapest single path.
  private func choose(_ bounds: [ColumnBounds?], _ rowCount: Double) throws(StorageError) -> Choice {
    var best = try candidate(nil, bounds, rowCount)
    for index in table.indexes where index.isReady {
      // Rows with null in these columns are not in the index: the condition must leave them out, too.
      guard index.notNull.allSatisfy({ bounds[$0].map { $0.isNotNull && $0.points != [.null] } ?? false }) else {
        continue
      }
      guard mayHelp(index, bounds) else { continue }
      let other = try candidate(index, bounds, rowCount)
      if other.cost < best.cost { best = other }
    }
    return best
  }

  /// Whether an index could cost less than the table's own tree: it bounds something, gives an order, or has all that is needed.
  private func mayHelp(_ index: IndexState, _ bounds: [ColumnBounds?]) -> Bool {
    if bounds[index.columns[0]] != nil || order.first?.column == index.columns[0] { return true }
    return allowsIndexOnly && isComplete(index)
  }

  /// Whether an index has all columns that are needed.
  private func isComplete(_ index: IndexState) -> Bool {
    for column in needed.indices where needed[column] {
      if case .elsewhere = index.layout.places[column] { return false }
    }
    return true
  }

  // MARK: Unions

  /// The parts of a condition, all of which must be true, that are one of several alternatives.
  private static func alternatives(in condition: Condition) -> [[Condition]] {
    switch condition {
    case .and(let parts): parts.flatMap { alternatives(in: $0) }
    case .or(let parts): [flattened(parts)]
    default: []
    }
  }

  private static func flattened(_ parts: [Condition]) -> [Condition] {
    parts.flatMap { if case .or(let inner) = $0 { flattened(inner) } else { [$0] } }
  }

  /// A path for each alternative, within the bounds that hold for all of them; nil when one has none but all of the table.
  private func union(
    of alternatives: [Condition], _ bounds: [ColumnBounds?], _ rowCount: Double
  ) throws(StorageError) -> Choice? {
    guard alternatives.count > 1, alternatives.count <= Self.branchCountMax else { return nil }
    var planner = self
    planner.order = []
    planner.limit = nil
    planner.allowsIndexOnly = false
    var choices: [Choice] = []
    var branches: [AccessPath.Branch] = []
    var (cost, rows) = (0.0, 0.0)
    for alternative in alternatives {
      var own = bounds
      ColumnBounds.collect(alternative, &own)
      let choice = try planner.choose(own, rowCount)
      guard choice.isBound else { return nil }
      choices.append(choice)
      branches.append(AccessPath.Branch(path: choice.path, condition: alternative))
      // Each row is held against the alternatives once more.
      cost += choice.cost + Double(choice.estimatedRowCount) * 0.5
      rows += Double(choice.estimatedRowCount)
    }
    rows = min(rows, rowCount)
    if !order.isEmpty { cost += rows * (1 + Self.logarithm(rows)) }
    let path = AccessPath(
      index: nil, ranges: [], isReversed: false, isIndexOnly: false, fixedColumnCount: 0, layout: table.layout,
      branches: branches)
    var reason = "union of \(choices.count) alternatives: "
    for (position, choice) in choices.enumerated() { reason += (position == 0 ? "" : "; ") + choice.reason }
    return Choice(
      path: path, isOrdered: order.isEmpty, estimatedRowCount: Self.whole(rows), cost: cost, reason: reason,
      access: .union(choices.map { $0.access }), isBound: true)
  }

  // MARK: Single paths

  private func candidate(
    _ index: IndexState?, _ bounds: [ColumnBounds?], _ rowCount: Double
  ) throws(StorageError) -> Choice {
    let layout = index?.layout ?? table.layout
    let columns = (index?.columns ?? []) + table.keyColumns
    let ownColumnCount = index?.columns.count ?? table.keyColumns.count
    var usable = columns
    // A column can stand twice in an index entry: as its own and as part of the row's key. The first place counts.
    if let duplicate = usable.indices.first(where: { usable[..<$0].contains(usable[$0]) }) {
      usable.removeSubrange(duplicate...)
    }
    let built = RangeBuilder(layout: layout, columns: usable, bounds: bounds).build()
    let isUniquePoint =
      built.fixedColumnCount >= ownColumnCount && (index == nil || (index?.definition.isUnique ?? false))
    var entries = rowCount
    if built.boundColumnCount > 0 {
      let statistics = try tables.statistics(table, index.map { $0.position + 1 } ?? 0)
      entries = estimate(
        built, rowCount, statistics, isUnique: index == nil || (index?.definition.isUnique ?? false), ownColumnCount,
        isPoint: isPoint(built, usable, bounds))
    }
    if built.ranges.isEmpty { entries = 0 }
    let (isOrdered, isReversed) = ordering(built, columns)
    let isIndexOnly = allowsIndexOnly && (index.map { isComplete($0) } ?? false)
    let matching = entries
    var visited = entries
    if let limit, isOrdered || order.isEmpty { visited = min(visited, Double(limit) * 2 + 1) }
    var cost = Double(built.ranges.count) * 2 + visited
    if index != nil && !isIndexOnly { cost += visited * Self.fetchCost }
    // A table's own leaves are as wide as its rows, an index's are narrow.
    if index == nil { cost += visited * 0.5 }
    if !isOrdered && !order.isEmpty && !isUniquePoint { cost += matching * (1 + Self.logarithm(matching)) }
    let path = AccessPath(
      index: index?.position, ranges: built.ranges, isReversed: isReversed, isIndexOnly: isIndexOnly,
      fixedColumnCount: built.fixedColumnCount, layout: layout)
    return Choice(
      path: path, isOrdered: isOrdered || order.isEmpty, estimatedRowCount: Self.whole(entries), cost: cost,
      reason: !explains
        ? "" : reason(index, built, isUniquePoint: isUniquePoint, isIndexOnly: isIndexOnly, isOrdered: isOrdered),
      access: access(index, built, isUniquePoint: isUniquePoint, isIndexOnly: isIndexOnly),
      isBound: built.boundColumnCount > 0 || built.ranges.isEmpty)
  }

  private func isPoint(_ built: RangeBuilder.Result, _ columns: [Int], _ bounds: [ColumnBounds?]) -> Bool {
    built.boundColumnCount > 0 && bounds[columns[built.boundColumnCount - 1]]?.points != nil
  }

  private func estimate(
    _ built: RangeBuilder.Result, _ rowCount: Double, _ statistics: [UInt64]?, isUnique: Bool, _ ownColumnCount: Int,
    isPoint: Bool
  ) -> Double {
    let equalCount = min(isPoint ? built.boundColumnCount : built.boundColumnCount - 1, ownColumnCount)
    var perPoint = rowCount
    if equalCount > 0 {
      if isUnique && equalCount == ownColumnCount {
        perPoint = 1
      } else if let statistics, equalCount <= statistics.count, statistics[equalCount - 1] > 0 {
        perPoint = rowCount / Double(statistics[equalCount - 1])
      } else {
        for _ in 0..<equalCount { perPoint *= Self.guessedShare }
      }
    }
    perPoint *= built.share
    return min(rowCount, max(perPoint, rowCount == 0 ? 0 : 1) * Double(built.pointCount))
  }

  /// Whether walking the tree gives the order, and whether backwards.
  private func ordering(_ built: RangeBuilder.Result, _ columns: [Int]) -> (isOrdered: Bool, isReversed: Bool) {
    guard let last = order.last else { return (false, false) }
    // Columns that have one value everywhere order nothing. With several ranges only the whole key is an order.
    let fixed = Set(columns[..<built.fixedColumnCount])
    var position = built.ranges.count > 1 ? 0 : built.fixedColumnCount
    for term in order {
      if fixed.contains(term.column) { continue }
      while position < columns.count, fixed.contains(columns[position]) { position += 1 }
      guard position < columns.count, columns[position] == term.column, term.isDescending == last.isDescending else {
        return (false, false)
      }
      position += 1
    }
    // What the terms leave open must be decided by the primary key, as in a sort.
    while position < columns.count, fixed.contains(columns[position]) { position += 1 }
    let rest = columns[position...].filter { column in
      !fixed.contains(column) && !order.contains { $0.column == column }
    }
    let key = table.keyColumns.filter { column in
      !fixed.contains(column) && !order.contains { $0.column == column }
    }
    guard rest == key else { return (false, false) }
    return (true, last.isDescending)
  }

  private func access(
    _ index: IndexState?, _ built: RangeBuilder.Result, isUniquePoint: Bool, isIndexOnly: Bool
  ) -> QueryPlan.Access {
    if built.ranges.isEmpty { return .nothing }
    guard let index else {
      if isUniquePoint { return .primaryKey }
      return built.boundColumnCount > 0 ? .primaryKeyRange : .scan
    }
    return isIndexOnly ? .indexOnly(index.definition.name) : .index(index.definition.name)
  }

  private func reason(
    _ index: IndexState?, _ built: RangeBuilder.Result, isUniquePoint: Bool, isIndexOnly: Bool, isOrdered: Bool
  ) -> String {
    let name = table.schema.name
    if built.ranges.isEmpty { return "nothing: no row of \(name) can be as asked for" }
    var text: String
    if let index {
      text =
        isIndexOnly ? "index \(index.definition.name) of \(name) alone" : "index \(index.definition.name) of \(name)"
    } else if isUniquePoint {
      return "row of \(name) by its primary key"
    } else {
      text = built.boundColumnCount > 0 ? "\(name) by its primary key" : "all of \(name)"
    }
    if built.boundColumnCount > 0 {
      let columns = (index?.columns ?? table.keyColumns) + (index == nil ? [] : table.keyColumns)
      let names = columns[..<built.boundColumnCount].map { table.schema.columns[$0].name }
      text += ", \(built.ranges.count) range\(built.ranges.count == 1 ? "" : "s") of "
      for (position, name) in names.enumerated() { text += position == 0 ? name : ", " + name }
    } else if index != nil {
      text += isOrdered ? ", for its order" : ", because it is narrower than the table"
    }
    if isOrdered { text += ", in the order asked for" }
    return text
  }

  /// An estimate as a whole number. Statistics come from the device, and may be anything.
  static func whole(_ estimate: Double) -> UInt64 {
    guard estimate > 0 else { return 0 }
    return estimate < 0x1p63 ? UInt64(estimate) : 1 << 63
  }

  static func logarithm(_ value: Double) -> Double {
    var (levels, rest) = (0.0, value)
    while rest > 2, levels < 64 {
      rest /= 2
      levels += 1
    }
    return levels
  }
}
