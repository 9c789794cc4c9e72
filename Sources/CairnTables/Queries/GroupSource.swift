import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows with the same values in some columns become one: those values, then the aggregates. In the order of the values.
///
/// The groups are kept in memory as long as they fit in the budget. Beyond it, what the aggregates are so far goes to
/// temporary extents, sorted by the groups' values, and is put together when all rows were seen.
final class GroupSource: RowSource {
  fileprivate struct Group {
    let key: [UInt8]
    let values: [ColumnValue]
    var states: [AggregateState]
  }

  private let source: RowSource
  /// The columns that make groups, as an order.
  private let order: RowOrder
  private let aggregates: [AggregateState]
  private let budget: MemoryBudget
  private let volume: Volume
  private var results: [Group]?
  private var position = 0
  private var spilled: RowSorter?
  private var pending: RowSorter.Entry?

  init(_ source: RowSource, _ order: RowOrder, _ aggregates: [AggregateState], budget: UInt64, _ volume: Volume) {
    self.source = source
    self.order = order
    self.aggregates = aggregates
    // One half is for the groups, the other for the sort of what does not fit.
    self.budget = MemoryBudget(budget / 2)
    self.volume = volume
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    if results == nil { results = try load() }
    if let spilled { return try nextOfSpilled(spilled).map { (group) throws(StorageError) in try Self.row(of: group) } }
    guard let results, position < results.count else { return nil }
    position += 1
    return try Self.row(of: results[position - 1])
  }

  private static func row(of group: Group) throws(StorageError) -> [ColumnValue] {
    var row = group.values
    for state in group.states { row.append(try state.result()) }
    return row
  }

  /// All groups in order; none when they do not fit in memory.
  private func load() throws(StorageError) -> [Group] {
    var collected = Groups(order, aggregates, budget)
    if let stream = source.lender {
      // Room is made between two rows that are lent, since what is laid aside changes the transaction.
      while try collected.take(from: stream) { try makeRoom(&collected) }
    } else {
      var row: [ColumnValue] = []
      while try source.next(into: &row) {
        if try !collected.take(row) { try makeRoom(&collected) }
      }
    }
    if spilled != nil {
      try makeRoom(&collected)
      return []
    }
    return collected.sorted()
  }

  private func makeRoom(_ collected: inout Groups) throws(StorageError) {
    let sorter = spilled ?? RowSorter(budget: budget.limit, volume)
    spilled = sorter
    for group in collected.groups {
      try sorter.insert(group.key, group.values + group.states.flatMap { $0.partialValues })
    }
    collected.removeAll()
  }

  /// The next group, put together out of its parts.
  private func nextOfSpilled(_ sorter: RowSorter) throws(StorageError) -> Group? {
    if pending == nil { pending = try sorter.next() }
    guard let first = pending else { return nil }
    var group = Group(key: first.key, values: Array(first.row.prefix(order.terms.count)), states: aggregates)
    while let part = pending, part.key == group.key {
      for index in aggregates.indices {
        let start = order.terms.count + index * AggregateState.partialValueCount
        try group.states[index].add(partial: part.row[start..<start + AggregateState.partialValueCount])
      }
      pending = try sorter.next()
    }
    return group
  }
}

/// Groups in the making, as many as fit in a budget.
private struct Groups {
  private let order: RowOrder
  private let columns: [Int]
  private let aggregates: [AggregateState]
  private var budget: MemoryBudget
  private(set) var groups: [GroupSource.Group] = []
  private var places: [ByteString: Int] = [:]
  /// The key of the row before, and the place of its group; -1: there is none.
  private var last = ByteString()
  private var lastPlace = -1
  private var key = ByteString()

  init(_ order: RowOrder, _ aggregates: [AggregateState], _ budget: MemoryBudget) {
    self.order = order
    columns = order.terms.map { $0.column }
    self.aggregates = aggregates
    self.budget = budget
    // Without columns there is one result, also of no rows.
    if columns.isEmpty {
      groups.append(GroupSource.Group(key: [], values: [], states: aggregates))
      lastPlace = 0
    }
  }

