import Testing

@testable import CairnTool

@Suite("The program as a whole")
struct ProgramTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
  }

  @Test("the version, and help for every command")
  func help() throws {
    #expect(try tool.succeed("--version").lines.count == 1)
    let overview = try tool.succeed("--help").output
    for name in Cairn.commandNames {
      #expect(overview.contains("  \(name) "))
      #expect(try tool.succeed(name, "--help").output.contains("USAGE: cairn \(name)"))
    }
  }

  @Test(
    "what is written wrongly: one line, status 2",
    arguments: [
      [], ["frobnicate"], ["put"], ["put", "i"], ["get", "i", "b/k", "--bogus"], ["ls", "i", "b", "extra"],
      ["grow", "i"],
      ["begin"], ["commit", "i"], ["volume", "i", "frobnicate"], ["disk", "i", "d", "read", "-1"], ["--as", "p"],
      ["ls", "i", "--as", ""],
    ])
  func usage(_ arguments: [String]) throws {
    let run = try tool.run(arguments.map { Array($0.utf8) })
    #expect(run.status == 2 && run.bytes.isEmpty, "\(run)")
    #expect(run.error.hasPrefix("cairn: ") && run.error.filter { $0 == "\n" }.count == 1, "\(run.error)")
    #expect(run.error.contains("--help'"))
  }

  @Test("standard output closed early is a quiet end")
  func closedOutput() throws {
    try tool.succeed("init", "i", "--size", "32MiB")
    let run = try tool.shell(
      """
      mkdir t; for n in $(seq 1 200); do echo $n > t/$n; done; head -c 5000000 /dev/zero > big
      $CAIRN put i c/big big
      ($CAIRN import i b t; echo import $? >&2) | head -n 1 > /dev/null
      ($CAIRN get i c/big; echo get $? >&2) | head -c 10 > /dev/null
      ($CAIRN ls i b; echo ls $? >&2) | true
      ($CAIRN journal i --records; echo journal $? >&2) | head -n 1 > /dev/null
      $CAIRN ls i b >&-; echo closed $? >&2
      $CAIRN check i --deep
      """)
    #expect(run.error.split(separator: "\n") == ["import 0", "get 0", "ls 0", "journal 0", "closed 0"], "\(run)")
    #expect(run.status == 0 && run.output.hasPrefix("clean: "))
  }

  @Test("an output that takes no more is an I/O error")
  func fullOutput() throws {
    try tool.succeed("init", "i", "--size", "8MiB")
    let run = try tool.shell("$CAIRN put i b/k - < /dev/null; $CAIRN ls i > /dev/full")
    #expect(run.status == 4 && run.error.contains("standard output") && run.error.contains("No space left"), "\(run)")
  }

  @Test("the standard streams may be closed: the image is not mistaken for one of them")
  func closedStreams() throws {
    try tool.succeed("init", "i", "--size", "8MiB")
    let run = try tool.shell(
      "echo x > f; $CAIRN put i b/k f <&- >&- 2>&-; $CAIRN import i b . >&- 2>&-; $CAIRN check i --deep && $CAIRN get i b/k"
    )
    #expect(run.status == 0 && run.lines.last == "x", "\(run)")
  }

  @Test("the demonstration runs through")
  func demo() throws {
    let run = try tool.succeed("demo")
    #expect(run.lines.last?.hasPrefix("Done: ") == true)
    for command in ["init", "import", "put", "get", "begin", "commit", "rollback", "journal", "check", "stat"] {
      #expect(run.output.contains("$ cairn \(command) ") || run.output.contains("| cairn \(command) "))
    }
    #expect(run.output.contains("kill -9") && run.output.contains("clean: "))
  }
}
