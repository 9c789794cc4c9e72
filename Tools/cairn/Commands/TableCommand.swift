internal import ArgumentParser
internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes

/// `cairn table`: tables, by the schemas that are stored with them.
struct TableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "List, make, read, fill and write out tables.",
    discussion: """
      The tables of a program are read and changed by the schema that is stored with them; no Swift type is needed. \
      Their constraints hold here, too.
      """,
    subcommands: [
      TableListCommand.self, TableSchemaCommand.self, TableCreateCommand.self, TableDropCommand.self,
      TableSelectCommand.self, TableExplainCommand.self, TableImportCommand.self, TableExportCommand.self,
      TableDeleteCommand.self,
    ]
  )

  @OptionGroup var store: StoreArguments

  @Option(help: ArgumentHelp("The volume of tables.", valueName: "name"))
  var volume = "tables"

  func run() throws {
    throw ValidationError("What to do is missing: ls, schema, create, drop, select, explain, import, export or delete.")
  }

  /// Runs `body` with the tables as they are now, or as a transaction sees them.
  func reading(_ transaction: TransactionArgument?, _ body: (TableVolume) throws -> Void) throws {
    if let transaction {
      try store.writing { store in try store.change(in: transaction.id) { try body(try $0.tables(volume)) } }
    } else {
      try store.reading { store in try store.view { try body(try $0.tables(volume)) } }
    }
  }
}

/// `cairn table IMAGE ls`.
struct TableListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the tables.")

  @ParentCommand var parent: TableCommand

  @Flag(help: "One JSON object a line: name, rows, columns, indexes.")
  var json = false

  @Option(name: .customLong("txn"), help: "As this transaction sees them.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.reading(transaction) { tables in
      let schemas = try tables.schemas
      let width = schemas.map { Text.visible($0.name).count }.max() ?? 0
      var output = StandardOutput()
      for schema in schemas {
        let count = try tables.table(schema.name).count()
        if json {
          var line = JSONLine()
          line.add("name", schema.name)
          line.add("rows", count)
          line.add("columns", schema.columns.count)
          line.add("indexes", schema.indexes.count)
          try output.line(line)
        } else {
          let parts = [
            Text.left(Text.visible(schema.name), width), Text.right("\(count)", 9) + " rows",
            "\(schema.columns.count) columns", "\(schema.indexes.count) indexes",
          ]
          try output.line(parts.joined(separator: "  "))
        }
      }
      try output.flush()
    }
  }
}

/// `cairn table IMAGE schema`.
struct TableSchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print a table's schema as the Swift declaration that makes it, or as the JSON that 'create' reads.")

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @Flag(help: "JSON instead of Swift.")
  var json = false

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.reading(transaction) { tables in
      let schema = try tables.table(table).schema
      var output = StandardOutput()
      try output.line(json ? schema.json : schema.swiftSource)
      try output.flush()
    }
  }
}

/// `cairn table IMAGE drop`.
struct TableDropCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "drop", abstract: "Remove a table and its rows.")

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @Option(name: .customLong("txn"), help: "In this transaction.")
  var transaction: TransactionArgument?

  func run() throws {
    try parent.store.writing { store in
      try store.change(in: transaction?.id) { try $0.tables(parent.volume).dropTable(table) }
    }
  }
}
