import CairnBytes
import CairnTables
import CairnTestSupport
import CairnVolumes
import Testing

@Suite("Values of columns")
struct ColumnValueTests {
  private static func key(_ value: ColumnValue, _ type: ColumnType, isOptional: Bool = false) -> [UInt8] {
    var key: [UInt8] = []
    value.appendKey(as: type, isOptional: isOptional, to: &key)
    return key
  }

  private static func encoded(_ value: ColumnValue) -> [UInt8] {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return writer.bytes
  }

  private static func values(_ type: ColumnType, seed: UInt64) -> [ColumnValue] {
    var generator = ValueGenerator(seed: seed)
    return (0..<60).map { _ in generator.value(type) }
  }

  @Test("keys stand in the order of the values", arguments: ColumnType.allCases, TestSeeds.list(count: 3))
  func order(type: ColumnType, seed: UInt64) {
    let values = Self.values(type, seed: seed) + [.null]
    let keys = values.map { Self.key($0, type, isOptional: true) }
    for (left, leftKey) in zip(values, keys) {
      for (right, rightKey) in zip(values, keys) {
        #expect((left < right) == leftKey.lexicographicallyPrecedes(rightKey), "\(left) and \(right), seed \(seed)")
        #expect((left == right) == (leftKey == rightKey), "\(left) and \(right), seed \(seed)")
        if left == right { #expect(left.hashValue == right.hashValue) }
      }
    }
  }

  @Test("what is not optional has the same order", arguments: ColumnType.allCases)
  func requiredOrder(type: ColumnType) {
    for value in Self.values(type, seed: 7) {
      #expect([1] + Self.key(value, type) == Self.key(value, type, isOptional: true))
    }
  }

  @Test("composite keys order by their first part, then by the second", arguments: TestSeeds.list(count: 3))
  func composite(seed: UInt64) {
    var generator = ValueGenerator(seed: seed)
    let types = [ColumnType.string, .decimal, .bytes]
    let rows = (0..<80).map { _ in types.map { generator.random.below(4) == 0 ? .null : generator.value($0) } }
    let keys = rows.map { row in
      var key: [UInt8] = []
      for (value, type) in zip(row, types) { value.appendKey(as: type, isOptional: true, to: &key) }
      return key
    }
    for (left, leftKey) in zip(rows, keys) {
      for (right, rightKey) in zip(rows, keys) {
        #expect(left.lexicographicallyPrecedes(right) == leftKey.lexicographicallyPrecedes(rightKey), "seed \(seed)")
      }
    }
  }

  @Test("keys and tagged bytes read back", arguments: ColumnType.allCases, TestSeeds.list(count: 3))
  func roundTrip(type: ColumnType, seed: UInt64) throws {
    for value in Self.values(type, seed: seed) {
      #expect(type.accepts(value))
      var keys = KeyReader(Self.key(value, type) + Self.key(value, type, isOptional: true) + [0])
      #expect(try keys.columnValue(as: type, isOptional: false) == value)
      #expect(try keys.columnValue(as: type, isOptional: true) == value)
      #expect(try keys.columnValue(as: type, isOptional: true) == .null)
      try keys.finish()
      var bytes = ByteReader(Self.encoded(value))
      #expect(try ColumnValue(decoding: &bytes) == value)
      try bytes.finish()
    }
  }

  @Test("every truncation is an error", arguments: ColumnType.allCases)
  func truncation(type: ColumnType) {
    for value in Self.values(type, seed: 1) {
      let key = Self.key(value, type)
      for count in 0..<key.count {
        var reader = KeyReader(Array(key[..<count]))
        #expect(throws: ByteReader.Failure.truncated) { try reader.columnValue(as: type, isOptional: false) }
      }
      let bytes = Self.encoded(value)
      for count in 0..<bytes.count {
        var reader = ByteReader(Array(bytes[..<count]))
        #expect(throws: ByteReader.Failure.truncated) { try ColumnValue(decoding: &reader) }
      }
    }
  }

  /// Any bytes are either refused, or exactly what the writer makes of the value that is read.
  @Test("garbage is an error or canonical", arguments: ColumnType.allCases, TestSeeds.list(count: 3))
  func garbage(type: ColumnType, seed: UInt64) {
    var generator = ValueGenerator(seed: seed)
    for _ in 0..<400 {
      var key = Self.key(generator.value(type), type, isOptional: true)
      for _ in 0...generator.random.below(3) {
        key[generator.random.below(key.count)] = UInt8(generator.random.below(256))
      }
      var keys = KeyReader(key)
      if let value = try? keys.columnValue(as: type, isOptional: true) {
        #expect(Self.key(value, type, isOptional: true) == Array(key[..<keys.offset]), "\(key), seed \(seed)")
      }
      var bytes = Self.encoded(generator.value(type))
      bytes[generator.random.below(bytes.count)] = UInt8(generator.random.below(256))
      var reader = ByteReader(bytes)
      if let value = try? ColumnValue(decoding: &reader) {
        #expect(Self.encoded(value) == Array(bytes[..<reader.offset]), "\(bytes), seed \(seed)")
      }
    }
  }

  @Test("keys have these bytes")
  func goldenKeys() throws {
    let golden: [(ColumnValue, ColumnType, [UInt8])] = [
      (.integer(-2), .int8, [0x7E]),
      (.integer(1), .int16, [0x80, 1]),
      (.integer(-1), .int32, [0x7F, 0xFF, 0xFF, 0xFF]),
      (.integer(258), .int64, [0x80, 0, 0, 0, 0, 0, 1, 2]),
      (.unsigned(200), .uint8, [200]),
      (.unsigned(258), .uint16, [1, 2]),
      (.unsigned(1), .uint32, [0, 0, 0, 1]),
      (.unsigned(.max), .uint64, [UInt8](repeating: 0xFF, count: 8)),
      (.double(1), .double, [0xBF, 0xF0, 0, 0, 0, 0, 0, 0]),
      (.double(-1), .double, [0x40, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
      (.decimal(.zero), .decimal, [0x80]),
      (.decimal(try #require(ExactDecimal("12.5"))), .decimal, [0x81, 0x02, 0x02, 13, 51, 0]),
      (.decimal(try #require(ExactDecimal("-12.5"))), .decimal, [0x7E, 0xFD, 0xFD, 0xF2, 0xCC, 0xFF]),
      (.bool(true), .bool, [1]),
      (.string("a\0b"), .string, [0x61, 0, 0xFF, 0x62, 0, 0]),
      (.bytes([0]), .bytes, [0, 0xFF, 0, 0]),
      (.date(try #require(CalendarDate("1970-01-02"))), .date, [0x80, 0, 0, 1]),
      (.timestamp(Timestamp(nanosecondsSince1970: 1)), .timestamp, [0x80, 0, 0, 0, 0, 0, 0, 1]),
      (.uniqueID(UniqueID(high: 1, low: 2)), .uniqueID, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]),
      (.principal(try Principal([9])), .principal, [9, 0, 0]),
    ]
    for (value, type, bytes) in golden {
      #expect(Self.key(value, type) == bytes, "\(value)")
      #expect(Self.key(value, type, isOptional: true) == [1] + bytes, "\(value)")
      #expect(Self.key(.null, type, isOptional: true) == [0])
    }
    #expect(Set(golden.map(\.1)) == Set(ColumnType.allCases))
  }

  @Test("tagged values have these bytes")
  func goldenBytes() throws {
    let golden: [(ColumnValue, [UInt8])] = [
      (.null, [0]),
      (.integer(-2), [4, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
      (.unsigned(258), [8, 2, 1, 0, 0, 0, 0, 0, 0]),
      (.double(1), [9, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
      (.decimal(try #require(ExactDecimal("12.5"))), [10, 6, 0x81, 0x02, 0x02, 13, 51, 0]),
      (.bool(true), [11, 1]),
      (.string("ab"), [12, 2, 0x61, 0x62]),
      (.bytes([7]), [13, 1, 7]),
      (.date(try #require(CalendarDate("1969-12-31"))), [14, 0xFF, 0xFF, 0xFF, 0xFF]),
      (.timestamp(Timestamp(nanosecondsSince1970: 1)), [15, 1, 0, 0, 0, 0, 0, 0, 0]),
      (.uniqueID(UniqueID(high: 1, low: 2)), [16, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]),
      (.principal(try Principal([9])), [17, 1, 9]),
    ]
    for (value, bytes) in golden { #expect(Self.encoded(value) == bytes, "\(value)") }
    var reader = ByteReader([1, 0])
    #expect(throws: ByteReader.Failure.malformed) { try ColumnValue(decoding: &reader) }
  }

  @Test("text reads back", arguments: ColumnType.allCases, TestSeeds.list(count: 3))
  func text(type: ColumnType, seed: UInt64) {
    for value in Self.values(type, seed: seed) {
      // A NaN has no text of its own for each of its bit patterns.
      if case .double(let number) = value, number.isNaN { continue }
      #expect(type.parse(value.text) == value, "\(value), seed \(seed)")
    }
  }

  @Test(
    "text that is no value is refused",
    arguments: [
      (ColumnType.int8, "128"), (.int8, ""), (.uint8, "-1"), (.uint16, "65536"), (.int64, "9223372036854775808"),
      (.int32, "1.0"), (.double, "one"), (.decimal, "1.2.3"), (.decimal, ""), (.decimal, "e5"), (.decimal, "1e99999"),
      (.bool, "yes"), (.bytes, "12"), (.bytes, "0x1"), (.bytes, "0xzz"), (.date, "2023-02-29"), (.date, "2023-13-01"),
      (.date, "23-1-1"), (.timestamp, "2023-01-01"), (.timestamp, "2023-01-01T24:00:00Z"),
      (.timestamp, "2263-01-01T00:00:00Z"), (.timestamp, "2023-01-01T00:00:00.0000000001Z"),
      (.uniqueID, "018f3c1e7b2a7c4d9e5f0123456789ab"), (.uniqueID, "018f3c1e-7b2a-7c4d-9e5f-0123456789ag"),
      (.principal, ""), (.principal, "0xf"),
    ])
  func badText(type: ColumnType, text: String) {
    #expect(type.parse(text) == nil)
  }

  @Test("integers convert where nothing is lost")
  func conversion() {
    #expect(ColumnType.uint8.converted(.integer(255)) == .unsigned(255))
    #expect(ColumnType.uint8.converted(.integer(256)) == nil)
    #expect(ColumnType.uint64.converted(.integer(-1)) == nil)
    #expect(ColumnType.int64.converted(.unsigned(.max)) == nil)
    #expect(ColumnType.int16.converted(.integer(40_000)) == nil)
    #expect(ColumnType.double.converted(.integer(3)) == .double(3))
    #expect(ColumnType.double.converted(.integer(.max)) == nil)
    #expect(ColumnType.decimal.converted(.unsigned(30)) == .decimal(ExactDecimal(Int64(30))))
    #expect(ColumnType.bool.converted(.integer(1)) == nil)
    #expect(ColumnType.string.converted(.null) == .null)
  }

  @Test("names of types are unique and read back")
  func typeNames() {
    #expect(Set(ColumnType.allCases.map(\.name)).count == ColumnType.allCases.count)
    for type in ColumnType.allCases { #expect(ColumnType(name: type.name) == type) }
    #expect(ColumnType(name: "int128") == nil)
  }
}
