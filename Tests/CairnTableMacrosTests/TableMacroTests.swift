import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacrosGenericTestSupport
import Testing

@testable import CairnTableMacros

@Suite("Expansion of @Table")
struct TableMacroTests {
  private static let macros: [String: MacroSpec] = {
    var macros = ["Table": MacroSpec(type: TableMacro.self, conformances: ["TableRow"])]
    for name in ColumnDeclaration.attributeNames { macros[name] = MacroSpec(type: ColumnAttributeMacro.self) }
    return macros
  }()

  private func expect(
    _ source: String, _ expanded: String, _ diagnostics: [DiagnosticSpec] = [], applying fixIts: [String]? = nil,
    fixed: String? = nil, location: Testing.SourceLocation = #_sourceLocation
  ) {
    assertMacroExpansion(
      source, expandedSource: expanded, diagnostics: diagnostics, macroSpecs: Self.macros, applyFixIts: fixIts,
      fixedSource: fixed, indentationWidth: .spaces(2)
    ) { failure in
      Issue.record(Comment(rawValue: failure.message), sourceLocation: location)
    }
  }

  /// What is wrong with a struct; nothing is generated then.
  private func expectError(
    _ source: String, _ message: String, line: Int = 1, column: Int, fixIt: String? = nil, fixed: String? = nil,
    location: Testing.SourceLocation = #_sourceLocation
  ) {
    let specs = fixIt.map { [FixItSpec(message: $0)] } ?? []
    let plain = Self.withoutAttributes(source)
    expect(
      source, plain, [DiagnosticSpec(message: message, line: line, column: column, fixIts: specs)],
      applying: fixIt.map { [$0] }, fixed: fixed, location: location)
  }

