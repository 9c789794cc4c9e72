import CairnVolumes

// Values as text: in CSV files, on the command line, in messages. What `text` writes `parse` reads back.
//
//     type             text
//     integers         decimal digits
//     double           digits as Swift writes them, the shortest that give the same number; inf, -inf, nan
//     decimal          digits and a point, or an exponent
//     bool             true, false (1 and 0 are read as well)
//     string           itself
//     bytes            0x and two digits for each byte
//     date             2026-11-25
//     timestamp        2026-11-25T13:18:35.5Z
//     uniqueID         018f3c1e-7b2a-7c4d-9e5f-0123456789ab
//     principal        printable ASCII as it is, other bytes as 0x and two digits each

extension ColumnType {
  /// The value that a text stands for; nil when it is no text of this type, or out of its range.
  public func parse(_ text: String) -> ColumnValue? {
    switch self {
    case .int8, .int16, .int32, .int64:
      guard let number = Int64(text), accepts(.integer(number)) else { return nil }
      return .integer(number)
    case .uint8, .uint16, .uint32, .uint64:
      guard let number = UInt64(text), accepts(.unsigned(number)) else { return nil }
      return .unsigned(number)
    case .double: return Double(text).map { .double($0) }
    case .decimal: return ExactDecimal(text).map { .decimal($0) }
    case .bool:
      switch text {
      case "true", "1": return .bool(true)
      case "false", "0": return .bool(false)
      default: return nil
      }
    case .string: return .string(text)
    case .bytes: return Self.hexadecimal(text).map { .bytes($0) }
    case .date: return CalendarDate(text).map { .date($0) }
    case .timestamp: return Timestamp(text).map { .timestamp($0) }
    case .uniqueID: return UniqueID(text).map { .uniqueID($0) }
    case .principal:
      guard let bytes = text.utf8.starts(with: "0x".utf8) ? Self.hexadecimal(text) : Array(text.utf8) else {
        return nil
      }
      return (try? Principal(bytes)).map { .principal($0) }
    }
  }

  private static func hexadecimal(_ text: String) -> [UInt8]? {
    guard text.utf8.starts(with: "0x".utf8) else { return nil }
    return Hexadecimal.bytes(text.utf8.dropFirst(2))
  }
}

extension ColumnValue {
  /// The value as text; null as nothing at all.
  public var text: String {
    switch self {
    case .null: ""
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .double(let value): value.description
    case .decimal(let value): value.description
    case .bool(let value): value ? "true" : "false"
    case .string(let value): value
    case .bytes(let value): "0x" + Hexadecimal.text(value)
    case .date(let value): value.description
    case .timestamp(let value): value.description
    case .uniqueID(let value): value.description
    case .principal(let value): Self.text(value.bytes)
    }
  }

  private static func text(_ principal: [UInt8]) -> String {
    let isPrintable = principal.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    guard isPrintable, !principal.starts(with: "0x".utf8) else { return "0x" + Hexadecimal.text(principal) }
    return String(decoding: principal, as: UTF8.self)
  }
}

extension ColumnValue: CustomStringConvertible {
  /// The value for a message: text in quotes, null by name.
  public var description: String {
    switch self {
    case .null: "null"
    case .string(let value): "'\(value)'"
    default: text
    }
  }
}
