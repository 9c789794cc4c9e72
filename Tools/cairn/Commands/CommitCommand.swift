internal import ArgumentParser
internal import CairnVolumes

/// `cairn commit`: makes a transaction take effect.
struct CommitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "commit",
    abstract: "Make a transaction take effect, all of it at once.",
    discussion: "If another changed what the transaction read, it is rolled back and the exit status is 1."
  )

  @OptionGroup var store: StoreArguments

  @Argument(help: "The transaction, as 'cairn begin' printed it.")
  var id: TransactionArgument

  func run() throws {
    try store.writing { store in
      try store.commit(id.id)
    }
  }
}
