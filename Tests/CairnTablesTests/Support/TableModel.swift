import CairnBlocks

@testable import CairnTables

/// Tables in the most obvious way: arrays of rows, gone through from end to end for everything. No part of it uses the code
/// that it is compared with, but for the order of two values.
struct TableModel {
  struct Table {
    let schema: TableSchema
    var rows: [[ColumnValue]] = []

    func column(_ name: String) -> Int { schema.columns.firstIndex { $0.name == name } ?? -1 }
    func columns(_ names: [String]) -> [Int] { names.map(column) }
    var key: [Int] { columns(schema.primaryKey) }
    func key(of row: [ColumnValue]) -> [ColumnValue] { key.map { row[$0] } }
    var sorted: [[ColumnValue]] { rows.sorted { TableModel.precedes(key(of: $0), key(of: $1)) } }
  }

  /// What is not allowed.
  struct Refusal: Error, Equatable {
    let kind: ConstraintViolation.Kind
  }

  var tables: [Table]

  static func precedes(_ left: [ColumnValue], _ right: [ColumnValue]) -> Bool {
    for (a, b) in zip(left, right) where a != b { return a < b }
    return false
  }

  func position(_ name: String) -> Int { tables.firstIndex { $0.schema.name == name } ?? -1 }

  // MARK: Rules

  /// Throws unless all tables are as their schemas say.
  func requireSound() throws {
    for table in tables {
      var keys: Set<[ColumnValue]> = []
      for row in table.rows {
        for (column, value) in zip(table.schema.columns, row) where value.isNull && !column.isOptional {
          throw Refusal(kind: .notNull)
        }
        for check in table.schema.checks {
          if Self.truth(check.predicate, { row[table.column($0)] }) == false { throw Refusal(kind: .check) }
        }
        guard keys.insert(table.key(of: row)).inserted else { throw Refusal(kind: .primaryKey) }
      }
      for index in table.schema.indexes where index.isUnique {
        var seen: Set<[ColumnValue]> = []
        for row in table.rows {
          let values = table.columns(index.columns).map { row[$0] }
          if values.contains(.null) || index.whereNotNull.contains(where: { row[table.column($0)].isNull }) { continue }
          guard seen.insert(values).inserted else { throw Refusal(kind: .unique) }
        }
      }
      for reference in table.schema.references {
        let parent = tables[position(reference.table)]
        let wanted = Set(parent.rows.map { row in parentColumns(reference).map { row[$0] } })
        for row in table.rows {
          let values = table.columns(reference.columns).map { row[$0] }
          if !values.contains(.null), !wanted.contains(values) { throw Refusal(kind: .reference) }
        }
      }
    }
  }

  private func parentColumns(_ reference: ReferenceDefinition) -> [Int] {
    let parent = tables[position(reference.table)]
    return reference.referencedColumns.isEmpty ? parent.key : parent.columns(reference.referencedColumns)
  }

  // MARK: Changes

  mutating func insert(_ table: Int, _ row: [ColumnValue]) throws {
    try committing { $0.tables[table].rows.append(row) }
  }

  mutating func upsert(_ table: Int, _ row: [ColumnValue], on index: Int?) throws -> Bool {
    let state = tables[table]
    let columns = index.map { state.columns(state.schema.indexes[$0].columns) } ?? state.key
    let values = columns.map { row[$0] }
    // A row that a partial index leaves out meets no other there.
    func isIncluded(_ row: [ColumnValue]) -> Bool {
      guard let index else { return true }
      return !state.schema.indexes[index].whereNotNull.contains { row[state.column($0)].isNull }
    }
    guard isIncluded(row), !values.contains(.null),
      let old = state.rows.first(where: { old in isIncluded(old) && columns.map { old[$0] } == values })
    else {
      try insert(table, row)
      return true
    }
    var new = row
    for column in state.key { new[column] = old[column] }
    _ = try change(table, { $0 == old }) { _ in new }
    return false
  }

  /// Changes rows, and what refers to them; how many.
  mutating func change(
    _ table: Int, _ isMeant: ([ColumnValue]) -> Bool, _ body: ([ColumnValue]) -> [ColumnValue]?
  ) throws -> Int {
    var count = 0
    try committing { model in
      var work = Work(model)
      for (number, row) in model.tables[table].rows.enumerated() where isMeant(row) {
        work.set(table, number, body(row))
        count += 1
      }
      model = try work.finish()
    }
    return count
  }

  private mutating func committing(_ body: (inout TableModel) throws -> Void) throws {
    var next = self
    try body(&next)
    try next.requireSound()
    self = next
  }

  /// Rows by their numbers while effects spread.
  private struct Work {
    private let model: TableModel
    private var rows: [[[ColumnValue]?]]
    private var pending: [(table: Int, before: [ColumnValue], after: [ColumnValue]?)] = []

    init(_ model: TableModel) {
      self.model = model
      rows = model.tables.map { $0.rows }
    }

    mutating func set(_ table: Int, _ number: Int, _ new: [ColumnValue]?) {
      guard let old = rows[table][number] else { return }
      rows[table][number] = new
      pending.append((table, old, new))
    }

