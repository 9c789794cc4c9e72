internal import CairnBlocks
internal import CairnMemory

extension Failure {
  /// What a person reads when the store at `image` could not do something, and the exit status for it: the error's own
  /// sentence, and which command helps.
  init(_ error: StorageError, image: Path) {
    let sentence =
      switch error {
      case .memory(let error) where Self.namesImage(error): "\(error)"
      default: "\(image.text): \(error)"
      }
    self.init(Text.visible(sentence + Self.advice(error)), Self.status(error))
  }

  private static func namesImage(_ error: MemoryError) -> Bool {
    switch error {
    case .io, .truncated, .inUse, .notWritable, .notFound, .alreadyExists, .notAFile: true
    case .outOfBounds, .full, .readOnly, .poisoned, .closed: false
    }
  }

  private static func advice(_ error: StorageError) -> String {
    switch error {
    case .memory(.notFound), .notCairn: "; 'cairn init' makes an image"
    case .notFound(let subject):
      switch subject.kind {
      case "bucket", "key": "; 'cairn ls' shows what is there"
      case "volume": "; 'cairn volume' shows what is there"
      default: ""
      }
    case .alreadyExists: "; choose another name or remove it"
    case .preconditionFailed: "; nothing was changed"
    case .transactionFailed: "; use 'cairn rollback'"
    case .unknownTransaction: "; 'cairn txns' lists them"
    case .expiredTransaction: "; begin again"
    case .foreignTransaction: "; name it with --as"
    case .accessDenied: "; 'cairn grant' gives it"
    default: ""
    }
  }

  private static func status(_ error: StorageError) -> ExitStatus {
    switch error {
    case .memory(let error): status(error)
    case .notCairn, .truncated, .damaged: .damaged
    case .poisoned: .system
    case .invalidKey, .invalidArgument: .usage
    default: .refused
    }
  }

  private static func status(_ error: MemoryError) -> ExitStatus {
    switch error {
    case .notFound, .notAFile, .truncated, .outOfBounds: .damaged
    case .io, .poisoned: .system
    case .inUse, .notWritable, .full, .readOnly, .closed, .alreadyExists: .refused
    }
  }
}
