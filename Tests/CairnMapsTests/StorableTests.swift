import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnMaps

/// A type that a user wrote by hand, as the documentation shows it.
enum Shape: Storable, Hashable {
  case circle(radius: Double)
  case text(String)
  case nothing

  static let storedType = StoredType("Shape", .unbounded)

  func encode(into bytes: inout [UInt8]) {
    switch self {
    case .circle(let radius):
      UInt8(0).encode(into: &bytes)
      radius.encode(into: &bytes)
    case .text(let text):
      UInt8(1).encode(into: &bytes)
      text.encode(into: &bytes)
    case .nothing: UInt8(2).encode(into: &bytes)
    }
  }

  init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    switch try UInt8(decoding: bytes, at: &offset) {
    case 0: self = .circle(radius: try Double(decoding: bytes, at: &offset))
    case 1: self = .text(try String(decoding: bytes, at: &offset))
    case 2: self = .nothing
    default: throw .malformed
    }
  }
}

@Suite("Storable values")
struct StorableTests {
  static func encoded<Value: Storable>(_ value: Value) -> [UInt8] {
    var bytes: [UInt8] = []
    value.encode(into: &bytes)
    return bytes
  }

  static func encodedAlone<Value: Storable>(_ value: Value) -> [UInt8] {
    var bytes: [UInt8] = []
    value.encodeAlone(into: &bytes)
    return bytes
  }

  static func decoded<Value: Storable>(_ type: Value.Type, _ bytes: [UInt8]) throws(ByteReader.Failure) -> Value {
    var offset = 0
    let value = try Value(decoding: bytes.span, at: &offset)
    guard offset == bytes.count else { throw .trailing }
    return value
  }

