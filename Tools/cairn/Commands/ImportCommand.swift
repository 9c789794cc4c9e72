internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// `cairn import`: stores a folder.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Store a folder and everything below it, one durable commit for each file.",
    discussion: """
      Prints each key when it is durable. Modes, times and symbolic links are kept as metadata; a folder is an object \
      whose key ends with /, stored in the commit of the first file in it. Devices, pipes and sockets are left out.
      """
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("Where to; a bucket that is missing is made.", valueName: "bucket[/prefix]"))
  var target: PrefixAddress

  @Argument(help: "The folder.")
  var folder: ArgumentBytes

  func run() throws {
    let root = try Folder(folder.path)
    let progress = ProgressBar("importing")
    defer { progress.clear() }
    if progress.isVisible {
      let size = TreeSize()
      try TreeReader.walk(root, size)
      progress.setTotal(size.byteCount)
    }
    try store.writing { store in
      let identity = try Descriptor.open(self.store.image.path, 0).status().identity
      let importer = TreeImporter(to: target, of: volume, in: store, without: identity, progress: progress)
      try importer.makeBucket()
      try TreeReader.walk(root, importer)
      if let failure = importer.failure { throw failure }
    }
  }
}

/// Adds up the files of a folder, for the progress bar.
private final class TreeSize: TreeReader.Visitor {
  private(set) var byteCount: UInt64 = 0

  func visitFile(_ entry: TreeReader.Entry, contents: borrowing Descriptor) { byteCount += entry.status.byteCount }
  func visitLink(_ entry: TreeReader.Entry, target: [UInt8]) {}
  func enterFolder(_ entry: TreeReader.Entry) {}
  func leaveFolder(_ entry: TreeReader.Entry) {}
  func skip(_ entry: TreeReader.Entry) {}
  func fail(_ failure: SystemFailure) {}
}
