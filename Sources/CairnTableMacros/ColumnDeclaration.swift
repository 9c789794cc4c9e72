import SwiftDiagnostics
import SwiftParser
import SwiftSyntax
import SwiftSyntaxMacros

/// A stored property of a table's struct, with what its attributes say.
struct ColumnDeclaration {
  /// The property.
  let property: String
  /// The column's name: the property's, or that of `@Column`.
  let name: String
  /// Its type, as it is written.
  let type: TypeSyntax
  let node: VariableDeclSyntax
  let attributes: [AttributeSyntax]

  /// The attributes that belong to columns.
  static let attributeNames = [
    "PrimaryKey", "Unique", "Index", "References", "Default", "Check", "Column", "Sanitize", "Validate",
  ]

  /// The members that `@Table` generates and that a property would hide.
  static let reservedNames = ["rowValues", "tableKey"]

  /// Reads a property; nil when it is no column, or was diagnosed.
  init?(_ node: VariableDeclSyntax, in context: some MacroExpansionContext) {
    let attributes = node.attributes.compactMap { $0.as(AttributeSyntax.self) }
      .filter { Self.attributeNames.contains($0.name) }
    guard node.isStored else {
      for attribute in attributes {
        context.diagnose(Diagnostic(node: attribute, message: TableMessage.notAColumn(attribute.name)))
      }
      return nil
    }
    guard node.bindings.count == 1, let binding = node.bindings.first,
      let pattern = binding.pattern.as(IdentifierPatternSyntax.self)
    else {
      context.diagnose(Diagnostic(node: node, message: TableMessage.severalVariables))
      return nil
    }
    let property = pattern.identifier.text
    guard let type = binding.typeAnnotation?.type else {
      context.diagnose(Diagnostic(node: pattern, message: TableMessage.noType(column: property)))
      return nil
    }
    self.node = node
    self.property = property
    self.type = type.trimmed
    self.attributes = attributes
    name = attributes.first { $0.name == "Column" }?.unlabeled?.literalText ?? property.withoutBackticks
    guard isSound(pattern, binding, in: context) else { return nil }
  }

  /// Whether the column can stand in a table; says why not.
  private func isSound(
    _ pattern: IdentifierPatternSyntax, _ binding: PatternBindingSyntax, in context: some MacroExpansionContext
  ) -> Bool {
    if Self.reservedNames.contains(property) {
      context.diagnose(Diagnostic(node: pattern, message: TableMessage.reservedName(property)))
      return false
    }
    if node.bindingSpecifier.tokenKind == .keyword(.let), binding.initializer != nil {
      let fix = FixIt(
        message: TableFix.useVar,
        changes: [
          .replace(
            oldNode: Syntax(node.bindingSpecifier),
            newNode: Syntax(node.bindingSpecifier.with(\.tokenKind, .keyword(.var))))
        ])
      context.diagnose(Diagnostic(node: node, message: TableMessage.constant(column: property), fixIts: [fix]))
      return false
    }
    for (position, attribute) in attributes.enumerated()
    where !["Check", "Sanitize", "Validate"].contains(attribute.name) {
      if attributes[..<position].contains(where: { $0.name == attribute.name }) {
        let message = TableMessage.duplicateAttribute(attribute.name, column: property)
        context.diagnose(Diagnostic(node: attribute, message: message, fixIts: [.removing(attribute)]))
        return false
      }
    }
    if let column = attribute("Column"), column.unlabeled?.literalText == nil {
      context.diagnose(Diagnostic(node: column, message: TableMessage.notALiteral("a column's name")))
      return false
    }
    return ColumnTypeSyntax.isSupported(type: type, binding.typeAnnotation?.type, column: property, in: context)
  }

  /// The attribute with a name.
  func attribute(_ name: String) -> AttributeSyntax? { attributes.first { $0.name == name } }

  /// Whether the column counts by itself.
  var isAutoIncrement: Bool { attribute("PrimaryKey")?.argument("autoIncrement")?.isTrue ?? false }

  /// The column may be null, by the way its type is written.
  var isOptional: Bool { ColumnTypeSyntax.isOptional(type) }
}

extension VariableDeclSyntax {
  /// Whether a struct keeps it in each value: not static, lazy or computed.
  var isStored: Bool {
    let isPlain = modifiers.allSatisfy {
      ![.keyword(.static), .keyword(.class), .keyword(.lazy)].contains($0.name.tokenKind)
    }
    guard isPlain else { return false }
    return bindings.allSatisfy { binding in
      guard let block = binding.accessorBlock else { return true }
      guard case .accessors(let accessors) = block.accessors else { return false }
      return accessors.allSatisfy { [.keyword(.willSet), .keyword(.didSet)].contains($0.accessorSpecifier.tokenKind) }
    }
  }
}

extension String {
  /// An identifier as it is meant: without the backticks that let it be a keyword.
  var withoutBackticks: String { filter { $0 != "`" } }
}

extension FixIt {
  /// Takes an attribute of a property away; what stood before it stands before what follows then.
  static func removing(_ attribute: AttributeSyntax) -> FixIt {
    var changes: [FixIt.Change] = []
    if let list = attribute.parent?.as(AttributeListSyntax.self),
      let property = list.parent?.as(VariableDeclSyntax.self)
    {
      var rest = property.with(\.attributes, list.filter { Syntax($0).id != Syntax(attribute).id })
      rest.leadingTrivia = property.leadingTrivia
      changes = [.replace(oldNode: Syntax(property), newNode: Syntax(rest))]
    }
    return FixIt(message: TableFix.removeAttribute(attribute.name), changes: changes)
  }
}
