public import CairnBytes
import CairnVolumes

// Values in keys of rows and indexes: compared byte by byte, keys stand in the order of the values. A composite key is
// its parts one behind the other; no encoding is the beginning of another one of the same column.
//
//     type             bytes
//     intN, uintN      N/8 bytes, the most significant first; the sign bit of intN flipped
//     double           8 bytes: IEEE 754's bits, the sign bit flipped, or all bits when it was set
//     decimal          see ExactDecimal
//     bool             00 or 01
//     string, bytes,   each byte, 00 as 00 FF; then 00 00
//     principal
//     date             as an int32: days since 1970-01-01
//     timestamp        as an int64: nanoseconds since 1970-01-01T00:00:00Z
//     uniqueID         16 bytes
//     a column that    00 for null; 01 and the value
//     may be null

extension ColumnValue {
  /// Appends the key of a value.
  ///
  /// - Parameters:
  ///   - type: the column's type, which accepts the value.
  ///   - isOptional: whether the column may be null. Null of one that may not, as a damaged row has it, adds nothing.
  ///   - key: what it is appended to.
  public func appendKey(as type: ColumnType, isOptional: Bool, to key: inout [UInt8]) {
    precondition(isNull || type.accepts(self), "a value of another type than its column")
    if isOptional { key.append(isNull ? 0 : 1) }
    switch self {
    case .null: break
    case .integer(let value): Self.appendInteger(value, as: type, to: &key)
    case .unsigned(let value): Self.appendInteger(value, as: type, to: &key)
    case .double(let value): KeyEncoding.append(value, to: &key)
    case .decimal(let value): value.appendKey(to: &key)
    case .bool(let value): KeyEncoding.append(value, to: &key)
    case .string(let value): KeyEncoding.append(value, to: &key)
    case .bytes(let value): KeyEncoding.append(value, to: &key)
    case .date(let value): KeyEncoding.append(value.daysSince1970, to: &key)
    case .timestamp(let value): KeyEncoding.append(value.nanosecondsSince1970, to: &key)
    case .uniqueID(let value):
      KeyEncoding.append(value.high, to: &key)
      KeyEncoding.append(value.low, to: &key)
    case .principal(let value): KeyEncoding.append(value.bytes, to: &key)
    }
  }

  private static func appendInteger<Value: FixedWidthInteger>(
    _ value: Value, as type: ColumnType, to key: inout [UInt8]
  ) {
    switch type {
    case .int8: KeyEncoding.append(Int8(truncatingIfNeeded: value), to: &key)
    case .int16: KeyEncoding.append(Int16(truncatingIfNeeded: value), to: &key)
    case .int32: KeyEncoding.append(Int32(truncatingIfNeeded: value), to: &key)
    case .uint8: KeyEncoding.append(UInt8(truncatingIfNeeded: value), to: &key)
    case .uint16: KeyEncoding.append(UInt16(truncatingIfNeeded: value), to: &key)
    case .uint32: KeyEncoding.append(UInt32(truncatingIfNeeded: value), to: &key)
    default: KeyEncoding.append(value, to: &key)
    }
  }
}

extension KeyReader {
  /// The next value of a column. Only bytes that ``ColumnValue/appendKey(as:isOptional:to:)`` writes are accepted; after
  /// a failure the reader may stand within the value.
  public mutating func columnValue(
    as type: ColumnType, isOptional: Bool
  ) throws(ByteReader.Failure) -> ColumnValue {
    if isOptional, try !bool() { return .null }
    switch type {
    case .int8: return .integer(Int64(try integer(as: Int8.self)))
    case .int16: return .integer(Int64(try integer(as: Int16.self)))
    case .int32: return .integer(Int64(try integer(as: Int32.self)))
    case .int64: return .integer(try integer(as: Int64.self))
    case .uint8: return .unsigned(UInt64(try integer(as: UInt8.self)))
    case .uint16: return .unsigned(UInt64(try integer(as: UInt16.self)))
    case .uint32: return .unsigned(UInt64(try integer(as: UInt32.self)))
    case .uint64: return .unsigned(try integer(as: UInt64.self))
    case .double: return .double(try double())
    case .decimal: return .decimal(try decimal())
    case .bool: return .bool(try bool())
    case .string: return .string(try string())
    case .bytes: return .bytes(try byteString())
    case .date:
      guard let date = CalendarDate(daysSince1970: try integer()) else { throw .malformed }
      return .date(date)
    case .timestamp: return .timestamp(Timestamp(nanosecondsSince1970: try integer()))
    case .uniqueID: return .uniqueID(UniqueID(high: try integer(), low: try integer()))
    case .principal: return .principal(try ColumnValue.principal(from: try byteString()))
    }
  }
}

extension ColumnValue {
  /// A principal out of stored bytes.
  static func principal(from bytes: [UInt8]) throws(ByteReader.Failure) -> Principal {
    guard let principal = try? Principal(bytes) else { throw .malformed }
    return principal
  }
}
