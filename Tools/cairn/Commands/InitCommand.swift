internal import ArgumentParser
internal import CairnBlocks
internal import CairnMemory
internal import CairnVolumes

/// `cairn init`: makes an image.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make an image.",
    discussion: """
      With --size the space is taken at once, and the image never grows by itself. Without it the image starts small \
      and grows as it is filled.
      """
  )

  @OptionGroup var store: StoreArguments

  @Option(help: "Bytes of the image.")
  var size: ByteSize?

  @Option(name: .customLong("block-size"), help: "Bytes of a block: a power of two, 512 to 65536.")
  var blockSize = ByteSize(4096)

  @Option(help: "Bytes of the journal; without it 1/64 of the image, between 1 MiB and 64 MiB.")
  var journal: ByteSize?

  func run() throws {
    try store.explaining {
    }
  }
}
