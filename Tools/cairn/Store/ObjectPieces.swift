internal import CairnBlocks
internal import CairnBytes
internal import CairnObjects

/// The bytes of an object, or of a part of it, piece by piece.
struct ObjectPieces {
  private let reader: ObjectReader
  private var range: Range<UInt64>

  /// Bytes of a piece.
  private static let byteCount: UInt64 = 1 << 20

  /// The bytes of `range`, which lies inside the object.
  init(_ reader: ObjectReader, _ range: Range<UInt64>) {
    self.reader = reader
    self.range = range
  }

  /// The whole object.
  init(_ reader: ObjectReader) {
    self.init(reader, 0..<reader.info.size)
  }

  /// The next piece, verified; nil behind the last.
  mutating func next() throws(StorageError) -> [UInt8]? {
    guard !range.isEmpty else { return nil }
    let end = min(range.upperBound, range.lowerBound + Self.byteCount)
    var piece: [UInt8] = []
    piece.reserveCapacity(Int(end - range.lowerBound))
    try reader.read(range.lowerBound..<end) { bytes throws(StorageError) in
      BulkCopy.append(bytes, to: &piece)
    }
    range = end..<range.upperBound
    return piece
  }
}
