import CairnBlocks
import CairnBytes
import CairnVolumes

/// Rows with the same values in some columns become one: those values, then the aggregates. In the order of the values.
///
/// The groups are kept in memory as long as they fit in the budget. Beyond it, what the aggregates are so far goes to
/// temporary extents, sorted by the groups' values, and is put together when all rows were seen.
final class GroupSource: RowSource {
  private struct Group {
    let key: [UInt8]
    let values: [ColumnValue]
    var states: [AggregateState]
  }

  private let source: RowSource
  /// The columns that make groups, as an order.
  private let order: RowOrder
  private let aggregates: [AggregateState]
  private var budget: MemoryBudget
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
    // Without columns there is one result, also of no rows.
    guard !order.terms.isEmpty else {
      var group = Group(key: [], values: [], states: aggregates)
      var row: [ColumnValue] = []
      while try source.next(into: &row) {
        for index in aggregates.indices { try group.states[index].add(row) }
      }
      return [group]
    }
    var groups: [Group] = []
    var places: [[UInt8]: Int] = [:]
    var row: [ColumnValue] = []
    var key: [UInt8] = []
    var last = -1
    while try source.next(into: &row) {
      // In the order of an index, or where few values alternate, it is the last group's.
      if last >= 0, isSame(groups[last].values, row) {
        for index in aggregates.indices { try groups[last].states[index].add(row) }
        continue
      }
      key.removeAll(keepingCapacity: true)
      order.appendKey(of: row, to: &key)
      let place: Int
      if let known = places[key] {
        place = known
      } else {
        let values = order.terms.map { row[$0.column] }
        let byteCount =
          2 * key.count + 128 + 160 * aggregates.count + values.reduce(0) { $0 + MemoryBudget.byteCount(of: $1) }
        if !groups.isEmpty, !budget.takes(byteCount) {
          try spill(groups)
          groups.removeAll(keepingCapacity: true)
          places.removeAll(keepingCapacity: true)
          budget.reset()
          _ = budget.takes(byteCount)
        }
        place = groups.count
        places[key] = place
        groups.append(Group(key: key, values: values, states: aggregates))
      }
      last = place
      for index in aggregates.indices { try groups[place].states[index].add(row) }
    }
    if spilled != nil {
      try spill(groups)
      return []
    }
    groups.sort { $0.key.lexicographicallyPrecedes($1.key) }
    return groups
  }

  /// Whether a row has the values of a group.
  @inline(__always)
  private func isSame(_ values: [ColumnValue], _ row: [ColumnValue]) -> Bool {
    for index in values.indices where values[index] != row[order.terms[index].column] { return false }
    return true
  }

  private func spill(_ groups: [Group]) throws(StorageError) {
    let sorter = spilled ?? RowSorter(budget: budget.limit, volume)
    spilled = sorter
    for group in groups { try sorter.insert(group.key, group.values + group.states.flatMap { $0.partialValues }) }
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
    guard let column else {
      count += 1
      return
    }
    let new = row[column]
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
