internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes

/// Brings the rows of a source into a table, in one transaction or in batches.
struct TableImporter {
  private let source: any RowSource
  private let table: String
  private let volume: String
  private let isReplacing: Bool

  /// An import that has not begun.
  init(_ source: any RowSource, into table: String, volume: String, replacing isReplacing: Bool) {
    self.source = source
    self.table = table
    self.volume = volume
    self.isReplacing = isReplacing
  }

  /// Imports everything.
  ///
  /// - Parameters:
  ///   - id: a multi-call transaction that takes the rows; nil: they are committed here.
  ///   - batch: rows of a transaction; nil: all of them.
  /// - Returns: How many rows came in.
  func run(_ store: Store, in id: TransactionID?, batch: UInt64?) throws -> UInt64 {
    // A table that the transaction has made is there for its calls alone.
    let schema =
      try id == nil
      ? store.view { try $0.tables(volume).table(table).schema }
      : store.change(in: id) { try $0.tables(volume).table(table).schema }
    try source.begin(schema)
    var total: UInt64 = 0
    var lastLine: UInt64 = 0
    var isAtEnd = false
    while !isAtEnd {
      var count: UInt64 = 0
      do {
        try store.change(in: id) { transaction in
          let table = try transaction.tables(volume).table(table)
          while batch.map({ count < $0 }) ?? true {
            guard let row = try source.next() else {
              isAtEnd = true
              return
            }
            try add(row, to: table)
            count += 1
          }
        }
      } catch {
        throw explain(error, total, lastLine)
      }
      total += count
      lastLine = source.line
    }
    return total
  }

  private func add(_ row: [(String, ColumnValue)], to table: Table) throws {
    do {
      if isReplacing {
        try table.upsert(try whole(row, of: table.schema))
      } else {
        try table.insert(named: row)
      }
    } catch let error as StorageError where Self.isAboutRow(error) {
      throw Failure("line \(source.line): \(error)", .refused)
    }
  }

  /// A value for each column: those that are not named get their default values, or null.
  private func whole(_ row: [(String, ColumnValue)], of schema: TableSchema) throws -> [ColumnValue] {
    schema.columns.map { column in
      if let named = row.first(where: { $0.0 == column.name }) { return named.1 }
      if case .value(let value)? = column.defaultValue { return value }
      return .null
    }
  }

  /// Whether the row is to blame, not the store as a whole.
  private static func isAboutRow(_ error: StorageError) -> Bool {
    switch error {
    case .constraintViolated, .invalidArgument, .invalidKey, .valueTooLarge: true
    default: false
    }
  }

  /// Says with the failure what became of the rows before it.
  private func explain(_ error: any Error, _ total: UInt64, _ lastLine: UInt64) -> any Error {
    let outcome =
      total == 0 ? "nothing was imported" : "\(total) rows, up to line \(lastLine), are in; later ones are not"
    switch error {
    case let failure as Failure: return Failure("\(failure.message); \(outcome)", failure.status)
    case StorageError.transactionTooLarge(let byteCount, let limit):
      return Failure(
        "one transaction takes \(limit) bytes of changes, and these are \(byteCount): use --batch; \(outcome)", .refused
      )
    default: return error
    }
  }
}
