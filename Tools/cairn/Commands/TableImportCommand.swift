internal import ArgumentParser
internal import CairnBlocks
internal import CairnTables
internal import CairnVolumes

/// `cairn table IMAGE import`.
struct TableImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Add rows from comma-separated values or JSON lines; prints how many.",
    discussion: """
      All rows come in one transaction: one bad line, and nothing is imported. With --batch every so many rows are a \
      transaction of their own; then a bad line undoes its batch, and the message says which lines are in. The first line \
      of CSV names the columns, unless --columns does. Nothing at all between delimiters is null, "" an empty text. \
      Columns that are not named get their defaults.
      """
  )

  @ParentCommand var parent: TableCommand

  @Argument(help: "The table.")
  var table: String

  @Argument(help: "The file, or - for standard input.")
  var file: ArgumentBytes

  @Flag(
    exclusivity: .exclusive, help: "How it is written; CSV unless it is said, or the name ends in .jsonl or .ndjson.")
  var format: RowFormat?

  @Option(help: ArgumentHelp("Rows of a transaction; without it, all.", valueName: "n"))
  var batch: UInt64?

  @Option(help: ArgumentHelp("The columns of the fields, where the first line does not name them.", valueName: "a,b"))
  var columns: NamesArgument?

  @Option(help: ArgumentHelp("What stands between fields: a character, or 'tab'.", valueName: "character"))
  var delimiter = DelimiterArgument.comma

  @Option(name: .customLong("null"), help: ArgumentHelp("Text without quotes that stands for null.", valueName: "text"))
  var nullText: String?

  @Flag(help: "Put rows in the place of those with the same primary key.")
  var upsert = false

  @Option(name: .customLong("txn"), help: "In this transaction, which goes on.")
  var transaction: TransactionArgument?

  /// Whether a file's name says that it holds JSON lines.
  static func isJSON(_ file: ArgumentBytes?) -> Bool {
    guard let name = file?.path.text.lowercased() else { return false }
    return name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson")
  }

  func validate() throws {
    if batch == 0 { throw ValidationError("A batch has at least one row.") }
    if batch != nil, transaction != nil { throw ValidationError("--batch makes transactions of its own: no --txn.") }
  }

  func run() throws {
    let input = try TableFile.open(file)
    let progress = ProgressBar("importing")
    defer { progress.clear() }
    let status = try input.status()
    if status.kind == .regular { progress.setTotal(status.byteCount) }
    let bytes = InputBytes(input) { progress.advance(by: $0) }
    let isJSON = format == .json || (format == nil && Self.isJSON(file))
    let source: any RowSource =
      isJSON ? JSONRowSource(bytes) : CSVRowSource(bytes, self.columns?.names, delimiter.byte, null: nullText)
    let importer = TableImporter(source, into: table, volume: parent.volume, replacing: upsert)
    let count = try parent.store.writing { store in
      try importer.run(store, in: transaction?.id, batch: batch)
    }
    progress.clear()
    var output = StandardOutput()
    try output.line("\(count)")
    try output.flush()
  }
}

/// What stands between the fields of a line.
struct DelimiterArgument: ExpressibleByArgument {
  let byte: UInt8

  /// A comma.
  static let comma = DelimiterArgument(byte: UInt8(ascii: ","))

  private init(byte: UInt8) { self.byte = byte }

  init?(argument: String) {
    if argument == "tab" {
      byte = UInt8(ascii: "\t")
      return
    }
    let bytes = Array(argument.utf8)
    guard bytes.count == 1, bytes[0] >= 0x20, bytes[0] < 0x7F, bytes[0] != UInt8(ascii: "\"") else { return nil }
    byte = bytes[0]
  }

  /// The character.
  var defaultValueDescription: String { String(Unicode.Scalar(byte)) }
}
