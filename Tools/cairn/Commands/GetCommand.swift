internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes
internal import Glibc

/// `cairn get`: prints an object.
struct GetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Write an object to standard output or a file; every byte is verified first."
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("The object.", valueName: "bucket/key"))
  var object: ObjectAddress

  @Option(name: .short, help: "The file to write; without it, or with -, standard output.")
  var output: ArgumentBytes?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only these bytes: 0-99, 100- (to the end) or -20 (the last 20).", valueName: "a-b"))
  var range: ByteRangeArgument?

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    if let transaction {
      try store.writing { store in try store.change(in: transaction.id, write) }
    } else {
      try store.reading { store in try store.view(write) }
    }
  }

  private func write(_ transaction: Transaction) throws {
    let reader = try volume.bucket(object.bucket, in: transaction).open(object.key)
    let whole = 0..<reader.info.size
    var pieces = ObjectPieces(reader, try range.map { try $0.objectRange.resolved(in: reader.info.size) } ?? whole)
    // The first piece is read before the file is touched: an object that cannot be read destroys nothing.
    var piece = try pieces.next()
    let target = try openOutput()
    while let bytes = piece {
      try StandardOutput.write(bytes, to: target)
      piece = try pieces.next()
    }
  }

  private func openOutput() throws -> Descriptor {
    guard let output, output.bytes != [UInt8(ascii: "-")] else { return .standardOutput }
    return try .open(output.path, O_WRONLY | O_CREAT | O_TRUNC)
  }
}

extension ByteRangeArgument {
  /// The range as the object store takes it.
  var objectRange: ObjectRange {
    switch self {
    // The last byte is part of the range; only a range to the very end of 64 bits has no end behind it.
    case .closed(let first, let last): last == .max ? .from(first) : .bytes(first..<last + 1)
    case .from(let first): .from(first)
    case .suffix(let count): .last(count)
    }
  }
}
