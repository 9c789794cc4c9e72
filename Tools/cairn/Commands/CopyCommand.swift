internal import ArgumentParser
internal import CairnObjects
internal import CairnVolumes

/// `cairn cp`: copies an object.
struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp", abstract: "Copy an object inside the store, with its metadata, in one commit.")

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("The object to copy.", valueName: "bucket/key"))
  var from: ObjectAddress

  @Argument(help: ArgumentHelp("Where to; replaces what is there.", valueName: "bucket/key"))
  var to: ObjectAddress

  func run() throws {
    try store.writing { store in
      try store.change(in: nil) { transaction in
        let source = try volume.bucket(from.bucket, in: transaction)
        try volume.bucket(to.bucket, in: transaction).copy(from.key, from: source, to: to.key)
      }
    }
  }
}
