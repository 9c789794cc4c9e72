import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

// Images changed behind the device's back.

extension [UInt8] {
  /// The bytes of a block.
  func block(_ number: UInt64, blockByteCount: Int = 512) -> [UInt8] {
    Array(self[Int(number) * blockByteCount..<(Int(number) + 1) * blockByteCount])
  }

  /// With other bytes from an offset on.
  func replacing(at offset: Int, with bytes: [UInt8]) -> [UInt8] {
    var image = self
    image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return image
  }

  /// With a block put elsewhere, or that of another image put in.
  func replacing(block number: UInt64, with bytes: [UInt8]) -> [UInt8] {
    replacing(at: Int(number) * bytes.count, with: bytes)
  }

  /// With a field of a superblock changed and its checksum made right again.
  func forgingSuperblock(at block: UInt64, blockByteCount: Int = 512, field: Int, _ value: UInt32) -> [UInt8] {
    var image = self
    let start = Int(block) * blockByteCount
    var span = image.mutableSpan
    LittleEndian.store(value, in: &span, at: start + field)
    let checksum = CRC32.checksum(span.span.extracting(start + 12..<start + 512))
    LittleEndian.store(checksum, in: &span, at: start + 8)
    return image
  }

  /// With bytes of a metadata block changed and its checksum made right again.
  func forgingBlock(_ number: UInt64, blockByteCount: Int = 512, at offset: Int, _ value: UInt64) -> [UInt8] {
    var image = self
    let start = Int(number) * blockByteCount
    var span = image.mutableSpan
    LittleEndian.store(value, in: &span, at: start + offset)
    let checksum = CRC32.checksum(span.span.extracting(start + 4..<start + blockByteCount))
    LittleEndian.store(checksum, in: &span, at: start)
    return image
  }
}

/// The layout of a test's device.
func layout(of format: FormatOptions, pageCount: UInt64 = 4) throws(StorageError) -> DeviceLayout {
  try DeviceLayout(
    options: format, byteCount: pageCount * MemoryPage.byteCount, guarantees: .sectors(byteCount: 512))
}
