package import CairnBlocks
package import CairnBytes

/// What the catalog keeps for a volume.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  flags: bit 0, the volume was removed and gives its blocks back
///          2     4  kind, four ASCII characters
///          6     2  version of the filesystem's format
///          8     8  block of the root tree; 0 once the tree is gone (only with bit 0)
///         16     8  incarnation: random, another one for each volume that ever was
///         24     8  definition: random, another one whenever the filesystem says so
///         32     8  quota, bytes; all ones without any
///         40     8  reservation, bytes
///         48     n  owner: varint length (0: the owner of the store), the bytes
///                m  name: varint length, 1...64 bytes of UTF-8
package struct VolumeRecord: Equatable, Sendable {
  package var isBeingRemoved = false
  package var kind: VolumeKind
  package var formatVersion: UInt16
  package var root: BlockNumber
  package var incarnation: UInt64
  package var definition: UInt64
  package var quotaByteCount: UInt64?
  package var reservationByteCount: UInt64 = 0
  package var owner: Principal?
  package var name: String

  package init(
    kind: VolumeKind, formatVersion: UInt16, root: BlockNumber, incarnation: UInt64, name: String, owner: Principal?
  ) {
    self.kind = kind
    self.formatVersion = formatVersion
    self.root = root
    self.incarnation = incarnation
    definition = incarnation
    self.name = name
    self.owner = owner
  }

  /// Most bytes of a name.
  package static let nameByteCountMax = 64

  private static let version: UInt8 = 1
  private static let beingRemovedFlag: UInt8 = 1
}

extension VolumeRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(isBeingRemoved ? Self.beingRemovedFlag : 0)
    writer.uint32(kind.rawValue)
    writer.uint16(formatVersion)
    writer.uint64(root.rawValue)
    writer.uint64(incarnation)
    writer.uint64(definition)
    writer.uint64(quotaByteCount ?? .max)
    writer.uint64(reservationByteCount)
    writer.lengthPrefixed(owner?.bytes ?? [])
    writer.lengthPrefixed(Array(name.utf8))
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let flags = try reader.uint8()
    guard flags & ~Self.beingRemovedFlag == 0 else { throw .malformed }
    isBeingRemoved = flags & Self.beingRemovedFlag != 0
    guard let kind = VolumeKind(rawValue: try reader.uint32()) else { throw .malformed }
    self.kind = kind
    formatVersion = try reader.uint16()
    root = BlockNumber(try reader.uint64())
    guard isBeingRemoved || root.rawValue != 0 else { throw .malformed }
    incarnation = try reader.uint64()
    definition = try reader.uint64()
    let quota = try reader.uint64()
    quotaByteCount = quota == .max ? nil : quota
    reservationByteCount = try reader.uint64()
    owner = Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax))
    guard let name = String(validating: try reader.lengthPrefixed(limit: Self.nameByteCountMax), as: UTF8.self),
      Self.isAllowed(name: name)
    else { throw .malformed }
    self.name = name
    try reader.finish()
  }

  /// Whether a volume can have this name: 1...64 bytes of UTF-8 without control characters.
  package static func isAllowed(name: String) -> Bool {
    var count = 0
    for byte in name.utf8 {
      if byte < 0x20 || byte == 0x7F { return false }
      count += 1
    }
    return count >= 1 && count <= nameByteCountMax
  }
}
