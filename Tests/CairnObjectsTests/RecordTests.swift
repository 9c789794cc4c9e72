import CairnBlocks
import CairnBytes
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("Records of the object store")
struct RecordTests {
  /// A record: its bytes as they must be on the device, and what decodes and encodes them again.
  struct Sample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let golden: String
    let encoded: [UInt8]
    let recode: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8]
  }

  static let piece = DataExtent(
    extent: Extent(start: BlockNumber(300), count: 17), byteCount: 65537, digests: [1, 0x0203])

  static let inlineRecord = ObjectRecord(
    size: 3, modified: 9, tag: .derived(0x0102_0304_0506_0708), contentType: [0x61],
    metadata: ["k": "v"], checksums: [], contents: .inline([7, 8, 9]))

  static let runRecord = ObjectRecord(
    size: 65537, modified: 10, tag: .given(Array("e1".utf8)), contentType: [], metadata: [:],
    checksums: [ObjectRecord.Checksum(algorithm: Array("C".utf8), value: Array("v".utf8))],
    contents: .run(DataRun([piece])))

  static let indexedRecord = ObjectRecord(
    size: 1 << 21, modified: 11, tag: .derived(1), contentType: [], metadata: [:], checksums: [],
    contents: .indexed(id: 77))

  static let putOperation = ObjectOperation.put(
    ObjectPut(
      bucket: "b", key: [1, 2],
      conditions: ObjectConditions(
        ifMatch: .tags(["x", "yz"]), ifNoneMatch: .any, ifModifiedSince: nil, ifUnmodifiedSince: 5),
      record: ObjectRecord(
        size: 65537, modified: 1, tag: .derived(2), contentType: [], metadata: [:], checksums: [],
        contents: .indexed(id: 300)),
      runs: [DataRun([piece])]))

  static let source = ObjectWork.Source(volume: 5, incarnation: 6, bucket: "s")
  static let sourceText = "05" + "0600000000000000" + "0173"

  static let pieceText = "ac02" + "818004" + "0100000000000000" + "0302000000000000"

  static let samples: [Sample] = [
    Sample(
      testDescription: "VolumeHeader",
      golden: "0100000000000000" + "0500000000000000" + "0600000000000000",
      encoded: VolumeHeader(objects: 5, data: 6).encoded,
      recode: { (bytes) throws(ByteReader.Failure) in try VolumeHeader(decoding: bytes).encoded }),
    Sample(
      testDescription: "BucketRecord", golden: "01000000" + "07000000" + "0102000000000000",
      encoded: BucketRecord(id: 7, created: 0x0201).encoded,
      recode: { (bytes) throws(ByteReader.Failure) in try BucketRecord(decoding: bytes).encoded }),
    Sample(
      testDescription: "DataRun", golden: "01" + pieceText, encoded: DataRun([piece]).encoded,
      recode: { (bytes) throws(ByteReader.Failure) in try DataRun(decoding: bytes, blockByteCount: 4096).encoded }),
    Sample(
      testDescription: "ObjectRecord, inline",
      golden: "01000000" + "0300000000000000" + "0900000000000000" + "0807060504030201" + "0161" + "01016b0176" + "00"
        + "070809",
      encoded: inlineRecord.encoded, recode: recodeObject),
    Sample(
      testDescription: "ObjectRecord, run",
      golden: "01010100" + "0100010000000000" + "0a00000000000000" + "026531" + "00" + "00" + "0101430176" + "01"
        + pieceText,
      encoded: runRecord.encoded, recode: recodeObject),
    Sample(
      testDescription: "ObjectRecord, indexed",
      golden: "01020000" + "0000200000000000" + "0b00000000000000" + "0100000000000000" + "000000" + "4d00000000000000",
      encoded: indexedRecord.encoded, recode: recodeObject),
    Sample(
      testDescription: "ObjectOperation, create bucket", golden: "0101" + "0162" + "0300000000000000",
      encoded: ObjectOperation.createBucket("b", created: 3).encoded, recode: recodeOperation),
    Sample(
      testDescription: "ObjectOperation, delete bucket", golden: "0102" + "03c3a462",
      encoded: ObjectOperation.deleteBucket("\u{E4}b").encoded, recode: recodeOperation),
    Sample(
      testDescription: "ObjectOperation, put",
      golden: "0103" + "0162" + "020102" + "2d" + "020178" + "02797a" + "0500000000000000"
        + "27" + "01020000" + "0100010000000000" + "0100000000000000" + "0200000000000000" + "000000"
        + "2c01000000000000"
        + "01" + "16" + "01" + pieceText,
      encoded: putOperation.encoded, recode: recodeOperation),
    Sample(
      testDescription: "ObjectOperation, delete", golden: "0104" + "0162" + "016b" + "10" + "0400000000000000",
      encoded: ObjectOperation.delete(bucket: "b", key: [0x6B], ObjectConditions(ifModifiedSince: 4)).encoded,
      recode: recodeOperation),
    Sample(
      testDescription: "ObjectWork, delete objects", golden: "0101" + "0162" + "020102",
      encoded: ObjectWork.deleteAll(bucket: "b", prefix: [1, 2]).encoded, recode: recodeWork),
    Sample(
      testDescription: "ObjectWork, delete bucket", golden: "0102" + "0162" + "00",
      encoded: ObjectWork.deleteBucket("b").encoded, recode: recodeWork),
    Sample(
      testDescription: "ObjectWork, copy objects", golden: "0103" + "0162" + "0109" + sourceText,
      encoded: ObjectWork.copyAll(bucket: "b", prefix: [9], from: source).encoded, recode: recodeWork),
    Sample(
      testDescription: "ObjectWork, copy one object", golden: "0104" + "0162" + "0109" + sourceText + "020807",
      encoded: ObjectWork.copy(bucket: "b", key: [9], from: source, sourceKey: [8, 7]).encoded,
      recode: recodeWork),
    Sample(
      testDescription: "CopyCursor, between two objects", golden: "01" + "020102" + "00",
      encoded: copyCursor(nil).encoded, recode: recodeCursor),
    Sample(
      testDescription: "CopyCursor, within one",
      golden: "01" + "020102" + "01" + "0103" + "2c01000000000000" + "0000200000000000" + "0100200000000000"
        + "0900000000000000" + "026531",
      encoded: copyCursor(
        CopyCursor.Part(
          key: [3], id: 300, byteCount: 2 << 20, size: 2 << 20 + 1, modified: 9, etag: Array("e1".utf8))
      ).encoded, recode: recodeCursor),
    Sample(
      testDescription: "UnfinishedContents", golden: "0100000000000000" + "0000300000000000",
      encoded: UnfinishedContents(byteCount: 3 << 20).encoded,
      recode: { (bytes) throws(ByteReader.Failure) in try UnfinishedContents(decoding: bytes).encoded }),
    Sample(
      testDescription: "ObjectOperation, add to contents",
      golden: "0105" + "00" + "2c01000000000000" + "0000200000000000" + "01" + "16" + "01" + pieceText,
      encoded: ObjectOperation.addContents(id: 300, offset: 2 << 20, [DataRun([piece])]).encoded,
      recode: recodeOperation),
    Sample(
      testDescription: "ObjectOperation, give contents back", golden: "0106" + "00" + "2c01000000000000",
      encoded: ObjectOperation.giveBackContents(id: 300).encoded, recode: recodeOperation),
  ]

  static func copyCursor(_ part: CopyCursor.Part?) -> CopyCursor {
    var cursor = CopyCursor()
    cursor.last = [1, 2]
    cursor.part = part
    return cursor
  }

  static let recodeCursor: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in
    var reader = ByteReader(bytes)
    let cursor = try CopyCursor(decoding: &reader)
    try reader.finish()
    return cursor.encoded
  }

  static let recodeWork: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in
    var reader = ByteReader(bytes)
    let work = try ObjectWork(decoding: &reader)
    try reader.finish()
    return work.encoded
  }

  static let recodeObject: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in try ObjectRecord(decoding: bytes, blockByteCount: 4096).encoded
  }

  static let recodeOperation: @Sendable ([UInt8]) throws(ByteReader.Failure) -> [UInt8] = {
    (bytes) throws(ByteReader.Failure) in try ObjectOperation(decoding: bytes, blockByteCount: 4096).encoded
  }

  @Test("have these bytes, and read back", arguments: samples)
  func golden(_ sample: Sample) throws {
    #expect(hexadecimal(sample.encoded) == sample.golden)
    #expect(try sample.recode(sample.encoded) == sample.encoded)
  }

  @Test("with any flipped bit are refused, or are another record with exactly these bytes", arguments: samples)
  func flippedBits(_ sample: Sample) {
    var refused = 0
    for bit in 0..<sample.encoded.count * 8 {
      var bytes = sample.encoded
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let recoded = try? sample.recode(bytes) else {
        refused += 1
        continue
      }
      #expect(recoded == bytes, "bit \(bit)")
    }
    #expect(refused > 0)
  }

  @Test("cut off anywhere, or with a byte too many, are refused", arguments: samples)
  func truncations(_ sample: Sample) {
    for count in 0..<sample.encoded.count {
      // Inline contents end with the record: their length must be the size.
      #expect(throws: ByteReader.Failure.self) { try sample.recode(Array(sample.encoded[..<count])) }
    }
    #expect(throws: ByteReader.Failure.self) { try sample.recode(sample.encoded + [0]) }
  }

  @Test("never trap on bytes that nobody wrote", arguments: samples)
  func noise(_ sample: Sample) {
    var state: UInt64 = 42
    for _ in 0..<2000 {
      var bytes = sample.encoded
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 24)
      }
      if let recoded = try? sample.recode(bytes) { #expect(recoded == bytes) }
    }
  }

  @Test("refuse what no writer makes")
  func malformed() {
    var record = Self.inlineRecord
    record.size = 4
    #expect(throws: ByteReader.Failure.malformed) { try Self.recodeObject(record.encoded) }
    record = Self.indexedRecord
    record.size = 0
    #expect(throws: ByteReader.Failure.malformed) { try Self.recodeObject(record.encoded) }
    record.size = .max
    #expect(throws: ByteReader.Failure.malformed) { try Self.recodeObject(record.encoded) }
    record = Self.runRecord
    record.contents = .run(DataRun([]))
    #expect(throws: ByteReader.Failure.malformed) { try Self.recodeObject(record.encoded) }
    let large = DataExtent(
      extent: Extent(start: BlockNumber(1), count: 257), byteCount: (1 << 20) + 1,
      digests: [UInt64](repeating: 0, count: 17))
    #expect(throws: ByteReader.Failure.malformed) {
      try DataRun(decoding: DataRun([large]).encoded, blockByteCount: 4096)
    }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { Hexadecimal.text(UInt64($0), digitCount: 2) }.joined()
  }
}

