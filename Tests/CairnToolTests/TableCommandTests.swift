import ArgumentParser
import CairnVolumes
import Testing

@testable import CairnTool

@Suite("Tables from the command line")
struct TableCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "64MiB")
    try tool.succeed(
      "table", "i", "create", "User", "--column", "id:int64", "--column", "name:string", "--column", "age:int32?",
      "--column", "email:string", "--unique", "email", "--index", "age", "--check", "age >= 0", "--auto-increment")
    try tool.succeed(
      "table", "i", "create", "Post", "--column", "id:int64", "--column", "author:int64", "--column", "title:string",
      "--reference", "author:User:cascade")
    try tool.scratch.write("users.csv", Self.users)
  }

  private static let users = #"""
    id,name,age,email
    1,"Ann, the first",30,ann@example.org
    2,"Bob ""B""",,bob@example.org
    3,"two
    lines",7,zoe@example.org
    4,"",41,eve@example.org

    """#

  @Test("rows come in, are asked for, and go out the same")
  func roundTrip() throws {
    #expect(try tool.succeed("table", "i", "import", "User", "users.csv").output == "4\n")
    #expect(try tool.succeed("table", "i", "export", "User").output == Self.users)
    let grown = [
      "table", "i", "select", "User", "--where", "age >= 30", "--order", "age desc", "--columns", "name,age",
    ]
    #expect(
      try tool.run((grown + ["--json"]).map { Array($0.utf8) }).lines
        == [#"{"name":"","age":41}"#, #"{"name":"Ann, the first","age":30}"#])
    #expect(try tool.run((grown + ["--csv", "--limit", "1"]).map { Array($0.utf8) }).lines == ["name,age", "\"\",41"])
    #expect(
      try tool.run((grown + ["--offset", "1"]).map { Array($0.utf8) }).lines == [
        "name            age", "Ann, the first  30",
      ])
    let nobody = try tool.succeed("table", "i", "select", "User", "--where", "age is null", "--columns", "age")
    #expect(nobody.lines == ["age", "NULL"])

    try tool.succeed("table", "i", "export", "User", "users.jsonl")
    try tool.succeed("table", "i", "delete", "User", "--where", "true")
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines == ["id,name,age,email"])
    #expect(try tool.succeed("table", "i", "import", "User", "users.jsonl").output == "4\n")
    #expect(try tool.succeed("table", "i", "export", "User").output == Self.users)
    try tool.succeed("check", "i", "--deep")
  }

  @Test("tables are listed, described and removed")
  func schemas() throws {
    let lines = try tool.succeed("table", "i", "ls").lines
    #expect(lines.count == 2 && lines.contains { $0.hasPrefix("User") && $0.contains("0 rows") })
    #expect(
      try tool.succeed("table", "i", "ls", "--json").lines.contains(
        #"{"name":"Post","rows":0,"columns":3,"indexes":1}"#))
    let swift = try tool.succeed("table", "i", "schema", "User").output
    for part in ["@Table", "struct User {", "@PrimaryKey(autoIncrement: true) var id: Int64", "@Index var age: Int32?"]
    {
      #expect(swift.contains(part), "\(swift)")
    }
    // The JSON of a table makes the same table.
    for name in ["User", "Post"] {
      let json = try tool.succeed("table", "i", "schema", name, "--json")
      try tool.succeed("table", "i", "create", name, "--volume", "other", "--schema", "-", input: json.bytes)
      #expect(try tool.succeed("table", "i", "schema", name, "--json", "--volume", "other").output == json.output)
    }
    try tool.fail("table", "i", "drop", "User", status: 1, saying: ["User"])
    try tool.succeed("table", "i", "drop", "Post")
    try tool.succeed("table", "i", "drop", "User")
    #expect(try tool.succeed("table", "i", "ls").lines == [])
    try tool.fail("table", "i", "schema", "User", status: 1, saying: ["User"])
  }

  @Test("a schema in JSON, with every kind of rule")
  func schemaFile() throws {
    let schema = """
      {"name": "x", "columns": [
        {"name": "id", "type": "uniqueID", "default": {"generated": "randomID"}},
        {"name": "mail", "type": "string", "sanitizers": ["trim", "lowercase"], "validators": ["email", {"length": [3, 40]}]},
        {"name": "born", "type": "date", "optional": true, "validators": [{"range": ["1900-01-01", null]}]},
        {"name": "made", "type": "timestamp", "default": {"generated": "now"}},
        {"name": "score", "type": "decimal", "default": "1.5"}],
       "primaryKey": ["id"],
       "indexes": [{"name": "mail", "columns": ["mail"], "unique": true}, {"name": "born", "columns": ["born"], "whereNotNull": ["born"]}],
       "checks": [{"name": "positive", "condition": "score >= 0"}]}
      """
    try tool.succeed("table", "i", "create", "x", "--schema", "-", input: Array(schema.utf8))
    #expect(try tool.shell(#"echo '{"mail": " ANN@Example.org "}' | $CAIRN table i import x - --json"#).output == "1\n")
    let row = try tool.succeed("table", "i", "select", "x", "--csv", "--columns", "mail,born,score").lines
    #expect(row == ["mail,born,score", "ann@example.org,,1.5"])
    for (line, word) in [
      (#"{"mail": "nobody"}"#, "mail"), (#"{"mail": "a@b.c", "born": "1899-12-31"}"#, "born"),
      (#"{"mail": "a@b.c", "score": "-1"}"#, "positive"), (#"{"mail": "ann@example.org"}"#, "mail"),
    ] {
      let run = try tool.shell("echo '\(line)' | $CAIRN table i import x - --json")
      #expect(run.status != 0 && run.error.contains("line 1") && run.error.contains(word), "\(run)")
    }
    for (text, words) in [
      ("[]", ["object"]), ("{", ["JSON"]), (#"{"name": "y", "colums": []}"#, ["colums"]),
      (#"{"columns": [{"name": "a", "type": "int"}], "name": "y", "primaryKey": ["a"]}"#, ["'int'", "int64"]),
      (#"{"columns": [{"name": "a", "type": "int8"}], "name": "y"}"#, ["primaryKey"]),
    ] {
      try tool.scratch.write("bad.json", text)
      try tool.fail("table", "i", "create", "y", "--schema", "bad.json", status: 2, saying: ["bad.json"] + words)
    }
  }

  @Test("columns out of a CSV file")
  func inferred() throws {
    try tool.succeed(
      "table", "i", "create", "Copy", "--from", "users.csv", "--column", "id:int64", "--column", "age:uint8?")
    try tool.succeed("table", "i", "import", "Copy", "users.csv")
    #expect(try tool.succeed("table", "i", "export", "Copy").output == Self.users)
    try tool.fail(
      "table", "i", "create", "Copy2", "--from", "users.csv", "--column", "none:int8", status: 2, saying: ["none"])
  }

  @Test(
    "a bad line is named, and nothing of the file is in",
    arguments: [
      ("5,E,x,e@example.org", 2, ["line 6", "'x'", "age", "int32"]),
      ("5,E,1", 2, ["line 6", "3 fields", "4 columns"]),
      ("5,E,1,\"e", 2, ["line 6", "closed"]),
      ("5,,1,e@example.org", 1, ["line 6", "name", "User"]),
      ("1,E,1,e@example.org", 1, ["line 6", "row 1", "already", "User"]),
      ("5,E,1,bob@example.org", 1, ["line 6", "row 5", "unique index email", "User"]),
      ("5,E,-1,e@example.org", 1, ["line 6", "check_1", "User"]),
      ("99999999999999999999,E,1,e@example.org", 2, ["line 6", "id", "int64"]),
    ])
  func badLines(line: String, status: CInt, words: [String]) throws {
    try tool.scratch.write("bad.csv", Self.users + line + "\n")
    // A field with a line end in it makes the file's lines and its rows different things.
    let number = words[0] == "line 6" ? "line 7" : words[0]
    try tool.fail(
      "table", "i", "import", "User", "bad.csv", status: status,
      saying: [number, "nothing was imported"] + words.dropFirst())
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 1)
    try tool.succeed("check", "i", "--deep")
  }

  @Test("a reference to nothing, and a cascade")
  func references() throws {
    try tool.succeed("table", "i", "import", "User", "users.csv")
    try tool.scratch.write("posts.csv", "id,author,title\n1,1,x\n2,9,y\n")
    try tool.fail(
      "table", "i", "import", "Post", "posts.csv", status: 1,
      saying: ["line 3", "Post", "author", "nothing was imported"])
    try tool.scratch.write("posts.csv", "id,author,title\n1,1,x\n2,2,y\n3,1,z\n")
    try tool.succeed("table", "i", "import", "Post", "posts.csv")
    #expect(try tool.succeed("table", "i", "delete", "User", "--where", "id = 1").output == "1\n")
    #expect(try tool.succeed("table", "i", "select", "Post", "--csv").lines == ["id,author,title", "2,2,y"])
    try tool.succeed("check", "i", "--deep")
  }

  @Test("batches: what came before the bad one stays, and the message says so")
  func batches() throws {
    let lines = (1...10).map { "\($0),u,1,\($0 == 8 ? 3 : $0)@example.org" }
    try tool.scratch.write("many.csv", (["id,name,age,email"] + lines).joined(separator: "\n"))
    let words = ["line 9", "email", "6 rows, up to line 7, are in"]
    try tool.fail("table", "i", "import", "User", "many.csv", "--batch", "3", status: 1, saying: words)
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 7)
    try tool.fail("table", "i", "import", "User", "many.csv", status: 1, saying: ["line 2", "nothing was imported"])
    try tool.fail("table", "i", "import", "User", "many.csv", "--batch", "0", status: 2, saying: ["batch"])
    // Rows that are there are replaced, but the address stays unique.
    try tool.fail("table", "i", "import", "User", "many.csv", "--upsert", status: 1, saying: ["line 9"])
    try tool.scratch.write("few.csv", "id,name,age,email\n1,new,2,1@example.org\n7,n,1,7@example.org\n")
    #expect(try tool.succeed("table", "i", "import", "User", "few.csv", "--upsert").output == "2\n")
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 8)
  }

  @Test("in a transaction that goes on")
  func transaction() throws {
    let id = try tool.succeed("begin", "i").lines[0]
    try tool.succeed("table", "i", "import", "User", "users.csv", "--txn", id)
    #expect(
      try tool.succeed("table", "i", "select", "User", "--csv", "--txn", id, "--where", "id = 1").lines.count == 2)
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 1)
    try tool.succeed("commit", "i", id)
    #expect(try tool.succeed("table", "i", "export", "User").output == Self.users)
  }

  @Test("every command inside a transaction, and nothing of it outside")
  func wholeTransaction() throws {
    let id = try tool.succeed("begin", "i").lines[0]
    let inside = ["--txn", id]
    func run(_ arguments: String...) throws -> [String] {
      try tool.run((["table", "i"] + arguments + inside).map { Array($0.utf8) }).lines
    }
    _ = try run("create", "New", "--column", "id:int64", "--column", "user:int64?", "--reference", "user:User:setNull")
    #expect(try run("import", "User", "users.csv") == ["4"])
    try tool.scratch.write("new.csv", "id,user\n1,1\n2,\n")
    #expect(try run("import", "New", "new.csv") == ["2"])
    #expect(try run("ls").count == 3)
    #expect(try run("ls", "--json").contains(#"{"name":"New","rows":2,"columns":2,"indexes":1}"#))
    #expect(try run("schema", "New").contains { $0.contains("struct New") })
    #expect(try run("export", "New") == ["id,user", "1,1", "2,"])
    #expect(try run("explain", "New", "--where", "id = 1").first?.contains("primary key") == true)
    #expect(try run("delete", "User", "--where", "id = 1") == ["1"])
    #expect(try run("select", "New", "--csv") == ["id,user", "1,", "2,"])
    _ = try run("drop", "Post")
    #expect(try run("ls").count == 2)
    // Nobody else sees any of it.
    #expect(try tool.succeed("table", "i", "ls").lines.count == 2)
    try tool.fail("table", "i", "export", "New", status: 1, saying: ["New"])
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 1)
    try tool.succeed("commit", "i", id)
    #expect(try tool.succeed("table", "i", "export", "New").lines == ["id,user", "1,", "2,"])
    try tool.fail("table", "i", "export", "Post", status: 1, saying: ["Post"])
    try tool.succeed("check", "i", "--deep")
    try tool.fail("table", "i", "ls", "--txn", id, status: 1, saying: [id])
  }

  @Test("a row beyond the limit, and a file that breaks off, leave nothing")
  func oversized() throws {
    let long = String(repeating: "x", count: 1_100_000)
    try tool.scratch.write("long.csv", "id,name,age,email\n1,a,1,a@b.c\n2,\(long),1,b@b.c\n")
    try tool.fail(
      "table", "i", "import", "User", "long.csv", status: 1, saying: ["line 3", "1000000", "nothing was imported"])
    for (text, word) in [
      ("id,name,age,email\n1,a,1,a@b.c\n2,\"b", "line 3"), ("id,name,age,email\n1,a,1\n", "line 2"),
      ("id,name,age,email\n1,\"a\"b,1,a@b.c\n", "line 2"), ("", "User"),
    ] {
      try tool.scratch.write("broken.csv", text)
      let run = try tool.shell("$CAIRN table i import User broken.csv")
      #expect(run.status != 0 || text.isEmpty, "\(text): \(run)")
      #expect(run.error.contains(word) || text.isEmpty, "\(text): \(run)")
    }
    for (text, word) in [
      (#"{"id": 1, "name": "a", "email": "a@b.c"}"# + "\n{", "line 2"), ("[1]", "line 1"),
      (#"{"id": 1, "nope": 2}"#, "nope"), (#"{"id": 1, "id": 2}"#, "line 1"),
    ] {
      try tool.scratch.write("broken.jsonl", text)
      let run = try tool.shell("$CAIRN table i import User broken.jsonl")
      #expect(
        run.status != 0 && run.error.contains(word) && run.error.contains("nothing was imported"), "\(text): \(run)")
    }
    #expect(try tool.succeed("table", "i", "select", "User", "--csv").lines.count == 1)
    try tool.succeed("check", "i", "--deep")
  }

  @Test("fields without names, other delimiters, and a text for null")
  func formats() throws {
    try tool.scratch.write("raw", "7;G;-;g@example.org\n8;\"H;H\";3;h@example.org\n")
    try tool.succeed(
      "table", "i", "import", "User", "raw", "--delimiter", ";", "--columns", "id,name,age,email", "--null", "-")
    #expect(
      try tool.succeed("table", "i", "select", "User", "--csv", "--columns", "name,age").lines == [
        "name,age", "G,", "H;H,3",
      ])
    try tool.succeed("table", "i", "delete", "User", "--where", "true")
    // Numbers that are not given are made.
    #expect(
      try tool.shell("printf 'name\\temail\\nA\\ta@b.c\\n' | $CAIRN table i import User - --delimiter tab").output
        == "1\n")
    #expect(try tool.succeed("table", "i", "select", "User", "--csv", "--columns", "id").lines == ["id", "9"])
  }

  @Test("questions that make no sense")
  func badQuestions() throws {
    try tool.fail("table", "i", "select", "None", status: 1, saying: ["None"])
    try tool.fail("table", "i", "select", "User", "--where", "nope = 1", status: 2, saying: ["nope", "email"])
    try tool.fail("table", "i", "select", "User", "--where", "age = 'x'", status: 2, saying: ["age", "int32"])
    try tool.fail("table", "i", "select", "User", "--order", "nope", status: 2, saying: ["nope"])
    try tool.fail("table", "i", "select", "User", "--order", "age up", status: 2, saying: ["--order"])
    try tool.fail("table", "i", "select", "User", "--columns", "nope", status: 2, saying: ["nope"])
    try tool.fail("table", "i", "select", "User", "--volume", "none", status: 1, saying: ["none"])
    try tool.fail("table", "i", "import", "User", "missing.csv", status: 4, saying: ["missing.csv"])
    try tool.scratch.write("other.csv", "id,nope\n1,2\n")
    try tool.fail("table", "i", "import", "User", "other.csv", status: 2, saying: ["nope"])
    try tool.scratch.write("twice.csv", "id,id\n1,2\n")
    try tool.fail("table", "i", "import", "User", "twice.csv", status: 2, saying: ["id", "twice"])
    try tool.fail("table", "i", "create", "User", "--column", "a:int8", status: 1, saying: ["User", "already"])
    try tool.fail("table", "i", "create", "x", "--column", "a:int", status: 2, saying: ["--column"])
    try tool.fail(
      "table", "i", "create", "x", "--column", "a:int8", "--reference", "a:None", status: 2, saying: ["None"])
    try tool.fail("table", "i", "select", "User", "--as", "bob", status: 1, saying: ["bob"])
    try tool.fail("table", "i", status: 2, saying: ["select"])
  }

  @Test("explain says how rows are found")
  func explain() throws {
    let rows = (1...500).map { "\($0),u,\($0 % 90),\($0)@example.org" }
    try tool.scratch.write("many.csv", (["id,name,age,email"] + rows).joined(separator: "\n"))
    try tool.succeed("table", "i", "import", "User", "many.csv")
    let byKey = try tool.succeed("table", "i", "explain", "User", "--where", "id = 7").output
    let byIndex = try tool.succeed("table", "i", "explain", "User", "--where", "email = '7@example.org'").output
    #expect(byKey.contains("key") && byIndex.contains("email"), "\(byKey) \(byIndex)")
  }

  /// An image whose ring held more blocks that were not home than the check's cache could not be checked.
  @Test("a check takes more memory when the blocks of the ring do not fit")
  func checkOfManyChanges() throws {
    var text = "id,name,age,email\n"
    for number in 0..<8_000 {
      text += "\(number),name \(number * 7919),\(number % 90),\(number * 104729)@example.org\n"
    }
    try tool.scratch.write("many.csv", text)
    try tool.succeed("table", "i", "import", "User", "many.csv")
    let check = try CheckCommand.parse([tool.scratch("i")])
    let report = try check.look({ _, _ in }, memoryBudget: 1)
    #expect(report.isClean)
    #expect(report.reachedBlockCount > 100)
  }
}
