package import CairnBytes

// The stored form of a schema. The same bytes are what its hash is made of, so their order never changes.
//
// TableSchema:
//
//     uint8   version, 1
//     string  name
//     list    columns: string name, uint8 type, uint8 flags (1 optional, 2 auto-increment), default, list of
//             sanitizers, list of validators
//     names   primary key
//     list    indexes: string name, uint8 flags (1 unique), names of columns, names of columns that are not null
//     list    references: string name, names of columns, string table, names of columns there, uint8 on delete,
//             uint8 on update, uint8 flags (1 deferred)
//     list    checks: string name, predicate
//
//     string     varint length, UTF-8
//     list       varint count, then each
//     names      list of strings
//     default    uint8: 0 none; 1 and a value; 2 the time; 3 a random identifier
//     sanitizer  uint8: 0 trim; 1 lower case; 2 upper case; 255 and the string name of one with a closure
//     validator  uint8: 0 range and two values, null for no bound; 1 length and two varints; 2 e-mail; 3 URL; 255 and
//                a string
//     predicate  uint8: 0 always; 1 compare: string, uint8, value; 2 compare columns: string, uint8, string; 3 between:
//                string, two values; 4 in: string, list of values; 5 null: string; 6 prefix: string, value; 7 contains:
//                string, value; 8 and: list; 9 or: list; 10 not: predicate

/// Bounds of what is stored of a schema.
enum SchemaLimits {
  /// Bytes of a name.
  static let nameByteCountMax = 64
  /// Columns of a table.
  static let columnCountMax = 512
  /// Indexes of a table; references and checks have the same bound.
  static let indexCountMax = 64
  /// Columns of a key.
  static let keyColumnCountMax = 16
  /// Rules of a column.
  static let ruleCountMax = 16
  /// Bytes of an encoded schema.
  static let byteCountMax = 256 << 10
}

extension ByteWriter {
  mutating func string(_ text: String) { lengthPrefixed(Array(text.utf8)) }

  mutating func list<Element>(_ elements: [Element], _ encode: (Element, inout ByteWriter) -> Void) {
    varint(UInt64(elements.count))
    for element in elements { encode(element, &self) }
  }

  mutating func names(_ names: [String]) { list(names) { $1.string($0) } }
}

extension ByteReader {
  mutating func string() throws(Failure) -> String {
    guard let text = String(validating: try lengthPrefixed(limit: SchemaLimits.byteCountMax), as: UTF8.self) else {
      throw .malformed
    }
    return text
  }

  mutating func list<Element>(
    limit: Int, _ decode: (inout ByteReader) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    let count = try varint()
    guard count <= UInt64(limit) else { throw .malformed }
    var elements: [Element] = []
    for _ in 0..<count { elements.append(try decode(&self)) }
    return elements
  }

  mutating func names(limit: Int) throws(Failure) -> [String] {
    try list(limit: limit) { (reader) throws(Failure) in try reader.string() }
  }

  mutating func flags(_ known: UInt8) throws(Failure) -> UInt8 {
    let flags = try uint8()
    guard flags & ~known == 0 else { throw .malformed }
    return flags
  }
}

extension TableSchema {
  private static let version: UInt8 = 1

  /// Appends the stored form.
  package func encode(into writer: inout ByteWriter) {
    writer.uint8(Self.version)
    writer.string(name)
    writer.list(columns) { $0.encode(into: &$1) }
    writer.names(primaryKey)
    writer.list(indexes) { $0.encode(into: &$1) }
    writer.list(references) { $0.encode(into: &$1) }
    writer.list(checks) { (check, writer) in
      writer.string(check.name)
      check.predicate.encode(into: &writer)
    }
  }

  /// Reads the stored form.
  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == Self.version else { throw .malformed }
    name = try reader.string()
    columns = try reader.list(limit: SchemaLimits.columnCountMax) { (reader) throws(ByteReader.Failure) in
      try ColumnDefinition(decoding: &reader)
    }
    primaryKey = try reader.names(limit: SchemaLimits.keyColumnCountMax)
    indexes = try reader.list(limit: SchemaLimits.indexCountMax) { (reader) throws(ByteReader.Failure) in
      try IndexDefinition(decoding: &reader)
    }
    references = try reader.list(limit: SchemaLimits.indexCountMax) { (reader) throws(ByteReader.Failure) in
      try ReferenceDefinition(decoding: &reader)
    }
    checks = try reader.list(limit: SchemaLimits.indexCountMax) { (reader) throws(ByteReader.Failure) in
      CheckDefinition(try reader.string(), try Predicate(decoding: &reader))
    }
  }
}

