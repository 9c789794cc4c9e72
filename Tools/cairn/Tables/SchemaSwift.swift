internal import CairnTables
internal import CairnVolumes

// A schema as the Swift declaration that makes the same table.

extension TableSchema {
  /// The `@Table` struct, as lines of source.
  var swiftSource: String {
    var arguments: [String] = []
    let typeName = Self.identifier(name)
    if typeName != name { arguments.append(Self.literal(name)) }
    if primaryKey.count > 1 { arguments.append("primaryKey: " + Self.list(primaryKey)) }
    for (label, isUnique) in [("unique", true), ("indexes", false)] {
      let keys = indexes.filter { $0.columns.count > 1 && $0.isUnique == isUnique }.map { Self.list($0.columns) }
      if !keys.isEmpty { arguments.append("\(label): [" + keys.joined(separator: ", ") + "]") }
    }
    let others = references.filter { !isAttribute($0) }.map(Self.swiftSource)
    if !others.isEmpty { arguments.append("references: [" + others.joined(separator: ", ") + "]") }
    let head = "@Table" + (arguments.isEmpty ? "" : "(" + arguments.joined(separator: ", ") + ")")
    var lines = [head, "struct \(typeName) {"]
    for column in columns { lines += swiftLines(column).map { "  " + $0 } }
    lines += checkLines.map { "  " + $0 }
    return (lines + ["}"]).joined(separator: "\n")
  }

  private func swiftLines(_ column: ColumnDefinition) -> [String] {
    var attributes: [String] = []
    let property = Self.identifier(column.name)
    if property != column.name { attributes.append("@Column(\(Self.literal(column.name)))") }
    if primaryKey == [column.name] {
      attributes.append(column.isAutoIncrement ? "@PrimaryKey(autoIncrement: true)" : "@PrimaryKey")
    }
    for index in indexes where index.columns == [column.name] {
      var arguments = index.name == column.name ? [] : [Self.literal(index.name)]
      if !index.whereNotNull.isEmpty { arguments.append("whereNotNull: true") }
      let name = index.isUnique ? "@Unique" : "@Index"
      attributes.append(name + (arguments.isEmpty ? "" : "(" + arguments.joined(separator: ", ") + ")"))
    }
    for reference in references where isAttribute(reference) && reference.columns == [column.name] {
      let arguments = [Self.identifier(reference.table) + ".self"] + Self.actions(reference)
      attributes.append("@References(" + arguments.joined(separator: ", ") + ")")
    }
    switch column.defaultValue {
    case nil: break
    case .now: attributes.append("@Default(.now)")
    case .randomID: attributes.append("@Default(.randomID)")
    case .value(let value): attributes.append("@Default(\(Self.literal(value)))")
    }
    if !column.sanitizers.isEmpty {
      attributes.append("@Sanitize(" + column.sanitizers.map { "." + $0.name }.joined(separator: ", ") + ")")
    }
    if !column.validators.isEmpty {
      attributes.append("@Validate(" + column.validators.map(\.swiftSource).joined(separator: ", ") + ")")
    }
    let declaration = "var \(property): \(column.type.swiftName)" + (column.isOptional ? "?" : "")
    let line = (attributes + [declaration]).joined(separator: " ")
    return line.count <= 100 ? [line] : attributes + [declaration]
  }

  /// Whether an attribute of a column says all of a reference; the others are arguments of `@Table`.
  private func isAttribute(_ reference: ReferenceDefinition) -> Bool {
    guard reference.columns == [reference.name], reference.referencedColumns.isEmpty else { return false }
    return references.first { $0.columns == reference.columns } == reference
  }

  private static func swiftSource(_ reference: ReferenceDefinition) -> String {
    var arguments = [list(reference.columns), "to: \(identifier(reference.table)).self"]
    if !reference.referencedColumns.isEmpty { arguments.append("key: " + list(reference.referencedColumns)) }
    if reference.name != reference.columns.joined(separator: "_") {
      arguments.append("named: " + literal(reference.name))
    }
    return ".columns(" + (arguments + actions(reference)).joined(separator: ", ") + ")"
  }