  /// Forgets all groups.
  mutating func removeAll() {
    groups.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    lastPlace = -1
    budget.reset()
  }

  consuming func sorted() -> [GroupSource.Group] {
    groups.sort { $0.key.lexicographicallyPrecedes($1.key) }
    return groups
  }

  /// Adds a row to its group; false: the groups take more than they may.
  mutating func take(_ row: [ColumnValue]) throws(StorageError) -> Bool {
    var hasRoom = true
    if !columns.isEmpty {
      key.bytes.removeAll(keepingCapacity: true)
      order.appendKey(of: row, to: &key.bytes)
      if lastPlace < 0 || key != last, !goToKnownGroup() { hasRoom = addGroup(columns.map { row[$0] }) }
    }
    for index in aggregates.indices { try groups[lastPlace].states[index].add(row) }
    return hasRoom
  }

  /// Adds rows where they lie to their groups; false when none are left, true when the groups take more than they may.
  mutating func take(from stream: TableStream) throws(StorageError) -> Bool {
    let layout = stream.reader.layout
    let keyPartCount = leadingKeyPartCount(layout)
    var prefix: [UInt8] = []
    return try stream.lendRows { (entry, row) throws(StorageError) -> Bool in
      var hasRoom = true
      if let keyPartCount {
        // The groups are the tree's own order: another one begins where the first bytes of the keys change.
        if lastPlace < 0 || !entry.hasPrefix(prefix) {
          guard let end = layout.key.end(ofFirst: keyPartCount, in: entry) else { throw layout.damage }
          prefix = entry.array(0..<end)
          hasRoom = try goToGroup(layout, entry, row)
        }
      } else if !columns.isEmpty {
        hasRoom = try goToGroup(layout, entry, row)
      }
      for index in aggregates.indices {
        if let column = aggregates[index].column {
          try groups[lastPlace].states[index].add(try layout.value(column, entry, row))
        } else {
          groups[lastPlace].states[index].addRow()
        }
      }
      return hasRoom
    }
  }

  /// Goes to the group of a row where it lies; false: it is a new one, and there is no more room.
  @inline(__always)
  private mutating func goToGroup(
    _ layout: EntryLayout, _ entry: RawSpan, _ row: RawSpan
  ) throws(StorageError) -> Bool {
    key.bytes.removeAll(keepingCapacity: true)
    for column in columns { try layout.appendOrderKey(of: column, entry, row, to: &key.bytes) }
    if lastPlace >= 0, key == last { return true }
    if goToKnownGroup() { return true }
    var values: [ColumnValue] = []
    for column in columns { values.append(try layout.value(column, entry, row)) }
    return addGroup(values)
  }

  /// Goes to the group of the key, if there is one.
  private mutating func goToKnownGroup() -> Bool {
    swap(&key, &last)
    lastPlace = places[last] ?? -1
    return lastPlace >= 0
  }

  /// Adds a group for the key that was looked for; false: the groups take more than they may.
  private mutating func addGroup(_ values: [ColumnValue]) -> Bool {
    lastPlace = groups.count
    places[last] = lastPlace
    groups.append(GroupSource.Group(key: last.bytes, values: values, states: aggregates))
    return budget.takes(
      2 * last.bytes.count + 128 + 160 * aggregates.count
        + values.reduce(0) { $0 + MemoryBudget.byteCount(of: $1) })
  }

  /// How many first parts of the tree's keys are just the columns; nil when they are not.
  private func leadingKeyPartCount(_ layout: EntryLayout) -> Int? {
    guard !columns.isEmpty else { return nil }
    var parts: Set<Int> = []
    for column in columns {
      guard case .key(let part) = layout.places[column] else { return nil }
      parts.insert(part)
    }
    return parts.max() == parts.count - 1 ? parts.count : nil
  }
}

/// An aggregate in the making.
struct AggregateState {
  let function: Aggregate.Function
  let column: Int?
  /// The column's name, for errors.
  let name: String
  let type: ColumnType
  private var count: Int64 = 0
  private var value = ColumnValue.null
  private var total = 0.0

