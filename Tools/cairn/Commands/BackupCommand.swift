internal import ArgumentParser
internal import CairnBlocks
internal import CairnMemory
internal import CairnVolumes

/// `cairn backup`: copies a store.
struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy a store to a new image, as of this moment.",
    discussion: "The copy has the same contents, open transactions included, and an empty journal."
  )

  @OptionGroup var store: StoreArguments

  @Argument(help: "The image to make.")
  var copy: ArgumentBytes

  func run() throws {
    let progress = ProgressBar("copying")
    defer { progress.clear() }
    try store.reading { store in
      let space = store.space
      try NewImage.make(at: copy.path, byteCount: space.capacity) { memory in
        try store.backup(to: memory) { done, all in
          progress.show(done: done &* UInt64(space.blockByteCount), total: all &* UInt64(space.blockByteCount))
          return true
        }
      }
    }
  }
}
