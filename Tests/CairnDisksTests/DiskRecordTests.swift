import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnDisks

@Suite("Records of disks")
struct DiskRecordTests {
  struct Sample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let golden: [UInt8]
    let encoded: [UInt8]
    let recode: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8]
  }

  static let entry = DiskEntry([
    DataExtent(extent: Extent(start: BlockNumber(300), count: 1), byteCount: 4096, digests: [0x0102])
  ])

  static let entryBytes: [UInt8] = [1, 1, 0xAC, 2, 0x80, 0x20, 2, 1, 0, 0, 0, 0, 0, 0]

  static let recodeOperation: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in try DiskOperation(decoding: bytes, deviceBlockByteCount: 4096).encoded
  }

  static let samples: [Sample] = [
    Sample(
      testDescription: "DiskGeometry", golden: [1, 0, 0, 0, 0, 0x10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0],
      encoded: (try? DiskGeometry(blockCount: 5))?.encoded ?? [],
      recode: { (bytes) throws(ByteReader.Failure) in try DiskGeometry(decoding: bytes).encoded }),
    Sample(
      testDescription: "DiskEntry", golden: entryBytes, encoded: entry.encoded,
      recode: { (bytes) throws(ByteReader.Failure) in
        try DiskEntry(decoding: bytes, deviceBlockByteCount: 4096).encoded
      }),
    Sample(
      testDescription: "DiskOperation, write", golden: [1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 2] + entryBytes + entryBytes,
      encoded: DiskOperation.write(first: 7, [entry, entry]).encoded, recode: recodeOperation),
    Sample(
      testDescription: "DiskOperation, trim", golden: [1, 2, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0],
      encoded: DiskOperation.trim(7..<9).encoded, recode: recodeOperation),
    Sample(
      testDescription: "DiskOperation, resize", golden: [1, 3, 7, 0, 0, 0, 0, 0, 0, 0],
      encoded: DiskOperation.resize(blockCount: 7).encoded, recode: recodeOperation),
  ]

  @Test("have these bytes, and read back", arguments: samples)
  func golden(_ sample: Sample) throws {
    #expect(sample.encoded == sample.golden)
    #expect(try sample.recode(sample.encoded) == sample.encoded)
  }

  @Test("with any flipped bit are refused, or are another record with exactly these bytes", arguments: samples)
  func flippedBits(_ sample: Sample) {
    for bit in 0..<sample.encoded.count * 8 {
      var bytes = sample.encoded
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if let recoded = try? sample.recode(bytes) { #expect(recoded == bytes, "bit \(bit)") }
    }
  }

  @Test("cut off anywhere, or with a byte too many, are refused", arguments: samples)
  func truncations(_ sample: Sample) {
    for count in 0..<sample.encoded.count {
      #expect(throws: ByteReader.Failure.self) { try sample.recode(Array(sample.encoded[..<count])) }
    }
    #expect(throws: ByteReader.Failure.self) { try sample.recode(sample.encoded + [0]) }
  }

  @Test("of impossible disks are refused")
  func impossible() {
    for (count, size) in [(UInt64(1), 0), (1, 256), (1, 3000), (1, 131_072), (1 << 60, 4096), (1, -4096)] {
      #expect(throws: StorageError.self) { try DiskGeometry(blockCount: count, blockByteCount: size) }
    }
    #expect(throws: ByteReader.Failure.malformed) {
      try Self.recodeOperation([1, 2, 9, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])
    }
  }

  @Test("have keys in the order of their blocks")
  func keys() {
    #expect(DiskKey.block(0x0102) == [1, 0, 0, 0, 0, 0, 0, 1, 2])
    #expect(DiskKey.number(DiskKey.block(.max)) == .max)
    #expect(DiskKey.number([0]) == nil)
    #expect(DiskKey.number([2, 0, 0, 0, 0, 0, 0, 1, 2]) == nil)
  }
}