  private static func actions(_ reference: ReferenceDefinition) -> [String] {
    var arguments: [String] = []
    if reference.onDelete != .restrict { arguments.append("onDelete: .\(reference.onDelete.name)") }
    if reference.onUpdate != .restrict { arguments.append("onUpdate: .\(reference.onUpdate.name)") }
    if reference.isDeferred { arguments.append("deferred: true") }
    return arguments
  }

  /// Checks, as the conditions that the tool reads: Swift's form of them is a closure that only a program has.
  private var checkLines: [String] {
    checks.map { "// check \($0.name): \($0.predicate.clause)" }
  }

  /// A name as an identifier: what can not stand in one becomes an underscore.
  private static func identifier(_ name: String) -> String {
    var identifier = ""
    for scalar in name.unicodeScalars {
      let isDigit = ("0"..."9").contains(scalar)
      let fits = scalar == "_" || scalar.properties.isAlphabetic || (isDigit && !identifier.isEmpty)
      identifier.unicodeScalars.append(fits ? scalar : "_")
    }
    return keywords.contains(identifier) ? "`\(identifier)`" : identifier
  }

  private static let keywords: Set<String> = [
    "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum",
    "extension", "fallthrough", "false", "for", "func", "guard", "if", "import", "in", "init", "inout", "internal",
    "is",
    "let", "nil", "operator", "private", "protocol", "public", "repeat", "rethrows", "return", "self", "static",
    "struct",
    "subscript", "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
  ]

  private static func list(_ names: [String]) -> String { "[" + names.map(literal).joined(separator: ", ") + "]" }

  private static func literal(_ text: String) -> String { text.debugDescription }

  fileprivate static func literal(_ value: ColumnValue) -> String {
    switch value {
    case .null: "nil"
    case .integer, .unsigned, .bool: value.text
    case .double(let number): number.isFinite ? value.text : "Double(\(literal(value.text)))!"
    case .string(let text): literal(text)
    case .bytes(let bytes): "[" + bytes.map { String($0) }.joined(separator: ", ") + "]"
    case .decimal, .date, .uniqueID: "\(value.widestType?.swiftName ?? "")(\(literal(value.text)))!"
    case .timestamp(let time): "Timestamp(nanosecondsSince1970: \(time.nanosecondsSince1970))"
    case .principal(let principal):
      "try Principal([" + principal.bytes.map { String($0) }.joined(separator: ", ") + "])"
    }
  }
}

extension Validator {
  fileprivate var swiftSource: String {
    switch rule {
    case .range(let minimum, let maximum):
      ".range(from: \(Self.bound(minimum)), to: \(Self.bound(maximum)))"
    case .length(let minimum, let maximum): ".length(from: \(minimum), to: \(maximum))"
    case .email, .url: "." + name
    case .custom: ".custom(\(name.debugDescription)) { _ in true }"
    }
  }

  private static func bound(_ value: ColumnValue?) -> String {
    switch value {
    case nil, .null: "nil"
    case .integer(let number): ".integer(\(number))"
    case .unsigned(let number): ".unsigned(\(number))"
    case .double: ".double(\(value.map(TableSchema.literal) ?? ""))"
    case .bool(let flag): ".bool(\(flag))"
    case .string(let text): ".string(\(text.debugDescription))"
    case let value?: TableSchema.literal(value) + ".columnValue"
    }
  }
}

extension ColumnType {
  /// The Swift type of a column.
  var swiftName: String {
    switch self {
    case .int8: "Int8"
    case .int16: "Int16"
    case .int32: "Int32"
    case .int64: "Int64"
    case .uint8: "UInt8"
    case .uint16: "UInt16"
    case .uint32: "UInt32"
    case .uint64: "UInt64"
    case .double: "Double"
    case .decimal: "ExactDecimal"
    case .bool: "Bool"
    case .string: "String"
    case .bytes: "[UInt8]"
    case .date: "CalendarDate"
    case .timestamp: "Timestamp"
    case .uniqueID: "UniqueID"
    case .principal: "Principal"
    }
  }
}
