internal import ArgumentParser
internal import CairnBlocks
internal import CairnVolumes

/// `cairn grant`: who may do what.
struct GrantCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "List, give and take the rights of principals.",
    discussion: """
      Rights: read; write, which includes read; admin, which includes both. A right holds for one volume, or without \
      one for the whole store.
      """,
    subcommands: [List.self, Add.self, Remove.self]
  )

  @OptionGroup var store: StoreArguments

  /// A right by its name.
  enum Right: String, ExpressibleByArgument, CaseIterable {
    case read, write, admin

    var rights: Rights {
      switch self {
      case .read: .read
      case .write: .write
      case .admin: .admin
      }
    }

    /// The strongest right that `rights` holds.
    static func name(_ rights: Rights) -> String {
      [Right.admin, .write, .read].first { rights.contains($0.rights) }?.rawValue ?? "none"
    }
  }

  func run() throws {
    throw ValidationError("What to do is missing: ls, add or rm.")
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List who may do what.")

    @ParentCommand var parent: GrantCommand

    func run() throws {
      let (grants, volumes) = try parent.store.reading { store in (try store.grants(), try store.volumes()) }
      let width = grants.map { PrincipalArgument.text($0.principal.bytes).count }.max() ?? 0
      var output = StandardOutput()
      for grant in grants {
        let scope: String =
          switch grant.scope {
          case .store: "the whole store"
          case .volume(let id): "volume " + Text.visible(volumes.first { $0.id == id }?.name ?? "\(id.rawValue)")
          }
        let principal = Text.left(PrincipalArgument.text(grant.principal.bytes), width)
        try output.line("\(principal)  \(Text.left(Right.name(grant.rights), 5))  \(scope)")
      }
      try output.flush()
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Give a principal a right.")

    @ParentCommand var parent: GrantCommand

    @Argument(help: "The principal.")
    var grantee: PrincipalArgument

    @Argument(help: "read, write or admin.")
    var right: Right

    @Argument(help: "The volume; without it the whole store.")
    var volume: String?

    func run() throws {
      try parent.store.writing { store in
        try store.grant(right.rights, to: try Principal(grantee.bytes), on: try store.scope(volume))
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Take a principal's rights.")

    @ParentCommand var parent: GrantCommand

    @Argument(help: "The principal.")
    var grantee: PrincipalArgument

    @Argument(help: "The volume; without it the whole store.")
    var volume: String?

    func run() throws {
      try parent.store.writing { store in
        try store.revoke(from: try Principal(grantee.bytes), on: try store.scope(volume))
      }
    }
  }
}

extension Store {
  /// The volume of this name, or the whole store when there is no name.
  fileprivate func scope(_ volume: String?) throws(StorageError) -> GrantScope {
    guard let volume else { return .store }
    guard let found = try volumes().first(where: { $0.name == volume }) else {
      throw .notFound(Subject("volume", volume))
    }
    return .volume(found.id)
  }
}
