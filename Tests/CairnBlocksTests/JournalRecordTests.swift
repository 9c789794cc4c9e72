import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnBlocks

/// The commit record that several suites look at.
enum SampleCommit {
  static let record = CommitRecord(
    annotation: CommitAnnotation(
      event: .commit, transaction: 9, principal: Array("bob".utf8), time: 0x12_3456_7890),
    changeCount: 150, changeRecordCount: 2, changesDigest: 0x0807_0605_0403_0201,
    external: [
      ExternalData(start: 200, byteCount: 65537, digests: [0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB]),
      ExternalData(start: 300, byteCount: 1, digests: [0xCCCC_CCCC_CCCC_CCCC]),
    ])

  static let payload = hex(
    """
    90 78 56 34 12 00 00 00  09 00 00 00 00 00 00 00  04  03 62 6F 62
    96 01  02  01 02 03 04 05 06 07 08
    02
    C8 01  81 80 04  AA AA AA AA AA AA AA AA  BB BB BB BB BB BB BB BB
    AC 02  01        CC CC CC CC CC CC CC CC
    """)
}

@Suite("Journal record")
struct JournalRecordTests {
  private static let epoch: UInt64 = 0x0E0E_0E0E_0E0E_0E01

  private static let golden =
    hex(
      """
      94 34 49 18  69 00 00 00  01 0E 0E 0E 0E 0E 0E 0E  64 00 00 00 00 00 00 00
      32 00 00 00 00 00 00 00  BE BA FE CA  52 43  03  00
      """) + SampleCommit.payload

  @Test("has the bytes of its table")
  func golden() throws {
    var bytes = [UInt8](repeating: 0xEE, count: 40) + SampleCommit.payload
    var span = bytes.mutableSpan
    let checksum = JournalRecord.seal(
      &span, kind: .commit, epoch: Self.epoch, sequence: 100, flushNumber: 50, previousChecksum: 0xCAFE_BABE)
    #expect(bytes == Self.golden)
    let verified = JournalRecord(verifying: bytes.span)
    let record = try #require(verified)
    #expect(record.checksum == checksum && checksum == 0x1849_3494)
    #expect(record.byteCount == 105 && record.kind == .commit && record.epoch == Self.epoch)
    #expect(record.sequence == 100 && record.flushNumber == 50 && record.previousChecksum == 0xCAFE_BABE)
    #expect(JournalRecord.claimedByteCount(bytes.span) == 105)
    #expect(JournalRecord.stride(105) == 112 && JournalRecord.stride(112) == 112)
  }

  @Test("rejects every single flipped bit")
  func flippedBits() {
    for bit in 0..<Self.golden.count * 8 {
      #expect(JournalRecord(verifying: Self.golden.flipping(bit: bit).span) == nil, "bit \(bit)")
    }
  }

  @Test("rejects every truncation, and bytes behind the end")
  func truncations() {
    for count in 0..<Self.golden.count {
      #expect(JournalRecord(verifying: Array(Self.golden[..<count]).span) == nil)
    }
    #expect(JournalRecord(verifying: (Self.golden + [0]).span) == nil)
  }

  @Test("claims no length that a reader could not hold", arguments: [0, 39, 2 << 20 + 1, 0xFFFF_FFFF] as [UInt32])
  func hostileLengths(_ byteCount: UInt32) {
    var bytes = Self.golden
    var span = bytes.mutableSpan
    LittleEndian.store(byteCount, in: &span, at: JournalRecord.Layout.byteCount)
    #expect(JournalRecord.claimedByteCount(bytes.span) == nil)
    #expect(JournalRecord(verifying: bytes.span) == nil)
  }

  @Test(
    "rejects unknown kinds and a byte that must be zero, under a right checksum",
    arguments: [(38, 4), (38, 0), (39, 1)])
  func hostileFields(_ offset: Int, _ value: UInt8) {
    var bytes = Self.golden
    bytes[offset] = value
    let checksum = CRC32.checksum(bytes.span.extracting(4..<bytes.count))
    var span = bytes.mutableSpan
    LittleEndian.store(checksum, in: &span, at: 0)
    #expect(JournalRecord(verifying: bytes.span) == nil)
  }

  /// Recovery adds to these numbers: those of a forged record stopped the program.
  @Test("rejects numbers that would wrap, under a right checksum", arguments: [16, 24])
  func hostileNumbers(_ offset: Int) {
    var bytes = Self.golden
    var span = bytes.mutableSpan
    LittleEndian.store(UInt64.max, in: &span, at: offset)
    let checksum = CRC32.checksum(span.span.extracting(4..<span.count))
    LittleEndian.store(checksum, in: &span, at: 0)
    #expect(JournalRecord(verifying: bytes.span) == nil)
  }

