import CairnBytes
import CairnTestSupport
import Testing

@Suite("Key encoding")
struct KeyEncodingTests {
  private static func key(_ append: (inout [UInt8]) -> Void) -> [UInt8] {
    var key: [UInt8] = []
    append(&key)
    return key
  }

  /// Checks that keys stand in the order of their values, for every pair.
  private static func expectOrder<Value: Equatable>(
    _ values: [Value],
    precedes: (Value, Value) -> Bool,
    key: (Value) -> [UInt8]
  ) {
    let keys = values.map(key)
    for (left, leftKey) in zip(values, keys) {
      for (right, rightKey) in zip(values, keys) {
        #expect(
          precedes(left, right) == leftKey.lexicographicallyPrecedes(rightKey),
          "\(left) and \(right)"
        )
      }
    }
  }

  private static func integers<Value: FixedWidthInteger>(
    _ type: Value.Type, _ generator: inout SeededGenerator
  ) -> [Value] {
    let edges: [Value] = [.min, .min + 1, 0, 1, .max - 1, .max]
    return edges + (0..<20).map { _ in Value.random(in: .min ... .max, using: &generator) >> Value(generator.below(8)) }
  }

  private static func checkIntegers<Value: FixedWidthInteger>(
    _ type: Value.Type, _ generator: inout SeededGenerator
  ) throws {
    let values = integers(type, &generator)
    expectOrder(values, precedes: <) { value in key { KeyEncoding.append(value, to: &$0) } }
    for value in values {
      let bytes = key { KeyEncoding.append(value, to: &$0) }
      #expect(bytes.count == Value.bitWidth / 8)
      var reader = KeyReader(bytes)
      #expect(try reader.integer(as: type) == value)
      try reader.finish()
    }
  }

  @Test("keeps the order of integers of every width", arguments: TestSeeds.list(count: 5))
  func integers(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    try Self.checkIntegers(UInt8.self, &generator)
    try Self.checkIntegers(UInt16.self, &generator)
    try Self.checkIntegers(UInt32.self, &generator)
    try Self.checkIntegers(UInt64.self, &generator)
    try Self.checkIntegers(Int8.self, &generator)
    try Self.checkIntegers(Int16.self, &generator)
    try Self.checkIntegers(Int32.self, &generator)
    try Self.checkIntegers(Int64.self, &generator)
  }

  @Test("keeps the total order of floating-point numbers", arguments: TestSeeds.list(count: 5))
  func doubles(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var values: [Double] = [
      -.nan, -.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, -0.0, 0.0, .leastNonzeroMagnitude, 1,
      .pi, .greatestFiniteMagnitude, .infinity, .nan,
    ]
    values += (0..<30).map { _ in Double(bitPattern: generator.next()) }
    func key(_ value: Double) -> [UInt8] { Self.key { KeyEncoding.append(value, to: &$0) } }
    Self.expectOrder(values.map(\.bitPattern)) { left, right in
      let (left, right) = (Double(bitPattern: left), Double(bitPattern: right))
      return left.bitPattern != right.bitPattern && left.isTotallyOrdered(belowOrEqualTo: right)
    } key: {
      key(Double(bitPattern: $0))
    }
    for value in values {
      var reader = KeyReader(key(value))
      #expect(try reader.double().bitPattern == value.bitPattern)
      try reader.finish()
    }
  }

  @Test("keeps the order of byte strings", arguments: TestSeeds.list(count: 5))
  func byteStrings(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    // Few different bytes, so that zeros, prefixes and equal beginnings are common.
    let letters: [UInt8] = [0, 0, 1, 0xFE, 0xFF]
    let values = (0..<60).map { _ in
      (0..<generator.below(7)).map { _ in letters[generator.below(letters.count)] }
    }
    Self.expectOrder(values, precedes: { $0.lexicographicallyPrecedes($1) }) { value in
      Self.key { KeyEncoding.append(value, to: &$0) }
    }
    for value in values {
      var reader = KeyReader(Self.key { KeyEncoding.append(value, to: &$0) })
      #expect(try reader.byteString() == value)
      try reader.finish()
    }
  }

  @Test("keeps the order of strings by their UTF-8")
  func strings() throws {
    let values = ["", "\0", "\0\0", "a", "a\0", "a\0b", "ab", "b", "e\u{301}", "\u{e9}", "z", "\u{FFFD}", "\u{1F600}"]
    let bytes = values.map { Array($0.utf8) }
    Self.expectOrder(bytes, precedes: { $0.lexicographicallyPrecedes($1) }) { value in
      Self.key { KeyEncoding.append(String(decoding: value, as: UTF8.self), to: &$0) }
    }
    for value in values {
      var reader = KeyReader(Self.key { KeyEncoding.append(value, to: &$0) })
      #expect(Array(try reader.string().utf8) == Array(value.utf8))
      try reader.finish()
    }
  }

  @Test("orders truth values and puts none first")
  func flagsAndOptionals() throws {
    Self.expectOrder([false, true], precedes: { !$0 && $1 }) { value in
      Self.key { KeyEncoding.append(value, to: &$0) }
    }
    let values: [Int32?] = [nil, .min, -1, 0, 1, .max]
    let keys = values.map { value in
      Self.key { KeyEncoding.append(value, to: &$0) { KeyEncoding.append($0, to: &$1) } }
    }
    for index in keys.indices.dropLast() {
      #expect(keys[index].lexicographicallyPrecedes(keys[index + 1]))
    }
    for (value, key) in zip(values, keys) {
      var reader = KeyReader(key)
      let found = try reader.optional { (reader) throws(ByteReader.Failure) in try reader.integer(as: Int32.self) }
      #expect(found == value)
      try reader.finish()
    }
  }

  @Test("orders composites by the first difference", arguments: TestSeeds.list(count: 5))
  func composites(seed: UInt64) throws {
    struct Row: Equatable {
      var name: [UInt8]
      var age: Int16?
      var isHere: Bool
    }
    var generator = SeededGenerator(seed: seed)
    let rows = (0..<60).map { _ in
      Row(
        name: (0..<generator.below(3)).map { _ in UInt8(generator.below(2)) },
        age: Bool.random(using: &generator) ? nil : Int16(generator.below(4)) - 2,
        isHere: Bool.random(using: &generator)
      )
    }
    func precedes(_ left: Row, _ right: Row) -> Bool {
      if left.name != right.name { return left.name.lexicographicallyPrecedes(right.name) }
      if left.age != right.age { return (left.age.map { Int($0) } ?? .min) < (right.age.map { Int($0) } ?? .min) }
      return !left.isHere && right.isHere
    }
    func key(_ row: Row) -> [UInt8] {
      Self.key {
        KeyEncoding.append(row.name, to: &$0)
        KeyEncoding.append(row.age, to: &$0) { KeyEncoding.append($0, to: &$1) }
        KeyEncoding.append(row.isHere, to: &$0)
      }
    }
    Self.expectOrder(rows, precedes: precedes, key: key)
    for row in rows {
      var reader = KeyReader(key(row))
      #expect(try reader.byteString() == row.name)
      #expect(try reader.optional { (reader) throws(ByteReader.Failure) in try reader.integer() } == row.age)
      #expect(try reader.bool() == row.isHere)
      try reader.finish()
    }
  }

  @Test("writes these bytes")
  func golden() {
    #expect(Self.key { KeyEncoding.append(UInt32(0x0102_0304), to: &$0) } == [1, 2, 3, 4])
    #expect(Self.key { KeyEncoding.append(Int16(-2), to: &$0) } == [0x7F, 0xFE])
    #expect(Self.key { KeyEncoding.append(1.0, to: &$0) } == [0xBF, 0xF0, 0, 0, 0, 0, 0, 0])
    #expect(Self.key { KeyEncoding.append(-1.0, to: &$0) } == [0x40, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    #expect(Self.key { KeyEncoding.append([1, 0, 2], to: &$0) } == [1, 0, 0xFF, 2, 0, 0])
    #expect(Self.key { KeyEncoding.append("ab", to: &$0) } == [0x61, 0x62, 0, 0])
    #expect(Self.key { KeyEncoding.append(true, to: &$0) } == [1])
  }
}

