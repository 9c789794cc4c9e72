internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// `cairn export`: writes objects into a folder.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a bucket, or a folder of one, into a folder of the system.",
    discussion: """
      The reverse of 'cairn import': modes, times and symbolic links come back. A key that would leave the folder, or \
      that needs a folder where a file is, is refused; the others are written, and the exit status is 1.
      """
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("What to write.", valueName: "bucket[/prefix]"))
  var source: PrefixAddress

  @Argument(help: "The folder; it is made if it is not there.")
  var folder: ArgumentBytes

  func run() throws {
    try store.reading { store in try store.view(export) }
  }

  private func export(_ transaction: Transaction) throws {
    let bucket = try volume.bucket(source.bucket, in: transaction)
    let query = ObjectQuery(prefix: source.folder)
    let progress = ProgressBar("exporting")
    defer { progress.clear() }
    // Asked first: a bucket that is missing makes no folder.
    let isEmpty = try bucket.list(ObjectQuery(prefix: source.folder, limit: 1)).objects.isEmpty
    guard !isEmpty || source.prefix.isEmpty else { throw StorageError.notFound(Subject("key", source.folder)) }
    if progress.isVisible {
      var total: UInt64 = 0
      try bucket.forEachPage(query) { page in total += page.objects.reduce(0) { $0 + $1.size } }
      progress.setTotal(total)
    }

    let exporter = TreeExporter(into: try TreeWriter(folder.path), cutting: source.folder.count, progress: progress)
    try bucket.forEachPage(query) { page in
      for object in page.objects { try exporter.export(try bucket.open(object.key)) }
    }
    try exporter.finish()
    if let failure = exporter.failure { throw failure }
  }
}
