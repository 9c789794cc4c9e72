package import CairnBytes
package import CairnVolumes

/// The keys of a disk's one tree.
///
///     key                              value
///     00                               DiskGeometry
///     01 block number (8, big-endian)  DiskEntry; a block without one is zeros
package enum DiskKey {
  package static let geometry: [UInt8] = [0]
  private static let space: UInt8 = 1

  /// A block of the disk.
  package static func block(_ number: UInt64) -> [UInt8] {
    var key: [UInt8] = [space]
    KeyEncoding.append(number, to: &key)
    return key
  }

  /// The number of a block's key.
  package static func number(_ key: [UInt8]) -> UInt64? {
    guard key.count == 9, key[0] == space else { return nil }
    var number: UInt64 = 0
    for byte in key[1...] { number = number << 8 | UInt64(byte) }
    return number
  }

  /// The keys of a range of blocks.
  package static func range(_ blocks: Range<UInt64>) -> (from: [UInt8], to: [UInt8]) {
    (block(blocks.lowerBound), block(blocks.upperBound))
  }
}

/// Where the contents of one block of the disk are on the device, and what they must be: nearly always in one piece, in
/// more where a disk's block takes several of the device's and free space is scattered.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     n  pieces: varint count, at least 1; each: DataExtent (start, bytes, digest)
package struct DiskEntry: Equatable, Sendable {
  package var pieces: [DataExtent]

  package init(_ pieces: [DataExtent]) { self.pieces = pieces }

  private static let version: UInt8 = 1
}

extension DiskEntry {
  package func encode(into writer: inout ByteWriter) {
    writer.uint8(Self.version)
    writer.varint(UInt64(pieces.count))
    for piece in pieces { piece.encode(into: &writer) }
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    encode(into: &writer)
    return writer.bytes
  }

  /// Bytes in all pieces: as many as a block of the disk has.
  package var byteCount: UInt64 {
    var total: UInt64 = 0
    for piece in pieces { total += piece.byteCount }
    return total
  }

  package init(
    decoding reader: inout ByteReader, deviceBlockByteCount: Int
  ) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    let count = try reader.varint()
    guard count <= UInt64(reader.remaining) else { throw .malformed }
    var pieces: [DataExtent] = []
    var room = UInt64(DiskGeometry.blockByteCounts.upperBound)
    for _ in 0..<count {
      let piece = try DataExtent(decoding: &reader, blockByteCount: deviceBlockByteCount)
      guard piece.byteCount <= room else { throw .malformed }
      room -= piece.byteCount
      pieces.append(piece)
    }
    self.pieces = pieces
  }

  package init(decoding bytes: [UInt8], deviceBlockByteCount: Int) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    try self.init(decoding: &reader, deviceBlockByteCount: deviceBlockByteCount)
    try reader.finish()
  }
}

/// A change of a disk, as a multi-call transaction stages it.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  1 write, 2 trim, 3 resize
///          2     8  write and trim: the first block; resize: blocks
///                   write:
///         10     n  entries: varint count; each: DiskEntry of the next block
///                   trim:
///         10     8  the first block behind
package enum DiskOperation: Equatable, Sendable {
  case write(first: UInt64, [DiskEntry])
  case trim(Range<UInt64>)
  case resize(blockCount: UInt64)

  private static let version: UInt8 = 1

  private enum Code {
    static let write: UInt8 = 1
    static let trim: UInt8 = 2
    static let resize: UInt8 = 3
  }
}

extension DiskOperation {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch self {
    case .write(let first, let entries):
      writer.uint8(Code.write)
      writer.uint64(first)
      writer.varint(UInt64(entries.count))
      for entry in entries { entry.encode(into: &writer) }
    case .trim(let blocks):
      writer.uint8(Code.trim)
      writer.uint64(blocks.lowerBound)
      writer.uint64(blocks.upperBound)
    case .resize(let blockCount):
      writer.uint8(Code.resize)
      writer.uint64(blockCount)
    }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8], deviceBlockByteCount: Int) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let code = try reader.uint8()
    let first = try reader.uint64()
    switch code {
    case Code.write:
      let count = try reader.varint()
      guard count <= UInt64(reader.remaining), first <= .max - count else { throw .malformed }
      var entries: [DiskEntry] = []
      for _ in 0..<count {
        entries.append(
          try DiskEntry(decoding: &reader, deviceBlockByteCount: deviceBlockByteCount))
      }
      self = .write(first: first, entries)
    case Code.trim:
      let end = try reader.uint64()
      guard first <= end else { throw .malformed }
      self = .trim(first..<end)
    case Code.resize: self = .resize(blockCount: first)
    default: throw .malformed
    }
    try reader.finish()
  }
}
