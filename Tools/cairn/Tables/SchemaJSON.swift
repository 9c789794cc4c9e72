internal import CairnTables

// A schema as JSON:
//
//     {"name": "User",
//      "columns": [{"name": "id", "type": "int64", "optional": false, "autoIncrement": true},
//                  {"name": "email", "type": "string", "sanitizers": ["trim", "lowercase"], "validators": ["email"]},
//                  {"name": "age", "type": "int32", "optional": true, "validators": [{"range": [0, 150]}]},
//                  {"name": "made", "type": "timestamp", "default": {"generated": "now"}}],
//      "primaryKey": ["id"],
//      "indexes": [{"name": "email", "columns": ["email"], "unique": true, "whereNotNull": []}],
//      "references": [{"name": "boss", "columns": ["boss"], "table": "User", "referencedColumns": [],
//                      "onDelete": "setNull", "onUpdate": "restrict", "deferred": false}],
//      "checks": [{"name": "grown", "condition": "age >= 18"}]}
//
// Everything but names, types and the primary key may be left out. Unknown names are errors: a misspelt constraint is
// none.

extension TableSchema {
  /// The schema as JSON on one line.
  var json: String {
    var line = JSONLine()
    line.add("name", name)
    line.add("columns", columns.map(\.json))
    line.add("primaryKey", primaryKey)
    line.add("indexes", indexes.map(\.json))
    line.add("references", references.map(\.json))
    line.add("checks", checks.map(\.json))
    return line.text
  }

  /// A schema out of JSON.
  init(json: JSONValue) throws {
    let fields = try SchemaFields(json, "the schema", known: Self.fieldNames)
    let name = try fields.text("name")
    let columns = try fields.list("columns").map { try ColumnDefinition(json: $0) }
    self.init(name, columns: columns, primaryKey: try fields.texts("primaryKey"))
    indexes = try fields.list("indexes").map { try IndexDefinition(json: $0) }
    references = try fields.list("references").map { try ReferenceDefinition(json: $0) }
    let bare = self
    checks = try fields.list("checks").map { try CheckDefinition(json: $0, on: bare) }
  }

  private static var fieldNames: [String] { ["name", "columns", "primaryKey", "indexes", "references", "checks"] }
}

extension ColumnDefinition {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("name", name)
    line.add("type", type.name)
    line.add("optional", isOptional)
    if isAutoIncrement { line.add("autoIncrement", true) }
    switch defaultValue {
    case nil: break
    case .value(let value): line.add(json: RowText.json(value), "default")
    case .now: line.add("default", Self.generated("now"))
    case .randomID: line.add("default", Self.generated("randomID"))
    }
    if !sanitizers.isEmpty { line.add("sanitizers", sanitizers.map(\.name)) }
    if !validators.isEmpty {
      line.add(json: "[" + validators.map(\.json).joined(separator: ",") + "]", "validators")
    }
    return line
  }

  private static func generated(_ name: String) -> JSONLine {
    var line = JSONLine()
    line.add("generated", name)
    return line
  }

  fileprivate init(json: JSONValue) throws {
    let known = ["name", "type", "optional", "autoIncrement", "default", "sanitizers", "validators"]
    let fields = try SchemaFields(json, "a column", known: known)
    let name = try fields.text("name")
    let typeName = try fields.text("type")
    guard let type = ColumnType(name: typeName) else {
      let types = ColumnType.allCases.map(\.name).joined(separator: ", ")
      throw Failure("column '\(name)': there is no type '\(typeName)'; there are \(types)", .usage)
    }
    self.init(
      name, type, isOptional: try fields.flag("optional"), isAutoIncrement: try fields.flag("autoIncrement"))
    let bare = self
    defaultValue = try json[name: "default"].map { try bare.defaultValue($0) }
    sanitizers = try fields.list("sanitizers").map { try Sanitizer(json: $0, column: name) }
    validators = try fields.list("validators").map { try Validator(json: $0, column: bare) }
  }

  private func defaultValue(_ json: JSONValue) throws -> ColumnDefault {
    guard case .object = json else { return .value(try RowText.value(json, self)) }
    let fields = try SchemaFields(json, "the default of column '\(name)'", known: ["generated"])
    switch try fields.text("generated") {
    case "now": return .now
    case "randomID": return .randomID
    case let other: throw Failure("column '\(name)': '\(other)' is no generated default: now, randomID", .usage)
    }
  }
}

extension Sanitizer {
  fileprivate init(json: JSONValue, column: String) throws {
    switch json {
    case .string("trim"): self = .trim
    case .string("lowercase"): self = .lowercase
    case .string("uppercase"): self = .uppercase
    default: throw Failure("column '\(column)': a sanitizer is trim, lowercase or uppercase", .usage)
    }
  }
}

extension Validator {
  fileprivate var json: String {
    switch rule {
    case .range(let minimum, let maximum):
      "{\"range\":[" + [minimum, maximum].map { RowText.json($0 ?? .null) }.joined(separator: ",") + "]}"
    case .length(let minimum, let maximum): "{\"length\":[\(minimum),\(maximum)]}"
    case .email, .url, .custom: JSONLine.quoted(name)
    }
  }

