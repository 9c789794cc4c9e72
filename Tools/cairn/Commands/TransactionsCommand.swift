internal import ArgumentParser
internal import CairnVolumes

/// `cairn txns`: lists open transactions.
struct TransactionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "txns",
    abstract: "List the open transactions.",
    discussion: """
      --json keys: transaction, state (open, prepared, expired), principal (null: the owner), began, expires, \
      calls, operations, bytes, reads.
      """
  )

  @OptionGroup var store: StoreArguments

  @Flag(help: "One JSON object for each transaction.")
  var json = false

  func run() throws {
    let transactions = try store.reading { store in try store.transactions() }
    var output = StandardOutput()
    for transaction in transactions {
      if json {
        try output.line(Self.object(transaction))
      } else {
        try output.line(Self.line(transaction))
      }
    }
    try output.flush()
  }

  private static func line(_ transaction: TransactionInformation) -> String {
    let operations = "\(transaction.operationCount) operation\(transaction.operationCount == 1 ? "" : "s")"
    return [
      transaction.id.description, Text.left(state(transaction), 8),
      "began " + Timestamp.text(nanoseconds: transaction.beganAt),
      "expires " + Timestamp.text(nanoseconds: transaction.expiresAt),
      Text.left(PrincipalArgument.text(transaction.owner?.bytes ?? []), 8),
      operations + ", " + ByteSize.text(transaction.stagedByteCount),
    ].joined(separator: "  ")
  }

  private static func object(_ transaction: TransactionInformation) -> JSONLine {
    var line = JSONLine()
    line.add("transaction", transaction.id.description)
    line.add("state", state(transaction))
    line.add("principal", transaction.owner.map { PrincipalArgument.text($0.bytes) })
    line.add("began", Timestamp.text(nanoseconds: transaction.beganAt))
    line.add("expires", Timestamp.text(nanoseconds: transaction.expiresAt))
    line.add("calls", transaction.callNumber)
    line.add("operations", transaction.operationCount)
    line.add("bytes", transaction.stagedByteCount)
    line.add("reads", transaction.readCount)
    return line
  }

  private static func state(_ transaction: TransactionInformation) -> String {
    if transaction.isExpired { return "expired" }
    return switch transaction.state {
    case .open: "open"
    case .prepared: "prepared"
    }
  }
}