extension ColumnDefinition {
  private static let optionalFlag: UInt8 = 1
  private static let autoIncrementFlag: UInt8 = 2

  func encode(into writer: inout ByteWriter) {
    writer.string(name)
    writer.uint8(type.rawValue)
    writer.uint8((isOptional ? Self.optionalFlag : 0) | (isAutoIncrement ? Self.autoIncrementFlag : 0))
    switch defaultValue {
    case nil: writer.uint8(0)
    case .value(let value):
      writer.uint8(1)
      value.encode(into: &writer)
    case .now: writer.uint8(2)
    case .randomID: writer.uint8(3)
    }
    writer.list(sanitizers) { $0.encode(into: &$1) }
    writer.list(validators) { $0.encode(into: &$1) }
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    name = try reader.string()
    guard let type = ColumnType(rawValue: try reader.uint8()) else { throw .malformed }
    self.type = type
    let flags = try reader.flags(Self.optionalFlag | Self.autoIncrementFlag)
    isOptional = flags & Self.optionalFlag != 0
    isAutoIncrement = flags & Self.autoIncrementFlag != 0
    switch try reader.uint8() {
    case 0: defaultValue = nil
    case 1: defaultValue = .value(try ColumnValue(decoding: &reader))
    case 2: defaultValue = .now
    case 3: defaultValue = .randomID
    default: throw .malformed
    }
    sanitizers = try reader.list(limit: SchemaLimits.ruleCountMax) { (reader) throws(ByteReader.Failure) in
      try Sanitizer(decoding: &reader)
    }
    validators = try reader.list(limit: SchemaLimits.ruleCountMax) { (reader) throws(ByteReader.Failure) in
      try Validator(decoding: &reader)
    }
  }
}

extension Sanitizer {
  func encode(into writer: inout ByteWriter) {
    switch rule {
    case .trim: writer.uint8(0)
    case .lowercase: writer.uint8(1)
    case .uppercase: writer.uint8(2)
    case .custom(let name, _):
      writer.uint8(255)
      writer.string(name)
    }
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    switch try reader.uint8() {
    case 0: self = .trim
    case 1: self = .lowercase
    case 2: self = .uppercase
    case 255: self = Sanitizer(rule: .custom(try reader.string(), nil))
    default: throw .malformed
    }
  }
}

extension Validator {
  func encode(into writer: inout ByteWriter) {
    switch rule {
    case .range(let minimum, let maximum):
      writer.uint8(0)
      (minimum ?? .null).encode(into: &writer)
      (maximum ?? .null).encode(into: &writer)
    case .length(let minimum, let maximum):
      writer.uint8(1)
      writer.varint(UInt64(minimum))
      writer.varint(UInt64(maximum))
    case .email: writer.uint8(2)
    case .url: writer.uint8(3)
    case .custom(let name, _):
      writer.uint8(255)
      writer.string(name)
    }
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    switch try reader.uint8() {
    case 0:
      let bounds = (try ColumnValue(decoding: &reader), try ColumnValue(decoding: &reader))
      self = .range(from: bounds.0.isNull ? nil : bounds.0, to: bounds.1.isNull ? nil : bounds.1)
    case 1:
      guard let minimum = UInt32(exactly: try reader.varint()), let maximum = UInt32(exactly: try reader.varint())
      else { throw .malformed }
      self = .length(from: minimum, to: maximum)
    case 2: self = .email
    case 3: self = .url
    case 255: self = Validator(rule: .custom(try reader.string(), nil))
    default: throw .malformed
    }
  }
}

extension IndexDefinition {
  private static let uniqueFlag: UInt8 = 1

  func encode(into writer: inout ByteWriter) {
    writer.string(name)
    writer.uint8(isUnique ? Self.uniqueFlag : 0)
    writer.names(columns)
    writer.names(whereNotNull)
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    name = try reader.string()
    isUnique = try reader.flags(Self.uniqueFlag) != 0
    columns = try reader.names(limit: SchemaLimits.keyColumnCountMax)
    whereNotNull = try reader.names(limit: SchemaLimits.columnCountMax)
  }
}

