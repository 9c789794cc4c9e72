#if SQLiteComparison
  import CairnTables
  import Foundation
  import GRDB

  /// Cairn's questions in SQLite's words.
  struct SQLText {
    private(set) var text = ""
    private(set) var arguments: [DatabaseValue] = []

    /// A predicate as an expression.
    mutating func append(_ predicate: CairnTables.Predicate) {
      switch predicate {
      case .always: text += "1"
      case .compare(let column, .equal, .null): text += Self.name(column) + " IS NULL"
      case .compare(let column, .notEqual, .null): text += Self.name(column) + " IS NOT NULL"
      case .compare(let column, let comparison, let value):
        text += Self.name(column) + Self.symbol(comparison)
        append(value)
      case .compareColumns(let left, let comparison, let right):
        text += Self.name(left) + Self.symbol(comparison) + Self.name(right)
      case .between(let column, let lower, let upper):
        text += Self.name(column) + " BETWEEN "
        append(lower)
        text += " AND "
        append(upper)
      case .isIn(let column, let values):
        text += Self.name(column) + " IN ("
        for (position, value) in values.enumerated() {
          if position > 0 { text += ", " }
          append(value)
        }
        text += ")"
      case .isNull(let column): text += Self.name(column) + " IS NULL"
      case .hasPrefix(let column, let value):
        // Of an empty byte string substr makes null, so byte strings are looked at as hexadecimal digits.
        var subject = Self.name(column)
        var prefix = "?"
        if case .bytes = value { (subject, prefix) = ("hex(\(subject))", "hex(?)") }
        text += "CASE WHEN \(Self.name(column)) IS NULL THEN NULL ELSE "
        text += "substr(\(subject), 1, length(\(prefix))) = \(prefix) END"
        arguments += [Self.databaseValue(value), Self.databaseValue(value)]
      case .contains(let column, let value):
        text += "instr(\(Self.name(column)), "
        append(value)
        text += ") > 0"
      case .and(let parts): append(parts, " AND ", none: "1")
      case .or(let parts): append(parts, " OR ", none: "0")
      case .not(let part):
        text += "NOT ("
        append(part)
        text += ")"
      }
    }

    private mutating func append(_ parts: [CairnTables.Predicate], _ word: String, none: String) {
      if parts.isEmpty { text += none }
      for (position, part) in parts.enumerated() {
        text += position > 0 ? word + "(" : "("
        append(part)
        text += ")"
      }
    }

    /// A value, as an argument.
    mutating func append(_ value: ColumnValue) {
      text += "?"
      arguments.append(Self.databaseValue(value))
    }

    /// Text as it is.
    mutating func append(_ text: String) { self.text += text }

    /// A whole question.
    init(_ query: Query, of table: String, selecting columns: [String]) {
      let aggregates = query.aggregates.map { aggregate in
        "\(Self.function(aggregate.function))(\(aggregate.column.map(Self.name) ?? "*")) AS \(Self.name(aggregate.name))"
      }
      text = "SELECT " + (query.isDistinct ? "DISTINCT " : "")
      text += (columns.map(Self.name) + aggregates).joined(separator: ", ") + " FROM " + Self.name(table)
      for join in query.joins {
        text += join.kind == .left ? " LEFT JOIN " : " JOIN "
        text += Self.name(join.table)
        guard case .columns(let pairs) = join.condition else { continue }
        text += " ON " + pairs.map { "\(Self.name($0.left)) = \(Self.name($0.right))" }.joined(separator: " AND ")
      }
      text += " WHERE "
      append(query.filter)
      if !query.groupBy.isEmpty { text += " GROUP BY " + query.groupBy.map(Self.name).joined(separator: ", ") }
      if query.having != .always {
        text += " HAVING "
        append(query.having)
      }
      if !query.order.isEmpty {
        text +=
          " ORDER BY "
          + query.order.map { Self.name($0.column) + ($0.isDescending ? " DESC" : "") }.joined(separator: ", ")
      }
      if query.limit != nil || query.offset > 0 {
        text += " LIMIT \(query.limit.map { String($0) } ?? "-1") OFFSET \(query.offset)"
      }
    }

    /// A statement that begins so.
    init(_ text: String = "") { self.text = text }

    /// A name in quotes, the parts of `table.column` each for itself.
    static func name(_ name: String) -> String {
      name.split(separator: ".").map { "\"\($0)\"" }.joined(separator: ".")
    }

    private static func symbol(_ comparison: Comparison) -> String {
      switch comparison {
      case .equal: " = "
      case .notEqual: " <> "
      case .less: " < "
      case .lessOrEqual: " <= "
      case .greater: " > "
      case .greaterOrEqual: " >= "
      }
    }

    private static func function(_ function: Aggregate.Function) -> String {
      switch function {
      case .count: "COUNT"
      case .sum: "SUM"
      case .minimum: "MIN"
      case .maximum: "MAX"
      case .average: "AVG"
      }
    }

    static func databaseValue(_ value: ColumnValue) -> DatabaseValue {
      switch value {
      case .integer(let number): number.databaseValue
      case .unsigned(let number): Int64(number).databaseValue
      case .double(let number): number.databaseValue
      case .string(let text): text.databaseValue
      case .bytes(let bytes): Data(bytes).databaseValue
      case .bool(let flag): flag.databaseValue
      default: .null
      }
    }

    static func columnValue(_ value: DatabaseValue) -> ColumnValue {
      switch value.storage {
      case .null: .null
      case .int64(let number): .integer(number)
      case .double(let number): .double(number)
      case .string(let text): .string(text)
      case .blob(let data): .bytes([UInt8](data))
      }
    }
  }
#endif
