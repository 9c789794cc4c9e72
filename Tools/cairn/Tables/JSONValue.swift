/// A JSON value as it was read. Numbers keep their text, so that no digit is lost before the type is known.
indirect enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  /// Names in the order in which they stand; none of them twice.
  case object([(name: String, value: JSONValue)])

  static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): left == right
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    default: false
    }
  }

  /// What kind of value it is, for messages.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "text"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// The value under a name of an object.
  subscript(name name: String) -> JSONValue? {
    guard case .object(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }
}

/// Reads one JSON value (RFC 8259) out of bytes.
struct JSONReader {
  /// Why bytes are no JSON, and at which of them.
  struct Mistake: Error, Equatable {
    let what: String
    let offset: Int
  }

  private let bytes: [UInt8]
  private var position = 0

  /// Lists and objects in each other.
  private static let depthMax = 64

  /// The value that all of the bytes are.
  static func read(_ bytes: [UInt8]) throws(Mistake) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.mistake("more text behind the value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func mistake(_ what: String) -> Mistake { Mistake(what: what, offset: position) }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
    position += 1
    return true
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(Mistake) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw mistake("no value") }
    position += word.utf8.count
    return value
  }

  private mutating func value(depth: Int) throws(Mistake) -> JSONValue {
    guard depth < Self.depthMax else { throw mistake("more than \(Self.depthMax) lists and objects in each other") }
    skipSpace()
    guard position < bytes.count else { throw mistake("the text ends before the value does") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func object(_ depth: Int) throws(Mistake) -> JSONValue {
    position += 1
    var fields: [(name: String, value: JSONValue)] = []
    if skip("}") { return .object(fields) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw mistake("a name is missing") }
      let name = try string()
      guard !fields.contains(where: { $0.name == name }) else {
        throw mistake("the name '\(name)' for the second time")
      }
      guard skip(":") else { throw mistake("a colon is missing") }
      fields.append((name, try value(depth: depth + 1)))
      if skip("}") { return .object(fields) }
      guard skip(",") else { throw mistake("a comma or a closing brace is missing") }
    }
  }

  private mutating func array(_ depth: Int) throws(Mistake) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    if skip("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      if skip("]") { return .array(elements) }
      guard skip(",") else { throw mistake("a comma or a closing bracket is missing") }
    }
  }

  private mutating func number() throws(Mistake) -> String {
    let start = position
    func isDigit(_ position: Int) -> Bool {
      position < bytes.count && bytes[position] >= 0x30 && bytes[position] <= 0x39
    }
    func digits(_ position: inout Int) -> Bool {
      guard isDigit(position) else { return false }
      while isDigit(position) { position += 1 }
      return true
    }
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let hasLeadingZero = position < bytes.count && bytes[position] == 0x30 && isDigit(position + 1)
    guard digits(&position), !hasLeadingZero else { throw mistake("no value") }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard digits(&position) else { throw mistake("digits are missing behind the point") }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, [0x2B, 0x2D].contains(bytes[position]) { position += 1 }
      guard digits(&position) else { throw mistake("digits are missing in the exponent") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func string() throws(Mistake) -> String {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = Text.exact(text) else { throw mistake("text that is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): try escape(&text)
      case 0..<0x20: throw mistake("a control character in text")
      default: text.append(byte)
      }
    }
    throw mistake("the quotes are never closed")
  }

  private mutating func escape(_ text: inout [UInt8]) throws(Mistake) {
    guard position < bytes.count else { throw mistake("the quotes are never closed") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      let scalar = try scalar()
      text.append(contentsOf: String(scalar).utf8)
    default: throw mistake("an unknown escape")
    }
  }

  /// The character of one or two `\u` escapes.
  private mutating func scalar() throws(Mistake) -> Unicode.Scalar {
    let first = try codeUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw mistake("half of a surrogate pair") }
    position += 2
    let second = try codeUnit()
    guard (0xDC00...0xDFFF).contains(second) else { throw mistake("half of a surrogate pair") }
    let value = 0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00)
    guard let scalar = Unicode.Scalar(value) else { throw mistake("half of a surrogate pair") }
    return scalar
  }

  private mutating func codeUnit() throws(Mistake) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw mistake("four hexadecimal digits are missing")
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }
}
