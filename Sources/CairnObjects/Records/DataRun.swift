package import CairnBytes
package import CairnVolumes

/// Where up to 1 MiB of an object's contents lie: usually in one piece, in more where free space is scattered.
///
/// All runs of an object but the last hold exactly 1 MiB, so that the run of any offset is found at once.
///
///     varint   pieces, at least 1
///     n        DataExtent, for each piece: where, how many bytes, a digest for each 64 KiB of it
package struct DataRun: Equatable, Sendable {
  package var pieces: [DataExtent]

  package init(_ pieces: [DataExtent]) { self.pieces = pieces }

  /// Bytes in all pieces.
  package var byteCount: UInt64 {
    var total: UInt64 = 0
    for piece in pieces { total += piece.byteCount }
    return total
  }
}

extension DataRun {
  package func encode(into writer: inout ByteWriter) {
    writer.varint(UInt64(pieces.count))
    for piece in pieces { piece.encode(into: &writer) }
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    encode(into: &writer)
    return writer.bytes
  }

  /// Reads a run. Its pieces have at least one byte each and not more than a run's together.
  package init(decoding reader: inout ByteReader, blockByteCount: Int) throws(ByteReader.Failure) {
    let count = try reader.varint()
    // Each piece takes more than a byte, so the count can not make this loop longer than the record.
    guard count > 0, count <= UInt64(reader.remaining) else { throw .malformed }
    var pieces: [DataExtent] = []
    var room = UInt64(ObjectLimits.runByteCount)
    for _ in 0..<count {
      let piece = try DataExtent(decoding: &reader, blockByteCount: blockByteCount)
      guard piece.byteCount <= room else { throw .malformed }
      room -= piece.byteCount
      pieces.append(piece)
    }
    self.pieces = pieces
  }

  package init(decoding bytes: [UInt8], blockByteCount: Int) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    try self.init(decoding: &reader, blockByteCount: blockByteCount)
    try reader.finish()
  }
}