    mutating func finish() throws -> TableModel {
      var restricted: [(table: Int, reference: ReferenceDefinition, values: [ColumnValue])] = []
      while !pending.isEmpty {
        let (table, before, after) = pending.removeFirst()
        let name = model.tables[table].schema.name
        for (child, state) in model.tables.enumerated() {
          for reference in state.schema.references where reference.table == name {
            let parents = model.parentColumns(reference)
            let old = parents.map { before[$0] }
            let new = after.map { row in parents.map { row[$0] } }
            if old.contains(.null) || old == new { continue }
            let action = after == nil ? reference.onDelete : reference.onUpdate
            if action == .restrict {
              restricted.append((child, reference, old))
              continue
            }
            let columns = state.columns(reference.columns)
            for number in rows[child].indices {
              guard let row = rows[child][number], columns.map({ row[$0] }) == old else { continue }
              if action == .cascade && after == nil {
                set(child, number, nil)
                continue
              }
              var changed = row
              for (position, column) in columns.enumerated() {
                switch action {
                case .cascade: changed[column] = new?[position] ?? .null
                case .setDefault:
                  if case .value(let value) = state.schema.columns[column].defaultValue {
                    changed[column] = value
                  } else {
                    changed[column] = .null
                  }
                default: changed[column] = .null
                }
              }
              set(child, number, changed)
            }
          }
        }
      }
      var result = model
      for table in rows.indices { result.tables[table].rows = rows[table].compactMap { (row: [ColumnValue]?) in row } }
      for (table, reference, values) in restricted {
        let state = result.tables[table]
        let parents = result.parentColumns(reference)
        let parent = result.tables[result.position(reference.table)]
        if parent.rows.contains(where: { row in parents.map { row[$0] } == values }) { continue }
        if state.rows.contains(where: { row in state.columns(reference.columns).map { row[$0] } == values }) {
          throw Refusal(kind: .referenced)
        }
      }
      return result
    }
  }

  // MARK: Queries

  /// Whether a predicate is true or false; nil when a null is in the way.
  static func truth(_ predicate: Predicate, _ value: (String) -> ColumnValue) -> Bool? {
    switch predicate {
    case .always: return true
    case .isNull(let name): return value(name).isNull
    case .compare(let name, .equal, .null): return value(name).isNull
    case .compare(let name, .notEqual, .null): return !value(name).isNull
    case .compare(let name, let comparison, let other): return holds(value(name), comparison, other)
    case .compareColumns(let name, let comparison, let other): return holds(value(name), comparison, value(other))
    case .between(let name, let low, let high):
      return truth(
        .and([.compare(name, .greaterOrEqual, low), .compare(name, .lessOrEqual, high)]), value)
    case .isIn(let name, let values):
      return truth(.or(values.map { $0.isNull ? .compare(name, .less, .null) : .compare(name, .equal, $0) }), value)
    case .hasPrefix(let name, let part):
      guard let bytes = bytes(value(name)), let part = Self.bytes(part) else { return nil }
      return Array(bytes.prefix(part.count)) == part
    case .contains(let name, let part):
      guard let bytes = bytes(value(name)), let part = Self.bytes(part) else { return nil }
      return part.isEmpty || (0...bytes.count).contains { Array(bytes.dropFirst($0).prefix(part.count)) == part }
    case .and(let parts):
      let all = parts.map { truth($0, value) }
      return all.contains(false) ? false : all.contains(nil) ? nil : true
    case .or(let parts):
      let all = parts.map { truth($0, value) }
      return all.contains(true) ? true : all.contains(nil) ? nil : false
    case .not(let part): return truth(part, value).map { !$0 }
    }
  }

  private static func holds(_ left: ColumnValue, _ comparison: Comparison, _ right: ColumnValue) -> Bool? {
    if left.isNull || right.isNull { return nil }
    switch comparison {
    case .equal: return left == right
    case .notEqual: return left != right
    case .less: return left < right
    case .lessOrEqual: return left <= right
    case .greater: return left > right
    case .greaterOrEqual: return left >= right
    }
  }

  private static func bytes(_ value: ColumnValue) -> [UInt8]? {
    if case .string(let text) = value { return Array(text.utf8) }
    if case .bytes(let bytes) = value { return bytes }
    return nil
  }

  /// The rows that a predicate is true for, by their keys.
  func rows(_ table: Int, _ predicate: Predicate) -> [[ColumnValue]] {
    tables[table].sorted.filter { row in Self.truth(predicate) { row[tables[table].column($0)] } == true }
  }

  /// The same in an order; what it leaves open the key decides, in the direction of the last term.
  func rows(_ table: Int, _ predicate: Predicate, order: [OrderTerm]) -> [[ColumnValue]] {
    let state = tables[table]
    var terms = order.map { (state.column($0.column), $0.isDescending) }
    for column in state.key { terms.append((column, order.last?.isDescending ?? false)) }
    return rows(table, predicate).sorted { left, right in
      for (column, isDescending) in terms where left[column] != right[column] {
        return isDescending ? right[column] < left[column] : left[column] < right[column]
      }
      return false
    }
  }
}
