/// What a volume takes and holds.
public struct VolumeUsage: Hashable, Sendable {
  /// Blocks of the device that the volume's trees and data take.
  public var blockCount: UInt64
  /// Blocks with data that open multi-call transactions staged for the volume.
  public var stagedBlockCount: UInt64
  /// Things in the volume, as its filesystem counts them: objects, rows, blocks.
  public var itemCount: UInt64
  /// Bytes of contents, as its filesystem counts them.
  public var byteCount: UInt64

  /// Usage of its parts.
  public init(blockCount: UInt64 = 0, stagedBlockCount: UInt64 = 0, itemCount: UInt64 = 0, byteCount: UInt64 = 0) {
    self.blockCount = blockCount
    self.stagedBlockCount = stagedBlockCount
    self.itemCount = itemCount
    self.byteCount = byteCount
  }
}

/// What the catalog says of a volume.
public struct VolumeInformation: Hashable, Sendable {
  /// Its number.
  public let id: VolumeID
  /// Its name, 1...64 bytes of UTF-8.
  public let name: String
  /// Its filesystem.
  public let kind: VolumeKind
  /// The version of the filesystem's format in it.
  public let formatVersion: UInt16
  /// Who made it; nil: the owner.
  public let owner: Principal?
  /// The most bytes of the device that it may take; nil: no limit.
  public let quotaByteCount: UInt64?
  /// Bytes of the device that no other volume may take.
  public let reservationByteCount: UInt64
  /// It was removed, and its blocks are being given back.
  public let isBeingRemoved: Bool
  /// What it takes and holds.
  public let usage: VolumeUsage
}
