import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacrosGenericTestSupport
import Testing

@testable import CairnTableMacros

@Suite("Expansion of @Canister")
struct CanisterMacroTests {
  private func expect(
    _ source: String, _ expanded: String, _ diagnostics: [DiagnosticSpec] = [],
    location: Testing.SourceLocation = #_sourceLocation
  ) {
    assertMacroExpansion(
      source, expandedSource: expanded, diagnostics: diagnostics,
      macroSpecs: ["Canister": MacroSpec(type: CanisterMacro.self)], indentationWidth: .spaces(2)
    ) { failure in
      Issue.record(Comment(rawValue: failure.message), sourceLocation: location)
    }
  }

  /// An exported function as the expansion writes it.
  private func function(_ export: String, _ symbol: String, _ call: String) -> String {
    """
    @_expose(wasm, "\(export)") @c(\(symbol))
    public func __macro_local_\(symbol.utf8.count)\(symbol)fMu_() {
      Blog.service.\(call)
    }
    """
  }

  private func method(_ kind: String, _ name: String, _ call: String) -> String {
    function("canister_\(kind) \(name)", "canister_method_\(name)", call)
  }

  private var life: [String] {
    [
      function("canister_init", "canister_init", "initialize()"),
      function("canister_post_upgrade", "canister_post_upgrade", "upgraded()"),
    ]
  }

  private var ofTheStore: [String] {
    [
      method("update", "begin", "begin()"), method("update", "commit", "commit()"),
      method("update", "rollback", "rollback()"), method("update", "grant", "grant()"),
      method("update", "revoke", "revoke()"), method("update", "step", "step()"), method("query", "check", "check()"),
      method("query", "status", "status()"),
      method("query", "__get_candid_interface_tmp_hack", "describe()"),
    ]
  }

  @Test("methods of tables, under names in lower case")
  func tables() {
    let methods = [
      method("update", "blog_post_insert", "insertRow(table: 0)"),
      method("update", "blog_post_upsert", "upsertRow(table: 0)"),
      method("update", "blog_post_replace", "replaceRow(table: 0)"),
      method("update", "blog_post_update", "updateRow(table: 0)"),
      method("update", "blog_post_delete", "deleteRow(table: 0)"),
      method("update", "blog_post_delete_where", "deleteRows(table: 0)"),
      method("query", "blog_post_get", "getRow(table: 0)"), method("query", "blog_post_find", "findRows(table: 0)"),
      method("query", "blog_post_count", "countRows(table: 0)"),
    ]
    expect(
      """
      @Canister(tables: [Model.BlogPost.self])
      enum Blog {}
      """,
      """
      enum Blog {

        static let service = CanisterService.Service(
          tables: [CanisterService.ServiceTable("blog_post", Model.BlogPost.self)],
          buckets: [])
      }

      """ + "\n" + (life + methods + ofTheStore).joined(separator: "\n\n"))
  }

  @Test("methods of buckets, under names that methods can have")
  func buckets() {
    let methods = [
      method("update", "my_media_put", "putObject(bucket: 0)"),
      method("update", "my_media_delete", "deleteObject(bucket: 0)"),
      method("query", "my_media_get", "getObject(bucket: 0)"),
      method("query", "my_media_head", "headObject(bucket: 0)"),
      method("query", "my_media_list", "listObjects(bucket: 0)"),
    ]
    expect(
      """
      @Canister(buckets: ["my-media"])
      enum Blog {}
      """,
      """
      enum Blog {

        static let service = CanisterService.Service(
          tables: [],
          buckets: ["my-media"])
      }

      """ + "\n" + (life + methods + ofTheStore).joined(separator: "\n\n"))
  }

  @Test("several tables and buckets keep their places")
  func places() throws {
    let attribute: AttributeSyntax = "@Canister(tables: [User.self, Post.self], buckets: [\"a\", \"b\"])"
    let declaration = try CanisterDeclaration(attribute, try EnumDeclSyntax("enum Blog {}"))
    let calls = declaration.methods.map(\.call)
    #expect(declaration.methods.count == 2 + 2 * 9 + 2 * 5 + 9)
    #expect(calls.contains("insertRow(table: 1)") && calls.contains("listObjects(bucket: 1)"))
    #expect(Set(declaration.methods.map(\.symbol)).count == declaration.methods.count)
  }

  private static let wrong: [(attribute: String, message: CanisterMessage, column: Int)] = [
    ("@Canister(tables: [User])", .notATable, 20),
    ("@Canister(tables: all)", .notALiteral, 19),
    ("@Canister(buckets: [name])", .notABucket, 21),
    ("@Canister(buckets: [\"\"])", .notABucket, 21),
    ("@Canister()", .nothing, 1),
    ("@Canister(tables: [User.self], buckets: [\"user\"])", .methodTwice("user_delete"), 1),
    ("@Canister(tables: [A.User.self, B.User.self])", .methodTwice("user_insert"), 1),
  ]

  @Test("says what is wrong with the arguments", arguments: wrong.indices)
  func arguments(_ index: Int) {
    let (attribute, message, column) = Self.wrong[index]
    expect(
      "\(attribute)\nenum Blog {}", "enum Blog {}",
      [DiagnosticSpec(message: message.message, line: 1, column: column)])
  }

  @Test("goes with an enumeration at file scope")
  func declarations() {
    expect(
      "@Canister(buckets: [\"a\"])\nstruct Blog {}", "struct Blog {}",
      [DiagnosticSpec(message: CanisterMessage.notAnEnumeration.message, line: 1, column: 1)])
    expect(
      "enum Outer {\n  @Canister(buckets: [\"a\"])\n  enum Blog {}\n}",
      "enum Outer {\n  enum Blog {}\n}",
      [DiagnosticSpec(message: CanisterMessage.notAtFileScope.message, line: 2, column: 3)])
  }
}