  init(_ aggregate: Aggregate, _ scope: ColumnScope) throws(StorageError) {
    function = aggregate.function
    name = aggregate.name
    guard let columnName = aggregate.column else {
      guard function == .count else { throw .invalidArgument("\(function.rawValue) needs a column") }
      column = nil
      type = .int64
      return
    }
    let index = try scope.index(columnName)
    let shape = scope.columns[index]
    column = index
    switch function {
    case .count: type = .int64
    case .minimum, .maximum: type = shape.type
    case .sum, .average:
      guard shape.type.isNumber else {
        throw .invalidArgument("column \(shape.fullName) is \(shape.type): it has no \(function.rawValue)")
      }
      if shape.type == .decimal {
        type = .decimal
      } else if function == .average || shape.type == .double {
        type = .double
      } else {
        type = shape.type.accepts(.unsigned(0)) ? .uint64 : .int64
      }
    }
  }

  mutating func add(_ row: [ColumnValue]) throws(StorageError) {
    guard let column else { return addRow() }
    try add(row[column])
  }

  /// Adds a row to a count of rows.
  @inline(__always)
  mutating func addRow() { count += 1 }

  /// Adds the value of its column in a row.
  @inline(__always)
  mutating func add(_ new: ColumnValue) throws(StorageError) {
    guard !new.isNull else { return }
    count += 1
    switch function {
    case .count: break
    case .minimum: if value.isNull || new < value { value = new }
    case .maximum: if value.isNull || value < new { value = new }
    case .sum, .average: try addNumber(new)
    }
  }

  private mutating func addNumber(_ new: ColumnValue) throws(StorageError) {
    switch new {
    case .integer(let number):
      if function == .average {
        total += Double(number)
        return
      }
      guard case .integer(let sum) = value.isNull ? .integer(0) : value else { return }
      let (result, isOverflow) = sum.addingReportingOverflow(number)
      guard !isOverflow else { throw overflow }
      value = .integer(result)
    case .unsigned(let number):
      if function == .average {
        total += Double(number)
        return
      }
      guard case .unsigned(let sum) = value.isNull ? .unsigned(0) : value else { return }
      let (result, isOverflow) = sum.addingReportingOverflow(number)
      guard !isOverflow else { throw overflow }
      value = .unsigned(result)
    case .double(let number):
      total += number
      value = .double(total)
    case .decimal(let number):
      guard case .decimal(let sum) = value.isNull ? .decimal(.zero) : value else { return }
      do { value = .decimal(try sum.adding(number)) } catch { throw overflow }
    default: break
    }
  }

  /// How many values stand for what the aggregate is so far.
  static let partialValueCount = 3

  /// What the aggregate is so far.
  var partialValues: [ColumnValue] { [.integer(count), value, .double(total)] }

  /// Adds what the aggregate of other rows is.
  mutating func add(partial: ArraySlice<ColumnValue>) throws(StorageError) {
    let parts = Array(partial)
    guard parts.count == Self.partialValueCount, case .integer(let otherCount) = parts[0],
      case .double(let otherTotal) = parts[2]
    else { throw .damaged(Damage(block: BlockNumber(0), reason: .malformed)) }
    let other = parts[1]
    count += otherCount
    switch function {
    case .count: break
    case .minimum: if !other.isNull, value.isNull || other < value { value = other }
    case .maximum: if !other.isNull, value.isNull || value < other { value = other }
    case .sum, .average:
      switch other {
      case .integer, .unsigned, .decimal: try addNumber(other)
      case .double:
        total += otherTotal
        value = .double(total)
      // The average of integers has its total alone.
      default: total += otherTotal
      }
    }
  }

  private var overflow: StorageError { .invalidArgument("the numbers of \(name) add up to more than their type holds") }

  func result() throws(StorageError) -> ColumnValue {
    switch function {
    case .count: return .integer(count)
    case .minimum, .maximum, .sum: return value
    case .average:
      guard count > 0 else { return .null }
      guard case .decimal(let sum) = value else { return .double(total / Double(count)) }
      do {
        return .decimal(try sum.divided(by: ExactDecimal(count), fractionDigits: max(0, -sum.exponent) + 6))
      } catch {
        throw overflow
      }
    }
  }
}
