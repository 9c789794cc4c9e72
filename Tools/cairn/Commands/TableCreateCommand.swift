internal import ArgumentParser
internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes
internal import Glibc

/// `cairn table IMAGE create`.
struct TableCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a table, from a schema in JSON or from columns given here; makes the volume, too.",
    discussion: """
      Types: int8 int16 int32 int64 uint8 uint16 uint32 uint64 double decimal bool string bytes date timestamp uniqueID \
      principal; a question mark behind one allows null. 'cairn table IMAGE schema TABLE --json' shows the JSON of a \
      table. With --from the columns are those of a CSV file's first line, text unless --column says otherwise.
      """
  )

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table's name.")
  var table: String

  @Option(help: ArgumentHelp("A file with the schema as JSON, or - for standard input.", valueName: "file"))
  var schema: ArgumentBytes?

  @Option(
    parsing: .singleValue, help: ArgumentHelp("A column; once for each, in their order.", valueName: "name:type[?]"))
  var column: [ColumnArgument] = []

  @Option(help: ArgumentHelp("A CSV file whose first line names the columns.", valueName: "file"))
  var from: ArgumentBytes?

  @Option(help: ArgumentHelp("The columns of the primary key.", valueName: "a,b"))
  var key: NamesArgument?

  @Flag(help: "Number the rows: the primary key's column counts by itself.")
  var autoIncrement = false

  @Option(parsing: .singleValue, help: ArgumentHelp("A key that no two rows share.", valueName: "a,b"))
  var unique: [NamesArgument] = []

  @Option(parsing: .singleValue, help: ArgumentHelp("An index.", valueName: "a,b"))
  var index: [NamesArgument] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Columns that hold the primary key of a table; on delete: restrict, cascade, setNull or setDefault.",
      valueName: "a,b:table[:action]"))
  var reference: [ReferenceArgument] = []

  @Option(parsing: .singleValue, help: ArgumentHelp("A condition that every row obeys.", valueName: "condition"))
  var check: [String] = []

  @Option(name: .customLong("txn"), help: "In this transaction.")
  var transaction: TransactionArgument?

  func run() throws {
    let schema = try self.schema.map(read) ?? declared()
    try parent.store.writing { store in
      try store.change(in: transaction?.id) { transaction in
        let tables = try Self.tables(parent.volume, transaction)
        try tables.createTable(schema)
      }
    }
  }

  /// The volume, made if it is not there.
  private static func tables(_ volume: String, _ transaction: Transaction) throws -> TableVolume {
    do {
      return try transaction.tables(volume)
    } catch StorageError.notFound {
      try transaction.createTables(volume)
      return try transaction.tables(volume)
    }
  }

  private func read(_ file: ArgumentBytes) throws -> TableSchema {
    let isAlone = column.isEmpty && from == nil && key == nil && unique.isEmpty && index.isEmpty && reference.isEmpty
    guard isAlone, check.isEmpty, !autoIncrement else {
      throw ValidationError("--schema says everything: nothing else goes with it.")
    }
    let bytes = try TableFile.contents(file, limit: 1 << 20)
    do {
      var schema = try TableSchema(json: try JSONReader.read(bytes))
      schema.name = table
      return schema
    } catch let mistake as JSONReader.Mistake {
      throw Failure("\(file.path.text): no JSON: \(mistake.what) (byte \(mistake.offset))", .usage)
    } catch let failure as Failure {
      throw Failure("\(file.path.text): \(failure.message)", failure.status)
    }
  }

  private func declared() throws -> TableSchema {
    var columns = column.map(\.definition)
    if let from {
      let reader = CSVReader(InputBytes(try TableFile.open(from)))
      guard let names = try reader.next() else { throw Failure("\(from.path.text): the file is empty", .usage) }
      let declared = columns
      columns = names.map { name in declared.first { $0.name == name.text } ?? ColumnDefinition(name.text, .string) }
      if let stranger = declared.first(where: { column in !names.contains { $0.text == column.name } }) {
        throw Failure("\(from.path.text) has no column '\(stranger.name)'", .usage)
      }
    }
    guard let first = columns.first else { throw ValidationError("Give --schema, --column or --from.") }
    let primaryKey = key?.names ?? [first.name]
    if autoIncrement, let position = columns.firstIndex(where: { $0.name == primaryKey.first }) {
      columns[position].isAutoIncrement = true
    }
    var schema = TableSchema(
      table, columns: columns, primaryKey: primaryKey,
      indexes: unique.map { IndexDefinition($0.title, on: $0.names, isUnique: true) }
        + index.map { IndexDefinition($0.title, on: $0.names) },
      references: reference.map(\.definition))
    let bare = schema
    schema.checks = try check.enumerated().map { position, text in
      CheckDefinition("check_\(position + 1)", try WhereClause.predicate(text, on: bare))
    }
    return schema
  }
}

/// A column as an argument: `age:int32?`.
struct ColumnArgument: ExpressibleByArgument {
  let definition: ColumnDefinition

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    let isOptional = parts[1].hasSuffix("?")
    guard let type = ColumnType(name: isOptional ? String(parts[1].dropLast()) : parts[1]) else { return nil }
    definition = ColumnDefinition(parts[0], type, isOptional: isOptional)
  }
}

/// Names with commas between them.
struct NamesArgument: ExpressibleByArgument {
  let names: [String]

  /// What an index of these columns is called.
  var title: String { names.joined(separator: "_") }

  init?(argument: String) {
    names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard names.allSatisfy({ !$0.isEmpty }) else { return nil }
  }
}

/// A reference as an argument: `author:User:cascade`.
struct ReferenceArgument: ExpressibleByArgument {
  let definition: ReferenceDefinition

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), let columns = NamesArgument(argument: parts[0]), !parts[1].isEmpty else {
      return nil
    }
    var action = ReferenceAction.restrict
    if parts.count == 3 {
      guard let named = try? ReferenceAction(name: parts[2]) else { return nil }
      action = named
    }
    definition = ReferenceDefinition(columns.title, from: columns.names, to: parts[1], onDelete: action)
  }
}
