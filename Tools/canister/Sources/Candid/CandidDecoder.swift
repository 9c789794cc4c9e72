/// Reads the arguments of a method, one after the other. Whatever the bytes are, the end is a value or a failure; nothing
/// is allocated beyond the bytes that are there.
///
/// An argument may be of any type that can stand for the one that is wanted: with further fields in records, without optional
/// ones, a value where an optional one is wanted, a number without a bound where a bounded one is and it fits.
public struct CandidDecoder {
  /// An entry of the type table: the kind, and the types of its parts. An option or a vector has one.
  private struct Entry {
    let kind: UInt8
    let parts: [(id: UInt64, type: Int64)]
  }

  private let bytes: [UInt8]
  private var offset = 0
  private var table: [Entry] = []
  private var types: [Int64] = []
  private var next = 0

  private static let tableCountMax = 1000
  private static let partCountMax = 10_000
  /// Values within values; what is deeper is malformed.
  private static let depthMax = 64

  /// Reads the head of a message.
  public init(_ message: [UInt8]) throws(CandidFailure) {
    bytes = message
    guard message.count >= 4, Array(message[..<4]) == candidMagic else { throw .malformed }
    offset = 4
    let tableCount = try unsigned()
    guard tableCount <= Self.tableCountMax else { throw .malformed }
    var partCount: UInt64 = 0
    for _ in 0..<tableCount {
      table.append(try entry())
      partCount += UInt64(table[table.count - 1].parts.count)
      guard partCount <= Self.partCountMax else { throw .malformed }
    }
    let typeCount = try unsigned()
    guard typeCount <= UInt64(bytes.count - offset) else { throw .malformed }
    for _ in 0..<typeCount { types.append(try signed()) }
  }

  private mutating func entry() throws(CandidFailure) -> Entry {
    let kind = try byte()
    switch kind {
    case CandidCode.optional, CandidCode.vector: return Entry(kind: kind, parts: [(0, try signed())])
    case CandidCode.record, CandidCode.variant:
      let count = try unsigned()
      guard count <= UInt64(bytes.count - offset) else { throw .malformed }
      var parts: [(id: UInt64, type: Int64)] = []
      for _ in 0..<count {
        let id = try unsigned()
        // Ascending, so none twice.
        guard parts.last.map({ $0.id < id }) ?? true else { throw .malformed }
        parts.append((id, try signed()))
      }
      return Entry(kind: kind, parts: parts)
    default: throw .malformed
    }
  }

  // MARK: Arguments

  /// The next argument as a value of a type. One that is missing is none where the type is optional.
  public mutating func value(_ type: CandidType) throws(CandidFailure) -> CandidValue {
    guard next < types.count else {
      guard type.code == CandidCode.optional else { throw .unexpectedType }
      return .none
    }
    next += 1
    return try value(type, found: types[next - 1], depth: 0)
  }

  /// The next argument, a text.
  public mutating func text() throws(CandidFailure) -> String {
    guard case .text(let text) = try value(.text) else { throw .unexpectedType }
    return text
  }

  /// The next argument, a `nat64` or a `nat` of that size.
  public mutating func nat64() throws(CandidFailure) -> UInt64 {
    guard case .nat(let number) = try value(.nat64) else { throw .unexpectedType }
    return number
  }

  /// The next argument, a truth value.
  public mutating func bool() throws(CandidFailure) -> Bool {
    guard case .bool(let flag) = try value(.bool) else { throw .unexpectedType }
    return flag
  }

  /// The next argument, a blob.
  public mutating func blob() throws(CandidFailure) -> [UInt8] {
    guard case .bytes(let bytes) = try value(.blob) else { throw .unexpectedType }
    return bytes
  }

  /// The next argument, a principal.
  public mutating func principal() throws(CandidFailure) -> [UInt8] {
    guard case .bytes(let bytes) = try value(.principal) else { throw .unexpectedType }
    return bytes
  }

  /// The next argument, an optional `nat64`.
  public mutating func optionalNat64() throws(CandidFailure) -> UInt64? {
    guard case .some(.nat(let number)) = try value(.optional(.nat64)) else { return nil }
    return number
  }

  /// The next argument, an optional text.
  public mutating func optionalText() throws(CandidFailure) -> String? {
    guard case .some(.text(let text)) = try value(.optional(.text)) else { return nil }
    return text
  }

  /// Ends the reading: there must be no bytes left.
  public func finish() throws(CandidFailure) {
    guard next == types.count, offset == bytes.count else { throw .malformed }
  }

  // MARK: Values

  private static func primitive(_ code: UInt8) -> Int64 { Int64(code) - 0x80 }

