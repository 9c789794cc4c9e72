internal import ArgumentParser
internal import CairnVolumes

/// `cairn begin`: begins a transaction that later commands go on with.
struct BeginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "begin",
    abstract: "Begin a transaction of several commands; prints its id.",
    discussion: "Give the id to other commands with --txn, then to 'cairn commit' or 'cairn rollback'."
  )

  @OptionGroup var store: StoreArguments

  @Option(help: "How long the transaction may wait for its next command, before it is rolled back.")
  var lease = TimeLength(nanoseconds: 600_000_000_000)

  func run() throws {
    let id = try store.writing { store in
      try store.begin(lease: .nanoseconds(lease.nanoseconds))
    }
    var output = StandardOutput()
    try output.line(id.description)
    try output.flush()
  }
}
