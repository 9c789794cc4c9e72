public import CairnBlocks
import CairnBytes

/// Bytes that a long piece of work lays aside on the device because they do not fit in memory. Nothing of them is part of
/// the volume: their space is free again when this goes, at the latest with its transaction, and after a crash.
public final class TemporaryData {
  private let volume: Volume
  /// Room that was taken beside all transactions, for a read.
  private var reservation: ExtentReservation?
  /// Room that the transaction took, for one that writes: it has the device's only writer, and a reservation that finds no
  /// room would wait for that.
  private var extents: [Extent] = []
  private let pieces: [DataExtent]

  /// Writes bytes. Throws `readOnly` for a store that is open for reading, and `full`.
  public init(_ bytes: [UInt8], in volume: Volume) throws(StorageError) {
    self.volume = volume
    let blocks = DataExtent.blockCount(of: UInt64(bytes.count), blockByteCount: volume.blockByteCount)
    let room: [Extent]
    var reservation: ExtentReservation?
    if volume.isWritable {
      room = try volume.allocateTemporary(blockCount: blocks)
    } else {
      let reserved = try volume.transaction.core.device.reserveExtents(blockCount: blocks)
      room = reserved.extents
      reservation = reserved
    }
    var pieces: [DataExtent] = []
    var offset = 0
    for extent in room where offset < bytes.count {
      let count = min(Int(extent.count) * volume.blockByteCount, bytes.count - offset)
      let digests = try BulkCopy.withRawSpan(of: bytes) { (bytes) throws(StorageError) in
        let part = bytes.extracting(offset..<offset + count)
        if let reservation { return try reservation.writeData(part, at: extent.start) }
        return try volume.writeData(part, at: extent.start)
      }
      pieces.append(DataExtent(extent: extent, byteCount: UInt64(count), digests: digests))
      offset += count
    }
    self.reservation = reservation
    if reservation == nil { extents = room }
    self.pieces = pieces
  }

  deinit {
    if volume.filesystem.erasesFreedSpace { reservation?.erase() }
    if !extents.isEmpty { volume.discardTemporary(extents) }
  }

  /// Reads the bytes back.
  public func read() throws(StorageError) -> [UInt8] { try volume.readData(pieces) }
}
