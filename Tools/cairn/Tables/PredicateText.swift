internal import CairnTables

extension Predicate {
  /// The condition as ``WhereClause`` reads it.
  var clause: String {
    switch self {
    case .always: "TRUE"
    case .compare(let column, .equal, .null): Self.name(column) + " IS NULL"
    case .compare(let column, .notEqual, .null): Self.name(column) + " IS NOT NULL"
    case .compare(let column, let comparison, let value):
      "\(Self.name(column)) \(Self.symbol(comparison)) \(Self.literal(value))"
    case .compareColumns(let left, let comparison, let right):
      "\(Self.name(left)) \(Self.symbol(comparison)) \(Self.name(right))"
    case .between(let column, let lower, let upper):
      "\(Self.name(column)) BETWEEN \(Self.literal(lower)) AND \(Self.literal(upper))"
    case .isIn(let column, let values):
      "\(Self.name(column)) IN (\(values.map(Self.literal).joined(separator: ", ")))"
    case .isNull(let column): Self.name(column) + " IS NULL"
    case .hasPrefix(let column, let value): "\(Self.name(column)) PREFIX \(Self.literal(value))"
    case .contains(let column, let value): "\(Self.name(column)) CONTAINS \(Self.literal(value))"
    case .and(let parts): "(" + parts.map(\.clause).joined(separator: " AND ") + ")"
    case .or(let parts): "(" + parts.map(\.clause).joined(separator: " OR ") + ")"
    case .not(let part): "NOT (" + part.clause + ")"
    }
  }

  private static func name(_ column: String) -> String { quoted(column, "\"") }

  private static func literal(_ value: ColumnValue) -> String {
    switch value {
    case .integer, .unsigned, .bool: value.text
    default: quoted(value.text, "'")
    }
  }

  /// The text in quotes, those in it doubled.
  private static func quoted(_ text: String, _ quote: Character) -> String {
    var quoted = String(quote)
    for character in text {
      if character == quote { quoted.append(quote) }
      quoted.append(character)
    }
    return quoted + String(quote)
  }

  private static func symbol(_ comparison: Comparison) -> String {
    switch comparison {
    case .equal: "="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}
