internal import CairnBlocks
internal import CairnMemory

extension Failure {
  /// What a person reads when the store at `image` could not do something, and the exit status for it.
  init(_ error: StorageError, image: Path) {
    let (text, status) = Self.explanation(error, image.text)
    self.init(text, status)
  }

  private static func explanation(_ error: StorageError, _ image: String) -> (String, ExitStatus) {
    switch error {
    case .memory(let error): explanation(error, image)
    case .poisoned:
      ("\(image): a write or flush failed. What was acknowledged is safe; mend the disk, then try again", .system)
    case .closed: ("\(image): the store is closed", .refused)

    case .notCairn: ("\(image) is no Cairn image; 'cairn init' makes one", .damaged)
    case .alreadyFormatted: ("\(image) holds a Cairn image already; choose another name or remove it", .refused)
    case .unsupportedVersion(let found, let supported):
      ("\(image) has format version \(found), newer than \(supported), the newest known here; use a newer cairn", .refused)
    case .unsupportedFeatures(let bits):
      ("\(image) uses features that are not known here (bits 0x\(String(bits, radix: 16))); use a newer cairn", .refused)
    case .truncated(let expected, let found):
      ("\(image) is cut short: \(found) of \(expected) bytes; restore it from a copy", .damaged)
    case .damaged(let damage):
      ("\(image) is damaged: \(damageText(damage)); 'cairn check' shows how far", .damaged)

    case .readOnly: ("\(image) is open for reading only", .refused)
    case .full(let requested, let free):
      ("\(image) is full: \(requested) blocks wanted, \(free) free; remove something or 'cairn grow' it", .refused)
    case .transactionTooLarge(let count, let limit):
      ("the change is too large for one commit: \(ByteSize.text(count)), at most \(ByteSize.text(limit)); split it", .refused)
    case .memoryBudgetExceeded(let limit):
      ("the cache may not grow beyond \(ByteSize.text(limit)); use smaller transactions", .refused)
    case .tooManyViews(let limit): ("\(limit) reads are going on already; try again", .refused)

    case .invalidKey(let count, let limit):
      (count == 0 ? "the key is empty; a key has 1 to \(limit) bytes" : "the key has \(count) bytes; at most \(limit) are allowed", .usage)
    case .invalidArgument(let text): (text, .usage)
    case .valueTooLarge(let count, let limit): ("\(count) bytes are too many for one value; at most \(limit)", .refused)
    case .invalidRange(let lower, let upper, let count):
      ("bytes \(lower) to \(upper) are outside of the value, which has \(count)", .refused)

    case .notFound(let subject): ("\(image) has no \(name(of: subject))\(whereToLook(subject))", .refused)
    case .alreadyExists(let subject): ("\(image) has \(name(of: subject)) already", .refused)
    case .notEmpty(let subject): ("\(name(of: subject)) is not empty; remove what is in it first", .refused)
    case .preconditionFailed(let subject):
      ("\(name(of: subject)) is not as the condition asks; nothing was changed", .refused)
    case .limitExceeded(let what, let limit): ("the limit of \(limit) for \(what) is reached", .refused)
    case .quotaExceeded(let volume, let limit):
      ("volume '\(Text.visible(volume))' has used up its quota of \(ByteSize.text(limit)); remove something or raise it", .refused)
    case .wrongKind(let volume, let found, let expected):
      ("volume '\(Text.visible(volume))' is of kind \(Text.visible(found)), not \(Text.visible(expected))", .refused)
    case .accessDenied(let principal, let right, let volume):
      ("\(PrincipalArgument.text(principal)) has no right to \(right) '\(Text.visible(volume))'; 'cairn grant' gives it", .refused)

    case .transactionFailed: ("the transaction failed half-way and can only be rolled back", .refused)
    case .conflict(let volume, let key):
      ("conflict in volume '\(Text.visible(volume))', key '\(Text.visible(key))': another changed it; begin again", .refused)
    case .unknownTransaction(let id): ("no transaction \(transaction(id)) is open; 'cairn txns' lists them", .refused)
    case .expiredTransaction(let id):
      ("the lease of transaction \(transaction(id)) ran out and it was rolled back; begin again", .refused)
    case .foreignTransaction(let id):
      ("transaction \(transaction(id)) was begun by another principal; name it with --as", .refused)
    case .transactionState(let id, let state): ("transaction \(transaction(id)) is \(state)", .refused)
    }
  }

  private static func explanation(_ error: MemoryError, _ image: String) -> (String, ExitStatus) {
    switch error {
    case .notFound: ("there is no image \(image); 'cairn init' makes one", .damaged)
    case .notAFile: ("\(image) is not a file, so it is no Cairn image", .damaged)
    case .alreadyExists: ("\(image) exists already and is left alone; choose another name or remove it", .refused)
    case .inUse(_, let holder): ("\(image) is in use by \(Text.visible(holder)); wait for it or end it", .refused)
    case .readOnly: ("\(image) may only be read; change its mode, or copy it", .refused)
    case .full: ("no space is left for \(image) to grow; free some on its disk", .refused)
    case .poisoned: ("\(image): a write or flush failed. What was acknowledged is safe; mend the disk, then try again", .system)
    case .closed: ("\(image): the store is closed", .refused)
    case .truncated(let offset, _): ("\(image) is cut short at byte \(offset); restore it from a copy", .damaged)
    case .io(let operation, let number, _): ("\(image): \(operation) failed: \(SystemFailure.reason(number))", .system)
    case .outOfBounds(let offset, let count, let size):
      ("\(image): \(count) bytes at \(offset) are outside of its \(size) bytes; 'cairn check' shows more", .damaged)
    }
  }

  /// The thing by kind and name: `key 'cat.jpg'`.
  private static func name(of subject: Subject) -> String {
    "\(subject.kind) '\(Text.visible(subject.name))'"
  }

  private static func whereToLook(_ subject: Subject) -> String {
    switch subject.kind {
    case "bucket", "key": "; 'cairn ls' shows what is there"
    case "volume": "; 'cairn volume' lists them"
    default: ""
    }
  }

  /// A transaction's id as every command prints it: 16 hexadecimal digits.
  private static func transaction(_ id: UInt64) -> String {
    Text.hexadecimal(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: id >> UInt64($0)) })
  }

  /// Where damage is, and how it showed.
  static func damageText(_ damage: Damage) -> String {
    let place = "block \(damage.block.rawValue)"
    return switch damage.reason {
    case .superblocks: "neither superblock verifies"
    case .checksum: "\(place) does not match its checksum"
    case .misdirected(let found): "\(place) holds block \(found), a misdirected read or write"
    case .foreignStore: "\(place) belongs to another store"
    case .staleBlock(let found, let expected): "\(place) is an old version (\(found), not \(expected)), a lost write"
    case .staleGenerationTable(let found, let expected):
      "the generation table is older than \(place) (\(expected), not \(found)), a lost write"
    case .wrongKind(let found, let expected): "\(place) is of kind \(found), not \(expected)"
    case .malformed: "\(place) breaks a rule of its structure"
    case .outOfRange: "\(place) is outside of the device"
    case .digest: "the data at \(place) do not match their digest"
    case .journal(let sequence): "the journal breaks off at commit \(sequence), in \(place)"
    case .allocation: "\(place) is free, or used twice"
    }
  }
}
