import CairnBlocks
import CairnBytes
import Testing

@testable import CairnMaps

@Suite("Records of maps")
struct MapRecordTests {
  struct Sample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let golden: [UInt8]
    let encoded: [UInt8]
    let recode: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8]
  }

  static let recodeOperation: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in
    var reader = ByteReader(bytes)
    let operation = try MapOperation(decoding: &reader)
    try reader.finish()
    return operation.encoded
  }

  static let samples: [Sample] = [
    Sample(
      testDescription: "MapHeader", golden: [1, 0x2C, 1, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x62],
      encoded: MapHeader(entries: BlockNumber(300), definition: [0x61, 0x62]).encoded,
      recode: { (bytes) throws(ByteReader.Failure) in
        var reader = ByteReader(bytes)
        let header = try MapHeader(decoding: &reader)
        try reader.finish()
        return header.encoded
      }),
    Sample(
      testDescription: "MapOperation, put", golden: [1, 1, 2, 7, 8, 9],
      encoded: MapOperation.put(key: [7, 8], value: [9]).encoded, recode: recodeOperation),
    Sample(
      testDescription: "MapOperation, delete", golden: [1, 2, 7, 8], encoded: MapOperation.delete(key: [7, 8]).encoded,
      recode: recodeOperation),
    Sample(
      testDescription: "MapOperation, delete a range", golden: [1, 3, 3, 1, 7, 2, 8, 9, 0xAC, 2],
      encoded: MapOperation.deleteRange(from: [7], to: [8, 9], limit: 300).encoded, recode: recodeOperation),
    Sample(
      testDescription: "MapOperation, delete everything", golden: [1, 3, 0, 0],
      encoded: MapOperation.deleteRange(from: [], to: nil, limit: nil).encoded, recode: recodeOperation),
  ]

  @Test("have these bytes, and read back", arguments: samples)
  func golden(_ sample: Sample) throws {
    #expect(sample.encoded == sample.golden)
    #expect(try sample.recode(sample.golden) == sample.golden)
  }

  @Test("no flipped bit and no truncation is taken for something else", arguments: samples)
  func damage(_ sample: Sample) {
    for bit in 0..<sample.golden.count * 8 {
      var bytes = sample.golden
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      // Not every flip can be told, but what is read must be what the bytes say.
      if let recoded = try? sample.recode(bytes) { #expect(recoded == bytes) }
    }
    for count in 0..<sample.golden.count {
      let bytes = Array(sample.golden[..<count])
      if let recoded = try? sample.recode(bytes) { #expect(recoded == bytes) }
    }
  }
}