@Suite("Key reader")
struct KeyReaderTests {
  private typealias Failure = ByteReader.Failure

  @Test(
    "refuses what no writer writes",
    arguments: [
      ([], .truncated), ([1], .truncated), ([0], .truncated), ([1, 0], .truncated), ([0, 0xFF], .truncated),
      ([0, 1], .malformed), ([5, 0, 0xFE, 0, 0], .malformed),
    ] as [([UInt8], ByteReader.Failure)]
  )
  func byteStrings(bytes: [UInt8], failure: ByteReader.Failure) {
    var reader = KeyReader(bytes)
    #expect(throws: failure) { try reader.byteString() }
    #expect(throws: failure) { try reader.string() }
    #expect(reader.offset == 0)
  }

  @Test("refuses bad text, flags and short numbers, and stays where it was")
  func others() {
    var text = KeyReader([0xC3, 0x28, 0, 0])
    #expect(throws: Failure.malformed) { try text.string() }
    #expect(text.offset == 0)
    var flag = KeyReader([2])
    #expect(throws: Failure.malformed) { try flag.bool() }
    var number = KeyReader([1, 2, 3])
    #expect(throws: Failure.truncated) { try number.integer(as: Int32.self) }
    #expect(throws: Failure.truncated) { try number.double() }
    #expect(throws: Failure.truncated) {
      try number.optional { (reader) throws(ByteReader.Failure) in try reader.integer(as: UInt64.self) }
    }
    #expect(number.offset == 0)
    #expect(throws: Failure.trailing) { try number.finish() }
  }

  @Test("never stops the program, whatever the bytes", arguments: TestSeeds.list(count: 30))
  func hostileBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var reader = KeyReader(generator.bytes(generator.below(30)).map { $0 < 100 ? $0 & 1 : $0 })
      let before = reader.offset
      do throws(ByteReader.Failure) {
        switch generator.below(5) {
        case 0: _ = try reader.string()
        case 1: _ = try reader.byteString()
        case 2: _ = try reader.double()
        case 3: _ = try reader.optional { (reader) throws(ByteReader.Failure) in try reader.byteString() }
        default: _ = try reader.integer(as: Int64.self)
        }
        #expect(reader.offset > before && reader.remaining >= 0)
      } catch {
        #expect(reader.offset == before)
      }
    }
  }
}
