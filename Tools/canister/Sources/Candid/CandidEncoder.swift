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
    if type.isPrimitive { return [type.code] }
    if let found = known.first(where: { $0.type == type }) { return Self.signed(found.index) }
    var entry = [type.code]
    if type.code == CandidCode.record || type.code == CandidCode.variant {
      entry += code(of: type.parts)
    } else {
      entry += code(of: type.parts[0].type)
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
    let parts = type.parts
    switch value {
    case .null: precondition(type == .null, "a value of another type")
    case .bool(let flag):
      precondition(type == .bool, "a value of another type")
      message.append(flag ? 1 : 0)
    case .nat(let number): append(number, byteCount: byteCount(of: type), to: &message)
    case .text(let text):
      precondition(type == .text, "a value of another type")
      append(bytes: Array(text.utf8), to: &message)
    case .bytes(let bytes):
      precondition(type == .blob || type == .principal, "a value of another type")
      if type == .principal { message.append(1) }
      append(bytes: bytes, to: &message)
    case .none:
      precondition(type.code == CandidCode.optional, "a value of another type")
      message.append(0)
    case .some(let value):
      precondition(type.code == CandidCode.optional, "a value of another type")
      message.append(1)
      append(value, as: parts[0].type, to: &message)
    case .vector(let values):
      precondition(type.code == CandidCode.vector, "a value of another type")
      append(UInt64(values.count), to: &message)
      for value in values { append(value, as: parts[0].type, to: &message) }
    case .record(let values):
      precondition(type.code == CandidCode.record && parts.count == values.count, "a value for each field")
      for index in parts.indices.sorted(by: { parts[$0].id < parts[$1].id }) {
        append(values[index], as: parts[index].type, to: &message)
      }
    case .variant(let choice, let value):
      precondition(type.code == CandidCode.variant, "a value of another type")
      append(UInt64(parts.filter { $0.id < parts[choice].id }.count), to: &message)
      append(value, as: parts[choice].type, to: &message)
    }
  }

  private static func byteCount(of type: CandidType) -> Int {
    guard let count = type.numberByteCount else { preconditionFailure("a value of another type") }
    return count
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
