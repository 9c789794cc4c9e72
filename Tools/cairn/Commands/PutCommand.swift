internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes
internal import Glibc

/// `cairn put`: stores an object.
struct PutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Store an object; a bucket that is missing is made.",
    discussion: "The object is durable when the command ends. It replaces what was under the key."
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("The object.", valueName: "bucket/key"))
  var object: ObjectAddress

  @Argument(help: "The file to store; - or nothing is standard input.")
  var file: ArgumentBytes?

  @Option(name: .customLong("txn"), help: "Stage it in this transaction.")
  var transaction: TransactionArgument?

  @Option(name: .customLong("if-none-match"), help: "Only when no object with this ETag is there; '*': none at all.")
  var ifNoneMatch: String?

  @Option(name: .customLong("content-type"), help: "The kind of content, as in HTTP.")
  var contentType: String?

  @Option(name: .customLong("meta"), help: ArgumentHelp("Metadata to keep with it; may be repeated.", valueName: "k=v"))
  var metadata: [MetadataArgument] = []

  func run() throws {
    let input = try file.map { try Descriptor.input($0) } ?? .standardInput
    try store.writing { store in
      let source = try ObjectSource.read(input, for: store)
      try store.change(in: transaction?.id) { transaction in
        let objects = try volume.objects(in: transaction)
        try objects.createBucket(object.bucket, ifMissing: true)
        try source.put(object.key, in: try objects.bucket(object.bucket), options, if: conditions)
      }
    }
  }

  private var options: ObjectOptions {
    var options = ObjectOptions()
    options.contentType = contentType ?? ""
    for entry in metadata { options.metadata.set(entry.name, to: entry.value) }
    return options
  }

  private var conditions: ObjectConditions {
    var conditions = ObjectConditions.none
    conditions.ifNoneMatch = ifNoneMatch.map { $0 == "*" ? .any : .tags([$0]) }
    return conditions
  }
}

/// A piece of metadata: `NAME=VALUE`.
struct MetadataArgument: ExpressibleByArgument, Hashable, Sendable {
  /// The name.
  let name: [UInt8]
  /// The value.
  let value: [UInt8]

  /// From text; nil without an equals sign, or without a name in front of it.
  init?(argument: String) {
    let parts = ArgumentBytes.unescape(argument)
      .split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    name = Array(parts[0])
    value = Array(parts[1])
  }
}

extension Descriptor {
  /// The file that a person named as input; `-` is standard input.
  static func input(_ name: ArgumentBytes) throws -> Descriptor {
    name.bytes == [UInt8(ascii: "-")] ? .standardInput : try .open(name.path, O_RDONLY)
  }
}
