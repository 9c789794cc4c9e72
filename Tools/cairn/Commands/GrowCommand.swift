internal import ArgumentParser
internal import CairnVolumes

/// `cairn grow`: makes an image larger.
struct GrowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "grow", abstract: "Make an image larger.")

  @OptionGroup var store: StoreArguments

  @Option(help: "Bytes to add.")
  var by: ByteSize

  func run() throws {
    try store.writing { store in
      try store.grow(byByteCount: by.byteCount)
    }
  }
}
