import CairnMemory

extension StorageError: CustomStringConvertible {
  /// What happened, to what, and what can be done, in one line.
  public var description: String {
    switch self {
    case .memory(let error): error.description
    case .poisoned: "an earlier write or flush failed; what was acknowledged is safe: open the store again"
    case .closed: "the store is closed"
    case .notCairn: "this is no Cairn image"
    case .alreadyFormatted: "there is a Cairn image already; formatting would destroy it"
    case .unsupportedVersion(let found, let supported):
      "the image has format version \(found); this program knows up to \(supported): use a newer one"
    case .unsupportedFeatures(let features):
      "the image uses features (0x\(String(features, radix: 16))) that this program does not know: use a newer one"
    case .truncated(let expected, let found):
      "the image is cut short: \(found) bytes of \(expected); restore it from a backup"
    case .damaged(let damage): "block \(damage.block.rawValue) is damaged: \(damage.reason); run a check"
    case .readOnly: "the store is open for reading only"
    case .full(let requested, let free):
      "the store is full: \(requested) blocks are needed, \(free) are free; delete something or grow the image"
    case .transactionTooLarge(let byteCount, let limit):
      "the transaction changes \(byteCount) bytes, the limit is \(limit); commit in parts or use a larger journal"
    case .memoryBudgetExceeded(let limit):
      "the cache reached its limit of \(limit) bytes; raise the memory budget or end snapshots"
    case .allocationRefused(let byteCount):
      "\(byteCount) bytes of memory at once are more than the store may use; ask for less at a time"
    case .tooManyViews(let limit): "more than \(limit) snapshots and reads at one time; end some"
    case .transactionFailed: "an operation failed half-way: the transaction can only be rolled back"
    case .invalidKey(let byteCount, let limit): "a key of \(byteCount) bytes; keys have 1...\(limit)"
    case .valueTooLarge(let byteCount, let limit): "a value of \(byteCount) bytes; the limit is \(limit)"
    case .invalidArgument(let text): text
    case .notFound(let subject): "there is no \(subject)"
    case .alreadyExists(let subject): "there is a \(subject) already"
    case .notEmpty(let subject): "the \(subject) is not empty"
    case .preconditionFailed(let subject): "a condition on the \(subject) does not hold"
    case .conflict(let volume, let key):
      "another transaction changed \(Subject("key", key)) of volume \(volume); the transaction was rolled back, try again"
    case .accessDenied(let principal, let right, let volume):
      "\(Subject("principal", principal)) has no right to \(right) on \(volume.isEmpty ? "the store" : "volume \(volume)")"
    case .unknownTransaction(let id): "there is no open transaction \(Self.text(id))"
    case .expiredTransaction(let id): "the lease of transaction \(Self.text(id)) ran out; it was rolled back"
    case .foreignTransaction(let id): "transaction \(Self.text(id)) was begun by another principal"
    case .transactionState(let id, let state): "transaction \(Self.text(id)) is \(state)"
    case .limitExceeded(let what, let limit): "the limit of \(limit) \(what) is reached"
    case .quotaExceeded(let volume, let limit): "the quota of volume \(volume), \(limit) bytes, is used up"
    case .wrongKind(let volume, let found, let expected):
      "volume \(volume) holds \(found), not \(expected)"
    case .constraintViolated(let violation): violation.description
    case .schemaMismatch(let volume, let reason): "the tables of volume \(volume): \(reason)"
    case .invalidRange(let lower, let upper, let byteCount):
      "bytes \(lower)..<\(upper) are not within \(byteCount) bytes"
    }
  }

  private static func text(_ id: UInt64) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Subject: CustomStringConvertible {
  /// The kind and the name; bytes that are no printable ASCII in hexadecimal.
  public var description: String {
    if name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), let text = String(validating: name, as: UTF8.self) {
      return "\(kind) \(text)"
    }
    var digits = ""
    for byte in name {
      digits += byte < 16 ? "0" : ""
      digits += String(byte, radix: 16)
    }
    return "\(kind) 0x\(digits)"
  }
}
