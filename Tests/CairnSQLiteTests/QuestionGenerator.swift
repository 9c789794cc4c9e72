#if SQLiteComparison
  import CairnTables
  import CairnTestSupport

  /// Makes random questions whose answers have one order, so that they can be compared row by row.
  struct QuestionGenerator {
    private typealias Column = (name: String, definition: ColumnDefinition)

    private let parent: TableSchema
    private let child: TableSchema
    var random: SeededGenerator

    init(_ tables: ComparedTables, _ random: SeededGenerator) {
      parent = tables.parent
      child = tables.child
      self.random = random
    }

    /// A question to one of the tables, and the columns that SQLite selects for the same answer.
    mutating func question() -> (schema: TableSchema, query: Query, columns: [String]) {
      switch random.below(5) {
      case 0: return grouped()
      case 1: return joined()
      default: return plain()
      }
    }

    private mutating func plain() -> (TableSchema, Query, [String]) {
      let schema = random.below(3) > 0 ? parent : child
      let columns = schema.columns.map { ($0.name, $0) }
      var query = Query(predicate(on: columns, depth: 3))
      var selected = schema.columns.map(\.name)
      if random.below(3) == 0 {
        selected = shuffled(selected, atMost: 3)
        query.columns = selected
        query.isDistinct = random.below(2) == 0
      }
      if query.isDistinct {
        // What comes out is all that there is to sort by.
        query.order = selected.map { OrderTerm($0, isDescending: random.below(2) == 0) }
      } else {
        query.order = order(schema.columns.map(\.name), key: schema.primaryKey)
      }
      limit(&query)
      return (schema, query, selected)
    }

    private mutating func joined() -> (TableSchema, Query, [String]) {
      let isFromChild = random.below(2) == 0
      let (first, second) = isFromChild ? (child, parent) : (parent, child)
      let pair = isFromChild ? (left: "child.owner", right: "parent.id") : (left: "parent.id", right: "child.owner")
      let columns = [first, second].flatMap { schema in schema.columns.map { (schema.name + "." + $0.name, $0) } }
      let names = columns.map(\.0)
      var query = Query(predicate(on: columns, depth: 3))
      query.joins = [Join(random.below(2) == 0 ? .inner : .left, second.name, on: [pair])]
      query.order = order(
        names, key: [first, second].flatMap { schema in schema.primaryKey.map { schema.name + "." + $0 } })
      limit(&query)
      return (first, query, names)
    }

    private mutating func grouped() -> (TableSchema, Query, [String]) {
      let schema = random.below(3) > 0 ? parent : child
      let columns = schema.columns.map { ($0.name, $0) }
      var query = Query(predicate(on: columns, depth: 2))
      query.groupBy = random.below(4) == 0 ? [] : shuffled(schema.columns.map(\.name), atMost: 2)
      let numbers = schema.columns.filter { $0.type.isNumber }.map(\.name)
      query.aggregates = [Aggregate(.count, as: "rows")]
      for position in 0..<random.below(4) {
        let isNumeric = random.below(2) == 0
        let column = isNumeric ? numbers[random.below(numbers.count)] : columns[random.below(columns.count)].0
        let functions: [Aggregate.Function] = isNumeric ? [.sum, .average] : [.count, .minimum, .maximum]
        query.aggregates.append(Aggregate(functions[random.below(functions.count)], column, as: "value\(position)"))
      }
      if !query.groupBy.isEmpty {
        if random.below(3) == 0 { query.having = .compare("rows", .greater, .integer(Int64(random.below(4)))) }
        query.order = query.groupBy.map { OrderTerm($0, isDescending: random.below(2) == 0) }
        limit(&query)
      }
      return (schema, query, query.groupBy)
    }

    private mutating func limit(_ query: inout Query) {
      if random.below(3) == 0 { query.limit = UInt64(random.below(12)) }
      if random.below(5) == 0 { query.offset = UInt64(random.below(6)) }
    }

    /// Some columns, then those of the key that are left, so that no two rows are equal.
    private mutating func order(_ names: [String], key: [String]) -> [OrderTerm] {
      let first = random.below(3) == 0 ? [] : shuffled(names, atMost: 2)
      return (first + key.filter { !first.contains($0) }).map { OrderTerm($0, isDescending: random.below(2) == 0) }
    }

    private mutating func shuffled(_ names: [String], atMost count: Int) -> [String] {
      var left = names
      return (0...random.below(count)).map { _ in left.remove(at: random.below(left.count)) }
    }

    /// A random condition.
    mutating func predicate(on columns: [(name: String, definition: ColumnDefinition)], depth: Int) -> Predicate {
      if depth > 0, random.below(2) == 0 {
        let parts = (0..<1 + random.below(3)).map { _ in predicate(on: columns, depth: depth - 1) }
        switch random.below(5) {
        case 0: return .not(parts[0])
        case 1, 2: return .or(parts)
        default: return .and(parts)
        }
      }
      let column = columns[random.below(columns.count)]
      switch random.below(10) {
      case 0: return .isNull(column.name)
      case 1: return .between(column.name, value(column), value(column))
      case 2: return .isIn(column.name, (0..<random.below(4)).map { _ in value(column) })
      case 3, 4:
        guard column.definition.type == .string || column.definition.type == .bytes else { return comparison(column) }
        let part = value(column)
        return random.below(2) == 0 ? .hasPrefix(column.name, part) : .contains(column.name, part)
      case 5:
        let alike = columns.filter { $0.definition.type == column.definition.type }
        return .compareColumns(column.name, anyComparison(), alike[random.below(alike.count)].name)
      default: return comparison(column)
      }
    }

    private mutating func comparison(_ column: (name: String, definition: ColumnDefinition)) -> Predicate {
      if random.below(12) == 0 { return .compare(column.name, random.below(2) == 0 ? .equal : .notEqual, .null) }
      return .compare(column.name, anyComparison(), value(column))
    }

    private mutating func anyComparison() -> Comparison { Comparison.allCases[random.below(Comparison.allCases.count)] }

    private mutating func value(_ column: (name: String, definition: ColumnDefinition)) -> ColumnValue {
      var definition = column.definition
      definition.isOptional = false
      return ComparedTables.value(definition, &random)
    }
  }
#endif
