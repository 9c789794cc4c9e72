package import CairnBytes

/// Long work that was begun and is done step by step (`Store.step`), as the catalog keeps it: what is to be done, and how far it
/// came. Both belong to the filesystem of its volume. The commit of each step carries the cursor along with the step's changes.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  volume
///          2     8  which of all volumes that ever were: with another one of the same number, the work is void
///         10     8  when it began, nanoseconds since 1970
///         18     8  steps that were done
///         26     n  who began it: varint length (0: the owner of the store), the bytes
///                m  what is to be done: varint length, the bytes
///                k  cursor: varint length (0: nothing was done yet), the bytes
package struct WorkRecord: Equatable, Sendable {
  package var volume: VolumeID
  package var incarnation: UInt64
  package var beganAt: UInt64
  package var stepCount: UInt64 = 0
  package var principal: Principal?
  package var work: [UInt8]
  package var cursor: [UInt8] = []

  package init(volume: VolumeID, incarnation: UInt64, beganAt: UInt64, principal: Principal?, work: [UInt8]) {
    self.volume = volume
    self.incarnation = incarnation
    self.beganAt = beganAt
    self.principal = principal
    self.work = work
  }

  /// Most bytes that say what is to be done.
  package static let workByteCountMax = 16384
  /// Most bytes of a cursor.
  package static let cursorByteCountMax = 16384

  private static let version: UInt8 = 1
}

extension WorkRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(volume.rawValue)
    writer.uint64(incarnation)
    writer.uint64(beganAt)
    writer.uint64(stepCount)
    writer.lengthPrefixed(principal?.bytes ?? [])
    writer.lengthPrefixed(work)
    writer.lengthPrefixed(cursor)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version, let volume = VolumeID(rawValue: try reader.uint8()), volume != .catalog
    else { throw .malformed }
    self.volume = volume
    incarnation = try reader.uint64()
    beganAt = try reader.uint64()
    stepCount = try reader.uint64()
    principal = Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax))
    work = try reader.lengthPrefixed(limit: Self.workByteCountMax)
    cursor = try reader.lengthPrefixed(limit: Self.cursorByteCountMax)
    try reader.finish()
  }
}
