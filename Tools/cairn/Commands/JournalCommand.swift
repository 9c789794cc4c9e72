internal import ArgumentParser
internal import CairnBlocks
internal import CairnMemory
internal import CairnVolumes

/// `cairn journal`: what happened to a store.
struct JournalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal",
    abstract: "Show the commits that the journal still holds, the oldest first, one on each line.",
    discussion: """
      A line has the commit's sequence, time (UTC), transaction, event, principal, number of changes, bytes, and \
      whether its checksums are right. Events: auto (a transaction of one command), begin, stage, prepare, commit, \
      rollback, and maintenance of the store itself.

      --json keys: sequence, time, transaction (null: none), event, principal (null: the owner), changes, bytes (in the \
      journal), data (bytes written beside it), valid; with --records also records: block, offset, bytes (hexadecimal), \
      created (kind of a new block). A commit that does not verify has only sequence, block and valid.
      """
  )

  @OptionGroup var store: StoreArguments

  @Flag(help: "Show each change too.")
  var records = false

  @Flag(help: "One JSON object for each commit.")
  var json = false

  @Option(name: .customLong("txn"), help: "Only the commits of this transaction.")
  var transaction: TransactionArgument?

  @Flag(help: "Exit with status 3, naming the first bad record, when one does not verify.")
  var verify = false

  @Flag(help: "Read the image though another program has it open; the last lines may miss what is being written.")
  var live = false

  func run() throws {
    if live { StandardError.line("cairn: \(store.image.path.text) may be changing while it is read") }
    var output = StandardOutput()
    let firstBad = try store.explaining {
      let memory = try FileMemory.open(path: try store.image.path.string, mode: live ? .live : .readOnly)
      defer { memory.close() }
      return try print(try JournalReader(memory), to: &output)
    }
    try output.flush()
    if verify, let firstBad {
      throw Failure(
        "\(store.image.path.text): the record of commit \(firstBad.sequence), in block \(firstBad.block.rawValue), does "
          + "not verify; 'cairn check' shows what is affected", .damaged)
    }
  }

  /// Prints the commits; the first that does not verify.
  private func print(_ reader: JournalReader, to output: inout StandardOutput) throws -> JournalCommit? {
    var firstBad: JournalCommit?
    while let commit = try reader.next() {
      if !commit.isValid, firstBad == nil { firstBad = commit }
      guard transaction == nil || commit.annotation.transaction == transaction?.id.rawValue else { continue }
      let changes = records && commit.isValid ? try reader.changes(of: commit) : []
      if json {
        try output.line(object(commit, changes))
      } else {
        try output.line(Self.line(commit))
        for change in changes { try output.line(Self.line(change)) }
      }
    }
    return firstBad
  }

  private static func line(_ commit: JournalCommit) -> String {
    let sequence = Text.right(String(commit.sequence), 8)
    guard commit.isValid else { return "\(sequence)  block \(commit.block.rawValue) does not verify  CRC bad" }
    let annotation = commit.annotation
    return [
      sequence, Timestamp.text(nanoseconds: annotation.time),
      transaction(annotation) ?? String(repeating: "-", count: 16), Text.left(event(annotation.event), 11),
      Text.left(PrincipalArgument.text(annotation.principal), 8),
      Text.right("\(commit.changeCount)", 6) + (commit.changeCount == 1 ? " change " : " changes"),
      Text.right("\(commit.byteCount)", 8) + " bytes", "CRC ok",
    ].joined(separator: "  ")
  }

  private static func line(_ change: JournalChange) -> String {
    let indent = String(repeating: " ", count: 10)
    let new = change.createdKind.map { "  new, kind 0x" + Text.hexadecimal([$0.rawValue]) } ?? ""
    let shown = Text.hexadecimal(Array(change.bytes.prefix(16))) + (change.bytes.count > 16 ? "..." : "")
    let place = "block \(change.block.rawValue) at \(change.offset)"
    return "\(indent)\(Text.left(place, 24))  \(Text.right("\(change.bytes.count)", 6)) bytes  \(shown)\(new)"
  }

  private func object(_ commit: JournalCommit, _ changes: [JournalChange]) -> JSONLine {
    var line = JSONLine()
    line.add("sequence", commit.sequence)
    if commit.isValid {
      let annotation = commit.annotation
      line.add("time", Timestamp.text(nanoseconds: annotation.time))
      line.add("transaction", Self.transaction(annotation))
      line.add("event", Self.event(annotation.event))
      line.add("principal", annotation.principal.isEmpty ? nil : PrincipalArgument.text(annotation.principal))
      line.add("changes", commit.changeCount)
      line.add("bytes", commit.byteCount)
      line.add("data", commit.dataByteCount)
    } else {
      line.add("block", commit.block.rawValue)
    }
    line.add("valid", commit.isValid)
    if records, commit.isValid { line.add("records", changes.map(Self.object)) }
    return line
  }

  private static func object(_ change: JournalChange) -> JSONLine {
    var line = JSONLine()
    line.add("block", change.block.rawValue)
    line.add("offset", change.offset)
    line.add("bytes", Text.hexadecimal(change.bytes))
    if let kind = change.createdKind { line.add("created", Int(kind.rawValue)) }
    return line
  }

  private static func transaction(_ annotation: CommitAnnotation) -> String? {
    TransactionID(rawValue: annotation.transaction)?.description
  }

  private static func event(_ event: CommitAnnotation.Event) -> String {
    switch event {
    case .auto: "auto"
    case .begin: "begin"
    case .stage: "stage"
    case .prepare: "prepare"
    case .commit: "commit"
    case .rollback: "rollback"
    case .maintenance: "maintenance"
    }
  }
}
