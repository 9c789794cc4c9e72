internal import ArgumentParser
internal import CairnVolumes

/// `cairn rollback`: drops a transaction.
struct RollbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Drop a transaction and everything staged in it.")

  @OptionGroup var store: StoreArguments

  @Argument(help: "The transaction, as 'cairn begin' printed it.")
  var id: TransactionArgument

  func run() throws {
    try store.writing { store in
      try store.rollback(id.id)
    }
  }
}
