import CairnBlocks
import CairnBytes
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnTables

@Suite("Tables: stored bytes")
struct RecordTests {
  private static let schema = TableSchema(
    "t",
    columns: [
      ColumnDefinition("id", .int32),
      ColumnDefinition(
        "a", .int16, isOptional: true, default: .value(int(5)), validators: [.range(from: int(0), to: nil)]),
      ColumnDefinition("b", .string, sanitizers: [.trim], validators: [.length(from: 1, to: 9), .email]),
      ColumnDefinition("n", .uint8, isAutoIncrement: true),
      ColumnDefinition("c", .timestamp, default: .now),
    ],
    primaryKey: ["id"], indexes: [IndexDefinition("x", on: ["a", "b"], isUnique: true, whereNotNull: ["a"])],
    references: [
      ReferenceDefinition("r", from: ["a"], to: "u", ["k"], onDelete: .cascade, onUpdate: .setNull, isDeferred: true)
    ],
    checks: [
      CheckDefinition(
        "k",
        .or([
          .not(.and([.always, .compare("a", .less, int(3))])), .compareColumns("a", .greaterOrEqual, "a"),
          .between("a", int(1), int(2)), .isIn("a", [int(1)]), .isNull("a"), .hasPrefix("b", text("p")),
          .contains("b", text("q")),
        ]))
    ])

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { (($0 < 16) ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("a row: bitmap, fixed widths, ends, bytes")
  func row() throws {
    let layout = RowLayout([.int16, .string, .bool, .decimal, .uniqueID, .bytes])
    let values: [ColumnValue] = [
      int(-2), text("hi"), .bool(true), .null, .uniqueID(UniqueID(high: 1, low: 2)), .bytes([7, 8, 9]),
    ]
    var row: [UInt8] = []
    layout.append(values, at: Array(values.indices), to: &row)
    #expect(
      Self.hexadecimal(row)
        == "0600" + "08" + "feff" + "01" + "0100000000000000" + "0200000000000000" + "020002000500" + "6869" + "070809")
    BulkCopy.withRawSpan(of: row) { row in
      let isWellFormed = layout.isWellFormed(row)
      #expect(isWellFormed)
      for slot in values.indices {
        guard case .at(let range) = layout.field(slot, in: row) else {
          #expect(slot == 3)
          continue
        }
        let value = try? layout.value(of: slot, at: range, in: row)
        #expect(value == values[slot])
      }
    }
    // Any cut, and any byte more, is noticed.
    for count in 0..<row.count {
      let isWellFormed = BulkCopy.withRawSpan(of: Array(row[..<count])) { layout.isWellFormed($0) }
      #expect(!isWellFormed, "\(count) bytes")
    }
    #expect(!BulkCopy.withRawSpan(of: row + [0]) { layout.isWellFormed($0) })
  }

  @Test("a row with long values has wide ends")
  func wideRow() throws {
    let layout = RowLayout([.string, .bytes])
    let values: [ColumnValue] = [text(String(repeating: "x", count: 70_000)), .bytes([1])]
    var row: [UInt8] = []
    layout.append(values, at: Array(values.indices), to: &row)
    #expect(Self.hexadecimal(Array(row[..<11])) == "0280" + "00" + "70110100" + "71110100")
    BulkCopy.withRawSpan(of: row) { row in
      let isWellFormed = layout.isWellFormed(row)
      #expect(isWellFormed)
      guard case .at(let range) = layout.field(1, in: row) else {
        Issue.record("no second field")
        return
      }
      let bytes = row.array(range)
      #expect(bytes == [1])
    }
  }

  @Test("a value put in its place gives the row that is made with it", arguments: 0..<20)
  func patchedRow(_ seed: Int) {
    let layout = RowLayout([.int16, .string, .bool, .int64, .uniqueID, .bytes, .date, .double])
    var generator = SeededGenerator(seed: UInt64(seed))
    func value(_ slot: Int) -> ColumnValue {
      if generator.below(4) == 0 { return .null }
      switch slot {
      case 0: return int(Int64(generator.below(1000)) - 500)
      case 1: return text(String(repeating: "t", count: generator.below(9)))
      case 2: return .bool(generator.below(2) == 0)
      case 3: return int(Int64(bitPattern: generator.next()))
      case 4: return .uniqueID(UniqueID(high: generator.next(), low: generator.next()))
      case 5: return .bytes(generator.bytes(generator.below(9)))
      case 6: return CalendarDate(daysSince1970: Int32(generator.below(20_000))).map { .date($0) } ?? .null
      default: return .double(Double(generator.below(100)) / 8)
      }
    }
    let slotColumns: [Int?] = Array(0..<8)
    for _ in 0..<50 {
      var values = (0..<8).map { value($0) }
      var row: [UInt8] = []
      layout.append(values, at: slotColumns, to: &row)
      let slot = generator.below(8)
      values[slot] = value(slot)
      var expected: [UInt8] = []
      layout.append(values, at: slotColumns, to: &expected)
      let before = row
      let isPatched = layout.patch(slot, with: values[slot], in: &row)
      #expect(isPatched == (slot != 1 && slot != 5))
      #expect(row == (isPatched ? expected : before))
    }
    // A row that is older than the column has no place for it.
    var old: [UInt8] = []
    RowLayout([.int16, .string]).append([int(1), text("a")], at: [0, 1], to: &old)
    let before = old
    #expect(!layout.patch(2, with: .bool(true), in: &old) && old == before)
    #expect(layout.patch(0, with: int(2), in: &old) && old != before)
  }

  @Test("hostile rows never stop the program", arguments: 0..<40)
  func hostileRows(_ seed: Int) {
    let layout = RowLayout([.int16, .string, .bool, .decimal, .uniqueID, .bytes, .principal, .date])
    var generator = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<200 {
      var row = generator.bytes(generator.below(60))
      if row.count > 1 { (row[0], row[1]) = (UInt8(generator.below(12)), generator.below(3) == 0 ? 0x80 : 0) }
      BulkCopy.withRawSpan(of: row) { row in
        for slot in 0..<8 {
          if case .at(let range) = layout.field(slot, in: row) { _ = try? layout.value(of: slot, at: range, in: row) }
        }
        _ = layout.isWellFormed(row)
      }
    }
  }

  @Test("a schema: golden bytes, round trip, every cut")
  func schemaBytes() throws {
    var writer = ByteWriter()
    Self.schema.encode(into: &writer)
    #expect(Self.hexadecimal(writer.bytes) == Self.golden)
    var reader = ByteReader(writer.bytes)
    let decoded = try TableSchema(decoding: &reader)
    try reader.finish()
    #expect(decoded.hash == Self.schema.hash)
    var again = ByteWriter()
    decoded.encode(into: &again)
    #expect(again.bytes == writer.bytes)
    for count in 0..<writer.bytes.count {
      var cut = ByteReader(Array(writer.bytes[..<count]))
      #expect(throws: ByteReader.Failure.self) { try TableSchema(decoding: &cut) }
    }
    // A flipped bit makes another schema, or none.
    for bit in 0..<(writer.bytes.count * 8) {
      var bytes = writer.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      var reader = ByteReader(bytes)
      guard let other = try? TableSchema(decoding: &reader), (try? reader.finish()) != nil else { continue }
      #expect(other.hash != Self.schema.hash, "bit \(bit)")
    }
  }

  /// Put together by hand from the table in SchemaCoding.swift.
  private static let golden =
    "01017405026964030000000001610201010405000000000000000001000400000000000000000001620c000001000201"
    + "010902016e050200000001630f0002000001026964010178010201610162010161010172010161017501016b01020101"
    + "016b09070a08020001016102040300000000000000020161050161030161040100000000000000040200000000000000"
    + "040161010401000000000000000501610601620c01700701620c0171"

  @Test("a table's record, the header and the keys")
  func records() throws {
    let small = TableSchema(
      "t", columns: [ColumnDefinition("i", .int8), ColumnDefinition("v", .bool)], primaryKey: ["i"],
      indexes: [IndexDefinition("x", on: ["v"])])
    let record = TableRecord(
      isRestricted: true, root: 0x0102, schema: small,
      slots: [
        TableRecord.Slot(type: .bool, initial: .null, column: "v"),
        TableRecord.Slot(type: .int8, initial: int(3), column: ""),
      ], indexes: [TableRecord.Index(root: 7, isReady: false)])
    let schema =
      "01" + "0174" + "02" + "0169" + "010000" + "0000" + "0176" + "0b0000" + "0000" + "01" + "0169" + "01" + "0178"
    let rest = "00" + "01" + "0176" + "00" + "00" + "00"
    #expect(
      Self.hexadecimal(record.encoded)
        == "0101" + "0201000000000000" + schema + rest + "02" + "0b" + "00" + "0176" + "01" + "04" + "0300000000000000"
        + "00" + "01" + "0700000000000000" + "01")
    var reader = ByteReader(record.encoded)
    let decoded = try TableRecord(decoding: &reader)
    try reader.finish()
    #expect(decoded.encoded == record.encoded)
    for count in 0..<record.encoded.count {
      var cut = ByteReader(Array(record.encoded[..<count]))
      #expect(throws: ByteReader.Failure.self) { try TableRecord(decoding: &cut) }
    }
    let header = TableHeader(nextTable: 3, schemaVersion: 2, migrationCount: 1, hash: 9)
    #expect(Self.hexadecimal(header.encoded) == "03000000" + "02000000" + "01000000" + "0900000000000000")
    var headerReader = ByteReader(header.encoded)
    #expect(try TableHeader(decoding: &headerReader) == header)
    #expect(TableRecordKey.table(258) == [1, 0, 0, 1, 2])
    #expect(TableRecordKey.counter(1) == [2, 0, 0, 0, 1])
    #expect(TableRecordKey.grant(1, try Principal([9])) == [3, 0, 0, 0, 1, 9])
    #expect(TableRecordKey.build(1, 2) == [4, 0, 0, 0, 1, 0, 2])
    #expect(TableRecordKey.statistics(1, 2) == [5, 0, 0, 0, 1, 0, 2])
    #expect(TableRecordKey.migration(3) == [6, 0, 0, 0, 3])
  }

