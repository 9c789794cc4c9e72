internal import ArgumentParser
internal import CairnBlocks
internal import CairnVolumes

/// `cairn stat`: how full a store is.
struct StatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show how large and how full a store is.",
    discussion: """
      What is free can be written; blocks that were freed count at once. What is reserved keeps deleting possible when \
      the store is full.

      --json keys: capacity, used, free, reserved, journal, blockSize in bytes; volumes, items, transactions as counts.
      """
  )

  @OptionGroup var store: StoreArguments

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let (space, volumes, transactions) = try store.reading { store in
      (store.space, try store.volumes(), try store.transactions())
    }
    let bytes: [(StaticString, UInt64)] = [
      ("capacity", space.capacity), ("used", space.used), ("free", space.free), ("reserved", space.reserved),
      ("journal", space.journal), ("blockSize", UInt64(space.blockByteCount)),
    ]
    let counts: [(StaticString, UInt64)] = [
      ("volumes", UInt64(volumes.count)), ("items", volumes.reduce(0) { $0 &+ $1.usage.itemCount }),
      ("transactions", UInt64(transactions.count)),
    ]
    var output = StandardOutput()
    if json {
      var line = JSONLine()
      for (key, value) in bytes + counts { line.add(key, value) }
      try output.line(line)
    } else {
      for (key, value) in bytes {
        try output.line("\(Text.left("\(key)", 12))  \(Text.right("\(value)", 16))  \(ByteSize.text(value))")
      }
      for (key, value) in counts { try output.line("\(Text.left("\(key)", 12))  \(Text.right("\(value)", 16))") }
    }
    try output.flush()
  }
}
