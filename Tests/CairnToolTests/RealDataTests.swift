import Glibc
import Testing

@testable import CairnTool

/// The Unicode character database, as Debian's package `unicode-data` installs it: 34,924 characters that refer to their
/// categories, to their directions, and to each other (upper case, lower case, title case).
@Suite("A real data set", .enabled(if: UnicodeData.isInstalled))
struct RealDataTests {
  private static let names = [
    "code", "name", "category", "combining", "direction", "decomposition", "decimal", "digit", "numeric", "mirrored",
    "oldName", "comment", "upper", "lower", "title",
  ]

  private static let schema = """
    {"name": "Character", "primaryKey": ["code"], "columns": [
      {"name": "code", "type": "string"}, {"name": "name", "type": "string"}, {"name": "category", "type": "string"},
      {"name": "combining", "type": "uint8"}, {"name": "direction", "type": "string"},
      {"name": "decomposition", "type": "string", "optional": true}, {"name": "decimal", "type": "uint8", "optional": true},
      {"name": "digit", "type": "uint8", "optional": true}, {"name": "numeric", "type": "string", "optional": true},
      {"name": "mirrored", "type": "string"}, {"name": "oldName", "type": "string", "optional": true},
      {"name": "comment", "type": "string", "optional": true}, {"name": "upper", "type": "string", "optional": true},
      {"name": "lower", "type": "string", "optional": true}, {"name": "title", "type": "string", "optional": true}],
     "indexes": [{"name": "name", "columns": ["name"]}, {"name": "digit", "columns": ["digit"], "whereNotNull": ["digit"]}],
     "references": [
      {"name": "category", "columns": ["category"], "table": "Category"},
      {"name": "direction", "columns": ["direction"], "table": "Direction"},
      {"name": "upper", "columns": ["upper"], "table": "Character", "deferred": true},
      {"name": "lower", "columns": ["lower"], "table": "Character", "deferred": true},
      {"name": "title", "columns": ["title"], "table": "Character", "deferred": true}],
     "checks": [{"name": "mirrored", "condition": "mirrored IN ('Y', 'N')"}]}
    """

  @Test("comes in, answers questions, and goes out as it was")
  func unicode() throws {
    let tool = try Tool()
    try tool.scratch.write("schema.json", Self.schema)
    let made = try tool.shell(
      """
      awk -F'[ \\t]*;[ \\t]*' '/^gc/ && $2 ~ /^..$/ { print $2 ";" $3 }' \(UnicodeData.folder)PropertyValueAliases.txt | sed 's/ *#.*//' > gc
      awk -F'[ \\t]*;[ \\t]*' '/^bc/ { print $2 ";" $3 }' \(UnicodeData.folder)PropertyValueAliases.txt | sed 's/ *#.*//' > bc
      $CAIRN init i --size 512MiB --journal 64MiB
      for t in Category Direction; do
        $CAIRN table i create $t --column code:string --column name:string --unique name
      done
      $CAIRN table i create Character --schema schema.json
      $CAIRN table i import Category gc --delimiter ';' --columns code,name
      $CAIRN table i import Direction bc --delimiter ';' --columns code,name
      $CAIRN table i import Character \(UnicodeData.folder)UnicodeData.txt --delimiter ';' --columns \(Self.names.joined(separator: ","))
      """)
    try #require(made.status == 0 && made.error.isEmpty, "\(made)")
    let text = String(decoding: try ScratchFolder.contents(Path(UnicodeData.folder + "UnicodeData.txt")), as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(lines.count >= 30_000 && made.lines.last == "\(lines.count)")

    // Out again: the same fields, sorted by the code as text.
    try tool.succeed("table", "i", "export", "Character", "out.csv")
    let reader = CSVReader(InputBytes(try tool.scratch.open("out.csv", O_RDONLY)))
    #expect(try reader.next()?.map(\.text) == Self.names)
    var records: [[String]] = []
    while let record = try reader.next() { records.append(record.map(\.text)) }
    #expect(records == lines.sorted { $0[0] < $1[0] })
    // And in again, elsewhere, as JSON lines.
    let copied = try tool.shell(
      """
      for t in Category Direction Character; do
        $CAIRN table i export $t $t.jsonl && $CAIRN table i schema $t --json > $t.json
        $CAIRN table i create $t --schema $t.json --volume copy && $CAIRN table i import $t $t.jsonl --volume copy > /dev/null
        $CAIRN table i export $t --volume copy --json | cmp - $t.jsonl
      done
      $CAIRN check i --deep
      """)
    #expect(copied.status == 0 && copied.error.isEmpty && copied.output.contains("clean"), "\(copied)")

    func select(_ condition: String, _ more: String...) throws -> [String] {
      let words = ["table", "i", "select", "Character", "--csv", "--columns", "code", "--where", condition] + more
      return Array(try tool.run(words.map { Array($0.utf8) }).lines.dropFirst())
    }
    func codes(_ isWanted: ([String]) -> Bool) -> [String] { lines.filter(isWanted).map { $0[0] }.sorted() }
    #expect(try select("category = 'Nd' and digit = 7", "--order", "code") == codes { $0[2] == "Nd" && $0[7] == "7" })
    #expect(
      try select("name prefix 'GREEK ' and upper is not null", "--order", "code")
        == codes { $0[1].hasPrefix("GREEK ") && !$0[12].isEmpty })
    #expect(
      try select("direction in ('AL', 'R') and not mirrored = 'N' or combining between 200 and 220", "--order", "code")
        == codes { (["AL", "R"].contains($0[4]) && $0[9] != "N") || (200...220).contains(Int($0[3]) ?? 0) })
    #expect(try select("name contains 'CAIRN'") == codes { $0[1].contains("CAIRN") })
    #expect(try select("code = '0041'") == ["0041"])
    // What others refer to cannot go; what nothing refers to can.
    try tool.fail("table", "i", "delete", "Category", "--where", "code = 'Lu'", status: 1, saying: ["Category", "Lu"])
    #expect(
      try tool.succeed("table", "i", "delete", "Character", "--where", "category = 'Nd'").output
        == "\(codes { $0[2] == "Nd" }.count)\n")
    #expect(try tool.succeed("table", "i", "delete", "Category", "--where", "code = 'Nd'").output == "1\n")
    try tool.succeed("check", "i", "--deep")
  }
}

/// Where the package puts its files.
private enum UnicodeData {
  static let folder = "/usr/share/unicode/"
  static let isInstalled = (try? Descriptor.open(Path(folder + "UnicodeData.txt"), O_RDONLY)) != nil
}
