import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Table`: an extension that makes the struct a `TableRow`.
///
/// Everything stands in an extension, so that the struct keeps the initializer that the compiler makes for it.
struct TableMacro: ExtensionMacro {
  static func expansion(
    of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
    providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
    in context: some MacroExpansionContext
  ) throws -> [ExtensionDeclSyntax] {
    guard let table = TableDeclaration(node, declaration, in: context) else { return [] }
    let access = access(declaration)
    return [
      try ExtensionDeclSyntax("extension \(type.trimmed): Cairn.TableRow") {
        columns(table, access)
        try VariableDeclSyntax("\(raw: access)static let tableName = \(raw: literal(table.name))")
        try VariableDeclSyntax("\(raw: access)static let tableDefinition = Cairn.TableDefinition(tableSchema)")
        schema(table, access)
        reading(table, access)
        writing(table, access)
        key(table, access)
      }
    ]
  }

  /// The access that members need to be as visible as the type: the type's own, with a space behind it.
  private static func access(_ declaration: some DeclGroupSyntax) -> String {
    for modifier in declaration.modifiers {
      switch modifier.name.tokenKind {
      case .keyword(.public), .keyword(.package), .keyword(.internal), .keyword(.fileprivate):
        return modifier.name.text + " "
      // Members of a private type that say nothing are as visible as the type, and `private` would hide them from it.
      case .keyword(.private): return "fileprivate "
      default: continue
      }
    }
    return ""
  }

  private static func columns(_ table: TableDeclaration, _ access: String) -> DeclSyntax {
    let properties = table.columns.map { "\(access)let \($0.property): Cairn.Column<\($0.type)>" }
    let values = table.columns.map { "\($0.property) = Cairn.Column(qualifier + \(literal($0.name)))" }
    return """
      \(raw: access)struct Columns: Cairn.TableColumns {
        \(raw: properties.joined(separator: "\n"))
        \(raw: access)init(qualifier: Swift.String) {
          \(raw: values.joined(separator: "\n"))
        }
      }
      """
  }

  private static func schema(_ table: TableDeclaration, _ access: String) -> DeclSyntax {
    var parts = ["tableName"]
    parts.append("columns: [\n" + table.columns.map(columnDefinition).joined(separator: ",\n") + "\n]")
    parts.append("primaryKey: " + list(table.primaryKey.map(\.name)))
    let indexes = indexDefinitions(table)
    if !indexes.isEmpty { parts.append("indexes: [\n" + indexes.joined(separator: ",\n") + "\n]") }
    let references = table.columns.compactMap(referenceDefinition) + table.references.map(referenceDefinition)
    if !references.isEmpty { parts.append("references: [\n" + references.joined(separator: ",\n") + "\n]") }
    let checks = checkDefinitions(table)
    let own = "checks(Columns(qualifier: \"\"))"
    parts.append("checks: " + (checks.isEmpty ? own : "[\n" + checks.joined(separator: ",\n") + "\n] + " + own))
    return """
      \(raw: access)static var tableSchema: Cairn.TableSchema {
        Cairn.TableSchema(
          \(raw: parts.joined(separator: ",\n"))
        )
      }
      """
  }

  private static func columnDefinition(_ column: ColumnDeclaration) -> String {
    var parts = [literal(column.name), "\(column.type).self"]
    if let value = column.attribute("Default")?.unlabeled {
      parts.append("default: " + defaultValue(value, column.type))
    }
    if column.isAutoIncrement { parts.append("isAutoIncrement: true") }
    for (name, label) in [("Sanitize", "sanitizers"), ("Validate", "validators")] {
      let rules = column.attributes.filter { $0.name == name }.flatMap { $0.argumentList.map { $0.expression } }
      if !rules.isEmpty { parts.append("\(label): [" + rules.map(\.trimmedDescription).joined(separator: ", ") + "]") }
    }
    return "Cairn.ColumnDefinition(" + parts.joined(separator: ", ") + ")"
  }

  /// `.now` and `.randomID` are made for each row; anything else is a value of the column's type.
  private static func defaultValue(_ value: ExprSyntax, _ type: TypeSyntax) -> String {
    if let member = value.as(MemberAccessExprSyntax.self), member.base == nil,
      ["now", "randomID"].contains(member.declName.baseName.text)
    {
      return member.trimmedDescription
    }
    return ".value((\(value.trimmedDescription) as \(type)).columnValue)"
  }

  private static func indexDefinitions(_ table: TableDeclaration) -> [String] {
    var definitions: [String] = []
    for column in table.columns {
      for (attribute, isUnique) in [("Unique", true), ("Index", false)] {
        guard let node = column.attribute(attribute) else { continue }
        let name = node.unlabeled?.trimmedDescription ?? literal(column.name)
        var parts = [name, "on: " + list([column.name])]
        if isUnique { parts.append("isUnique: true") }
        if node.argument("whereNotNull")?.isTrue ?? false { parts.append("whereNotNull: " + list([column.name])) }
        definitions.append("Cairn.IndexDefinition(" + parts.joined(separator: ", ") + ")")
      }
    }
    for (lists, isUnique) in [(table.uniques, true), (table.indexes, false)] {
      for names in lists {
        let parts =
          [literal(names.joined(separator: "_")), "on: " + list(names)] + (isUnique ? ["isUnique: true"] : [])
        definitions.append("Cairn.IndexDefinition(" + parts.joined(separator: ", ") + ")")
      }
    }
    return definitions
  }

  private static func referenceDefinition(_ column: ColumnDeclaration) -> String? {
    guard let node = column.attribute("References"), let target = node.unlabeled else { return nil }
    let parts = [literal(column.name), "from: " + list([column.name]), "to: " + tableName(target)]
    return "Cairn.ReferenceDefinition(" + (parts + actions(node.argument)).joined(separator: ", ") + ")"
  }

  private static func referenceDefinition(_ reference: ReferenceDeclaration) -> String {
    let name = reference.argument("named")?.trimmedDescription ?? literal(reference.columns.joined(separator: "_"))
    var parts = [name, "from: " + list(reference.columns), "to: " + tableName(reference.target)]
    if let key = reference.argument("key") { parts.append(key.trimmedDescription) }
    return "Cairn.ReferenceDefinition(" + (parts + actions(reference.argument)).joined(separator: ", ") + ")"
  }

  /// `User.self` names the table by its type.
  private static func tableName(_ target: ExprSyntax) -> String {
    let type = target.as(MemberAccessExprSyntax.self).flatMap { $0.base?.trimmedDescription }
    return "\(type ?? target.trimmedDescription).tableName"
  }

  private static func actions(_ argument: (String) -> ExprSyntax?) -> [String] {
    [("onDelete", "onDelete"), ("onUpdate", "onUpdate"), ("deferred", "isDeferred")].compactMap { label, written in
      argument(label).map { "\(written): \($0.trimmedDescription)" }
    }
  }

  private static func checkDefinitions(_ table: TableDeclaration) -> [String] {
    var definitions: [String] = []
    for column in table.columns {
      let checks = column.attributes.filter { $0.name == "Check" }
      for (position, node) in checks.enumerated() {
        guard let closure = node.argumentList.last?.expression else { continue }
        let name = column.name + (position == 0 ? "" : "_\(position + 1)")
        let title = node.argumentList.count > 1 ? node.argumentList[0].expression.trimmedDescription : literal(name)
        let type = "(Cairn.Column<\(column.type)>) -> Cairn.Predicate"
        definitions.append(
          "Cairn.CheckDefinition(\(title), (\(closure.trimmedDescription) as \(type))(Cairn.Column(\(literal(column.name)))))"
        )
      }
    }
    return definitions
  }

  private static func reading(_ table: TableDeclaration, _ access: String) -> DeclSyntax {
    let values = table.columns.map { "\($0.property) = try values.next(\(literal($0.name)))" }
    return """
      \(raw: access)init(rowValues: [Cairn.ColumnValue]) throws(Cairn.StorageError) {
        var values = try Cairn.RowValues(rowValues, count: \(raw: table.columns.count), table: \(raw: literal(table.name)))
        \(raw: values.joined(separator: "\n"))
      }
      """
  }

  private static func writing(_ table: TableDeclaration, _ access: String) -> DeclSyntax {
    // 0 in a column that counts by itself asks for the next number.
    let values = table.columns.map {
      $0.isAutoIncrement ? "\($0.property) == 0 ? .null : \($0.property).columnValue" : "\($0.property).columnValue"
    }
    return """
      \(raw: access)var rowValues: [Cairn.ColumnValue] {
        [
          \(raw: values.joined(separator: ",\n"))
        ]
      }
      """
  }

  private static func key(_ table: TableDeclaration, _ access: String) -> DeclSyntax {
    let columns = table.primaryKey
    let types = columns.map { "\($0.type)" }.joined(separator: ", ")
    let properties = columns.map(\.property)
    let (type, value) =
      switch columns.count {
      case 1: (types, properties[0])
      case 2: ("Cairn.Pair<\(types)>", "Cairn.Pair(\(properties.joined(separator: ", ")))")
      case 3: ("Cairn.Triple<\(types)>", "Cairn.Triple(\(properties.joined(separator: ", ")))")
      default:
        (
          "Cairn.KeyValues",
          "Cairn.KeyValues([\(properties.map { "\($0).columnValue" }.joined(separator: ", "))])"
        )
      }
    return """
      \(raw: access)var tableKey: \(raw: type) {
        \(raw: value)
      }
      """
  }

  /// A string as a literal.
  private static func literal(_ text: String) -> String { StringLiteralExprSyntax(content: text).description }

  private static func list(_ names: [String]) -> String { "[" + names.map(literal).joined(separator: ", ") + "]" }
}
