internal import ArgumentParser
internal import CairnBlocks
internal import CairnDisks
internal import CairnVolumes
internal import Glibc

/// `cairn disk`: linear block devices inside a store.
struct DiskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disk",
    abstract: "Make, read and write a disk: a volume of numbered blocks of 4096 bytes.",
    discussion: "Blocks that were never written are zeros and take no space.",
    subcommands: [Create.self, Read.self, Write.self, Import.self, Export.self]
  )

  @OptionGroup var store: StoreArguments

  @Argument(help: "The disk's name.")
  var name: String

  @Option(name: .customLong("txn"), help: "Read and stage in this transaction.")
  var transaction: TransactionArgument?

  /// Runs `body` on the disk, to change it.
  fileprivate func changing<Result>(in store: Store, _ body: (Disk) throws -> Result) throws -> Result {
    try store.change(in: transaction?.id) { transaction in try body(try transaction.disk(name)) }
  }

  /// Runs `body` on the disk, to read it.
  fileprivate func reading<Result>(_ body: (Disk) throws -> Result) throws -> Result {
    if transaction != nil { return try store.writing { store in try changing(in: store, body) } }
    return try store.reading { store in
      try store.view { transaction in try body(try transaction.disk(name)) }
    }
  }

  func run() throws {
    throw ValidationError("What to do is missing: create, read, write, import or export.")
  }

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a disk.")

    @ParentCommand var disk: DiskCommand

    @Option(help: "Bytes of the disk, whole blocks of 4096.")
    var size: ByteSize

    /// Bytes of a disk's block.
    private static let blockByteCount: UInt64 = 4096

    func run() throws {
      guard size.byteCount > 0, size.byteCount.isMultiple(of: Self.blockByteCount) else {
        throw Failure(
          "a disk has whole blocks of \(Self.blockByteCount) bytes; \(size.byteCount) bytes are not", .usage)
      }
      try disk.store.writing { store in
        let geometry = try DiskGeometry(
          blockCount: size.byteCount / Self.blockByteCount, blockByteCount: Int(Self.blockByteCount))
        _ = try store.change(in: disk.transaction?.id) { transaction in
          try transaction.createDisk(disk.name, geometry)
        }
      }
    }
  }

  struct Read: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "read", abstract: "Write a block to standard output.")

    @ParentCommand var disk: DiskCommand

    @Argument(help: "The number of the block.")
    var block: UInt64

    func run() throws {
      let bytes = try disk.reading { disk in try disk.read(block) }
      try StandardOutput.write(bytes, to: .standardOutput)
    }
  }

  struct Write: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "write", abstract: "Write whole blocks, all of them in one commit.")

    @ParentCommand var disk: DiskCommand

    @Argument(help: "The number of the first block.")
    var block: UInt64

    @Argument(help: "The file to write; - or nothing is standard input.")
    var file: ArgumentBytes?

    func run() throws {
      let input = try file.map { try Descriptor.input($0) } ?? .standardInput
      try disk.store.writing { store in
        try disk.changing(in: store) { disk in
          var piece = [UInt8](repeating: 0, count: DiskCommand.pieceByteCount)
          var block = block
          var count = try input.fill(&piece)
          guard count > 0 else { throw StorageError.invalidArgument("the input is empty; a block is needed") }
          while count > 0 {
            try disk.write(block, Array(piece.prefix(count)))
            block += UInt64(count / disk.geometry.blockByteCount)
            count = try input.fill(&piece)
          }
        }
      }
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Write a file onto the disk, from its first block on.",
      discussion: """
        Zeros are not stored. The file is written in commits of 8 MiB; with --txn it appears at once when the \
        transaction is committed. The last block is filled up with zeros.
        """
    )

    @ParentCommand var disk: DiskCommand

    @Argument(help: "The file; - is standard input.")
    var file: ArgumentBytes

    func run() throws {
      let input = try Descriptor.input(file)
      let status = try input.status()
      let progress = ProgressBar("importing", total: status.kind == .regular ? status.byteCount : nil)
      defer { progress.clear() }
      try disk.store.writing { store in
        var piece = [UInt8](repeating: 0, count: DiskCommand.pieceByteCount)
        var block: UInt64 = 0
        while true {
          let count = try input.fill(&piece)
          if count == 0 { break }
          block = try disk.changing(in: store) { disk in
            let blockByteCount = disk.geometry.blockByteCount
            let blockCount = (count + blockByteCount - 1) / blockByteCount
            let padding = [UInt8](repeating: 0, count: blockCount * blockByteCount - count)
            let bytes = Array(piece.prefix(count)) + padding
            for run in ZeroRuns.split(bytes) {
              let first = block + UInt64(run.range.lowerBound / blockByteCount)
              if run.isZero {
                try disk.trim(first..<first + UInt64(run.range.count / blockByteCount))
              } else {
                try disk.write(first, Array(bytes[run.range]))
              }
            }
            return block + UInt64(blockCount)
          }
          progress.advance(by: UInt64(count))
        }
      }
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export",
      abstract: "Write the whole disk into a file; zeros become holes."
    )

    @ParentCommand var disk: DiskCommand

    @Argument(help: "The file; - is standard output.")
    var file: ArgumentBytes

    func run() throws {
      let progress = ProgressBar("exporting")
      defer { progress.clear() }
      try disk.reading { disk in
        let isStream = file.bytes == [UInt8(ascii: "-")]
        let output = isStream ? .standardOutput : try Descriptor.open(file.path, O_WRONLY | O_CREAT | O_TRUNC)
        let pieceBlockCount = UInt64(max(1, DiskCommand.pieceByteCount / disk.geometry.blockByteCount))
        let end = disk.geometry.blockCount
        var block: UInt64 = 0
        while block < end {
          let bytes = try disk.read(block, count: min(pieceBlockCount, end - block))
          if isStream {
            try StandardOutput.write(bytes, to: output)
          } else {
            for run in ZeroRuns.split(bytes) {
              if run.isZero { try output.skip(run.range.count) } else { try output.write(Array(bytes[run.range])) }
            }
          }
          block += min(pieceBlockCount, end - block)
          progress.show(
            done: block * UInt64(disk.geometry.blockByteCount), total: end * UInt64(disk.geometry.blockByteCount))
        }
        if !isStream { try output.endHere() }
      }
    }
  }

  /// What is read from the input, or of the disk, at a time.
  fileprivate static let pieceByteCount = 8 << 20
}
