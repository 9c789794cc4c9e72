#if arch(wasm32)
  import CairnBlocks
  import CairnTables
  import CairnVolumes
  import Candid

  // Rows and their values as Candid.
  //
  //     column               Candid
  //     int8 ... uint64      int8 ... nat64
  //     double               float64
  //     bool, string, bytes  bool, text, blob
  //     timestamp            int64, nanoseconds since 1970
  //     decimal, date        text: 12.50, 2026-11-25
  //     uniqueID             text
  //     principal            principal
  //     may be null          opt

  extension ColumnType {
    /// The type of its values.
    var candid: CandidType {
      switch self {
      case .int8: .int8
      case .int16: .int16
      case .int32: .int32
      case .int64, .timestamp: .int64
      case .uint8: .nat8
      case .uint16: .nat16
      case .uint32: .nat32
      case .uint64: .nat64
      case .double: .float64
      case .bool: .bool
      case .string, .decimal, .date, .uniqueID: .text
      case .bytes: .blob
      case .principal: .principal
      }
    }

    /// A value of ``candid`` as a column of this type holds it; nil when it holds none such: a text that is no date, say.
    func columnValue(_ value: CandidValue) -> ColumnValue? {
      switch (self, value) {
      case (.int8, .nat(let bits)), (.int16, .nat(let bits)), (.int32, .nat(let bits)), (.int64, .nat(let bits)):
        .integer(Int64(bitPattern: bits))
      case (.uint8, .nat(let bits)), (.uint16, .nat(let bits)), (.uint32, .nat(let bits)), (.uint64, .nat(let bits)):
        .unsigned(bits)
      case (.timestamp, .nat(let bits)): .timestamp(Timestamp(nanosecondsSince1970: Int64(bitPattern: bits)))
      case (.double, .nat(let bits)): .double(Double(bitPattern: bits))
      case (.bool, .bool(let flag)): .bool(flag)
      case (.string, .text(let text)): .string(text)
      case (.decimal, .text(let text)), (.date, .text(let text)), (.uniqueID, .text(let text)): parse(text)
      case (.bytes, .bytes(let bytes)): .bytes(bytes)
      case (.principal, .bytes(let bytes)): (try? Principal(bytes)).map { .principal($0) }
      default: nil
      }
    }
  }

  extension ColumnValue {
    /// The value as Candid of its column's type. Null is none: the column is optional.
    var candid: CandidValue {
      switch self {
      case .null: .none
      case .integer(let value): .int(value)
      case .unsigned(let value): .nat(value)
      case .double(let value): .float(value)
      case .bool(let value): .bool(value)
      case .string(let value): .text(value)
      case .bytes(let value): .bytes(value)
      case .timestamp(let value): .int(value.nanosecondsSince1970)
      case .decimal, .date, .uniqueID: .text(text)
      case .principal(let value): .bytes(value.bytes)
      }
    }
  }

  extension ColumnDefinition {
    /// The type of the column's values.
    var candid: CandidType { isOptional ? .optional(type.candid) : type.candid }

    /// The value that a client sent for the column.
    func columnValue(_ value: CandidValue) throws(StorageError) -> ColumnValue {
      var inner = value
      if isOptional {
        guard case .some(let wrapped) = value else { return .null }
        inner = wrapped
      }
      guard let result = type.columnValue(inner) else {
        throw .invalidArgument("column \(name): the value is no \(type.name)")
      }
      return result
    }

    /// A value of the column for a client.
    func candidValue(_ value: ColumnValue) -> CandidValue {
      guard isOptional else { return value.candid }
      return value.isNull ? .none : .some(value.candid)
    }
  }

  extension ServiceTable {
    /// The type of its rows.
    var rowType: CandidType { .record(schema.columns.map { CandidField($0.name, $0.candid) }) }

    /// The columns of the primary key, in its order.
    private var keyColumns: [ColumnDefinition] {
      schema.primaryKey.compactMap { schema.columnIndex($0) }.map { schema.columns[$0] }
    }

    /// The type of its primary key: the column's, or a record of the columns.
    var keyType: CandidType {
      let columns = keyColumns
      guard columns.count > 1 else { return columns[0].candid }
      return .record(columns.map { CandidField($0.name, $0.candid) })
    }

    /// A row that a client sent. 0 in a column that counts by itself stands for the next number.
    func row(_ value: CandidValue) throws(StorageError) -> [ColumnValue] {
      guard case .record(let fields) = value else { throw .invalidArgument("a row is a record") }
      var row: [ColumnValue] = []
      for (column, field) in zip(schema.columns, fields) {
        let value = try column.columnValue(field)
        row.append(column.isAutoIncrement && (value == .integer(0) || value == .unsigned(0)) ? .null : value)
      }
      return row
    }

    /// A row for a client.
    func candid(_ row: [ColumnValue]) -> CandidValue {
      .record(zip(schema.columns, row).map { $0.candidValue($1) })
    }

    /// A primary key that a client sent.
    func key(_ value: CandidValue) throws(StorageError) -> [ColumnValue] {
      let columns = keyColumns
      guard columns.count > 1 else { return [try columns[0].columnValue(value)] }
      guard case .record(let fields) = value else { throw .invalidArgument("a key is a record") }
      var key: [ColumnValue] = []
      for (column, field) in zip(columns, fields) { key.append(try column.columnValue(field)) }
      return key
    }

    /// The column with a name that a client sent.
    func column(_ name: String) throws(StorageError) -> ColumnDefinition {
      guard let index = schema.columnIndex(name) else { throw .notFound(Subject("column", name)) }
      return schema.columns[index]
    }
  }

  /// A value of any column, as clients name it in filters and assignments.
  enum AnyValue {
    static let type = CandidType.variant([
      CandidField("none", .null), CandidField("bool", .bool), CandidField("int", .int64), CandidField("nat", .nat64),
      CandidField("float", .float64), CandidField("text", .text), CandidField("blob", .blob),
      CandidField("principal", .principal),
    ])

    /// The value for a column.
    static func columnValue(_ value: CandidValue, for column: ColumnDefinition) throws(StorageError) -> ColumnValue {
      guard case .variant(let choice, let inner) = value else { throw .invalidArgument("a value is a variant") }
      var found: ColumnValue?
      switch (choice, inner) {
      case (0, _): return .null
      case (2, .nat(let bits)) where column.type != .timestamp:
        found = column.type.converted(.integer(Int64(bitPattern: bits)))
      case (3, .nat(let bits)) where column.type != .timestamp: found = column.type.converted(.unsigned(bits))
      case (4, .nat) where column.type != .double: break
      default: found = column.type.columnValue(inner)
      }
      guard let found else { throw .invalidArgument("column \(column.name): the value is no \(column.type.name)") }
      return found
    }
  }
#endif
