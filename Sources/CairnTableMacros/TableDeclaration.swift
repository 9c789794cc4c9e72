import SwiftDiagnostics
import SwiftParser
import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// A table as its struct declares it, checked.
struct TableDeclaration {
  /// A key or index of `@Table`'s arguments: the names of its columns.
  typealias Names = [String]

  let name: String
  let columns: [ColumnDeclaration]
  let primaryKey: [ColumnDeclaration]
  let uniques: [Names]
  let indexes: [Names]
  let references: [ReferenceDeclaration]

  /// Reads a declaration; nil when something was wrong with it and was diagnosed.
  init?(
    _ attribute: AttributeSyntax, _ declaration: some DeclGroupSyntax, in context: some MacroExpansionContext
  ) {
    guard let structure = Self.structure(declaration, attribute, in: context) else { return nil }
    let variables = structure.memberBlock.members.compactMap { $0.decl.as(VariableDeclSyntax.self) }
    var columns: [ColumnDeclaration] = []
    var isSound = true
    for variable in variables {
      guard let column = ColumnDeclaration(variable, in: context) else {
        // What is not stored, and has no attribute of a column, is the struct's own business.
        isSound = isSound && !variable.isStored
        continue
      }
      if columns.contains(where: { $0.name == column.name }) {
        // One of the two has the name from an attribute, unless the compiler complains itself.
        let renamed = column.attribute("Column") ?? columns.first { $0.name == column.name }?.attribute("Column")
        let fixes = renamed.map { [FixIt.removing($0)] } ?? []
        let place = column.attribute("Column").map { Syntax($0) } ?? Syntax(variable)
        context.diagnose(
          Diagnostic(node: place, message: TableMessage.duplicateColumn(column.name), fixIts: fixes))
        isSound = false
      }
      columns.append(column)
    }
    guard isSound else { return nil }
    guard let first = columns.first else {
      context.diagnose(Diagnostic(node: structure.name, message: TableMessage.noColumns))
      return nil
    }
    self.columns = columns
    if let written = attribute.unlabeled {
      guard let text = written.literalText else {
        context.diagnose(Diagnostic(node: written, message: TableMessage.notALiteral("a table's name")))
        return nil
      }
      name = text
    } else {
      name = structure.name.text.withoutBackticks
    }
    guard
      let uniques = Self.lists(attribute.argument("unique"), columns, in: context),
      let indexes = Self.lists(attribute.argument("indexes"), columns, in: context),
      let references = Self.references(attribute.argument("references"), columns, in: context),
      let key = Self.primaryKey(attribute, columns, first, structure, in: context)
    else { return nil }
    self.uniques = uniques
    self.indexes = indexes
    self.references = references
    primaryKey = key
  }

  /// The struct, unless the declaration is something else.
  private static func structure(
    _ declaration: some DeclGroupSyntax, _ attribute: AttributeSyntax, in context: some MacroExpansionContext
  ) -> StructDeclSyntax? {
    guard let structure = declaration.as(StructDeclSyntax.self) else {
      let keyword = declaration.introducer
      let fix = FixIt(
        message: TableFix.useStruct,
        changes: [
          .replace(
            oldNode: Syntax(keyword), newNode: Syntax(keyword.with(\.tokenKind, .keyword(.struct))))
        ])
      let article = ["actor", "enum", "extension"].contains(keyword.text) ? "an" : "a"
      // An enumeration's cases and an extension's members would not become properties.
      let isAlike = declaration.is(ClassDeclSyntax.self) || declaration.is(ActorDeclSyntax.self)
      context.diagnose(
        Diagnostic(
          node: keyword, message: TableMessage.notAStruct("\(article) \(keyword.text)"),
          fixIts: [isAlike ? fix : .removing(attribute, from: declaration)]))
      return nil
    }
    guard structure.genericParameterClause == nil else {
      context.diagnose(Diagnostic(node: structure.name, message: TableMessage.generic))
      return nil
    }
    return structure
  }

  /// The columns of the primary key.
  private static func primaryKey(
    _ attribute: AttributeSyntax, _ columns: [ColumnDeclaration], _ first: ColumnDeclaration,
    _ structure: StructDeclSyntax, in context: some MacroExpansionContext
  ) -> [ColumnDeclaration]? {
    var key = columns.filter { $0.attribute("PrimaryKey") != nil }
    if let written = attribute.argument("primaryKey") {
      guard key.isEmpty else {
        context.diagnose(Diagnostic(node: written, message: TableMessage.keyTwice))
        return nil
      }
      guard let names = names(written, columns, in: context) else { return nil }
      key = names.compactMap { name in columns.first { $0.name == name } }
    }
    guard !key.isEmpty else {
      let candidate = columns.first { $0.property == "id" } ?? first
      context.diagnose(
        Diagnostic(node: structure.name, message: TableMessage.noKey, fixIts: [.addingPrimaryKey(to: candidate)]))
      return nil
    }
    for column in key where column.isOptional {
      var fixes: [FixIt] = []
      if let type = column.node.bindings.first?.typeAnnotation?.type,
        let optional = type.as(OptionalTypeSyntax.self)
      {
        let new = optional.wrappedType.with(\.trailingTrivia, type.trailingTrivia)
        fixes = [
          FixIt(message: TableFix.removeOptional, changes: [.replace(oldNode: Syntax(type), newNode: Syntax(new))])
        ]
      }
      context.diagnose(
        Diagnostic(node: column.node, message: TableMessage.optionalKey(column: column.property), fixIts: fixes))
      return nil
    }
    return key
  }

