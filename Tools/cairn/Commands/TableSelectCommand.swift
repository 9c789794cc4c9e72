internal import ArgumentParser
internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes

/// Which rows of a table a command is about, and in which order.
struct TableQueryOptions: ParsableArguments {
  @Option(name: .customLong("where"), help: ArgumentHelp("Only rows for which this holds.", valueName: "condition"))
  var condition: String?

  @Option(help: ArgumentHelp("Sort by these columns.", valueName: "a,b desc"))
  var order: OrderClause?

  @Option(help: ArgumentHelp("No more rows than this.", valueName: "n"))
  var limit: UInt64?

  @Option(help: ArgumentHelp("Leave out the first rows.", valueName: "n"))
  var offset: UInt64 = 0

  @Option(help: ArgumentHelp("Only these columns.", valueName: "a,b"))
  var columns: NamesArgument?

  /// The question to a table.
  func query(on schema: TableSchema) throws -> Query {
    var query = Query()
    if let condition { query.filter = try WhereClause.predicate(condition, on: schema) }
    if let order { query.order = try order.order(on: schema) }
    if let columns {
      for name in columns.names where schema.columnIndex(name) == nil { throw Failure.noColumn(name, of: schema) }
      query.columns = columns.names
    }
    query.limit = limit
    query.offset = offset
    return query
  }

  /// The names of the columns that come out.
  func names(of schema: TableSchema) -> [String] { columns?.names ?? schema.columns.map(\.name) }
}

/// How rows are written.
enum RowFormat: String, EnumerableFlag {
  case csv
  case json

  static func help(for value: RowFormat) -> ArgumentHelp? {
    switch value {
    case .csv: "Comma-separated values with a line of names."
    case .json: "One JSON object a line, with the columns' names."
    }
  }
}

/// `cairn table IMAGE select`.
struct TableSelectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "select", abstract: "Print rows of a table.", discussion: WhereClause.help)

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @OptionGroup var options: TableQueryOptions

  @Flag(exclusivity: .exclusive)
  var format: RowFormat?

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.reading(transaction) { tables in
      let table = try tables.table(table)
      let names = options.names(of: table.schema)
      let rows = try table.select(try options.query(on: table.schema))
      var output = StandardOutput()
      switch format {
      case .json: while let row = try rows.next() { try output.line(RowText.json(row, names)) }
      case .csv: try Self.writeCSV(rows, names, to: &output)
      case nil: try Self.writeTable(rows, names, to: &output)
      }
      try output.flush()
    }
  }

  private static func writeCSV(_ rows: Rows, _ names: [String], to output: inout StandardOutput) throws {
    try output.line(CSVWriter.line(names))
    while let row = try rows.next() { try output.line(RowText.csv(row)) }
  }

  /// Rows whose widths decide the columns' widths.
  private static let measuredRowCount = 200

  /// Columns for a person. Their widths are those of the first rows, so that a long table need not be held.
  private static func writeTable(_ rows: Rows, _ names: [String], to output: inout StandardOutput) throws {
    var first: [[String]] = [names.map { Text.visible($0) }]
    func texts(_ row: [ColumnValue]) -> [String] { row.map { $0.isNull ? "NULL" : Text.visible($0.text) } }
    while first.count <= measuredRowCount, let row = try rows.next() { first.append(texts(row)) }
    let widths = names.indices.map { column in first.map { $0[column].count }.max() ?? 0 }
    func line(_ texts: [String]) -> String {
      var text = ""
      for (column, field) in texts.enumerated() {
        text += column + 1 < texts.count ? Text.left(field, widths[column]) + "  " : field
      }
      return text
    }
    for texts in first { try output.line(line(texts)) }
    while let row = try rows.next() { try output.line(line(texts(row))) }
  }
}

/// `cairn table IMAGE explain`.
struct TableExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Say how rows would be found, and why so.", discussion: WhereClause.help)

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @OptionGroup var options: TableQueryOptions

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.reading(transaction) { tables in
      let table = try tables.table(table)
      var output = StandardOutput()
      try output.line("\(try table.explain(try options.query(on: table.schema)))")
      try output.flush()
    }
  }
}

/// `cairn table IMAGE delete`.
struct TableDeleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete rows, and what references to them say; prints how many.",
    discussion: WhereClause.help)

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @Option(name: .customLong("where"), help: ArgumentHelp("The rows; TRUE for all.", valueName: "condition"))
  var condition: String

  @Option(name: .customLong("txn"), help: "In this transaction.")
  var transaction: TransactionArgument?

  func run() throws {
    let count = try parent.store.writing { store in
      try store.change(in: transaction?.id) { transaction in
        let table = try transaction.tables(parent.volume).table(table)
        return try table.delete(where: try WhereClause.predicate(condition, on: table.schema))
      }
    }
    var output = StandardOutput()
    try output.line("\(count)")
    try output.flush()
  }
}

/// `cairn table IMAGE export`.
struct TableExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a table out as comma-separated values or JSON lines; 'import' reads both back.",
    discussion: "In CSV nothing at all is null, and \"\" is an empty text. " + WhereClause.help)

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @Argument(help: "The file to write; without it, or with -, standard output.")
  var file: ArgumentBytes?

  @OptionGroup var options: TableQueryOptions

  @Flag(exclusivity: .exclusive, help: "How; CSV unless it is said, or the file's name ends in .jsonl or .ndjson.")
  var format: RowFormat?

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.reading(transaction) { tables in
      let table = try tables.table(table)
      let names = options.names(of: table.schema)
      var query = try options.query(on: table.schema)
      // The same table is the same file, whichever index would be at hand.
      if query.order.isEmpty { query.order = table.schema.primaryKey.map { OrderTerm($0) } }
      let rows = try table.select(query)
      // The first row is read before the file is touched: a table that cannot be read destroys nothing.
      var row = try rows.next()
      let target = try TableFile.create(file)
      let isJSON = format == .json || (format == nil && TableImportCommand.isJSON(file))
      var pending = isJSON ? "" : CSVWriter.line(names) + "\n"
      while let values = row {
        pending += (isJSON ? RowText.json(values, names) : RowText.csv(values)) + "\n"
        if pending.utf8.count >= 1 << 16 {
          try StandardOutput.write(Array(pending.utf8), to: target)
          pending = ""
        }
        row = try rows.next()
      }
      try StandardOutput.write(Array(pending.utf8), to: target)
    }
  }
}