  /// The source as it is left when the attributes are expanded to nothing.
  private static func withoutAttributes(_ source: String) -> String {
    source.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var line = String(line)
      for name in ["Table"] + ColumnDeclaration.attributeNames {
        while let start = line.firstRange(of: "@\(name)") {
          var end = start.upperBound
          if end < line.endIndex, line[end] == "(" {
            var depth = 0
            repeat {
              if line[end] == "(" { depth += 1 }
              if line[end] == ")" { depth -= 1 }
              end = line.index(after: end)
            } while depth > 0
          }
          if end < line.endIndex, line[end] == " " { end = line.index(after: end) }
          line.removeSubrange(start.lowerBound..<end)
        }
      }
      return line
    }.joined(separator: "\n")
  }

  @Test("a table with its schema, its columns, and rows in and out")
  func whole() {
    expect(
      """
      @Table public struct User {
        @PrimaryKey(autoIncrement: true) public var id: Int64
        @Unique @Sanitize(.trim) var email: String
        @Index(whereNotNull: true) @Check({ $0 > 0 }) var age: Int32?
        @References(User.self, onDelete: .setNull) @Column("parent") var boss: Int64?
        @Default(.now) var made: Timestamp
        var double: Double { 2 }
        static let none = 0
      }
      """,
      """
      public struct User {
        public var id: Int64
        var email: String
        var age: Int32?
        var boss: Int64?
        var made: Timestamp
        var double: Double { 2 }
        static let none = 0
      }

      extension User: Cairn.TableRow {
        public struct Columns: Cairn.TableColumns {
          public let id: Cairn.Column<Int64>
          public let email: Cairn.Column<String>
          public let age: Cairn.Column<Int32?>
          public let boss: Cairn.Column<Int64?>
          public let made: Cairn.Column<Timestamp>
          public init(qualifier: Swift.String) {
            id = Cairn.Column(qualifier + "id")
            email = Cairn.Column(qualifier + "email")
            age = Cairn.Column(qualifier + "age")
            boss = Cairn.Column(qualifier + "parent")
            made = Cairn.Column(qualifier + "made")
          }
        }
        public static let tableName = "User"
        public static let tableDefinition = Cairn.TableDefinition(tableSchema)
        public static var tableSchema: Cairn.TableSchema {
          Cairn.TableSchema(
            tableName,
            columns: [
              Cairn.ColumnDefinition("id", Int64.self, isAutoIncrement: true),
              Cairn.ColumnDefinition("email", String.self, sanitizers: [.trim]),
              Cairn.ColumnDefinition("age", Int32?.self),
              Cairn.ColumnDefinition("parent", Int64?.self),
              Cairn.ColumnDefinition("made", Timestamp.self, default: .now)
            ],
            primaryKey: ["id"],
            indexes: [
              Cairn.IndexDefinition("email", on: ["email"], isUnique: true),
              Cairn.IndexDefinition("age", on: ["age"], whereNotNull: ["age"])
            ],
            references: [
              Cairn.ReferenceDefinition("parent", from: ["parent"], to: User.tableName, onDelete: .setNull)
            ],
            checks: [
              Cairn.CheckDefinition("age", ({
                    $0 > 0
                  } as (Cairn.Column<Int32?>) -> Cairn.Predicate)(Cairn.Column("age")))
            ] + checks(Columns(qualifier: ""))
          )
        }
        public init(rowValues: [Cairn.ColumnValue]) throws(Cairn.StorageError) {
          var values = try Cairn.RowValues(rowValues, count: 5, table: "User")
          id = try values.next("id")
          email = try values.next("email")
          age = try values.next("age")
          boss = try values.next("parent")
          made = try values.next("made")
        }
        public var rowValues: [Cairn.ColumnValue] {
          [
            id == 0 ? .null : id.columnValue,
            email.columnValue,
            age.columnValue,
            boss.columnValue,
            made.columnValue
          ]
        }
        public var tableKey: Int64 {
          id
        }
      }
      """)
  }

  @Test(
    "members are as visible as the type",
    arguments: [
      ("", ""), ("public ", "public "), ("package ", "package "), ("fileprivate ", "fileprivate "),
      ("private ", "fileprivate "), ("internal ", "internal "),
    ])
  func access(type: String, members: String) {
    expect(
      """
      @Table("t", primaryKey: ["a", "b"], unique: [["b", "a"]], indexes: [["b"]]) \(type)struct Pairs {
        var a: Int8
        var b: String
      }
      """,
      """
      \(type)struct Pairs {
        var a: Int8
        var b: String
      }

      extension Pairs: Cairn.TableRow {
        \(members)struct Columns: Cairn.TableColumns {
          \(members)let a: Cairn.Column<Int8>
          \(members)let b: Cairn.Column<String>
          \(members)init(qualifier: Swift.String) {
            a = Cairn.Column(qualifier + "a")
            b = Cairn.Column(qualifier + "b")
          }
        }
        \(members)static let tableName = "t"
        \(members)static let tableDefinition = Cairn.TableDefinition(tableSchema)
        \(members)static var tableSchema: Cairn.TableSchema {
          Cairn.TableSchema(
            tableName,
            columns: [
              Cairn.ColumnDefinition("a", Int8.self),
              Cairn.ColumnDefinition("b", String.self)
            ],
            primaryKey: ["a", "b"],
            indexes: [
              Cairn.IndexDefinition("b_a", on: ["b", "a"], isUnique: true),
              Cairn.IndexDefinition("b", on: ["b"])
            ],
            checks: checks(Columns(qualifier: ""))
          )
        }
        \(members)init(rowValues: [Cairn.ColumnValue]) throws(Cairn.StorageError) {
          var values = try Cairn.RowValues(rowValues, count: 2, table: "t")
          a = try values.next("a")
          b = try values.next("b")
        }
        \(members)var rowValues: [Cairn.ColumnValue] {
          [
            a.columnValue,
            b.columnValue
          ]
        }
        \(members)var tableKey: Cairn.Pair<Int8, String> {
          Cairn.Pair(a, b)
        }
      }
      """)
  }

  @Test("only structs are tables")
  func notAStruct() {
    expectError(
      """
      @Table class User {
        @PrimaryKey var id: Int64
      }
      """,
      "@Table goes with a struct, not with a class", column: 8, fixIt: "make it a struct",
      fixed: """
        @Table struct User {
          @PrimaryKey var id: Int64
        }
        """)
    expectError(
      "@Table enum User {\n}", "@Table goes with a struct, not with an enum", column: 8, fixIt: "remove @Table",
      fixed: "enum User {\n}")
    expectError(
      "@Table struct User<T> {\n  @PrimaryKey var id: T\n}", "a table's struct can not be generic", column: 15)
  }

  @Test("a table has a primary key")
  func noKey() {
    expectError(
      """
      @Table struct User {
        var name: String
        var id: Int64
      }
      """,
      "a table needs a primary key: put @PrimaryKey before a column, or name columns in @Table(primaryKey:)",
      column: 15,
      fixIt: "make 'id' the primary key",
      fixed: """
        @Table struct User {
          var name: String
          @PrimaryKey var id: Int64
        }
        """)
    expectError("@Table struct User {\n}", "a table needs a stored property", column: 15)
    expectError(
      "@Table struct User {\n  @PrimaryKey var id: Int64?\n}",
      "column 'id' of the primary key can not be optional", line: 2, column: 3, fixIt: "remove '?'",
      fixed: "@Table struct User {\n  @PrimaryKey var id: Int64\n}")
    expectError(
      "@Table(primaryKey: [\"id\"]) struct User {\n  @PrimaryKey var id: Int64\n}",
      "the primary key is given by @Table(primaryKey:) and by @PrimaryKey; use one of them", column: 20)
  }

  @Test(
    "types that no column has",
    arguments: [
      ("Int", "use 'Int64'", "Int64"), ("UInt?", "use 'UInt64'", "UInt64?"), ("Float", "use 'Double'", "Double"),
      ("Character", "use 'String'", "String"),
    ])
  func replacedTypes(type: String, fixIt: String, replacement: String) {
    let plain = type.last == "?" ? String(type.dropLast()) : type
    expectError(
      "@Table struct User {\n  @PrimaryKey var id: Int64\n  var x: \(type)\n}",
      "column 'x' can not be of type '\(plain)'; \(fixIt)", line: 3, column: 10, fixIt: fixIt,
      fixed: "@Table struct User {\n  @PrimaryKey var id: Int64\n  var x: \(replacement)\n}")
  }

  @Test(
    "shapes that no column has",
    arguments: [
      ("[String]", "use a table of its own that refers to this one, or a type that conforms to 'NestedValue'"),
      ("[String: Int64]", "use a type that conforms to 'NestedValue', or a column for each part"),
      ("(Int64, Int64)", "use a type that conforms to 'NestedValue', or a column for each part"),
      ("any Error", "use a type that conforms to 'ColumnRepresentable'"),
    ])
  func shapes(type: String, advice: String) {
    expectError(
      "@Table struct User {\n  @PrimaryKey var id: Int64\n  var x: \(type)\n}",
      "column 'x' can not be of type '\(type)'; \(advice)", line: 3, column: 10)
  }

  @Test("one optional is what a column has")
  func doubleOptional() {
    expectError(
      "@Table struct User {\n  @PrimaryKey var id: Int64\n  var x: Int8??\n}",
      "column 'x' can not be of type 'Int8?'; one level of optional is what a column has", line: 3, column: 10,
      fixIt: "remove '?'", fixed: "@Table struct User {\n  @PrimaryKey var id: Int64\n  var x: Int8?\n}")
  }

  @Test("references of several columns")
  func references() {
    expect(
      """
      @Table(references: [.columns(["b", "a"], to: Other.self, key: ["x", "y"], named: "r", onDelete: .cascade)]) struct T {
        @PrimaryKey var a: Int8
        var b: String
      }
      """,
      """
      struct T {
        var a: Int8
        var b: String
      }

      extension T: Cairn.TableRow {
        struct Columns: Cairn.TableColumns {
          let a: Cairn.Column<Int8>
          let b: Cairn.Column<String>
          init(qualifier: Swift.String) {
            a = Cairn.Column(qualifier + "a")
            b = Cairn.Column(qualifier + "b")
          }
        }
        static let tableName = "T"
        static let tableDefinition = Cairn.TableDefinition(tableSchema)
        static var tableSchema: Cairn.TableSchema {
          Cairn.TableSchema(
            tableName,
            columns: [
              Cairn.ColumnDefinition("a", Int8.self),
              Cairn.ColumnDefinition("b", String.self)
            ],
            primaryKey: ["a"],
            references: [
              Cairn.ReferenceDefinition("r", from: ["b", "a"], to: Other.tableName, ["x", "y"], onDelete: .cascade)
            ],
            checks: checks(Columns(qualifier: ""))
          )
        }
        init(rowValues: [Cairn.ColumnValue]) throws(Cairn.StorageError) {
          var values = try Cairn.RowValues(rowValues, count: 2, table: "T")
          a = try values.next("a")
          b = try values.next("b")
        }
        var rowValues: [Cairn.ColumnValue] {
          [
            a.columnValue,
            b.columnValue
          ]
        }
        var tableKey: Int8 {
          a
        }
      }
      """)
    let head = "struct T {\n  @PrimaryKey var a: Int8\n  var b: Int8\n}"
    expectError(
      "@Table(references: [.columns([\"a\", \"B\"], to: Other.self)]) " + head, "there is no column 'B'", column: 36,
      fixIt: "use 'b'", fixed: "@Table(references: [.columns([\"a\", \"b\"], to: Other.self)]) " + head)
    expectError(
      "@Table(references: [other]) " + head,
      "a reference must be written as a literal, since it is read when the program is compiled", column: 21)
  }

  @Test("columns have types and values, names of their own, and each attribute once")
  func columns() {
    let head = "@Table struct User {\n  @PrimaryKey var id: Int64\n"
    expectError(head + "  var x = 5\n}", "column 'x' needs a type: write it behind a colon", line: 3, column: 7)
    expectError(head + "  var x: Int8, y: Int8\n}", "each column is declared by itself", line: 3, column: 3)
    expectError(
      head + "  let x: Int8 = 5\n}", "column 'x' is a constant with a value, which no row could set", line: 3,
      column: 3,
      fixIt: "use 'var'", fixed: head + "  var x: Int8 = 5\n}")
    expectError(
      head + "  @Column(\"id\") var x: Int8\n}", "there are two columns by the name 'id'", line: 3, column: 3,
      fixIt: "remove @Column", fixed: head + "  var x: Int8\n}")
    expectError(
      head + "  @Column(\"y\") var x: Int8\n  var y: Int8\n}", "there are two columns by the name 'y'", line: 4,
      column: 3,
      fixIt: "remove @Column", fixed: head + "  var x: Int8\n  var y: Int8\n}")
    expectError(
      head + "  @Index @Index var x: Int8\n}", "column 'x' has @Index twice", line: 3, column: 10,
      fixIt: "remove @Index",
      fixed: head + "  @Index var x: Int8\n}")
    expectError(
      head + "  var rowValues: Int8\n}", "'rowValues' is a name that @Table generates; call the property otherwise",
      line: 3,
      column: 7)
  }

  @Test("keys name columns that are there")
  func keys() {
    expectError(
      "@Table(indexes: [[\"ID\"]]) struct User {\n  @PrimaryKey var id: Int64\n}", "there is no column 'ID'",
      column: 19,
      fixIt: "use 'id'", fixed: "@Table(indexes: [[\"id\"]]) struct User {\n  @PrimaryKey var id: Int64\n}")
    expectError(
      "@Table(primaryKey: [\"x\"]) struct User {\n  var id: Int64\n}", "there is no column 'x'", column: 21)
    expectError(
      "@Table(unique: keys) struct User {\n  @PrimaryKey var id: Int64\n}",
      "a list of keys must be written as a literal, since it is read when the program is compiled", column: 16)
  }

  @Test("attributes of columns without a table say so")
  func strays() {
    expectError(
      "struct User {\n  @PrimaryKey var id: Int64\n}",
      "@PrimaryKey goes with the stored properties of a struct with @Table", line: 2, column: 3)
  }
}