  /// An argument that lists keys or indexes: `[["a", "b"], ["c"]]`.
  private static func lists(
    _ argument: ExprSyntax?, _ columns: [ColumnDeclaration], in context: some MacroExpansionContext
  ) -> [Names]? {
    guard let argument else { return [] }
    guard let elements = argument.as(ArrayExprSyntax.self)?.elements else {
      context.diagnose(Diagnostic(node: argument, message: TableMessage.notALiteral("a list of keys")))
      return nil
    }
    var lists: [Names] = []
    for element in elements {
      guard let names = names(element.expression, columns, in: context) else { return nil }
      lists.append(names)
    }
    return lists
  }

  /// An argument that lists references: `[.columns(["a", "b"], to: Other.self, onDelete: .cascade)]`.
  private static func references(
    _ argument: ExprSyntax?, _ columns: [ColumnDeclaration], in context: some MacroExpansionContext
  ) -> [ReferenceDeclaration]? {
    guard let argument else { return [] }
    guard let elements = argument.as(ArrayExprSyntax.self)?.elements else {
      context.diagnose(Diagnostic(node: argument, message: TableMessage.notALiteral("a list of references")))
      return nil
    }
    var references: [ReferenceDeclaration] = []
    for element in elements {
      guard let call = element.expression.as(FunctionCallExprSyntax.self),
        call.calledExpression.as(MemberAccessExprSyntax.self)?.declName.baseName.text == "columns",
        let first = call.arguments.first, first.label == nil,
        let target = call.arguments.first(where: { $0.label?.text == "to" })?.expression
      else {
        context.diagnose(Diagnostic(node: element.expression, message: TableMessage.notALiteral("a reference")))
        return nil
      }
      guard let names = names(first.expression, columns, in: context) else { return nil }
      references.append(ReferenceDeclaration(columns: names, target: target, arguments: Array(call.arguments)))
    }
    return references
  }

  /// The names of columns that an argument lists: `["a", "b"]`.
  private static func names(
    _ argument: ExprSyntax, _ columns: [ColumnDeclaration], in context: some MacroExpansionContext
  ) -> Names? {
    guard let texts = argument.literalTexts, !texts.isEmpty else {
      context.diagnose(Diagnostic(node: argument, message: TableMessage.notALiteral("the columns of a key")))
      return nil
    }
    for (text, node) in texts where !columns.contains(where: { $0.name == text }) {
      // The property's name is what comes to mind first.
      let meant = columns.first { $0.property == text || $0.name.lowercased() == text.lowercased() }
      var fixes: [FixIt] = []
      if let meant {
        let new = StringLiteralExprSyntax(content: meant.name)
        fixes = [
          FixIt(
            message: TableFix.useColumn(meant.name), changes: [.replace(oldNode: Syntax(node), newNode: Syntax(new))])
        ]
      }
      context.diagnose(Diagnostic(node: node, message: TableMessage.unknownColumn(text), fixIts: fixes))
      return nil
    }
    return texts.map(\.text)
  }
}

/// A reference of one or more columns in the arguments of `@Table`.
struct ReferenceDeclaration {
  /// The columns that refer.
  let columns: [String]
  /// The type that they refer to, as in `Other.self`.
  let target: ExprSyntax
  /// All that is written of it.
  let arguments: [LabeledExprSyntax]

  /// The argument with a label.
  func argument(_ label: String) -> ExprSyntax? { arguments.first { $0.label?.text == label }?.expression }
}

extension FixIt {
  /// Takes an attribute of a type or extension away.
  static func removing(_ attribute: AttributeSyntax, from declaration: some DeclGroupSyntax) -> FixIt {
    var rest = declaration
    // The attribute is handed out apart from its declaration: only its name tells which one it is.
    rest.attributes = declaration.attributes.filter { $0.as(AttributeSyntax.self)?.name != attribute.name }
    rest.leadingTrivia = declaration.leadingTrivia
    return FixIt(
      message: TableFix.removeAttribute(attribute.name),
      changes: [.replace(oldNode: Syntax(declaration), newNode: Syntax(rest))])
  }

  /// Puts `@PrimaryKey` before a column.
  static func addingPrimaryKey(to column: ColumnDeclaration) -> FixIt {
    let node = column.node
    var plain = node
    plain.leadingTrivia = []
    let attribute = AttributeSyntax(attributeName: IdentifierTypeSyntax(name: .identifier("PrimaryKey")))
      .with(\.leadingTrivia, node.leadingTrivia).with(\.trailingTrivia, .space)
    let new = plain.with(\.attributes, AttributeListSyntax([.attribute(attribute)] + Array(plain.attributes)))
    return FixIt(
      message: TableFix.addPrimaryKey(column: column.property),
      changes: [.replace(oldNode: Syntax(node), newNode: Syntax(new))])
  }
}
