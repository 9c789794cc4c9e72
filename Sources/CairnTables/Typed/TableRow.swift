public import CairnBlocks

/// A type whose values are the rows of a table. `@Table` makes a struct one.
public protocol TableRow {
  /// The columns, as closures of queries name them.
  associatedtype Columns: TableColumns
  /// The primary key.
  associatedtype Key: TableKey

  /// The table's name.
  static var tableName: String { get }
  /// The table as it is declared.
  static var tableSchema: TableSchema { get }
  /// The schema, checked once for the program.
  static var tableDefinition: TableDefinition { get }
  /// Conditions on more than one column, which every row must obey; none unless the type says so.
  static func checks(_ columns: Columns) -> [CheckDefinition]

  /// A row out of the values of its columns, in the order of the schema.
  init(rowValues: [ColumnValue]) throws(StorageError)
  /// The values of the columns, in the order of the schema.
  var rowValues: [ColumnValue] { get }
  /// The primary key's value.
  var tableKey: Key { get }
}

extension TableRow {
  /// None.
  public static func checks(_ columns: Columns) -> [CheckDefinition] { [] }
}

/// The columns of a table, each a ``Column`` of its type.
public protocol TableColumns {
  /// The columns, with `qualifier` in front of each name: the table's name and a dot in joins, nothing else.
  init(qualifier: String)
}

/// A table's schema, checked once.
public struct TableDefinition: Sendable {
  private let result: Result<PreparedSchema, StorageError>

  /// Checks a schema; what is wrong with it is thrown when the table is opened.
  public init(_ schema: TableSchema) {
    do throws(StorageError) {
      result = .success(try PreparedSchema(schema))
    } catch {
      result = .failure(error)
    }
  }

  /// The schema; throws `invalidArgument` that says what is wrong with it.
  public func prepared() throws(StorageError) -> PreparedSchema { try result.get() }
}

/// Reads the values of a row one after the other: what `@Table` generates uses it.
public struct RowValues {
  private let values: [ColumnValue]
  private let table: String
  private var position = 0

  /// Starts at the first of so many values of a row.
  public init(_ values: [ColumnValue], count: Int, table: String) throws(StorageError) {
    guard values.count == count else {
      throw .invalidArgument("a row of table \(table) has \(count) values, not \(values.count)")
    }
    self.values = values
    self.table = table
  }

  /// The next value, of the column of that name.
  public mutating func next<Value: ColumnRepresentable>(_ column: String) throws(StorageError) -> Value {
    guard position < values.count else {
      throw .invalidArgument("a row of table \(table) has no value for column \(column)")
    }
    let stored = values[position]
    position += 1
    guard let value = Value(columnValue: stored) else {
      throw .invalidArgument(
        "column \(column) of table \(table) holds \(stored), which the program's type does not know")
    }
    return value
  }
}

extension ColumnDefinition {
  /// A column of a type's values.
  public init<Value: ColumnRepresentable>(
    _ name: String, _ type: Value.Type, default defaultValue: ColumnDefault? = nil, isAutoIncrement: Bool = false,
    sanitizers: [Sanitizer] = [], validators: [Validator] = []
  ) {
    self.init(
      name, type.columnType, isOptional: type.isOptionalColumn, default: defaultValue, isAutoIncrement: isAutoIncrement,
      sanitizers: sanitizers, validators: validators)
  }
}
