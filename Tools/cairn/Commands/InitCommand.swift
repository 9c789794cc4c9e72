internal import ArgumentParser
internal import CairnBlocks
internal import CairnMemory
internal import CairnObjects
internal import CairnVolumes

/// `cairn init`: makes an image.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make an image.",
    discussion: """
      With --size the space is taken at once, and the image never grows by itself. Without it the image starts with \
      64 MiB and grows as it is filled.
      """
  )

  @OptionGroup var store: StoreArguments

  @Option(help: "Bytes of the image.")
  var size: ByteSize?

  @Option(name: .customLong("block-size"), help: "Bytes of a block: a power of two, 512 to 65536.")
  var blockSize = ByteSize(4096)

  @Option(help: "Bytes of the journal; without it 1/64 of the image, between 1 MiB and 64 MiB.")
  var journal: ByteSize?

  @Flag(
    name: .customLong("zero-fill"),
    help: "Write the image full of zeros first: takes as long as writing it, and makes commits faster from then on.")
  var isZeroFilled = false

  /// Bytes of an image that was made without a size.
  private static let startByteCount: UInt64 = 64 << 20

  func run() throws {
    var format = FormatOptions(blockByteCount: Int(clamping: blockSize.byteCount), growsByItself: size == nil)
    format.journalByteCount = journal?.byteCount
    let options = try store.options(isReadOnly: false)
    let byteCount = size?.byteCount ?? Self.startByteCount
    try NewImage.make(at: store.image.path, byteCount: byteCount, isZeroFilled: isZeroFilled) { memory in
      let store = try Store.create(on: memory, format: format, options: options)
      try store.closing { store in
        _ = try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      }
    }
  }
}
