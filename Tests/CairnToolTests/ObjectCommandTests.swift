import Testing

@testable import CairnTool

@Suite("Objects from the command line")
struct ObjectCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "16MiB")
  }

  @Test("what is put comes out again, from a file and from standard input", arguments: [0, 1, 4096, 70_000, 3_000_000])
  func putAndGet(_ byteCount: Int) throws {
    let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) }
    try tool.scratch.write("file", bytes)
    try tool.succeed("put", "i", "b/file", "file")
    try tool.succeed("put", "i", "b/stream", input: bytes)
    try tool.succeed("put", "i", "b/dash", "-", input: bytes)
    #expect(try tool.succeed("get", "i", "b/file").bytes == bytes)
    #expect(try tool.succeed("get", "i", "b/stream").bytes == bytes)
    #expect(try tool.succeed("get", "i", "b/dash", "-o", "out").bytes.isEmpty)
    #expect(try tool.scratch.read("out") == bytes)
    try tool.succeed("check", "i", "--deep")
  }

  @Test(
    "ranges",
    arguments: [("0-0", "0"), ("2-4", "234"), ("7-", "789"), ("-3", "789"), ("5-99", "56789"), ("-99", "0123456789")])
  func ranges(_ range: String, _ expected: String) throws {
    try tool.succeed("put", "i", "b/k", input: Array("0123456789".utf8))
    #expect(try tool.succeed("get", "i", "b/k", "--range", range).output == expected)
  }

  @Test("a range behind the end, and what is no range")
  func badRanges() throws {
    try tool.succeed("put", "i", "b/k", input: Array("0123456789".utf8))
    try tool.fail("get", "i", "b/k", "--range", "10-12", status: 1, saying: ["10"])
    try tool.fail("get", "i", "b/k", "--range", "5-2", status: 2, saying: ["5-2", "--range"])
  }

  @Test("a missing object leaves the output file alone")
  func outputUntouched() throws {
    try tool.scratch.write("out", "precious")
    try tool.succeed("put", "i", "b/k", input: [1])
    try tool.fail("get", "i", "b/missing", "-o", "out", status: 1, saying: ["missing", "cairn ls"])
    #expect(try tool.scratch.read("out") == Array("precious".utf8))
  }

  @Test("conditions, content type and metadata")
  func options() throws {
    try tool.succeed("put", "i", "b/k", "--content-type", "text/plain", "--meta", "a=1", "--meta", "b=x=y", input: [1])
    try tool.fail(
      "put", "i", "b/k", "--if-none-match", "*", status: 1, saying: ["k", "condition", "nothing was changed"])
    try tool.succeed("put", "i", "b/new", "--if-none-match", "*", input: [2])
    try tool.fail("put", "i", "b/k", "--meta", "noequals", status: 2, saying: ["noequals"])
    #expect(try tool.succeed("get", "i", "b/k").bytes == [1])
  }

  @Test("listing: order of bytes, prefix, delimiter, JSON, long")
  func list() throws {
    for key in ["b/x", "b/a/2", "b/a/1", "b/a-", "b/B"] { try tool.succeed("put", "i", key, input: [1, 2, 3]) }
    try tool.succeed("put", "i", "other/k")
    #expect(try tool.succeed("ls", "i").lines == ["b", "other"])
    #expect(try tool.succeed("ls", "i", "b").lines == ["B", "a-", "a/1", "a/2", "x"])
    #expect(try tool.succeed("ls", "i", "b/a/").lines == ["a/1", "a/2"])
    #expect(try tool.succeed("ls", "i", "b", "--delimiter", "/").lines == ["B", "a-", "a/", "x"])
    let long = try tool.succeed("ls", "i", "b/x", "--long").lines
    #expect(long.count == 1 && long[0].hasPrefix("           3  20") && long[0].hasSuffix("  x"))
    let json = try tool.succeed("ls", "i", "b", "--delimiter", "/", "--json").lines
    #expect(json.count == 4 && json[2] == #"{"prefix":"a/"}"#)
    #expect(json[0].hasPrefix(#"{"key":"B","size":3,"etag":""#) && json[0].contains(#","modified":"20"#))
    #expect(try tool.succeed("ls", "i", "--json").lines[0].hasPrefix(#"{"bucket":"b","created":"20"#))
  }

  @Test("listing more than one page")
  func pages() throws {
    try tool.succeed("init", "many", "--size", "32MiB")
    let run = try tool.shell(
      "mkdir t && cd t && seq -w 1 2500 | xargs touch && cd .. && $CAIRN import many b t > /dev/null"
        + " && $CAIRN ls many b > listed && ls t | diff - listed && $CAIRN ls many b --json | wc -l")
    #expect(run.status == 0 && run.output == "2500\n", "\(run)")
  }

  @Test("keys of any bytes")
  func anyBytes() throws {
    let key: [UInt8] = Array("b/".utf8) + [0xFF, 0x0A, 0xC3, 0x28]
    #expect(try tool.run([Array("put".utf8), Array("i".utf8), key], input: [7]).status == 0)
    #expect(try tool.run([Array("get".utf8), Array("i".utf8), key]).bytes == [7])
    #expect(try tool.succeed("ls", "i", "b").bytes == [0xFF, 0x0A, 0xC3, 0x28, 0x0A])
    let json = try tool.succeed("ls", "i", "b", "--json").output
    #expect(json.contains(#""keyHex":"ff0ac328""#))
    let missing = try tool.run([Array("get".utf8), Array("i".utf8), key + [0x1B]])
    #expect(missing.status == 1 && missing.error.filter { $0 == "\n" }.count == 1 && !missing.error.contains("\u{1B}"))
  }

  @Test("removing: all or none, and folders")
  func remove() throws {
    for key in ["b/a", "b/a/1", "b/a/2", "b/ab", "b/c"] { try tool.succeed("put", "i", key) }
    try tool.fail("rm", "i", "b/c", "b/missing", status: 1, saying: ["missing"])
    #expect(try tool.succeed("ls", "i", "b").lines.count == 5)
    try tool.succeed("rm", "i", "b/c", "b/ab")
    try tool.succeed("rm", "i", "--recursive", "b/a")
    #expect(try tool.succeed("ls", "i", "b").lines == ["a"])
    try tool.fail("rm", "i", "--recursive", "b/a", status: 1, saying: ["a/"])
    try tool.fail("rm", "i", "b", status: 2, saying: ["--recursive"])
    try tool.succeed("rm", "i", "--recursive", "b")
    #expect(try tool.succeed("ls", "i").lines == [])
    try tool.fail("rm", "i", "--recursive", "b", status: 1, saying: ["bucket", "b"])
  }

  @Test("removing a bucket with more than one commit's worth")
  func removeMany() throws {
    let run = try tool.shell(
      "mkdir t && cd t && seq 1 2300 | xargs touch && cd .. && $CAIRN import i b t > /dev/null && $CAIRN rm i --recursive b"
        + " && $CAIRN ls i && $CAIRN check i")
    #expect(run.status == 0 && run.output.hasPrefix("clean: "), "\(run)")
  }

  @Test("copying")
  func copy() throws {
    try tool.succeed("put", "i", "b/k", "--content-type", "text/plain", input: [1, 2])
    try tool.succeed("cp", "i", "b/k", "b/copy")
    #expect(try tool.succeed("get", "i", "b/copy").bytes == [1, 2])
    try tool.fail("cp", "i", "b/missing", "b/x", status: 1, saying: ["missing"])
    try tool.fail("cp", "i", "b/k", "nobucket/x", status: 1, saying: ["nobucket"])
  }

  @Test(
    "what is not there",
    arguments: [
      ["get", "i", "nobucket/k"], ["ls", "i", "nobucket"], ["rm", "i", "nobucket/k"],
      ["export", "i", "nobucket", "out"],
    ])
  func missing(_ arguments: [String]) throws {
    let run = try tool.run(arguments.map { Array($0.utf8) })
    #expect(run.status == 1 && run.error.contains("nobucket") && run.bytes.isEmpty)
    #expect(try tool.shell("ls out").status != 0)
  }

  @Test("a missing input file makes nothing")
  func missingFile() throws {
    try tool.fail("put", "i", "b/k", "nofile", status: 4, saying: ["nofile", "No such file"])
    #expect(try tool.succeed("ls", "i").lines == [])
  }

  @Test("keys that are empty or too long")
  func badKeys() throws {
    try tool.fail("put", "i", "b/", status: 2, saying: ["key", "1024"])
    try tool.fail("put", "i", "b/" + String(repeating: "k", count: 1025), status: 2, saying: ["1025", "1024"])
    try tool.succeed("put", "i", "b/" + String(repeating: "k", count: 1024))
    try tool.fail("put", "i", "nokey", status: 2, saying: ["nokey", "bucket/key"])
    try tool.fail("put", "i", "/k", status: 2, saying: ["bucket"])
  }

  @Test("a full store says so, and goes on when something is removed")
  func full() throws {
    try tool.scratch.write("mb", [UInt8](repeating: 7, count: 1 << 20))
    var stored = 0
    var run = try tool("put", "i", "b/0", "mb")
    while run.status == 0, stored < 64 {
      stored += 1
      run = try tool("put", "i", "b/\(stored)", "mb")
    }
    #expect(run.status == 1 && run.error.contains("full") && stored > 8, "\(run)")
    try tool.succeed("rm", "i", "b/0")
    try tool.succeed("put", "i", "b/again", "mb")
    try tool.fail("put", "i", "b/more", "mb", status: 1, saying: ["full"])
    for number in 1..<stored { #expect(try tool.succeed("get", "i", "b/\(number)").bytes.count == 1 << 20) }
    try tool.succeed("check", "i", "--deep")
  }

  @Test("an object larger than the free space leaves nothing behind")
  func tooLarge() throws {
    let before = try tool.succeed("stat", "i", "--json").output
    let run = try tool.shell("head -c 40000000 /dev/zero | $CAIRN put i b/huge -")
    #expect(run.status == 1 && run.error.contains("full"))
    #expect(try tool.succeed("stat", "i", "--json").output == before)
    #expect(try tool.succeed("ls", "i").lines == [])
  }
}
