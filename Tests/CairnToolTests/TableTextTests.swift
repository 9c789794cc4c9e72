import CairnTables
import Testing

@testable import CairnTool

@Suite("Text formats of tables")
struct TableTextTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func records(_ text: String, delimiter: Character = ",") throws -> [[CSVReader.Field]] {
    try scratch.write("csv", text)
    let reader = CSVReader(InputBytes(try scratch.open("csv", 0)), delimiter: delimiter.asciiValue ?? 0)
    var records: [[CSVReader.Field]] = []
    while let record = try reader.next() { records.append(record) }
    return records
  }

  private func texts(_ text: String) throws -> [[String]] { try records(text).map { $0.map(\.text) } }

  @Test("fields, quotes, and line ends inside of quotes")
  func fields() throws {
    #expect(try texts("a,b\n1,2\n") == [["a", "b"], ["1", "2"]])
    #expect(try texts("a,b\r\n1,2") == [["a", "b"], ["1", "2"]])
    #expect(try texts("\"a,b\",\"say \"\"so\"\"\",\"two\nlines\"\r\n") == [["a,b", "say \"so\"", "two\nlines"]])
    #expect(try texts(",\n") == [["", ""]])
    #expect(try texts("\n\r\n1\n\n2\n") == [["1"], ["2"]])
    #expect(try texts("") == [])
    #expect(try records("\"\",x")[0].map(\.isQuoted) == [true, false])
    #expect(try records("a;b", delimiter: ";")[0].map(\.text) == ["a", "b"])
  }

  @Test(
    "mistakes are named with their lines",
    arguments: [
      ("a\nb\"c\n", "line 2: a quote inside"), ("a\n\"b\nc\n", "line 2: a field's quotes are never closed"),
      ("\"a\"b\n", "line 1: text behind"), ("\"a\nb\"c\n", "line 2: text behind"),
    ])
  func mistakes(text: String, message: String) throws {
    #expect { try records(text) } throws: { ($0 as? Failure)?.message.hasPrefix(message) ?? false }
  }

  @Test("text that is not UTF-8 is refused with its line")
  func encoding() throws {
    try scratch.write("csv", [0x61, 0x0A, 0xFF, 0x0A])
    let reader = CSVReader(InputBytes(try scratch.open("csv", 0)))
    #expect(try reader.next()?.map(\.text) == ["a"])
    #expect { try reader.next() } throws: { ($0 as? Failure)?.message == "line 2: text that is not UTF-8" }
  }

  @Test("what is written is read back, whatever it holds")
  func csvRoundTrip() throws {
    var seed: UInt64 = 7
    let letters = ["a", ",", "\"", "\n", "\r", " ", "\u{E9}", ";"]
    for _ in 0..<300 {
      let fields: [String?] = (0..<4).map { _ in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1
        if seed >> 60 == 0 { return nil }
        return (0..<Int(seed >> 33 % 5)).map { letters[Int(seed >> UInt64(8 + $0) & 7)] }.joined()
      }
      // A record of one field that is nothing would be an empty line; with four there is always a comma.
      let back = try records(CSVWriter.line(fields) + "\n")
      #expect(back.count == 1 && back[0].map { $0.isQuoted || !$0.text.isEmpty ? $0.text : nil } == fields, "\(fields)")
    }
  }

  @Test("JSON values, with numbers as they are written")
  func json() throws {
    let text = #" {"a": [1, -2.50e+3, true, false, null], "b": "x\"\\\n\u00e9\ud83d\ude00", "c": {}} "#
    let value = try JSONReader.read(Array(text.utf8))
    #expect(value[name: "a"] == .array([.number("1"), .number("-2.50e+3"), .bool(true), .bool(false), .null]))
    #expect(value[name: "b"] == .string("x\"\\\n\u{E9}\u{1F600}"))
    #expect(value[name: "c"] == .object([]))
    #expect(value[name: "d"] == nil)
  }

  @Test(
    "what is no JSON is refused",
    arguments: [
      "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "1e", "\"a", "\"\\x\"", "\"\\ud800\"",
      "tru", "1 2",
      "{\"a\":1,\"a\":2}", "\"\u{1}\"", "+1", ".5",
    ])
  func badJSON(text: String) {
    #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(Array(text.utf8)) }
  }

  @Test("nesting has a limit")
  func deepJSON() {
    let depth = 100_000
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(Array(text.utf8)) }
    #expect(throws: Failure.self) {
      try WhereClause.predicate(String(repeating: "(", count: depth) + "a = 1", on: Self.schema)
    }
    #expect(throws: Failure.self) {
      try WhereClause.predicate(String(repeating: "not ", count: depth) + "a = 1", on: Self.schema)
    }
  }

  private static let schema = TableSchema(
    "t",
    columns: [
      ColumnDefinition("a", .int32), ColumnDefinition("b", .string, isOptional: true),
      ColumnDefinition("two words", .date),
      ColumnDefinition("c", .int32), ColumnDefinition("d", .decimal), ColumnDefinition("e", .bool),
    ], primaryKey: ["a"])

  @Test(
    "conditions",
    arguments: [
      ("a = 1", Predicate.compare("a", .equal, .integer(1))),
      ("a=-1", .compare("a", .equal, .integer(-1))),
      (
        "a <> 1 and b = 'it''s'", .and([.compare("a", .notEqual, .integer(1)), .compare("b", .equal, .string("it's"))])
      ),
      (
        "a < 1 OR a > 2 AND a != 3",
        .or([
          .compare("a", .less, .integer(1)),
          .and([.compare("a", .greater, .integer(2)), .compare("a", .notEqual, .integer(3))]),
        ])
      ),
      (
        "(a < 1 or a > 2) and not e = true",
        .and([
          .or([.compare("a", .less, .integer(1)), .compare("a", .greater, .integer(2))]),
          .not(.compare("e", .equal, .bool(true))),
        ])
      ),
      (
        "a between 1 and 2 and c = a",
        .and([.between("a", .integer(1), .integer(2)), .compareColumns("c", .equal, "a")])
      ),
      ("a not in (1, 2,3)", .not(.isIn("a", [.integer(1), .integer(2), .integer(3)]))),
      ("b is null or b is not null", .or([.isNull("b"), .not(.isNull("b"))])),
      (
        "b prefix 'x' and b not contains 'y'",
        .and([.hasPrefix("b", .string("x")), .not(.contains("b", .string("y")))])
      ),
      (
        "\"two words\" >= '2020-02-29'",
        .compare("two words", .greaterOrEqual, .date(CalendarDate("2020-02-29") ?? .first))
      ),
      ("d <= 1.50", .compare("d", .lessOrEqual, .decimal(ExactDecimal("1.5") ?? .zero))),
      ("true", .always),
    ])
  func conditions(text: String, predicate: Predicate) throws {
    #expect(try WhereClause.predicate(text, on: Self.schema) == predicate)
    // What is printed of it means the same.
    #expect(try WhereClause.predicate(predicate.clause, on: Self.schema) == predicate)
  }

  @Test(
    "what is no condition is refused",
    arguments: [
      "", "a", "a =", "a = 'x'", "a = 1 b", "a = 1 and", "z = 1", "b = 1", "a = null", "a in ()", "a in (1", "(a = 1",
      "a = 1)",
      "a between 1", "b is 1", "a ! 1", "b = 'x", "a = 1.5", "a = 99999999999", "e = maybe", "a ; 1", "\"a = 1",
    ])
  func badConditions(text: String) {
    #expect(throws: Failure.self) { try WhereClause.predicate(text, on: Self.schema) }
  }
}

extension CalendarDate {
  fileprivate static var first: CalendarDate { CalendarDate(daysSince1970: dayRange.lowerBound) ?? .first }
}
