/// Reads the arguments of a method, one after the other. Whatever the bytes are, the end is a value or a failure; nothing
/// is allocated beyond the bytes that are there.
public struct CandidDecoder {
  private let bytes: [UInt8]
  private var offset = 0
  /// Of each entry of the type table the kind and, for an option or a vector, what is in it.
  private var table: [(kind: UInt8, inner: Int64)] = []
  private var types: [Int64] = []
  private var next = 0

  private static let tableCountMax = 1000

  /// Reads the head of a message.
  public init(_ message: [UInt8]) throws(CandidFailure) {
    bytes = message
    guard message.count >= 4, Array(message[..<4]) == candidMagic else { throw .malformed }
    offset = 4
    let tableCount = try unsigned()
    guard tableCount <= Self.tableCountMax else { throw .malformed }
    for _ in 0..<tableCount { try readEntry() }
    let typeCount = try unsigned()
    guard typeCount <= UInt64(bytes.count - offset) else { throw .malformed }
    for _ in 0..<typeCount { types.append(try signed()) }
  }

  private mutating func readEntry() throws(CandidFailure) {
    let kind = try byte()
    switch kind {
    case CandidCode.optional, CandidCode.vector: table.append((kind, try signed()))
    case CandidCode.record, CandidCode.variant:
      let count = try unsigned()
      guard count <= UInt64(bytes.count - offset) else { throw .malformed }
      for _ in 0..<count {
        _ = try unsigned()
        _ = try signed()
      }
      table.append((kind, 0))
    default: throw .malformed
    }
  }

  // MARK: Arguments

  /// The next argument, a text.
  public mutating func text() throws(CandidFailure) -> String {
    try text(of: try nextType())
  }

  /// The next argument, a `nat64` or a `nat` of that size.
  public mutating func nat64() throws(CandidFailure) -> UInt64 {
    try number(of: try nextType())
  }

  /// The next argument, a truth value.
  public mutating func bool() throws(CandidFailure) -> Bool {
    guard try nextType() == Self.type(CandidCode.bool) else { throw .unexpectedType }
    let value = try byte()
    guard value <= 1 else { throw .malformed }
    return value == 1
  }

  /// The next argument, a blob.
  public mutating func blob() throws(CandidFailure) -> [UInt8] {
    try blob(of: try nextType())
  }

  /// The next argument, a principal.
  public mutating func principal() throws(CandidFailure) -> [UInt8] {
    guard try nextType() == Self.type(CandidCode.principal), try byte() == 1 else { throw .unexpectedType }
    return try counted()
  }

  /// The next argument, an optional `nat64`.
  public mutating func optionalNat64() throws(CandidFailure) -> UInt64? {
    guard let inner = try optional() else { return nil }
    return try number(of: inner)
  }

  /// The next argument, an optional text.
  public mutating func optionalText() throws(CandidFailure) -> String? {
    guard let inner = try optional() else { return nil }
    return try text(of: inner)
  }

  /// Ends the reading: there must be no bytes left.
  public func finish() throws(CandidFailure) {
    guard next == types.count, offset == bytes.count else { throw .malformed }
  }

  // MARK: Parts

  private static func type(_ code: UInt8) -> Int64 { Int64(code) - 0x80 }

  private mutating func nextType() throws(CandidFailure) -> Int64 {
    guard next < types.count else { throw .unexpectedType }
    next += 1
    return types[next - 1]
  }

  private func entry(_ type: Int64) throws(CandidFailure) -> (kind: UInt8, inner: Int64) {
    guard type >= 0, type < Int64(table.count) else { throw .unexpectedType }
    return table[Int(type)]
  }

  /// The type in an option that is there.
  private mutating func optional() throws(CandidFailure) -> Int64? {
    let type = try nextType()
    if type == Self.type(CandidCode.null) { return nil }
    let entry = try entry(type)
    guard entry.kind == CandidCode.optional else { throw .unexpectedType }
    switch try byte() {
    case 0: return nil
    case 1: return entry.inner
    default: throw .malformed
    }
  }

  private mutating func text(of type: Int64) throws(CandidFailure) -> String {
    guard type == Self.type(CandidCode.text) else { throw .unexpectedType }
    guard let text = String(validating: try counted(), as: UTF8.self) else { throw .malformed }
    return text
  }

  private mutating func number(of type: Int64) throws(CandidFailure) -> UInt64 {
    if type == Self.type(CandidCode.nat) { return try unsigned() }
    guard type == Self.type(CandidCode.nat64) else { throw .unexpectedType }
    var value: UInt64 = 0
    for index in 0..<8 { value |= UInt64(try byte()) << UInt64(8 * index) }
    return value
  }

  private mutating func blob(of type: Int64) throws(CandidFailure) -> [UInt8] {
    let entry = try entry(type)
    guard entry.kind == CandidCode.vector, entry.inner == Self.type(CandidCode.nat8) else { throw .unexpectedType }
    return try counted()
  }

  private mutating func counted() throws(CandidFailure) -> [UInt8] {
    let count = try unsigned()
    guard count <= UInt64(bytes.count - offset) else { throw .malformed }
    offset += Int(count)
    return Array(bytes[offset - Int(count)..<offset])
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

  private mutating func signed() throws(CandidFailure) -> Int64 {
    var value: Int64 = 0
    var shift: Int64 = 0
    while true {
      let part = try byte()
      value |= Int64(part & 0x7F) << shift
      shift += 7
      if part < 0x80 {
        if part & 0x40 != 0, shift < 64 { value |= -1 << shift }
        return value
      }
      guard shift < 35 else { throw .malformed }
    }
  }
}
