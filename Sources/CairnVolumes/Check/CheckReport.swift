public import CairnBlocks

/// Something wrong that a check found.
public struct CheckFinding: Hashable, Sendable, CustomStringConvertible {
  /// What kind of thing is wrong.
  public enum Kind: String, Hashable, Sendable {
    /// Superblocks, journal, bitmaps: what the device keeps for itself.
    case device
    /// A block or data that do not verify.
    case damage
    /// A tree that breaks its rules.
    case tree
    /// A record of the catalog or of an open transaction that makes no sense.
    case catalog
    /// A rule of a filesystem.
    case filesystem
    /// A figure that is not what was counted.
    case counter
    /// A block that two things point to.
    case usedTwice
    /// A block that something points to and the bitmaps say is free.
    case usedButFree
    /// A block that nothing points to and the bitmaps say is used.
    case leaked
    /// A volume whose filesystem the program does not know: what belongs to it can not be told.
    case unknownKind
  }

  /// What kind of thing is wrong.
  public let kind: Kind
  /// The volume concerned; empty for the store itself.
  public let volume: String
  /// The first block concerned.
  public let block: BlockNumber?
  /// The key concerned, in the names of the filesystem.
  public let key: [UInt8]
  /// What is wrong, in a sentence.
  public let text: String

  /// A finding of its parts.
  public init(kind: Kind, volume: String = "", block: BlockNumber? = nil, key: [UInt8] = [], text: String) {
    self.kind = kind
    self.volume = volume
    self.block = block
    self.key = key
    self.text = text
  }

  /// All of it in one line.
  public var description: String {
    var line = kind.rawValue
    if !volume.utf8.isEmpty { line += ", volume \(volume)" }
    if let block { line += ", block \(block.rawValue)" }
    if !key.isEmpty { line += ", key \(readable(key))" }
    return line + ": " + text
  }
}

/// What a check of a store found.
public struct CheckReport: Sendable {
  /// What is wrong, at most `CheckReport.findingCountMax`; empty for a sound store.
  public internal(set) var findings: [CheckFinding] = []
  /// Findings, those that are not listed included.
  public internal(set) var findingCount: UInt64 = 0
  /// All digests were compared, not just those of trees.
  public internal(set) var isDeep = false
  /// Volumes, the catalog not counted.
  public internal(set) var volumeCount: UInt64 = 0
  /// Open multi-call transactions.
  public internal(set) var transactionCount: UInt64 = 0
  /// Entries of all trees.
  public internal(set) var entryCount: UInt64 = 0
  /// Bytes of data outside trees.
  public internal(set) var dataByteCount: UInt64 = 0
  /// Blocks that something points to.
  public internal(set) var reachedBlockCount: UInt64 = 0
  /// Blocks that the bitmaps say are handed out.
  public internal(set) var allocatedBlockCount: UInt64 = 0
  /// What the device says of itself.
  public internal(set) var device: DeviceReport

  init(device: DeviceReport) { self.device = device }

  /// Most findings that are listed.
  public static let findingCountMax = 10_000

  /// Whether nothing is wrong.
  public var isClean: Bool { findingCount == 0 }
}

/// How far a check is.
public struct CheckProgress: Hashable, Sendable {
  /// The volume that is being looked at; empty for the store itself.
  public let volume: String
  /// Blocks looked at.
  public let blockCount: UInt64
  /// Blocks that there are to look at.
  public let totalBlockCount: UInt64
}
