import CairnBlocks
import CairnBytes
import Testing

@testable import CairnVolumes

/// One structure of the catalog or of a staging tree, with its bytes.
struct RecordSample: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  /// Decodes and encodes again; nil when the bytes are refused.
  let again: @Sendable ([UInt8]) -> [UInt8]?
  /// The encoded sample.
  let encoded: [UInt8]

  var testDescription: String { name }

  init<Record>(
    _ name: String, _ record: Record, _ bytes: [UInt8], encode: @escaping @Sendable (Record) -> [UInt8],
    decode: @escaping @Sendable ([UInt8]) throws(ByteReader.Failure) -> Record
  ) {
    self.name = name
    self.bytes = bytes
    encoded = encode(record)
    again = { bytes in
      guard let record = try? decode(bytes) else { return nil }
      return encode(record)
    }
  }
}

@Suite("Records of the catalog")
struct RecordTests {
  static let alice: Principal? = Principal(stored: Array("alice".utf8))

  static let samples: [RecordSample] =
    [
      RecordSample(
        "store",
        {
          var record = StoreRecord()
          record.generation = 7
          record.latestTime = 0x0102_0304_0506_0708
          record.earliestExpiry = .max
          record.openTransactionCount = 3
          record.preparedTransactionCount = 2
          return record
        }(),
        [
          1,  // version
          7, 0, 0, 0, 0, 0, 0, 0,  // generation
          8, 7, 6, 5, 4, 3, 2, 1,  // latest time
          255, 255, 255, 255, 255, 255, 255, 255,  // earliest expiry
          3, 0, 0, 0,  // open
          2, 0, 0, 0,  // prepared
        ], encode: { $0.encoded }, decode: StoreRecord.init(decoding:)),
      RecordSample(
        "volume",
        {
          var record = VolumeRecord(
            kind: VolumeKind("note"), formatVersion: 0x0102, root: BlockNumber(99), incarnation: 5, name: "pics",
            owner: alice)
          record.isBeingRemoved = true
          record.definition = 6
          record.quotaByteCount = 0x10000
          record.reservationByteCount = 0x2000
          return record
        }(),
        [
          1, 1,  // version, flags
          0x6E, 0x6F, 0x74, 0x65,  // kind
          2, 1,  // format version
          99, 0, 0, 0, 0, 0, 0, 0,  // root
          5, 0, 0, 0, 0, 0, 0, 0,  // incarnation
          6, 0, 0, 0, 0, 0, 0, 0,  // definition
          0, 0, 1, 0, 0, 0, 0, 0,  // quota
          0, 0x20, 0, 0, 0, 0, 0, 0,  // reservation
          5, 0x61, 0x6C, 0x69, 0x63, 0x65,  // owner
          4, 0x70, 0x69, 0x63, 0x73,  // name
        ], encode: { $0.encoded }, decode: VolumeRecord.init(decoding:)),
      RecordSample(
        "usage", VolumeUsage(blockCount: 1, stagedBlockCount: 2, itemCount: 3, byteCount: 0x0400),
        [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0],
        encode: { $0.encoded }, decode: VolumeUsage.init(decoding:)),
      RecordSample(
        "grant", GrantRecord(rights: .write), [1, 3, 0, 0, 0], encode: { $0.encoded },
        decode: GrantRecord.init(decoding:)),
      RecordSample(
        "transaction",
        {
          var record = TransactionRecord(beganAt: 1, lease: .nanoseconds(2), owner: alice)
          record.state = .prepared
          record.callNumber = 4
          record.operationCount = 5
          record.stagedByteCount = 6
          record.readCount = 7
          record.holdCount = 8
          record.staging = BlockNumber(9)
          return record
        }(),
        [
          1, 2,  // version, state
          1, 0, 0, 0, 0, 0, 0, 0,  // began
          3, 0, 0, 0, 0, 0, 0, 0,  // expires
          2, 0, 0, 0, 0, 0, 0, 0,  // lease
          4, 0, 0, 0, 0, 0, 0, 0,  // calls
          5, 0, 0, 0, 0, 0, 0, 0,  // operations
          6, 0, 0, 0, 0, 0, 0, 0,  // bytes
          7, 0, 0, 0, 0, 0, 0, 0,  // reads
          8, 0, 0, 0, 0, 0, 0, 0,  // holds
          9, 0, 0, 0, 0, 0, 0, 0,  // staging tree
          5, 0x61, 0x6C, 0x69, 0x63, 0x65,  // owner
        ], encode: { $0.encoded }, decode: TransactionRecord.init(decoding:)),
      RecordSample(
        "outcome", OutcomeRecord(outcome: .committed, endedAt: 258, owner: nil),
        [1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], encode: { $0.encoded }, decode: OutcomeRecord.init(decoding:)),
      RecordSample(
        "outcome of a conflict",
        OutcomeRecord(outcome: .conflict(volume: "pics", key: [9, 8]), endedAt: 1, owner: alice),
        [1, 4, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0x61, 0x6C, 0x69, 0x63, 0x65, 4, 0x70, 0x69, 0x63, 0x73, 2, 9, 8],
        encode: { $0.encoded }, decode: OutcomeRecord.init(decoding:)),
      RecordSample(
        "staged operation",
        StagedOperation(
          operation: [7, 7, 7],
          extents: [Extent(start: BlockNumber(300), count: 2), Extent(start: BlockNumber(1), count: 1)],
          releasesSpace: true),
        [1, 1, 2, 0xAC, 2, 2, 1, 1, 7, 7, 7], encode: { $0.encoded }, decode: StagedOperation.init(decoding:)),
      RecordSample(
        "recorded read",
        RecordedRead(volume: 3, tree: BlockNumber(77), low: [1], high: [1, 0], countsOnly: true, digest: 0x0102),
        [1, 3, 3, 77, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 0], encode: { $0.encoded },
        decode: RecordedRead.init(decoding:)),
      RecordSample(
        "volume use", VolumeUse(incarnation: 1, definition: 2), [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        encode: { $0.encoded }, decode: VolumeUse.init(decoding:)),
      RecordSample(
        "held range", HeldRange(volume: 3, tree: BlockNumber(77), low: [], high: [5], isWrite: true),
        [1, 3, 3, 77, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5], encode: { $0.encoded }, decode: HeldRange.init(decoding:)),
      RecordSample("long work", work, workBytes, encode: { $0.encoded }, decode: WorkRecord.init(decoding:)),
    ]
    + operations.map { name, operation, bytes in
      RecordSample(name, operation, bytes, encode: { $0.encoded }, decode: CatalogOperation.init(decoding:))
    }

  static let volume3 = VolumeID(byte: 3)

  static let work: WorkRecord = {
    var record = WorkRecord(volume: volume3, incarnation: 5, beganAt: 6, principal: alice, work: [9, 8])
    record.stepCount = 7
    record.cursor = [1]
    return record
  }()

  static let workBytes: [UInt8] = [
    1, 3,  // version, volume
    5, 0, 0, 0, 0, 0, 0, 0,  // incarnation
    6, 0, 0, 0, 0, 0, 0, 0,  // began
    7, 0, 0, 0, 0, 0, 0, 0,  // steps
    5, 0x61, 0x6C, 0x69, 0x63, 0x65,  // who began it
    2, 9, 8,  // work
    1, 1,  // cursor
  ]

  static let operations: [(String, CatalogOperation, [UInt8])] = [
    (
      "create",
      .create(
        CatalogOperation.NewVolume(
          id: volume3, kind: VolumeKind("note"), formatVersion: 1, incarnation: 5, quotaByteCount: nil,
          reservationByteCount: 6, owner: alice, name: "pics", options: [1, 2])),
      [
        1, 1, 3, 0x6E, 0x6F, 0x74, 0x65, 1, 0,  // version, what, volume, kind, format version
        5, 0, 0, 0, 0, 0, 0, 0,  // incarnation
        255, 255, 255, 255, 255, 255, 255, 255,  // quota
        6, 0, 0, 0, 0, 0, 0, 0,  // reservation
        5, 0x61, 0x6C, 0x69, 0x63, 0x65, 4, 0x70, 0x69, 0x63, 0x73, 2, 1, 2,  // owner, name, options
      ]
    ),
    ("remove", .remove(volume3, definition: 9), [1, 2, 3, 9, 0, 0, 0, 0, 0, 0, 0]),
    ("rename", .rename(volume3, name: "ab"), [1, 3, 3, 2, 0x61, 0x62]),
    ("quota", .setQuota(volume3, 8), [1, 4, 3, 8, 0, 0, 0, 0, 0, 0, 0]),
    ("reservation", .setReservation(volume3, 8), [1, 5, 3, 8, 0, 0, 0, 0, 0, 0, 0]),
    (
      "grant", .grant(Principal(stored: [7]) ?? alicePrincipal, .volume(volume3), .read),
      [1, 6, 1, 3, 1, 0, 0, 0, 1, 7]
    ),
    ("revoke", .revoke(Principal(stored: [7]) ?? alicePrincipal, .store), [1, 7, 0, 0, 1, 7]),
    ("begin work", .beginWork(work), [1, 8, UInt8(workBytes.count)] + workBytes),
    ("cancel work", .cancelWork(258), [1, 9, 2, 1, 0, 0, 0, 0, 0, 0]),
  ]

  private static let alicePrincipal: Principal = {
    guard let alice else { preconditionFailure("five bytes are a principal") }
    return alice
  }()

  @Test("encodes to the documented bytes, and back", arguments: samples)
  func golden(_ sample: RecordSample) {
    #expect(sample.encoded == sample.bytes)
    #expect(sample.again(sample.bytes) == sample.bytes)
  }

  /// A flipped bit is found by the block's checksum; a record only must not trap, and must not read as something that
  /// encodes to other bytes than were read.
  @Test("no flipped bit traps or reads two ways", arguments: samples)
  func flippedBits(_ sample: RecordSample) {
    for bit in 0..<sample.bytes.count * 8 {
      var bytes = sample.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let again = sample.again(bytes)
      #expect(again == nil || again == bytes, "bit \(bit)")
    }
  }

  @Test("refuses every truncation, but where the rest is free", arguments: samples)
  func truncations(_ sample: RecordSample) {
    for count in 0..<sample.bytes.count {
      let again = sample.again(Array(sample.bytes[..<count]))
      // The operation's own bytes reach to the end, however many there are.
      if sample.name == "staged operation" && count >= sample.bytes.count - 3 { continue }
      #expect(again == nil, "\(count) bytes")
    }
    if sample.name != "staged operation" { #expect(sample.again(sample.bytes + [0]) == nil) }
  }

  @Test("random bytes never trap", arguments: samples)
  func garbage(_ sample: RecordSample) {
    var state: UInt64 = 88
    for _ in 0..<2_000 {
      var bytes = sample.bytes
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
      }
      let again = sample.again(bytes)
      #expect(again == nil || again == bytes)
    }
  }

  @Test("keys of the catalog")
  func catalogKeys() throws {
    let principal = try Principal([1, 2])
    let id = try #require(TransactionID(rawValue: 0x0102_0304_0506_0708))
    #expect(CatalogKey.store == [1])
    #expect(CatalogKey.volume(Self.volume3) == [2, 3])
    #expect(CatalogKey.name([9]) == [3, 9])
    #expect(CatalogKey.usage(Self.volume3) == [4, 3])
    #expect(CatalogKey.grant(principal, .store) == [5, 0, 0, 1, 2])
    #expect(CatalogKey.grant(principal, .volume(Self.volume3)) == [5, 1, 3, 1, 2])
    #expect(CatalogKey.transaction(id) == [6, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(CatalogKey.outcome(id) == [7, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(CatalogKey.outcomeOrder(5, id) == [8, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(CatalogKey.work(258) == [9, 0, 0, 0, 0, 0, 0, 1, 2])
    #expect(CatalogKey.work(CatalogKey.work(258)) == 258 && CatalogKey.work([9, 1]) == nil)
    for scope in [GrantScope.store, .volume(Self.volume3)] {
      let read = try #require(CatalogKey.grant(CatalogKey.grant(principal, scope)))
      #expect(read.principal == principal && read.scope == scope)
    }
    #expect(CatalogKey.transaction(CatalogKey.transaction(id)) == id)
    #expect(CatalogKey.outcomeOrder(CatalogKey.outcomeOrder(5, id)) == id)
    #expect(CatalogKey.volume([2, 255]) == nil)
    for hostile: [UInt8] in [[], [5], [5, 0, 0], [5, 2, 0, 1], [5, 0, 1, 1], [5, 1, 255, 1], [6], [8, 1]] {
      #expect(CatalogKey.grant(hostile) == nil)
      #expect(CatalogKey.transaction(hostile) == nil)
      #expect(CatalogKey.outcomeOrder(hostile) == nil)
    }
    #expect(CatalogKey.grant([5, 0, 0] + [UInt8](repeating: 1, count: 65)) == nil)
  }

  @Test("a cursor of a check")
  func checkCursor() {
    let place = CheckCursor.Place(tree: 0x0102, key: [7, 8])
    let cursor = CheckCursor(place, incarnation: 5)
    #expect(cursor.bytes == [1, 5, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 7, 8])
    #expect(cursor.place(incarnation: 5) == place)
    #expect(cursor.place(incarnation: 6) == nil)
    for count in 0..<13 { #expect(CheckCursor(Array(cursor.bytes[..<count])).place(incarnation: 5) == nil) }
    #expect(CheckCursor([2] + cursor.bytes.dropFirst()).place(incarnation: 5) == nil)
  }

  @Test("keys of a staging tree: the catalog's operations come first")
  func stagingKeys() {
    #expect(StagingKey.operation(.catalog, 1) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(StagingKey.operation(VolumeID(byte: 0), 1) == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(StagingKey.operation(VolumeID(byte: 254), 1) == [1, 255, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(StagingKey.operations(of: VolumeID(byte: 254)) == KeyRange(low: [1, 255], high: [2]))
    #expect(StagingKey.operations(of: VolumeID(byte: 0)) == KeyRange(low: [1, 1], high: [1, 2]))
    #expect(StagingKey.operationVolume([1, 0, 0, 0, 0, 0, 0, 0, 0, 1]) == .catalog)
    #expect(StagingKey.operationVolume([1, 4, 0, 0, 0, 0, 0, 0, 0, 1]) == Self.volume3)
    #expect(StagingKey.operationVolume([1, 4]) == nil)
    #expect(StagingKey.useVolume(StagingKey.use(Self.volume3)) == Self.volume3)
    #expect(StagingKey.read(258) == [2, 0, 0, 0, 0, 0, 0, 1, 2])
    #expect(StagingKey.hold(258) == [4, 0, 0, 0, 0, 0, 0, 1, 2])
  }

  @Test("ids, kinds, principals and leases")
  func smallTypes() throws {
    #expect(TransactionID(text: "00000000000000ff")?.rawValue == 255)
    #expect(TransactionID(text: "00000000000000FF")?.rawValue == 255)
    #expect(TransactionID(rawValue: 0xABC)?.description == "0000000000000abc")
    for text in ["", "0", "0000000000000000", "00000000000000fg", "00000000000000ff0", "+0000000000000ff"] {
      #expect(TransactionID(text: text) == nil)
    }
    #expect(VolumeKind("objs").description == "objs")
    #expect(VolumeKind(text: "objs") == VolumeKind("objs"))
    for text in ["", "obj", "objts", "ob s", "ob\u{E9}"] { #expect(VolumeKind(text: text) == nil) }
    #expect(VolumeKind(rawValue: 0) == nil)
    #expect(try Principal("alice").description == "alice")
    #expect(try Principal([0, 255]).description == "0x00ff")
    #expect(throws: StorageError.self) { try Principal([]) }
    #expect(throws: StorageError.self) { try Principal([UInt8](repeating: 0, count: 65)) }
    #expect(Lease.days(.max).nanoseconds == .max)
    #expect(Lease.days(1).end(from: .max) == .max)
    #expect(Rights.admin.contains(.write) && Rights.write.contains(.read) && !Rights.read.contains(.write))
    #expect(VolumeID(rawValue: 255) == nil)
  }
}