@Suite("Keys of the trees")
struct TreeKeyTests {
  @Test("have these bytes")
  func golden() {
    #expect(TreeKey.bucket("ab") == [1, 0x61, 0x62])
    #expect(TreeKey.object(0x0102_0304, [9, 8]) == [1, 1, 2, 3, 4, 9, 8])
    #expect(
      TreeKey.run(0x0102_0304_0506_0708, offset: 1 << 20) == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0x10, 0, 0])
    #expect(TreeKey.header == [0] && TreeKey.nextBucketID == [2])
  }

  @Test("read back")
  func roundTrip() {
    #expect(TreeKey.bucketName(TreeKey.bucket("ab")) == [0x61, 0x62])
    #expect(TreeKey.bucketName([1]) == nil)
    #expect(TreeKey.bucketName([]) == nil)
    let object = TreeKey.splitObject(TreeKey.object(.max, [1]))
    #expect(object?.bucket == .max && object?.key == [1])
    #expect(TreeKey.splitObject([2, 0, 0, 0, 1, 1]) == nil)
    #expect(TreeKey.splitObject([1, 0]) == nil)
    let run = TreeKey.splitRun(TreeKey.run(.max, offset: 3))
    #expect(run?.id == .max && run?.offset == 3)
    #expect(TreeKey.splitRun([1]) == nil)
  }

  @Test("successors of prefixes")
  func successors() {
    #expect(TreeKey.successor(ofPrefix: [1, 2]) == [1, 3])
    #expect(TreeKey.successor(ofPrefix: [1, 255, 255]) == [2])
    #expect(TreeKey.successor(ofPrefix: [255]) == nil)
    #expect(TreeKey.successor(ofPrefix: []) == nil)
    #expect(TreeKey.runs(of: .max).to == nil)
  }

  @Test("an object's key shows its text, or escapes")
  func descriptions() {
    #expect(ObjectKey("a/\u{E4}").description == "a/\u{E4}")
    #expect(ObjectKey([0x61, 0xFF, 0x0A]).description == "a\\xff\\x0a")
    #expect(ObjectKey("a\\b").description == "a\\\\b")
    #expect(ObjectKey([1]) < ObjectKey([1, 0]))
    #expect(ObjectKey([2]) > ObjectKey([1, 255]))
  }
}