extension ReferenceDefinition {
  private static let deferredFlag: UInt8 = 1

  func encode(into writer: inout ByteWriter) {
    writer.string(name)
    writer.names(columns)
    writer.string(table)
    writer.names(referencedColumns)
    writer.uint8(onDelete.rawValue)
    writer.uint8(onUpdate.rawValue)
    writer.uint8(isDeferred ? Self.deferredFlag : 0)
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    name = try reader.string()
    columns = try reader.names(limit: SchemaLimits.keyColumnCountMax)
    table = try reader.string()
    referencedColumns = try reader.names(limit: SchemaLimits.keyColumnCountMax)
    guard let onDelete = ReferenceAction(rawValue: try reader.uint8()),
      let onUpdate = ReferenceAction(rawValue: try reader.uint8())
    else { throw .malformed }
    self.onDelete = onDelete
    self.onUpdate = onUpdate
    isDeferred = try reader.flags(Self.deferredFlag) != 0
  }
}

extension Predicate {
  func encode(into writer: inout ByteWriter) {
    switch self {
    case .always: writer.uint8(0)
    case .compare(let column, let comparison, let value):
      writer.uint8(1)
      writer.string(column)
      writer.uint8(comparison.rawValue)
      value.encode(into: &writer)
    case .compareColumns(let column, let comparison, let other):
      writer.uint8(2)
      writer.string(column)
      writer.uint8(comparison.rawValue)
      writer.string(other)
    case .between(let column, let low, let high):
      writer.uint8(3)
      writer.string(column)
      low.encode(into: &writer)
      high.encode(into: &writer)
    case .isIn(let column, let values):
      writer.uint8(4)
      writer.string(column)
      writer.list(values) { $0.encode(into: &$1) }
    case .isNull(let column):
      writer.uint8(5)
      writer.string(column)
    case .hasPrefix(let column, let value):
      writer.uint8(6)
      writer.string(column)
      value.encode(into: &writer)
    case .contains(let column, let value):
      writer.uint8(7)
      writer.string(column)
      value.encode(into: &writer)
    case .and(let parts):
      writer.uint8(8)
      writer.list(parts) { $0.encode(into: &$1) }
    case .or(let parts):
      writer.uint8(9)
      writer.list(parts) { $0.encode(into: &$1) }
    case .not(let part):
      writer.uint8(10)
      part.encode(into: &writer)
    }
  }

  init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    try self.init(decoding: &reader, depth: 0)
  }

  private init(decoding reader: inout ByteReader, depth: Int) throws(ByteReader.Failure) {
    guard depth < Self.depthMax else { throw .malformed }
    switch try reader.uint8() {
    case 0: self = .always
    case 1: self = .compare(try reader.string(), try Self.comparison(&reader), try ColumnValue(decoding: &reader))
    case 2: self = .compareColumns(try reader.string(), try Self.comparison(&reader), try reader.string())
    case 3:
      self = .between(try reader.string(), try ColumnValue(decoding: &reader), try ColumnValue(decoding: &reader))
    case 4:
      let column = try reader.string()
      let values = try reader.list(limit: Self.partCountMax) { (reader) throws(ByteReader.Failure) in
        try ColumnValue(decoding: &reader)
      }
      self = .isIn(column, values)
    case 5: self = .isNull(try reader.string())
    case 6: self = .hasPrefix(try reader.string(), try ColumnValue(decoding: &reader))
    case 7: self = .contains(try reader.string(), try ColumnValue(decoding: &reader))
    case 8: self = .and(try Self.parts(&reader, depth: depth))
    case 9: self = .or(try Self.parts(&reader, depth: depth))
    case 10: self = .not(try Predicate(decoding: &reader, depth: depth + 1))
    default: throw .malformed
    }
  }

  private static func comparison(_ reader: inout ByteReader) throws(ByteReader.Failure) -> Comparison {
    guard let comparison = Comparison(rawValue: try reader.uint8()) else { throw .malformed }
    return comparison
  }

  private static func parts(
    _ reader: inout ByteReader, depth: Int
  ) throws(ByteReader.Failure) -> [Predicate] {
    try reader.list(limit: partCountMax) { (reader) throws(ByteReader.Failure) in
      try Predicate(decoding: &reader, depth: depth + 1)
    }
  }
}
