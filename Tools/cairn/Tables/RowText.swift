internal import CairnTables

/// Values of rows in the text formats: JSON lines and comma-separated values.
enum RowText {
  /// A value as JSON: numbers and truth values as such, decimals and everything else as text.
  static func json(_ value: ColumnValue) -> String {
    switch value {
    case .null: "null"
    case .integer, .unsigned, .bool: value.text
    case .double(let number): number.isFinite ? value.text : JSONLine.quoted(value.text)
    default: JSONLine.quoted(value.text)
    }
  }

  /// A row as a JSON object with the columns' names.
  static func json(_ row: [ColumnValue], _ names: [String]) -> String {
    "{" + zip(names, row).map { JSONLine.quoted($0) + ":" + json($1) }.joined(separator: ",") + "}"
  }

  /// A row as comma-separated values; null is nothing at all.
  static func csv(_ row: [ColumnValue]) -> String {
    CSVWriter.line(row.map { $0.isNull ? nil : $0.text })
  }

  /// The value that a field stands for: nothing at all is null, and so is `null` when it is given.
  static func value(_ field: CSVReader.Field, _ column: ColumnDefinition, null: String?) throws -> ColumnValue {
    if !field.isQuoted, field.text == null ?? "" { return .null }
    return try value(field.text, column)
  }

  private static func value(_ text: String, _ column: ColumnDefinition) throws -> ColumnValue {
    guard let value = column.type.parse(text) else {
      throw Failure("'\(text)' is no value of column '\(column.name)', which is of type \(column.type)", .usage)
    }
    return value
  }

  /// The value that a JSON value stands for.
  static func value(_ json: JSONValue, _ column: ColumnDefinition) throws -> ColumnValue {
    switch json {
    case .null: return .null
    case .bool(let value) where column.type == .bool: return .bool(value)
    case .number(let digits) where column.type.isNumber: return try value(digits, column)
    case .string(let text): return try value(text, column)
    default:
      throw Failure(
        "\(json.kindName) is no value of column '\(column.name)', which is of type \(column.type)", .usage)
    }
  }
}
