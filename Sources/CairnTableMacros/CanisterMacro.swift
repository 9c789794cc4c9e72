import SwiftDiagnostics
import SwiftParser
import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Canister`: a service as a member, and beside the type a function for each method, which only calls the service.
///
/// What a method does stands in the module `CanisterService`; a replica finds methods by the names of exported functions, so
/// these must be written out.
struct CanisterMacro: MemberMacro, PeerMacro {
  static func expansion(
    of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
    conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
  ) throws -> [DeclSyntax] {
    // The peers' expansion says what is wrong.
    guard context.lexicalContext.isEmpty, let canister = try? CanisterDeclaration(node, declaration) else { return [] }
    let tables = canister.tables.map { "CanisterService.ServiceTable(\"\($0.name)\", \($0.type).self)" }
    let buckets = canister.buckets.map { StringLiteralExprSyntax(content: $0.written).description }
    return [
      """
      static let service = CanisterService.Service(
        tables: [\(raw: tables.joined(separator: ", "))],
        buckets: [\(raw: buckets.joined(separator: ", "))])
      """
    ]
  }

  static func expansion(
    of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
    in context: some MacroExpansionContext
  ) throws -> [DeclSyntax] {
    let canister: CanisterDeclaration
    do throws(CanisterDeclaration.Failure) {
      guard context.lexicalContext.isEmpty else {
        throw CanisterDeclaration.Failure(node: Syntax(node), message: .notAtFileScope)
      }
      canister = try CanisterDeclaration(node, declaration)
    } catch {
      context.diagnose(Diagnostic(node: error.node, message: error.message))
      return []
    }
    return canister.methods.map { method in
      """
      @_expose(wasm, "\(raw: method.export)") @c(\(raw: method.symbol))
      public func \(context.makeUniqueName(method.symbol))() {
        \(raw: canister.name).service.\(raw: method.call)
      }
      """
    }
  }
}

/// A canister as its attribute declares it, checked.
struct CanisterDeclaration {
  /// What is wrong with a declaration, and where.
  struct Failure: Error {
    let node: Syntax
    let message: CanisterMessage
  }

  /// A method: what is exported, its symbol, and what it calls.
  struct Method: Equatable {
    let export: String
    let symbol: String
    let call: String
  }

  /// The type that the attribute goes with.
  let name: String
  /// The types of rows, and what their methods' names begin with.
  private(set) var tables: [(type: String, name: String)] = []
  /// The buckets, and what their methods' names begin with.
  private(set) var buckets: [(written: String, name: String)] = []

  init(_ attribute: AttributeSyntax, _ declaration: some SyntaxProtocol) throws(Failure) {
    guard let enumeration = declaration.as(EnumDeclSyntax.self) else {
      throw Failure(node: Syntax(attribute), message: .notAnEnumeration)
    }
    name = enumeration.name.text
    for element in try Self.elements(attribute.argument("tables")) {
      guard let member = element.as(MemberAccessExprSyntax.self), member.declName.baseName.text == "self",
        let type = member.base?.trimmedDescription
      else { throw Failure(node: Syntax(element), message: .notATable) }
      let last = type.split(separator: ".").last.map(String.init) ?? type
      tables.append((type, Self.snakeCase(last.withoutBackticks)))
    }
    for element in try Self.elements(attribute.argument("buckets")) {
      guard let text = element.literalText, !text.isEmpty else {
        throw Failure(node: Syntax(element), message: .notABucket)
      }
      buckets.append((text, Self.identifier(text)))
    }
    guard !tables.isEmpty || !buckets.isEmpty else { throw Failure(node: Syntax(attribute), message: .nothing) }
    var known: Set<String> = []
    for method in methods where !known.insert(method.symbol).inserted {
      let name = method.export.split(separator: " ").last.map(String.init) ?? method.export
      throw Failure(node: Syntax(attribute), message: .methodTwice(name))
    }
  }

  private static func elements(_ argument: ExprSyntax?) throws(Failure) -> [ExprSyntax] {
    guard let argument else { return [] }
    guard let array = argument.as(ArrayExprSyntax.self) else {
      throw Failure(node: Syntax(argument), message: .notALiteral)
    }
    return array.elements.map(\.expression)
  }

  /// `BlogPost` as `blog_post`.
  private static func snakeCase(_ name: String) -> String {
    var result = ""
    var isBehindCapital = true
    for character in name {
      if character.isUppercase, !isBehindCapital { result += "_" }
      isBehindCapital = character.isUppercase
      result += character.lowercased()
    }
    return identifier(result)
  }

  /// A name as methods have it: what is no ASCII letter and no digit is an underscore. `CanisterService` does the same.
  private static func identifier(_ text: String) -> String {
    String(
      decoding: text.utf8.map { byte in
        let isLetter = (0x61...0x7A).contains(byte | 0x20)
        return isLetter || (0x30...0x39).contains(byte) ? byte : 0x5F
      }, as: UTF8.self)
  }

  private static let tableMethods: [(kind: String, name: String, call: String)] = [
    ("update", "insert", "insertRow"), ("update", "upsert", "upsertRow"), ("update", "replace", "replaceRow"),
    ("update", "update", "updateRow"), ("update", "delete", "deleteRow"), ("update", "delete_where", "deleteRows"),
    ("query", "get", "getRow"), ("query", "find", "findRows"), ("query", "count", "countRows"),
  ]

  private static let bucketMethods: [(kind: String, name: String, call: String)] = [
    ("update", "put", "putObject"), ("update", "delete", "deleteObject"), ("query", "get", "getObject"),
    ("query", "head", "headObject"), ("query", "list", "listObjects"),
  ]

  private static let storeMethods: [(kind: String, name: String, call: String)] = [
    ("update", "begin", "begin"), ("update", "commit", "commit"), ("update", "rollback", "rollback"),
    ("update", "grant", "grant"), ("update", "revoke", "revoke"), ("update", "step", "step"),
    ("query", "check", "check"), ("query", "status", "status"),
    ("query", "__get_candid_interface_tmp_hack", "describe"),
  ]

  /// Everything that the canister exports.
  var methods: [Method] {
    var methods = [
      Method(export: "canister_init", symbol: "canister_init", call: "initialize()"),
      Method(export: "canister_post_upgrade", symbol: "canister_post_upgrade", call: "upgraded()"),
    ]
    func add(_ kind: String, _ name: String, _ call: String) {
      methods.append(Method(export: "canister_\(kind) \(name)", symbol: "canister_method_\(name)", call: call))
    }
    for (index, table) in tables.enumerated() {
      for method in Self.tableMethods {
        add(method.kind, "\(table.name)_\(method.name)", "\(method.call)(table: \(index))")
      }
    }
    for (index, bucket) in buckets.enumerated() {
      for method in Self.bucketMethods {
        add(method.kind, "\(bucket.name)_\(method.name)", "\(method.call)(bucket: \(index))")
      }
    }
    for method in Self.storeMethods { add(method.kind, method.name, method.call + "()") }
    return methods
  }
}

/// What can be wrong with a canister's declaration.
enum CanisterMessage: DiagnosticMessage {
  case notAnEnumeration
  case notAtFileScope
  case notALiteral
  case notATable
  case notABucket
  case nothing
  case methodTwice(String)

  var message: String {
    switch self {
    case .notAnEnumeration: "@Canister goes with an enumeration"
    case .notAtFileScope: "@Canister goes with an enumeration that stands in no other declaration"
    case .notALiteral: "write a list in brackets, since it is read when the program is compiled"
    case .notATable: "a table is named by its type, as in User.self"
    case .notABucket: "a bucket's name is a string literal that is not empty"
    case .nothing: "a canister needs a table or a bucket"
    case .methodTwice(let name): "two things of this canister would have the method '\(name)'"
    }
  }

  var diagnosticID: MessageID {
    MessageID(domain: "CairnTableMacros", id: "canister-" + String("\(self)".prefix { $0 != "(" }))
  }

  var severity: DiagnosticSeverity { .error }
}
