internal import CairnTables

/// Rows that come out of a file, one after the other, with the line of each.
protocol RowSource: AnyObject {
  /// The line of the last row.
  var line: UInt64 { get }
  /// Holds the source against the table's schema, before the first row.
  func begin(_ schema: TableSchema) throws
  /// The next row, by the names of its columns; nil at the end. What is wrong with a line is thrown with its number.
  func next() throws -> [(String, ColumnValue)]?
}

/// Rows as comma-separated values.
final class CSVRowSource: RowSource {
  private let input: InputBytes
  private let reader: CSVReader
  private var names: [String]?
  private let null: String?
  private var columns: [ColumnDefinition] = []

  var line: UInt64 { reader.recordLine }

  /// Reads records whose fields are these columns, or those that the first record names.
  init(_ input: InputBytes, _ names: [String]?, _ delimiter: UInt8, null: String?) {
    self.input = input
    reader = CSVReader(input, delimiter: delimiter)
    self.names = names
    self.null = null
  }

  func begin(_ schema: TableSchema) throws {
    try input.skipByteOrderMark()
    let names = try self.names ?? reader.next()?.map(\.text) ?? []
    columns = try names.map { name in
      guard let index = schema.columnIndex(name) else { throw Failure.noColumn(name, of: schema) }
      return schema.columns[index]
    }
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      throw Failure("column '\(twice)' is named twice", .usage)
    }
  }

  func next() throws -> [(String, ColumnValue)]? {
    guard let fields = try reader.next() else { return nil }
    guard fields.count == columns.count else {
      throw Failure("line \(line): \(fields.count) fields, where there are \(columns.count) columns", .usage)
    }
    do {
      return try zip(columns, fields).map { ($0.name, try RowText.value($1, $0, null: null)) }
    } catch let failure as Failure {
      throw Failure("line \(line): \(failure.message)", failure.status)
    }
  }
}

/// Rows as JSON objects, one a line.
final class JSONRowSource: RowSource {
  private let input: InputBytes
  private var schema: TableSchema?
  private(set) var line: UInt64 = 1

  /// Most bytes of a line.
  private static let lineByteCountMax = 16 << 20

  /// Reads objects that name their columns themselves.
  init(_ input: InputBytes) { self.input = input }

  func begin(_ schema: TableSchema) throws {
    try input.skipByteOrderMark()
    self.schema = schema
  }

  func next() throws -> [(String, ColumnValue)]? {
    while true {
      line = input.line
      guard let bytes = try input.nextLine(limit: Self.lineByteCountMax) else { return nil }
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      return try row(bytes)
    }
  }

  private func row(_ bytes: [UInt8]) throws -> [(String, ColumnValue)] {
    guard let schema else { return [] }
    do {
      guard case .object(let fields) = try JSONReader.read(bytes) else {
        throw Failure("a row is an object", .usage)
      }
      return try fields.map { name, value in
        guard let index = schema.columnIndex(name) else { throw Failure.noColumn(name, of: schema) }
        return (name, try RowText.value(value, schema.columns[index]))
      }
    } catch let mistake as JSONReader.Mistake {
      throw Failure("line \(line): no JSON: \(mistake.what) (byte \(mistake.offset))", .usage)
    } catch let failure as Failure {
      throw Failure("line \(line): \(failure.message)", failure.status)
    }
  }
}