  /// The table's entry that a type means; nil for a primitive one.
  private func entry(of type: Int64) throws(CandidFailure) -> Entry? {
    guard type >= 0 else { return nil }
    guard type < Int64(table.count) else { throw .malformed }
    return table[Int(type)]
  }

  private mutating func value(
    _ type: CandidType, found: Int64, depth: Int
  ) throws(CandidFailure) -> CandidValue {
    guard depth < Self.depthMax else { throw .malformed }
    if let byteCount = type.numberByteCount { return .nat(try number(type, byteCount, found)) }
    switch type.code {
    case CandidCode.null:
      guard found == Self.primitive(CandidCode.null) else { throw .unexpectedType }
      return .null
    case CandidCode.bool:
      guard found == Self.primitive(CandidCode.bool) else { throw .unexpectedType }
      let flag = try byte()
      guard flag <= 1 else { throw .malformed }
      return .bool(flag == 1)
    case CandidCode.text:
      guard found == Self.primitive(CandidCode.text) else { throw .unexpectedType }
      guard let text = String(validating: try counted(), as: UTF8.self) else { throw .malformed }
      return .text(text)
    case CandidCode.principal:
      guard found == Self.primitive(CandidCode.principal) else { throw .unexpectedType }
      guard try byte() == 1 else { throw .malformed }
      return .bytes(try counted())
    case CandidCode.optional: return try option(type.parts[0].type, found, depth)
    case CandidCode.vector: return try vector(type.parts[0].type, found, depth)
    case CandidCode.record: return try record(type, found, depth)
    case CandidCode.variant: return try variant(type, found, depth)
    default: throw .unexpectedType
    }
  }

  private mutating func option(
    _ type: CandidType, _ found: Int64, _ depth: Int
  ) throws(CandidFailure) -> CandidValue {
    if found == Self.primitive(CandidCode.null) || found == Self.primitive(CandidCode.reserved) { return .none }
    guard let entry = try entry(of: found), entry.kind == CandidCode.optional else {
      return .some(try value(type, found: found, depth: depth + 1))
    }
    switch try byte() {
    case 0: return .none
    case 1: return .some(try value(type, found: entry.parts[0].type, depth: depth + 1))
    default: throw .malformed
    }
  }

  private mutating func vector(
    _ type: CandidType, _ found: Int64, _ depth: Int
  ) throws(CandidFailure) -> CandidValue {
    guard let entry = try entry(of: found), entry.kind == CandidCode.vector else { throw .unexpectedType }
    let inner = entry.parts[0].type
    if type == .nat8, inner == Self.primitive(CandidCode.nat8) { return .bytes(try counted()) }
    let count = try elementCount()
    var values: [CandidValue] = []
    for _ in 0..<count { values.append(try value(type, found: inner, depth: depth + 1)) }
    return .vector(values)
  }

  private mutating func record(
    _ type: CandidType, _ found: Int64, _ depth: Int
  ) throws(CandidFailure) -> CandidValue {
    guard let entry = try entry(of: found), entry.kind == CandidCode.record else { throw .unexpectedType }
    var values = [CandidValue?](repeating: nil, count: type.parts.count)
    for part in entry.parts {
      if let index = type.parts.firstIndex(where: { UInt64($0.id) == part.id }) {
        values[index] = try value(type.parts[index].type, found: part.type, depth: depth + 1)
      } else {
        try skip(part.type, depth: depth + 1)
      }
    }
    var fields: [CandidValue] = []
    for (index, field) in type.parts.enumerated() {
      if let value = values[index] {
        fields.append(value)
      } else {
        guard field.type.code == CandidCode.optional else { throw .unexpectedType }
        fields.append(.none)
      }
    }
    return .record(fields)
  }

  private mutating func variant(
    _ type: CandidType, _ found: Int64, _ depth: Int
  ) throws(CandidFailure) -> CandidValue {
    guard let entry = try entry(of: found), entry.kind == CandidCode.variant else { throw .unexpectedType }
    let choice = try unsigned()
    guard choice < UInt64(entry.parts.count) else { throw .malformed }
    let part = entry.parts[Int(choice)]
    guard let index = type.parts.firstIndex(where: { UInt64($0.id) == part.id }) else { throw .unexpectedType }
    return .variant(index, try value(type.parts[index].type, found: part.type, depth: depth + 1))
  }