  /// Values in their order: encoded they stand in it, come back, and are refused when they are cut short or go on.
  private func verify<Value: Storable & Equatable>(_ values: [Value]) throws {
    let all = values.map { Self.encoded($0) }
    for (index, value) in values.enumerated() {
      let bytes = all[index]
      if index > 0 { #expect(all[index - 1].lexicographicallyPrecedes(bytes), "\(values[index - 1]), \(value)") }
      if let limit = Value.storedType.size.limit { #expect(bytes.count <= limit) }
      if case .fixed(let count) = Value.storedType.size { #expect(bytes.count == count) }
      #expect(try Self.decoded(Value.self, bytes) == value)
      #expect(try Value(decodingAlone: Self.encodedAlone(value).span) == value)
      // Behind something else, and with something behind it.
      var offset = 3
      #expect(try Value(decoding: ([7, 7, 7] + bytes + [0, 9]).span, at: &offset) == value)
      #expect(offset == 3 + bytes.count)
      for count in 0..<bytes.count {
        #expect(throws: ByteReader.Failure.self) { try Self.decoded(Value.self, Array(bytes[..<count])) }
      }
    }
  }

  @Test("integers keep their order and their bytes")
  func integers() throws {
    try verify([UInt8.min, 1, 127, 128, .max])
    try verify([UInt16.min, 1, 255, 256, .max])
    try verify([UInt32.min, 1, 65_535, 65_536, .max])
    try verify([UInt64.min, 1, 1 << 32, .max - 1, .max])
    try verify([Int8.min, -1, 0, 1, .max])
    try verify([Int16.min, -256, -1, 0, 1, .max])
    try verify([Int32.min, -65_536, -1, 0, 1, .max])
    try verify([Int64.min, -(1 << 32), -1, 0, 1, .max])
    try verify([Int.min, -1, 0, 1, .max])
    try verify([UInt.min, 1, .max])
    #expect(Self.encoded(UInt32(0x0102_0304)) == [1, 2, 3, 4])
    #expect(Self.encoded(Int16(-2)) == [0x7F, 0xFE])
    #expect(Self.encoded(Int(1)) == [0x80, 0, 0, 0, 0, 0, 0, 1])
    #expect(Int.storedType.name == "Int64" && UInt.storedType.name == "UInt64")
  }

  @Test("truth values and doubles keep theirs")
  func scalars() throws {
    try verify([false, true])
    try verify([-Double.infinity, -1.5, -Double.leastNonzeroMagnitude, -0.0, 0.0, 1e-300, 2.25, .infinity])
    #expect(Self.encoded(-0.0).lexicographicallyPrecedes(Self.encoded(0.0)))
    #expect(Self.encoded(Double.infinity).lexicographicallyPrecedes(Self.encoded(Double.nan)))
    #expect(Self.encoded(-Double.nan).lexicographicallyPrecedes(Self.encoded(-Double.infinity)))
    #expect(try Self.decoded(Double.self, Self.encoded(Double.nan)).isNaN)
    #expect(Self.encoded(1.0) == [0xBF, 0xF0, 0, 0, 0, 0, 0, 0])
    #expect(throws: ByteReader.Failure.malformed) { try Self.decoded(Bool.self, [2]) }
  }

  @Test("bytes and strings are escaped in front of others, and plain alone")
  func strings() throws {
    try verify([[], [0], [0, 0], [0, 0xFF], [1], [1, 0], [1, 0, 1], [1, 1], [0xFF]] as [[UInt8]])
    try verify(["", "\0", "a", "a\0b", "aa", "\u{E4}", "\u{1F600}"])
    #expect(Self.encoded([0, 1] as [UInt8]) == [0, 0xFF, 1, 0, 0])
    #expect(Self.encodedAlone([0, 1] as [UInt8]) == [0, 1])
    #expect(Self.encodedAlone("\u{E4}") == [0xC3, 0xA4])
    #expect(throws: ByteReader.Failure.malformed) { try Self.decoded([UInt8].self, [1, 0, 7]) }
    #expect(throws: ByteReader.Failure.malformed) { try Self.decoded(String.self, [0xC3, 0, 0]) }
    #expect(throws: ByteReader.Failure.malformed) { try String(decodingAlone: ([0xC3] as [UInt8]).span) }
  }

  @Test("composites order by their parts, and name them")
  func composites() throws {
    try verify([nil, 0, 1, .max] as [UInt8?])
    try verify([nil, "", "a"] as [String?])
    try verify([.none, .some(nil), .some(true)] as [Bool??])
    try verify([Pair("a", UInt8(2)), Pair("a", 3), Pair("aa", 0), Pair("b", 0)])
    try verify([Triple(Int8(-1), "x", [9] as [UInt8]), Triple(0, "", []), Triple(0, "", [0]), Triple(0, "a", [])])
    #expect(Self.encodedAlone(Pair(UInt8(1), "a")) == [1, 0x61])
    #expect(Self.encodedAlone(Optional("a")) == [1, 0x61])
    #expect(throws: ByteReader.Failure.trailing) { try UInt8?(decodingAlone: ([0, 0] as [UInt8]).span) }
    #expect(Pair<UInt8, UInt16?>.storedType.name == "(UInt8,UInt16?)")
    #expect(Pair<UInt8, UInt16>.storedType.size == .fixed(3))
    #expect(Pair<UInt8, UInt16?>.storedType.size == .bounded(4))
    #expect(Triple<UInt8, String, Bool>.storedType.size == .unbounded)
    #expect(
      StableMap<Pair<UInt8, String?>, Triple<Int, Bool, Double>>.definition
        == "(UInt8,String?) -> (Int64,Bool,Double)")
  }

  @Test("enums by hand")
  func enums() throws {
    try verify([Shape.circle(radius: -1), .circle(radius: 2), .text(""), .text("a"), .nothing])
    #expect(throws: ByteReader.Failure.malformed) { try Self.decoded(Shape.self, [3]) }
    try verify([Pair(Shape.text("a\0"), Shape?.none), Pair(.text("a\0"), .nothing), Pair(.nothing, nil)])
  }

  @Test("random bytes decode to a value with just these bytes, or are refused", arguments: TestSeeds.list(count: 4))
  func garbage(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    typealias Value = Triple<Pair<String, UInt16?>, Shape?, [UInt8]>
    for _ in 0..<3000 {
      let bytes = (0..<random.below(24)).map { _ in UInt8([0, 0, 1, 2, 0x61, 0xFF, 0xC3][random.below(7)]) }
      if let value = try? Self.decoded(Value.self, bytes) { #expect(Self.encoded(value) == bytes) }
      if let value = try? Value(decodingAlone: bytes.span) { #expect(Self.encodedAlone(value) == bytes) }
    }
  }
}
