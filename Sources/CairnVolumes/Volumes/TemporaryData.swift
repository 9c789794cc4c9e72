public import CairnBlocks
import CairnBytes

/// Bytes that a long piece of work lays aside on the device because they do not fit in memory. Nothing of them is part of
/// the volume: their space is free again when this goes, and after a crash.
public final class TemporaryData {
  private let volume: Volume
  private var reservation: ExtentReservation?
  private let pieces: [DataExtent]

  /// Writes bytes. Throws `readOnly` for a store that is open for reading, and `full`.
  public init(_ bytes: [UInt8], in volume: Volume) throws(StorageError) {
    self.volume = volume
    let blocks = DataExtent.blockCount(of: UInt64(bytes.count), blockByteCount: volume.blockByteCount)
    let reservation = try volume.transaction.core.device.reserveExtents(blockCount: blocks)
    var pieces: [DataExtent] = []
    var offset = 0
    for extent in reservation.extents where offset < bytes.count {
      let room = Int(extent.count) * volume.blockByteCount
      let count = min(room, bytes.count - offset)
      let digests = try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in
        try reservation.writeData(bytes.extracting(offset..<offset + count), at: extent.start)
      }
      pieces.append(DataExtent(extent: extent, byteCount: UInt64(count), digests: digests))
      offset += count
    }
    self.reservation = reservation
    self.pieces = pieces
  }

  /// Reads the bytes back.
  public func read() throws(StorageError) -> [UInt8] { try volume.readData(pieces) }
}
