internal import ArgumentParser
internal import CairnDisks
internal import CairnObjects
internal import CairnTables
internal import CairnVolumes

/// `cairn volume`: the volumes of a store.
struct VolumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "volume",
    abstract: "List, make, remove and limit volumes.",
    subcommands: [List.self, Create.self, Remove.self, Quota.self]
  )

  @OptionGroup var store: StoreArguments

  /// A kind by the name that a person uses, or by its four characters.
  struct Kind: ExpressibleByArgument {
    let kind: VolumeKind

    init?(argument: String) {
      switch argument {
      case "objects": kind = .objects
      case "disk": kind = .disk
      case "tables": kind = .tables
      default:
        guard let kind = VolumeKind(text: argument) else { return nil }
        self.kind = kind
      }
    }
  }

  func run() throws {
    throw ValidationError("What to do is missing: ls, create, rm or quota.")
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the volumes.")

    @ParentCommand var parent: VolumeCommand

    func run() throws {
      let volumes = try parent.store.reading { store in try store.volumes() }
      let width = volumes.map { Text.visible($0.name).count }.max() ?? 0
      var output = StandardOutput()
      for volume in volumes {
        var parts = [
          Text.right("\(volume.id.rawValue)", 3), Text.left(Text.visible(volume.name), width), volume.kind.description,
          Text.right("\(volume.usage.itemCount)", 8) + " items", Text.right(ByteSize.text(volume.usage.byteCount), 10),
        ]
        if let quota = volume.quotaByteCount { parts.append("quota " + ByteSize.text(quota)) }
        if let owner = volume.owner { parts.append("owner " + PrincipalArgument.text(owner.bytes)) }
        if volume.isBeingRemoved { parts.append("being removed") }
        try output.line(parts.joined(separator: "  "))
      }
      try output.flush()
    }
  }

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a volume.")

    @ParentCommand var parent: VolumeCommand

    @Argument(help: "The volume's name.")
    var name: String

    @Option(help: "objects, disk, tables, or the four characters of another kind.")
    var kind: Kind

    func run() throws {
      try parent.store.writing { store in
        _ = try store.createVolume(name, kind: kind.kind)
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove a volume and everything in it.")

    @ParentCommand var parent: VolumeCommand

    @Argument(help: "The volume's name.")
    var name: String

    func run() throws {
      try parent.store.writing { store in
        try store.removeVolume(name)
      }
    }
  }

  struct Quota: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quota", abstract: "Limit the space that a volume may take.")

    @ParentCommand var parent: VolumeCommand

    @Argument(help: "The volume's name.")
    var name: String

    @Argument(help: "The limit, or 'none'.")
    var size: Limit

    func run() throws {
      try parent.store.writing { store in
        try store.setQuota(of: name, byteCount: size.byteCount)
      }
    }
  }

  /// A size, or none.
  struct Limit: ExpressibleByArgument {
    let byteCount: UInt64?

    init?(argument: String) {
      if argument == "none" {
        byteCount = nil
      } else {
        guard let size = ByteSize(argument: argument) else { return nil }
        byteCount = size.byteCount
      }
    }
  }
}