  @Test("records with their own checksum inside are still told apart")
  func nestedChecksums() {
    // A CRC over data and their own CRC behind them is a constant. In front it is not.
    var random = SeededGenerator(seed: 1)
    var checksums: Set<UInt32> = []
    for _ in 0..<64 {
      var inner = [UInt8](repeating: 0, count: 40) + random.bytes(64)
      var span = inner.mutableSpan
      _ = JournalRecord.seal(&span, kind: .changes, epoch: 1, sequence: 1, flushNumber: 1, previousChecksum: 0)
      checksums.insert(CRC32.checksum(inner.span))
    }
    #expect(checksums.count == 64)
  }
}

@Suite("Commit record")
struct CommitRecordTests {
  private static func decode(_ payload: [UInt8]) -> Result<CommitRecord, ByteReader.Failure> {
    do { return .success(try CommitRecord(decoding: payload)) } catch { return .failure(error) }
  }

  @Test("has the bytes of its table")
  func golden() throws {
    var writer = ByteWriter()
    SampleCommit.record.encode(into: &writer)
    #expect(writer.bytes == SampleCommit.payload)
    #expect(try CommitRecord(decoding: SampleCommit.payload) == SampleCommit.record)
  }

  @Test("random records survive the way to bytes and back")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      let record = CommitRecord(
        annotation: CommitAnnotation(
          event: CommitAnnotation.Event(rawValue: UInt8(random.below(7))) ?? .auto, transaction: random.next(),
          principal: random.bytes(random.below(65)), time: random.next()),
        changeCount: random.next() >> UInt64(random.below(64)), changeRecordCount: random.next(),
        changesDigest: random.next(),
        external: (0..<random.below(4)).map { _ in
          let byteCount = 1 + random.below(300_000)
          return ExternalData(
            start: random.next(), byteCount: UInt64(byteCount),
            digests: (0..<(byteCount + 65535) / 65536).map { _ in random.next() })
        })
      var writer = ByteWriter()
      record.encode(into: &writer)
      #expect(try CommitRecord(decoding: writer.bytes) == record)
    }
  }

  @Test("rejects every truncation, and bytes behind the end")
  func truncations() {
    for count in 0..<SampleCommit.payload.count {
      #expect(throws: ByteReader.Failure.self) { try CommitRecord(decoding: Array(SampleCommit.payload[..<count])) }
    }
    #expect(Self.decode(SampleCommit.payload + [0]) == .failure(.trailing))
  }

  @Test("no flipped bit goes unnoticed")
  func flippedBits() {
    // The checksum over these bytes is the record's: here a flip must only never trap, and never read as the original.
    for bit in 0..<SampleCommit.payload.count * 8 {
      if case .success(let record) = Self.decode(SampleCommit.payload.flipping(bit: bit)) {
        #expect(record != SampleCommit.record, "bit \(bit)")
      }
    }
  }

  private static let front = hex("0000000000000000 0000000000000000 00 00")
  private static let digest = hex("0000000000000000")

  @Test(
    "rejects counts and lengths that nothing stands behind",
    arguments: [
      // A principal of 65 bytes.
      hex("0000000000000000 0000000000000000 00 41") + [UInt8](repeating: 0, count: 200),
      // An event that does not exist.
      hex("0000000000000000 0000000000000000 07 00 00 00 0000000000000000 00"),
      // 2^64 - 1 runs of data, with none, and with one byte behind.
      front + hex("00 00") + digest + hex("FFFFFFFFFFFFFFFFFF01"),
      front + hex("00 00") + digest + hex("FFFFFFFFFFFFFFFFFF01 00"),
      // A run of 2^64 - 1 bytes, and one of none.
      front + hex("00 00") + digest + hex("01 01 FFFFFFFFFFFFFFFFFF01") + digest,
      front + hex("00 00") + digest + hex("01 01 00"),
      // The number of changes in more bytes than it needs, and in more bytes than 64 bits can take.
      front + hex("8000 00") + digest + hex("00"),
      front + hex("FFFFFFFFFFFFFFFFFF02 00") + digest + hex("00"),
    ])
  func hostile(_ payload: [UInt8]) {
    #expect(throws: ByteReader.Failure.self) { try CommitRecord(decoding: payload) }
  }
}
