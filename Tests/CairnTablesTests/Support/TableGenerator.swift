import CairnTestSupport
import CairnVolumes

@testable import CairnTables

/// Random schemas, rows and predicates. Values are few, so that they meet.
struct TableGenerator {
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.below(elements.count)] }

  // MARK: Schemas

  /// One to three tables, each of which may refer to itself and to those before it.
  mutating func schemas() -> [TableSchema] {
    var schemas: [TableSchema] = []
    for number in 0..<(1 + random.below(3)) { schemas.append(schema("t\(number)", schemas)) }
    return schemas
  }

  private mutating func schema(_ name: String, _ others: [TableSchema]) -> TableSchema {
    var columns: [ColumnDefinition] = []
    let keyCount = 1 + random.below(2)
    for number in 0..<keyCount {
      columns.append(ColumnDefinition("k\(number)", pick([.int64, .int16, .uint8, .string, .bytes, .date])))
    }
    for number in 0..<(1 + random.below(5)) {
      columns.append(
        ColumnDefinition("c\(number)", pick(Array(ColumnType.allCases)), isOptional: chance(60)))
    }
    var schema = TableSchema(name, columns: columns, primaryKey: (0..<keyCount).map { "k\($0)" })
    for (number, other) in (others + [schema]).enumerated() where chance(45) {
      var own: [String] = []
      for (position, key) in other.primaryKey.enumerated() {
        let column = "r\(number)_\(position)"
        guard let type = other.columnIndex(key).map({ other.columns[$0].type }) else { continue }
        schema.columns.append(
          ColumnDefinition(column, type, isOptional: true, default: chance(50) ? .value(value(type)) : nil))
        own.append(column)
      }
      schema.references.append(
        ReferenceDefinition(
          "ref\(number)", from: own, to: other.name, onDelete: pick(ReferenceAction.allCases),
          onUpdate: pick(ReferenceAction.allCases)))
    }
    let names = schema.columns.map { $0.name }
    for number in 0..<random.below(4) {
      var own: [String] = []
      for _ in 0..<(1 + random.below(3)) {
        let column = pick(names)
        if !own.contains(column) { own.append(column) }
      }
      schema.indexes.append(
        IndexDefinition(
          "i\(number)", on: own, isUnique: chance(30), whereNotNull: chance(20) ? [pick(names)] : []))
    }
    if chance(30) { schema.checks.append(CheckDefinition("c", .not(predicate(schema, depth: 1)))) }
    // Some order other than the one that they were made in.
    schema.columns.shuffle(using: &random)
    return schema
  }

  // MARK: Values

  mutating func value(_ type: ColumnType) -> ColumnValue {
    let small = random.below(6)
    switch type {
    case .int8, .int16, .int32, .int64:
      return .integer(chance(5) ? (chance(50) ? -1 : 127) : Int64(small) - 2)
    case .uint8, .uint16, .uint32, .uint64: return .unsigned(chance(5) ? 255 : UInt64(small))
    case .double: return .double(pick([0, -0.0, 1.5, -2, .infinity, .nan]))
    case .decimal: return .decimal(ExactDecimal(pick(["0", "1.5", "-1.50", "100", "0.01", "-7"])) ?? .zero)
    case .bool: return .bool(small % 2 == 0)
    case .string: return .string(pick(["", "a", "ab", "abc", "b", "b\u{0}", "\u{e9}", "zz"]))
    case .bytes: return .bytes(pick([[], [0], [0, 0], [0, 255], [1], [255], [255, 255]]))
    case .date: return CalendarDate(daysSince1970: Int32(small) - 2).map { .date($0) } ?? .null
    case .timestamp: return .timestamp(Timestamp(nanosecondsSince1970: Int64(small) - 2))
    case .uniqueID: return .uniqueID(UniqueID(high: UInt64(small % 2), low: UInt64(small)))
    case .principal: return (try? Principal([UInt8(small)])).map { .principal($0) } ?? .null
    }
  }

  mutating func value(_ column: ColumnDefinition) -> ColumnValue {
    column.isOptional && chance(20) ? .null : value(column.type)
  }

  /// A row; references lead to rows of the model as often as not.
  mutating func row(_ model: TableModel, _ table: Int) -> [ColumnValue] {
    let state = model.tables[table]
    var row = state.schema.columns.map { value($0) }
    for reference in state.schema.references where chance(80) {
      let parent = model.tables[model.position(reference.table)]
      guard !parent.rows.isEmpty else {
        for column in state.columns(reference.columns) { row[column] = .null }
        continue
      }
      let target = pick(parent.rows)
      for (column, value) in zip(state.columns(reference.columns), parent.key(of: target)) { row[column] = value }
    }
    return row
  }

  // MARK: Predicates

  mutating func predicate(_ schema: TableSchema, depth: Int = 0) -> Predicate {
    if depth < 3, chance(35) {
      let parts = (0..<random.below(4)).map { _ in predicate(schema, depth: depth + 1) }
      return pick([.and(parts), .or(parts), .not(predicate(schema, depth: depth + 1))])
    }
    let column = pick(schema.columns)
    switch random.below(9) {
    case 0: return .isNull(column.name)
    case 1: return .between(column.name, value(column.type), value(column.type))
    case 2:
      var values = (0..<random.below(5)).map { _ in value(column.type) }
      if chance(10) { values.append(.null) }
      return .isIn(column.name, values)
    case 3:
      let others = schema.columns.filter { $0.type == column.type }
      return .compareColumns(column.name, pick(Comparison.allCases), pick(others).name)
    case 4 where column.type == .string || column.type == .bytes: return .hasPrefix(column.name, value(column.type))
    case 5 where column.type == .string || column.type == .bytes: return .contains(column.name, value(column.type))
    case 6 where depth == 0: return .always
    default:
      return .compare(column.name, pick(Comparison.allCases), chance(5) ? .null : value(column.type))
    }
  }

  mutating func order(_ schema: TableSchema) -> [OrderTerm] {
    var terms: [OrderTerm] = []
    for _ in 0..<random.below(4) {
      let name = pick(schema.columns).name
      if !terms.contains(where: { $0.column == name }) { terms.append(OrderTerm(name, isDescending: chance(40))) }
    }
    return terms
  }
}
