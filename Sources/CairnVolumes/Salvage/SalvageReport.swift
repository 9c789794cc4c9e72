public import CairnBlocks

/// Something that a salvage could not bring over.
public struct SalvageLoss: Hashable, Sendable, CustomStringConvertible {
  /// The volume concerned; empty for the store itself.
  public let volume: String
  /// The key concerned, in the names of the filesystem; empty when no single one is.
  public let key: [UInt8]
  /// The block that is damaged, where that is known.
  public let block: BlockNumber?
  /// What is lost and why, in a sentence.
  public let text: String

  /// A loss of its parts.
  public init(volume: String = "", key: [UInt8] = [], block: BlockNumber? = nil, text: String) {
    self.volume = volume
    self.key = key
    self.block = block
    self.text = text
  }

  /// All of it in one line.
  public var description: String {
    var line = "lost"
    if !volume.utf8.isEmpty { line += ", volume \(volume)" }
    if let block { line += ", block \(block.rawValue)" }
    if !key.isEmpty { line += ", key \(readable(key))" }
    return line + ": " + text
  }
}

/// What a salvage brought over.
public struct SalvageReport: Equatable, Sendable {
  /// Volumes that the copy has.
  public internal(set) var volumeCount: UInt64 = 0
  /// Items (objects, blocks of disks, ...) that the copy has.
  public internal(set) var itemCount: UInt64 = 0
  /// Bytes of their contents.
  public internal(set) var byteCount: UInt64 = 0
  /// Losses that were told.
  public internal(set) var lossCount: UInt64 = 0

  /// Nothing was lost.
  public var isWhole: Bool { lossCount == 0 }
}
