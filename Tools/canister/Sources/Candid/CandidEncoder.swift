/// Makes messages of values.
public struct CandidEncoder {
  private var table: [[UInt8]] = []
  private var known: [(type: CandidType, index: Int)] = []

  private init() {}

  /// The message of one value.
  public static func message(_ type: CandidType, _ value: CandidValue) -> [UInt8] {
    var encoder = CandidEncoder()
    let code = encoder.code(of: type)
    var message = candidMagic
    append(UInt64(encoder.table.count), to: &message)
    for entry in encoder.table { message += entry }
    message.append(1)
    message += code
    append(value, as: type, to: &message)
    return message
  }

  /// The message without values.
  public static var emptyMessage: [UInt8] { candidMagic + [0, 0] }

  /// How a type is named; compound ones get an entry in the table.
  private mutating func code(of type: CandidType) -> [UInt8] {
    if let code = type.primitiveCode { return [code] }
    if let found = known.first(where: { $0.type == type }) { return Self.signed(found.index) }
    var entry: [UInt8]
    switch type {
    case .optional(let inner): entry = [CandidCode.optional] + code(of: inner)
    case .vector(let inner): entry = [CandidCode.vector] + code(of: inner)
    case .record(let fields): entry = [CandidCode.record] + code(of: fields)
    case .variant(let fields): entry = [CandidCode.variant] + code(of: fields)
    case .null, .bool, .nat8, .nat32, .nat64, .text, .principal: entry = []
    }
    let index = table.count
    table.append(entry)
    known.append((type, index))
    return Self.signed(index)
  }

  private mutating func code(of fields: [CandidField]) -> [UInt8] {
    var bytes: [UInt8] = []
    Self.append(UInt64(fields.count), to: &bytes)
    for field in fields.sorted(by: { $0.id < $1.id }) {
      Self.append(UInt64(field.id), to: &bytes)
      bytes += code(of: field.type)
    }
    return bytes
  }

  private static func append(_ value: CandidValue, as type: CandidType, to message: inout [UInt8]) {
    switch (type, value) {
    case (.bool, .bool(let flag)): message.append(flag ? 1 : 0)
    case (.nat8, .nat(let number)): append(number, byteCount: 1, to: &message)
    case (.nat32, .nat(let number)): append(number, byteCount: 4, to: &message)
    case (.nat64, .nat(let number)): append(number, byteCount: 8, to: &message)
    case (.text, .text(let text)): append(bytes: Array(text.utf8), to: &message)
    case (.vector(.nat8), .bytes(let bytes)): append(bytes: bytes, to: &message)
    case (.principal, .bytes(let bytes)):
      message.append(1)
      append(bytes: bytes, to: &message)
    case (.optional, .none): message.append(0)
    case (.optional(let inner), .some(let value)):
      message.append(1)
      append(value, as: inner, to: &message)
    case (.vector(let inner), .vector(let values)):
      append(UInt64(values.count), to: &message)
      for value in values { append(value, as: inner, to: &message) }
    case (.record(let fields), .record(let values)):
      precondition(fields.count == values.count, "a value for each field")
      for index in fields.indices.sorted(by: { fields[$0].id < fields[$1].id }) {
        append(values[index], as: fields[index].type, to: &message)
      }
    case (.variant(let fields), .variant(let choice, let value)):
      let place = fields.filter { $0.id < fields[choice].id }.count
      append(UInt64(place), to: &message)
      append(value, as: fields[choice].type, to: &message)
    default:
      guard case (.null, .null) = (type, value) else { preconditionFailure("a value of another type") }
    }
  }

  private static func append(bytes: [UInt8], to message: inout [UInt8]) {
    append(UInt64(bytes.count), to: &message)
    message += bytes
  }

  private static func append(_ number: UInt64, byteCount: Int, to message: inout [UInt8]) {
    for index in 0..<byteCount { message.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
  }

  /// LEB128.
  private static func append(_ number: UInt64, to message: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      message.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    message.append(UInt8(rest))
  }

  /// Signed LEB128 of the number of an entry.
  private static func signed(_ index: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = index
    while rest >= 0x40 {
      bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }
}
