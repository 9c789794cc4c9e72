package import CairnBlocks
package import CairnBytes

/// The keys of a transaction's staging tree. The first byte says what stands behind it; numbers are big-endian, so that
/// operations lie in the order in which they came.
///
///     key                           value
///     01 volume+1 number (8)        StagedOperation; volume+1 is 0 for the catalog, whose operations come first
///     02 identity (8)               RecordedRead; the identity is a hash of tree and range, so a read that is repeated
///                                   takes no second record
///     03 volume                     VolumeUse
///     04 number (8)                 HeldRange (prepared transactions)
enum StagingKey {
  static func operation(_ volume: VolumeID, _ number: UInt64) -> [UInt8] {
    [Tag.operation, volume.rawValue &+ 1] + bigEndian(number)
  }

  static func read(_ identity: UInt64) -> [UInt8] { [Tag.read] + bigEndian(identity) }
  static func use(_ volume: VolumeID) -> [UInt8] { [Tag.use, volume.rawValue] }
  static func hold(_ number: UInt64) -> [UInt8] { [Tag.hold] + bigEndian(number) }

  static let operations = KeyRange(low: [Tag.operation], high: [Tag.operation + 1])
  static let reads = KeyRange(low: [Tag.read], high: [Tag.read + 1])
  static let uses = KeyRange(low: [Tag.use], high: [Tag.use + 1])
  static let holds = KeyRange(low: [Tag.hold], high: [Tag.hold + 1])

  static func operations(of volume: VolumeID) -> KeyRange {
    let tag = volume.rawValue &+ 1
    return KeyRange(
      low: [Tag.operation, tag], high: tag == .max ? [Tag.operation + 1] : [Tag.operation, tag + 1])
  }

  /// The volume of an operation's key.
  static func operationVolume(_ key: [UInt8]) -> VolumeID? {
    guard key.count == 10, key[0] == Tag.operation else { return nil }
    return VolumeID(byte: key[1] &- 1)
  }

  /// The volume of a use's key.
  static func useVolume(_ key: [UInt8]) -> VolumeID? {
    guard key.count == 2, key[0] == Tag.use else { return nil }
    return VolumeID(byte: key[1])
  }

  private enum Tag {
    static let operation: UInt8 = 1
    static let read: UInt8 = 2
    static let use: UInt8 = 3
    static let hold: UInt8 = 4
  }
}

/// One staged operation: what the filesystem will be told at commit, and the data that it takes over then.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  flags: bit 0, the operation gives space back and may use the device's reserve
///          2     n  extents: varint count; each: varint start block, varint blocks
///                m  the operation, to the end
package struct StagedOperation: Equatable, Sendable {
  package var releasesSpace: Bool
  package var extents: [Extent]
  package var operation: [UInt8]

  package init(operation: [UInt8], extents: [Extent], releasesSpace: Bool) {
    self.operation = operation
    self.extents = extents
    self.releasesSpace = releasesSpace
  }

  private static let version: UInt8 = 1
  private static let releasesSpaceFlag: UInt8 = 1
}

extension StagedOperation {
  /// What it counts as against the bound of a transaction: its own bytes, and the blocks of its data.
  func byteCount(blockByteCount: Int) -> UInt64 {
    extents.reduce(UInt64(operation.count)) { adding(UInt64($1.count) * UInt64(blockByteCount), to: $0) }
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8(releasesSpace ? Self.releasesSpaceFlag : 0)
    writer.varint(UInt64(extents.count))
    for extent in extents {
      writer.varint(extent.start.rawValue)
      writer.varint(UInt64(extent.count))
    }
    writer.append(operation)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let flags = try reader.uint8()
    guard flags & ~Self.releasesSpaceFlag == 0 else { throw .malformed }
    releasesSpace = flags & Self.releasesSpaceFlag != 0
    let count = try reader.varint()
    // Each extent takes at least two bytes, so the count can not make this loop longer than the record.
    guard count <= UInt64(reader.remaining) else { throw .malformed }
    extents = []
    for _ in 0..<count { extents.append(try Extent(decoding: &reader)) }
    operation = try reader.bytes(count: reader.remaining)
  }
}

extension Extent {
  /// A run of blocks as two varints; it has at least one block.
  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    let start = try reader.varint()
    let count = try reader.varint()
    guard count > 0, count <= UInt64(UInt32.max), start <= .max - count else { throw .malformed }
    self.init(start: BlockNumber(start), count: UInt32(count))
  }
}

