public import CairnBytes
import CairnVolumes

// Values that say of which kind they are: in stored defaults and predicates, and in staged operations.
//
//     kind       tag  bytes behind it
//     null         0  none
//     integer      4  8, little-endian
//     unsigned     8  8, little-endian
//     double       9  8: IEEE 754's bits, little-endian
//     decimal     10  length (varint), then the bytes of its key
//     bool        11  00 or 01
//     string      12  length (varint), then the UTF-8
//     bytes       13  length (varint), then the bytes
//     date        14  4: days since 1970-01-01, little-endian
//     timestamp   15  8: nanoseconds since 1970-01-01T00:00:00Z, little-endian
//     uniqueID    16  16: both halves, little-endian, the high one first
//     principal   17  length (varint), then the bytes
//
// The tags are the raw values of ColumnType.

extension ColumnValue {
  /// The tag of ``null``.
  private static let nullTag: UInt8 = 0

  /// Writes the value behind a tag that says what it is.
  public func encode(into writer: inout ByteWriter) {
    guard let type = widestType else {
      writer.uint8(Self.nullTag)
      return
    }
    writer.uint8(type.rawValue)
    switch self {
    case .null: break
    case .integer(let value): writer.uint64(UInt64(bitPattern: value))
    case .unsigned(let value): writer.uint64(value)
    case .double(let value): writer.uint64(value.bitPattern)
    case .decimal(let value):
      var key: [UInt8] = []
      value.appendKey(to: &key)
      writer.lengthPrefixed(key)
    case .bool(let value): writer.uint8(value ? 1 : 0)
    case .string(let value): writer.lengthPrefixed(Array(value.utf8))
    case .bytes(let value): writer.lengthPrefixed(value)
    case .date(let value): writer.uint32(UInt32(bitPattern: value.daysSince1970))
    case .timestamp(let value): writer.uint64(UInt64(bitPattern: value.nanosecondsSince1970))
    case .uniqueID(let value):
      writer.uint64(value.high)
      writer.uint64(value.low)
    case .principal(let value): writer.lengthPrefixed(value.bytes)
    }
  }

  /// Reads what ``encode(into:)`` wrote, and accepts nothing else. After a failure the reader may stand within the value.
  public init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    let tag = try reader.uint8()
    if tag == Self.nullTag {
      self = .null
      return
    }
    switch ColumnType(rawValue: tag) {
    case .int64: self = .integer(Int64(bitPattern: try reader.uint64()))
    case .uint64: self = .unsigned(try reader.uint64())
    case .double: self = .double(Double(bitPattern: try reader.uint64()))
    case .decimal:
      var key = KeyReader(try reader.lengthPrefixed(limit: ExactDecimal.keyByteCountMax))
      self = .decimal(try key.decimal())
      try key.finish()
    case .bool:
      let byte = try reader.uint8()
      guard byte <= 1 else { throw .malformed }
      self = .bool(byte == 1)
    case .string:
      let bytes = try reader.lengthPrefixed(limit: .max)
      guard let value = String(validating: bytes, as: UTF8.self) else { throw .malformed }
      self = .string(value)
    case .bytes: self = .bytes(try reader.lengthPrefixed(limit: .max))
    case .date:
      guard let date = CalendarDate(daysSince1970: Int32(bitPattern: try reader.uint32())) else { throw .malformed }
      self = .date(date)
    case .timestamp: self = .timestamp(Timestamp(nanosecondsSince1970: Int64(bitPattern: try reader.uint64())))
    case .uniqueID: self = .uniqueID(UniqueID(high: try reader.uint64(), low: try reader.uint64()))
    case .principal:
      self = .principal(try Self.principal(from: try reader.lengthPrefixed(limit: Principal.byteCountMax)))
    case .int8, .int16, .int32, .uint8, .uint16, .uint32, nil: throw .malformed
    }
  }

  /// The widest type that accepts every value of this kind; nil for null.
  public var widestType: ColumnType? {
    switch self {
    case .null: nil
    case .integer: .int64
    case .unsigned: .uint64
    case .double: .double
    case .decimal: .decimal
    case .bool: .bool
    case .string: .string
    case .bytes: .bytes
    case .date: .date
    case .timestamp: .timestamp
    case .uniqueID: .uniqueID
    case .principal: .principal
    }
  }
}