  fileprivate init(json: JSONValue, column: ColumnDefinition) throws {
    if json == .string("email") {
      self = .email
    } else if json == .string("url") {
      self = .url
    } else if case .array(let bounds)? = json[name: "range"], bounds.count == 2 {
      let values = try bounds.map { try RowText.value($0, column) }.map { $0.isNull ? nil : $0 }
      self = .range(from: values[0], to: values[1])
    } else if case .array(let bounds)? = json[name: "length"], bounds.count == 2,
      case .number(let minimum) = bounds[0], case .number(let maximum) = bounds[1],
      let minimum = UInt32(minimum), let maximum = UInt32(maximum)
    {
      self = .length(from: minimum, to: maximum)
    } else {
      let shapes = #""email", "url", {"range": [LEAST, GREATEST]} or {"length": [LEAST, GREATEST]}"#
      throw Failure("column '\(column.name)': a validator is \(shapes)", .usage)
    }
  }
}

extension IndexDefinition {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("name", name)
    line.add("columns", columns)
    line.add("unique", isUnique)
    if !whereNotNull.isEmpty { line.add("whereNotNull", whereNotNull) }
    return line
  }

  fileprivate init(json: JSONValue) throws {
    let fields = try SchemaFields(json, "an index", known: ["name", "columns", "unique", "whereNotNull"])
    self.init(
      try fields.text("name"), on: try fields.texts("columns"), isUnique: try fields.flag("unique"),
      whereNotNull: json[name: "whereNotNull"] == nil ? [] : try fields.texts("whereNotNull"))
  }
}

extension ReferenceAction {
  /// The name in JSON and in Swift.
  var name: String {
    switch self {
    case .restrict: "restrict"
    case .cascade: "cascade"
    case .setNull: "setNull"
    case .setDefault: "setDefault"
    }
  }

  /// The action with a name.
  init(name: String) throws {
    guard let action = Self.allCases.first(where: { $0.name == name }) else {
      throw Failure("'\(name)' is no action of a reference: restrict, cascade, setNull, setDefault", .usage)
    }
    self = action
  }
}

extension ReferenceDefinition {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("name", name)
    line.add("columns", columns)
    line.add("table", table)
    if !referencedColumns.isEmpty { line.add("referencedColumns", referencedColumns) }
    line.add("onDelete", onDelete.name)
    line.add("onUpdate", onUpdate.name)
    if isDeferred { line.add("deferred", true) }
    return line
  }

  fileprivate init(json: JSONValue) throws {
    let known = ["name", "columns", "table", "referencedColumns", "onDelete", "onUpdate", "deferred"]
    let fields = try SchemaFields(json, "a reference", known: known)
    func action(_ key: String) throws -> ReferenceAction {
      json[name: key] == nil ? .restrict : try ReferenceAction(name: try fields.text(key))
    }
    self.init(
      try fields.text("name"), from: try fields.texts("columns"), to: try fields.text("table"),
      json[name: "referencedColumns"] == nil ? [] : try fields.texts("referencedColumns"),
      onDelete: try action("onDelete"), onUpdate: try action("onUpdate"), isDeferred: try fields.flag("deferred"))
  }
}

extension CheckDefinition {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("name", name)
    line.add("condition", predicate.clause)
    return line
  }

  fileprivate init(json: JSONValue, on schema: TableSchema) throws {
    let fields = try SchemaFields(json, "a check", known: ["name", "condition"])
    self.init(
      try fields.text("name"), try WhereClause.predicate(try fields.text("condition"), on: schema))
  }
}

/// The fields of a JSON object of a schema, with messages that say which is wrong.
private struct SchemaFields {
  private let json: JSONValue
  private let title: String

  init(_ json: JSONValue, _ title: String, known: [String]) throws {
    guard case .object(let fields) = json else {
      throw Failure("\(title) must be an object, not \(json.kindName)", .usage)
    }
    if let stranger = fields.first(where: { !known.contains($0.name) }) {
      let names = known.joined(separator: ", ")
      throw Failure("\(title) has an unknown field '\(stranger.name)'; known are \(names)", .usage)
    }
    self.json = json
    self.title = title
  }

  func text(_ key: String) throws -> String {
    guard case .string(let text)? = json[name: key] else { throw missing(key, "a text") }
    return text
  }

  func flag(_ key: String) throws -> Bool {
    switch json[name: key] {
    case nil: return false
    case .bool(let value): return value
    default: throw missing(key, "true or false")
    }
  }

  /// A list; none when it is left out.
  func list(_ key: String) throws -> [JSONValue] {
    switch json[name: key] {
    case nil: return []
    case .array(let elements): return elements
    default: throw missing(key, "a list")
    }
  }

  /// A list of texts, which must be there.
  func texts(_ key: String) throws -> [String] {
    guard json[name: key] != nil else { throw missing(key, "a list of names") }
    return try list(key).map { element in
      guard case .string(let text) = element else { throw missing(key, "a list of names") }
      return text
    }
  }

  private func missing(_ key: String, _ what: String) -> Failure {
    Failure("\(title): '\(key)' must be \(what)", .usage)
  }
}
