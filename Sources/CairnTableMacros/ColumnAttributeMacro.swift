import SwiftDiagnostics
import SwiftParser
import SwiftSyntax
import SwiftSyntaxMacros

/// `@PrimaryKey`, `@Unique` and the other attributes of columns. They generate nothing: `@Table` reads them. Where it does
/// not, they say so.
struct ColumnAttributeMacro: PeerMacro {
  static func expansion(
    of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
    in context: some MacroExpansionContext
  ) -> [DeclSyntax] {
    let owner = context.lexicalContext.first
    let isColumn = owner?.asProtocol((any DeclGroupSyntax).self).map { hasTableAttribute($0.attributes) } ?? false
    if !isColumn || !declaration.is(VariableDeclSyntax.self) {
      context.diagnose(Diagnostic(node: node, message: TableMessage.strayAttribute(node.name)))
    }
    return []
  }

  private static func hasTableAttribute(_ attributes: AttributeListSyntax) -> Bool {
    attributes.contains { $0.as(AttributeSyntax.self)?.name == "Table" }
  }
}

extension AttributeSyntax {
  /// The name without the module: `Table` for `@Cairn.Table`.
  var name: String {
    if let member = attributeName.as(MemberTypeSyntax.self) { return member.name.text }
    return attributeName.as(IdentifierTypeSyntax.self)?.name.text ?? attributeName.trimmedDescription
  }

  /// The arguments in their order.
  var argumentList: [LabeledExprSyntax] {
    guard case .argumentList(let arguments) = arguments else { return [] }
    return Array(arguments)
  }

  /// The argument with a label.
  func argument(_ label: String) -> ExprSyntax? {
    argumentList.first { $0.label?.text == label }?.expression
  }

  /// The first argument without a label.
  var unlabeled: ExprSyntax? { argumentList.first { $0.label == nil }?.expression }
}

extension ExprSyntax {
  /// The value of a string literal without interpolation.
  var literalText: String? { self.as(StringLiteralExprSyntax.self)?.representedLiteralValue }

  /// Whether this is the literal `true`.
  var isTrue: Bool { self.as(BooleanLiteralExprSyntax.self)?.literal.tokenKind == .keyword(.true) }

  /// The texts of an array of string literals, each with the place that a message points to.
  var literalTexts: [(text: String, node: ExprSyntax)]? {
    guard let elements = self.as(ArrayExprSyntax.self)?.elements else { return nil }
    var texts: [(text: String, node: ExprSyntax)] = []
    for element in elements {
      guard let text = element.expression.literalText else { return nil }
      texts.append((text, element.expression))
    }
    return texts
  }
}
