import CairnBlocks
import CairnBytes

/// Rows with the same values in some columns become one: those values, then the aggregates. In the order of the values.
final class GroupSource: RowSource {
  private struct Group {
    let key: [ColumnValue]
    var states: [AggregateState]
  }

  private let source: RowSource
  private let columns: [Int]
  private let aggregates: [AggregateState]
  private var budget: MemoryBudget
  private var results: [Group]?
  private var position = 0

  init(_ source: RowSource, columns: [Int], _ aggregates: [AggregateState], _ budget: MemoryBudget) {
    self.source = source
    self.columns = columns
    self.aggregates = aggregates
    self.budget = budget
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    if results == nil { results = try load() }
    guard let results, position < results.count else { return nil }
    position += 1
    var row = results[position - 1].key
    for state in results[position - 1].states { row.append(try state.result()) }
    return row
  }

  /// Whether a row has the values of a group.
  @inline(__always)
  private func isSame(_ values: [ColumnValue], _ row: [ColumnValue]) -> Bool {
    for index in columns.indices where values[index] != row[columns[index]] { return false }
    return true
  }

  private func load() throws(StorageError) -> [Group] {
    var groups: [Group] = []
    var places: [[UInt8]: Int] = [:]
    var last = -1
    if columns.isEmpty { groups.append(Group(key: [], states: aggregates)) }
    var row: [ColumnValue] = []
    while try source.next(into: &row) {
      // Without groups there is one result, also of no rows.
      guard !columns.isEmpty else {
        for index in aggregates.indices { try groups[0].states[index].add(row) }
        continue
      }
      // In the order of an index, or where few values repeat, it is the last group's.
      if last >= 0, isSame(groups[last].key, row) {
        for index in aggregates.indices { try groups[last].states[index].add(row) }
        continue
      }
      let values = columns.map { row[$0] }
      let key = DistinctSource.bytes(of: values)
      let place: Int
      if let known = places[key] {
        place = known
      } else {
        try budget.take(2 * key.count + 128 + 64 * aggregates.count)
        place = groups.count
        places[key] = place
        groups.append(Group(key: values, states: aggregates))
      }
      last = place
      for index in aggregates.indices { try groups[place].states[index].add(row) }
    }
    groups.sort { (left, right) in
      for (a, b) in zip(left.key, right.key) where a != b { return a < b }
      return false
    }
    return groups
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