/// A range that a transaction read, and what was committed there then, without the transaction's own writes.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  flags: bit 0, the range has an end; bit 1, only the number of keys was read
///          2     1  volume
///          3     8  root block of the tree
///         11     8  digest: XXH64 over the entries of the range (length of key, u32; key; length of value, u64; value),
///                   or the number of keys
///         19     n  first key: varint length, the bytes
///                m  first key behind the range: varint length, the bytes; only with bit 0
package struct RecordedRead: Equatable, Sendable {
  package var volume: UInt8
  package var tree: BlockNumber
  package var low: [UInt8]
  package var high: [UInt8]?
  package var countsOnly: Bool
  package var digest: UInt64

  package init(volume: UInt8, tree: BlockNumber, low: [UInt8], high: [UInt8]?, countsOnly: Bool, digest: UInt64) {
    self.volume = volume
    self.tree = tree
    self.low = low
    self.high = high
    self.countsOnly = countsOnly
    self.digest = digest
  }

  private static let version: UInt8 = 1
  private static let endFlag: UInt8 = 1
  private static let countFlag: UInt8 = 2
  /// Most bytes of a bound: a key and the byte that makes its successor.
  static let boundByteCountMax = 2048
}

extension RecordedRead {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8((high == nil ? 0 : Self.endFlag) | (countsOnly ? Self.countFlag : 0))
    writer.uint8(volume)
    writer.uint64(tree.rawValue)
    writer.uint64(digest)
    writer.lengthPrefixed(low)
    if let high { writer.lengthPrefixed(high) }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let flags = try reader.uint8()
    guard flags & ~(Self.endFlag | Self.countFlag) == 0 else { throw .malformed }
    countsOnly = flags & Self.countFlag != 0
    volume = try reader.uint8()
    tree = BlockNumber(try reader.uint64())
    digest = try reader.uint64()
    low = try reader.lengthPrefixed(limit: Self.boundByteCountMax)
    high = flags & Self.endFlag == 0 ? nil : try reader.lengthPrefixed(limit: Self.boundByteCountMax)
    try reader.finish()
  }
}

/// Which life and which definition of a volume a transaction relies on.
///
///     offset  size  field
///          0     8  incarnation
///          8     8  definition
package struct VolumeUse: Equatable, Sendable {
  package var incarnation: UInt64
  package var definition: UInt64

  package init(incarnation: UInt64, definition: UInt64) {
    self.incarnation = incarnation
    self.definition = definition
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint64(incarnation)
    writer.uint64(definition)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    incarnation = try reader.uint64()
    definition = try reader.uint64()
    try reader.finish()
  }
}

/// A range that a prepared transaction holds until it ends.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  flags: bit 0, the range has an end; bit 1, the transaction will write there
///          2     1  volume
///          3     8  root block of the tree
///         11     n  first key: varint length, the bytes
///                m  first key behind the range: varint length, the bytes; only with bit 0
package struct HeldRange: Equatable, Sendable {
  package var volume: UInt8
  package var tree: BlockNumber
  package var low: [UInt8]
  package var high: [UInt8]?
  package var isWrite: Bool

  package init(volume: UInt8, tree: BlockNumber, low: [UInt8], high: [UInt8]?, isWrite: Bool) {
    self.volume = volume
    self.tree = tree
    self.low = low
    self.high = high
    self.isWrite = isWrite
  }

  private static let version: UInt8 = 1
  private static let endFlag: UInt8 = 1
  private static let writeFlag: UInt8 = 2
}

extension HeldRange {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint8((high == nil ? 0 : Self.endFlag) | (isWrite ? Self.writeFlag : 0))
    writer.uint8(volume)
    writer.uint64(tree.rawValue)
    writer.lengthPrefixed(low)
    if let high { writer.lengthPrefixed(high) }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let flags = try reader.uint8()
    guard flags & ~(Self.endFlag | Self.writeFlag) == 0 else { throw .malformed }
    isWrite = flags & Self.writeFlag != 0
    volume = try reader.uint8()
    tree = BlockNumber(try reader.uint64())
    low = try reader.lengthPrefixed(limit: RecordedRead.boundByteCountMax)
    high = flags & Self.endFlag == 0 ? nil : try reader.lengthPrefixed(limit: RecordedRead.boundByteCountMax)
    try reader.finish()
  }
}
