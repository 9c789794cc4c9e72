public import CairnBlocks
import CairnBytes

/// A schema made ready to be compared with a stored one: checked, completed and hashed once. Programs keep it.
public final class PreparedSchema: Sendable {
  /// The schema, with an index for each reference that needs one to find the rows that refer.
  public let schema: TableSchema
  /// The hash of it.
  public let hash: UInt64

  /// Checks and completes a schema. Throws `invalidArgument` that says what is wrong with it.
  public init(_ schema: TableSchema) throws(StorageError) {
    let completed = schema.withReferenceIndexes()
    try completed.requireValid()
    self.schema = completed
    hash = completed.hash
  }
}

extension TableSchema {
  /// The schema with an index for each reference whose columns begin neither the primary key nor an index.
  func withReferenceIndexes() -> TableSchema {
    var schema = self
    for reference in references where !reference.columns.isEmpty {
      if Self.begins(primaryKey, with: reference.columns) { continue }
      if schema.indexes.contains(where: { $0.whereNotNull.isEmpty && Self.begins($0.columns, with: reference.columns) })
      {
        continue
      }
      schema.indexes.append(IndexDefinition(reference.name + "_reference", on: reference.columns))
    }
    return schema
  }

  static func begins(_ names: [String], with others: [String]) -> Bool {
    names.count >= others.count && zip(names, others).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
  }

  static func equal(_ names: [String], _ others: [String]) -> Bool {
    names.count == others.count && begins(names, with: others)
  }

  /// Throws `invalidArgument` when the schema is not sound in itself. What it refers to is looked at when it is stored.
  func requireValid() throws(StorageError) {
    try Self.requireName(name, "table")
    try Self.requireNames(columns.map { $0.name }, "column", of: name)
    try Self.requireNames(indexes.map { $0.name }, "index", of: name)
    try Self.requireNames(references.map { $0.name }, "reference", of: name)
    try Self.requireNames(checks.map { $0.name }, "check", of: name)
    guard !columns.isEmpty, columns.count <= SchemaLimits.columnCountMax else {
      throw .invalidArgument(
        "table \(name) has \(columns.count) columns; 1...\(SchemaLimits.columnCountMax) are possible")
    }
    for list in [indexes.count, references.count, checks.count] where list > SchemaLimits.indexCountMax {
      throw .limitExceeded(what: "indexes, references or checks of a table", limit: UInt64(SchemaLimits.indexCountMax))
    }
    for column in columns { try require(column) }
    guard columns.count(where: { $0.isAutoIncrement }) <= 1 else {
      throw .invalidArgument("table \(name) has more than one auto-increment column")
    }
    try requireKey(primaryKey, "the primary key")
    for name in primaryKey {
      guard let index = columnIndex(name), !columns[index].isOptional else {
        throw .invalidArgument("column \(name) of the primary key of table \(self.name) may not be optional")
      }
    }
    for index in indexes {
      try requireKey(index.columns, "index \(index.name)")
      for name in index.whereNotNull where columnIndex(name) == nil {
        throw .invalidArgument("index \(index.name) of table \(self.name) names no column by \(name)")
      }
    }
    for reference in references { try require(reference) }
    let scope = ColumnScope(self)
    for check in checks { _ = try Condition(check.predicate, scope) }
    var writer = ByteWriter()
    encode(into: &writer)
    guard writer.bytes.count <= SchemaLimits.byteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(writer.bytes.count), limit: UInt64(SchemaLimits.byteCountMax))
    }
  }

  private func require(_ column: ColumnDefinition) throws(StorageError) {
    let title = "column \(column.name) of table \(name)"
    switch column.defaultValue {
    case nil: break
    case .value(let value):
      guard column.type.accepts(value) || (value.isNull && column.isOptional) else {
        throw .invalidArgument("\(title) is \(column.type): its default, \(value.kindName), does not fit")
      }
    case .now where column.type != .timestamp, .randomID where column.type != .uniqueID:
      throw .invalidArgument("\(title) is \(column.type): its default does not fit")
    default: break
    }
    if column.isAutoIncrement, !column.type.isInteger || column.isOptional {
      throw .invalidArgument("\(title) counts by itself: it must be an integer that is not optional")
    }
    guard column.sanitizers.count <= SchemaLimits.ruleCountMax, column.validators.count <= SchemaLimits.ruleCountMax
    else {
      throw .limitExceeded(what: "sanitizers or validators of a column", limit: UInt64(SchemaLimits.ruleCountMax))
    }
    for case .range(let minimum, let maximum) in column.validators.map({ $0.rule }) {
      for bound in [minimum, maximum] {
        guard let bound, !column.type.accepts(bound) else { continue }
        throw .invalidArgument("\(title) is \(column.type): a bound of its range, \(bound.kindName), does not fit")
      }
    }
  }

  private func requireKey(_ names: [String], _ title: String) throws(StorageError) {
    guard !names.isEmpty, names.count <= SchemaLimits.keyColumnCountMax else {
      throw .invalidArgument("\(title) of table \(name) has \(names.count) columns; 1...16 are possible")
    }
    for (position, name) in names.enumerated() {
      guard columnIndex(name) != nil else {
        throw .invalidArgument("\(title) of table \(self.name) names no column by \(name)")
      }
      if names[..<position].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        throw .invalidArgument("\(title) of table \(self.name) has column \(name) twice")
      }
    }
  }

  private func require(_ reference: ReferenceDefinition) throws(StorageError) {
    try requireKey(reference.columns, "reference \(reference.name)")
    guard reference.referencedColumns.isEmpty || reference.referencedColumns.count == reference.columns.count else {
      throw .invalidArgument("reference \(reference.name) of table \(name) pairs different numbers of columns")
    }
    for action in [reference.onDelete, reference.onUpdate] where action == .setNull {
      for name in reference.columns {
        guard let index = columnIndex(name), !columns[index].isOptional else { continue }
        throw .invalidArgument(
          "reference \(reference.name) of table \(self.name) sets \(name) null, which may not be null")
      }
    }
  }

  private static func requireNames(_ names: [String], _ what: String, of table: String) throws(StorageError) {
    for (position, name) in names.enumerated() {
      try requireName(name, what)
      if names[..<position].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        throw .invalidArgument("table \(table) has two of the \(what) \(name)")
      }
    }
  }

  private static func requireName(_ name: String, _ what: String) throws(StorageError) {
    let bytes = name.utf8
    guard !bytes.isEmpty, bytes.count <= SchemaLimits.nameByteCountMax,
      bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x2E && $0 != 0x7F })
    else {
      throw .invalidArgument("a \(what) is named by 1 to 64 bytes of UTF-8 without dots, not \(name)")
    }
  }
}