  /// A number as its bits, signed ones extended to 64 bits.
  private mutating func number(
    _ type: CandidType, _ byteCount: Int, _ found: Int64
  ) throws(CandidFailure) -> UInt64 {
    if found == Self.primitive(type.code) {
      var value: UInt64 = 0
      for index in 0..<byteCount { value |= UInt64(try byte()) << UInt64(8 * index) }
      guard type.isSigned else { return value }
      let unused = UInt64(64 - 8 * byteCount)
      return UInt64(bitPattern: Int64(bitPattern: value << unused) >> Int64(unused))
    }
    let unused = UInt64(64 - 8 * byteCount)
    guard type.code != CandidCode.float64 else { throw .unexpectedType }
    if found == Self.primitive(CandidCode.nat) {
      let value = try unsigned()
      guard value <= UInt64.max >> (unused + (type.isSigned ? 1 : 0)) else { throw .unexpectedType }
      return value
    }
    guard found == Self.primitive(CandidCode.int), type.isSigned else { throw .unexpectedType }
    let value = try signed(bitCountMax: 64)
    guard (value << Int64(unused)) >> Int64(unused) == value else { throw .unexpectedType }
    return UInt64(bitPattern: value)
  }

  /// Passes over a value that nobody asked for.
  private mutating func skip(_ type: Int64, depth: Int) throws(CandidFailure) {
    guard depth < Self.depthMax else { throw .malformed }
    guard let entry = try entry(of: type) else { return try skip(primitive: type) }
    switch entry.kind {
    case CandidCode.optional:
      switch try byte() {
      case 0: return
      case 1: try skip(entry.parts[0].type, depth: depth + 1)
      default: throw .malformed
      }
    case CandidCode.vector:
      for _ in 0..<(try elementCount()) { try skip(entry.parts[0].type, depth: depth + 1) }
    case CandidCode.record:
      for part in entry.parts { try skip(part.type, depth: depth + 1) }
    default:
      let choice = try unsigned()
      guard choice < UInt64(entry.parts.count) else { throw .malformed }
      try skip(entry.parts[Int(choice)].type, depth: depth + 1)
    }
  }

  private mutating func skip(primitive type: Int64) throws(CandidFailure) {
    guard let code = UInt8(exactly: type + 0x80) else { throw .malformed }
    switch code {
    case CandidCode.null, CandidCode.reserved: return
    case CandidCode.bool, CandidCode.nat8, CandidCode.int8: try skip(byteCount: 1)
    case CandidCode.nat16, CandidCode.int16: try skip(byteCount: 2)
    case CandidCode.nat32, CandidCode.int32, CandidCode.float32: try skip(byteCount: 4)
    case CandidCode.nat64, CandidCode.int64, CandidCode.float64: try skip(byteCount: 8)
    case CandidCode.nat, CandidCode.int: while try byte() >= 0x80 {}
    case CandidCode.text: _ = try counted()
    case CandidCode.principal:
      guard try byte() == 1 else { throw .malformed }
      _ = try counted()
    default: throw .malformed
    }
  }

  // MARK: Parts

  /// How many elements a vector has. One without bytes is refused: its count could be anything.
  private mutating func elementCount() throws(CandidFailure) -> Int {
    let count = try unsigned()
    guard count <= UInt64(bytes.count - offset) else { throw .malformed }
    return Int(count)
  }

  private mutating func counted() throws(CandidFailure) -> [UInt8] {
    let count = try elementCount()
    offset += count
    return Array(bytes[offset - count..<offset])
  }

  private mutating func skip(byteCount: Int) throws(CandidFailure) {
    guard byteCount <= bytes.count - offset else { throw .malformed }
    offset += byteCount
  }

  private mutating func byte() throws(CandidFailure) -> UInt8 {
    guard offset < bytes.count else { throw .malformed }
    offset += 1
    return bytes[offset - 1]
  }

  private mutating func unsigned() throws(CandidFailure) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let part = try byte()
      guard shift < 63 || part <= 1 else { throw .malformed }
      value |= UInt64(part & 0x7F) << shift
      if part < 0x80 { return value }
      shift += 7
      guard shift < 64 else { throw .malformed }
    }
  }

  /// Signed LEB128; of types, 35 bits are enough.
  private mutating func signed(bitCountMax: Int64 = 35) throws(CandidFailure) -> Int64 {
    var value: Int64 = 0
    var shift: Int64 = 0
    while true {
      let part = try byte()
      // Of the tenth byte one bit counts, and the others repeat it.
      guard shift < 63 || part == 0 || part == 0x7F else { throw .malformed }
      value |= Int64(part & 0x7F) << shift
      shift += 7
      if part < 0x80 {
        if part & 0x40 != 0, shift < 64 { value |= -1 << shift }
        return value
      }
      guard shift < bitCountMax else { throw .malformed }
    }
  }
}