  @Test("long work: golden bytes, round trip, every cut")
  func work() throws {
    let cases: [(TableWork, String)] = [
      (.buildIndexes, "01"),
      (
        .delete(table: 7, .compare("c", .less, int(5))), "02" + "07000000" + "01" + "0163" + "02" + "040500000000000000"
      ),
    ]
    for (work, golden) in cases {
      let bytes = work.encoded
      #expect(Self.hexadecimal(bytes) == golden)
      var reader = ByteReader(bytes)
      #expect(try TableWork(decoding: &reader) == work)
      try reader.finish()
      for count in 0..<bytes.count {
        var cut = ByteReader(Array(bytes[..<count]))
        #expect(throws: ByteReader.Failure.self) { try TableWork(decoding: &cut) }
      }
    }
  }

  @Test("staged operations: golden bytes, round trip, every cut")
  func operations() throws {
    let small = TableSchema("t", columns: [ColumnDefinition("i", .int8)], primaryKey: ["i"])
    let value = "040500000000000000"
    let cases: [(TableOperation, String)] = [
      (.insert(table: 1, [int(5), .null]), "01" + "01000000" + "02" + value + "00"),
      (.upsert(table: 1, index: nil, [int(5)]), "02" + "01000000" + "ffff" + "01" + value),
      (.upsert(table: 1, index: 2, [int(5)]), "02" + "01000000" + "0200" + "01" + value),
      (
        .update(table: 1, keys: [[1, 2]], [TableOperation.Assignment(column: 3, value: int(5))]),
        "03" + "01000000" + "01020102" + "01" + "0300" + value
      ),
      (.delete(table: 1, keys: [[1, 2]]), "04" + "01000000" + "01020102"),
      (.create([small]), "05" + "01" + "01017401" + "0169010000" + "0000" + "010169" + "000000"),
      (.drop(table: 1), "06" + "01000000"),
      (
        .alter(table: 1, small, initial: [int(5)]),
        "07" + "01000000" + "01017401" + "0169010000" + "0000" + "010169" + "000000" + "01" + value
      ),
      (.buildIndex(table: 1, index: 2, rowCount: 3), "08" + "01000000" + "0200" + "03000000"),
      (.setVersion(2, hash: 3), "09" + "02000000" + "0300000000000000"),
      (.addMigration("ab"), "0a" + "026162"),
      (.grant(table: 1, try Principal([9]), .read), "0b" + "01000000" + "0109" + "01000000"),
      (.restrict(table: 1, true), "0c" + "01000000" + "01"),
      (.setStatistics(table: 1, [[300], []]), "0d" + "01000000" + "02" + "01ac02" + "00"),
      (.rename(table: 1, "ab"), "0e" + "01000000" + "026162"),
      (.setCursor([7]), "0f" + "01" + "0107"),
      (.setCursor(nil), "0f" + "00" + "00"),
    ]
    for (operation, golden) in cases {
      let bytes = operation.encoded
      #expect(Self.hexadecimal(bytes) == golden)
      var reader = ByteReader(bytes)
      #expect(try TableOperation(decoding: &reader).encoded == bytes)
      try reader.finish()
      for count in 0..<bytes.count {
        var cut = ByteReader(Array(bytes[..<count]))
        #expect(throws: ByteReader.Failure.self) { try TableOperation(decoding: &cut) }
      }
    }
  }
}
