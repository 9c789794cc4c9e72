internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// `cairn rm`: removes objects.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove objects; with --recursive folders of them, and buckets.",
    discussion: """
      Without --recursive all objects go in one commit; when one of them is not there, none goes. With it, each \
      argument is a bucket, or a folder of one (the keys behind BUCKET/FOLDER/), removed in commits of a thousand; \
      with --txn in the transaction's own.
      """
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("The objects.", valueName: "bucket/key"))
  var objects: [PrefixAddress]

  @Flag(name: .shortAndLong, help: "Remove everything below.")
  var recursive = false

  @Option(name: .customLong("txn"), help: "Stage it in this transaction.")
  var transaction: TransactionArgument?

  /// Objects that one commit removes.
  private static let batch = 1000

  func validate() throws {
    if !recursive, let bucket = objects.first(where: { $0.prefix.isEmpty }) {
      throw ValidationError("'\(bucket.bucket)' is no BUCKET/KEY; --recursive removes a bucket.")
    }
  }

  func run() throws {
    try store.writing { store in
      if recursive {
        for address in objects { try removeFolder(address, from: store) }
      } else {
        try store.change(in: transaction?.id) { transaction in
          for address in objects {
            let key = ObjectKey(address.prefix)
            guard try volume.bucket(address.bucket, in: transaction).delete(key) else {
              throw StorageError.notFound(Subject("key", key.bytes))
            }
          }
        }
      }
    }
  }

  private func removeFolder(_ address: PrefixAddress, from store: Store) throws {
    var removedAny = false
    while true {
      let isDone = try store.change(in: transaction?.id) { transaction in
        let bucket = try volume.bucket(address.bucket, in: transaction)
        let page = try bucket.list(ObjectQuery(prefix: address.folder, limit: Self.batch))
        _ = try bucket.delete(page.objects.map(\.key))
        removedAny = removedAny || !page.objects.isEmpty
        if page.isTruncated { return false }
        // The bucket goes with its last objects, so that nobody sees an empty one.
        if address.prefix.isEmpty { try volume.objects(in: transaction).deleteBucket(address.bucket) }
        return true
      }
      if isDone { break }
    }
    guard removedAny || address.prefix.isEmpty else {
      throw StorageError.notFound(Subject("key", address.folder))
    }
  }
}
