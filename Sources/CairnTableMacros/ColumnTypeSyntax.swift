import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxMacros

/// What can be told of a column's type by the way it is written. The compiler checks the rest: a type must conform to
/// `ColumnRepresentable`.
enum ColumnTypeSyntax {
  /// Types that columns do not hold, and what to use instead.
  private static let replacements = [
    "Int": "Int64", "UInt": "UInt64", "Float": "Double", "Float16": "Double", "Float32": "Double", "Float64": "Double",
    "Float80": "Double", "Character": "String", "Substring": "String", "Int128": "ExactDecimal",
    "UInt128": "ExactDecimal",
  ]

  /// Whether the type is an optional.
  static func isOptional(_ type: TypeSyntax) -> Bool {
    type.is(OptionalTypeSyntax.self) || type.is(ImplicitlyUnwrappedOptionalTypeSyntax.self)
      || type.as(IdentifierTypeSyntax.self)?.name.text == "Optional"
  }

  /// The type without an optional around it.
  static func unwrapped(_ type: TypeSyntax) -> TypeSyntax {
    if let optional = type.as(OptionalTypeSyntax.self) { return optional.wrappedType }
    return type
  }

  /// Whether a column can be of the type, as far as its syntax shows; says why not, and offers what can.
  ///
  /// - Parameter node: the type in the source, which fix-its change.
  static func isSupported(
    type: TypeSyntax, _ node: TypeSyntax?, column: String, in context: some MacroExpansionContext
  ) -> Bool {
    guard let node else { return false }
    let inner = unwrapped(type)
    let place = unwrapped(node)
    let written = inner.trimmedDescription
    if let name = inner.as(IdentifierTypeSyntax.self)?.name.text, let replacement = replacements[name] {
      let message = TableMessage.unsupportedType(column: column, type: name, advice: "use '\(replacement)'")
      let new = TypeSyntax(IdentifierTypeSyntax(name: .identifier(replacement)))
        .with(\.leadingTrivia, place.leadingTrivia).with(\.trailingTrivia, place.trailingTrivia)
      let fix = FixIt(
        message: TableFix.useType(replacement), changes: [.replace(oldNode: Syntax(place), newNode: Syntax(new))])
      context.diagnose(Diagnostic(node: place, message: message, fixIts: [fix]))
      return false
    }
    guard let advice = advice(inner) else { return true }
    let message = TableMessage.unsupportedType(column: column, type: written, advice: advice)
    var fixes: [FixIt] = []
    if let optional = place.as(OptionalTypeSyntax.self) {
      let new = optional.wrappedType.with(\.trailingTrivia, place.trailingTrivia)
      fixes = [
        FixIt(message: TableFix.removeOptional, changes: [.replace(oldNode: Syntax(place), newNode: Syntax(new))])
      ]
    }
    context.diagnose(Diagnostic(node: place, message: message, fixIts: fixes))
    return false
  }

  /// What to do instead of a type that no column can have; nil when it may be one.
  private static func advice(_ type: TypeSyntax) -> String? {
    if let array = type.as(ArrayTypeSyntax.self) {
      if array.element.trimmedDescription == "UInt8" { return nil }
      return "use a table of its own that refers to this one, or a type that conforms to 'NestedValue'"
    }
    if type.is(DictionaryTypeSyntax.self) || type.is(TupleTypeSyntax.self) {
      return "use a type that conforms to 'NestedValue', or a column for each part"
    }
    if type.is(OptionalTypeSyntax.self) { return "one level of optional is what a column has" }
    if type.is(FunctionTypeSyntax.self) || type.is(SomeOrAnyTypeSyntax.self) || type.is(CompositionTypeSyntax.self) {
      return "use a type that conforms to 'ColumnRepresentable'"
    }
    return nil
  }
}
