import Testing

@testable import CairnTool

@Suite("Transactions from the command line: each command is a process of its own")
struct TransactionCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "16MiB")
    try tool.succeed("put", "i", "b/old", input: Array("old".utf8))
  }

  private func begin(_ options: String...) throws -> String {
    let run = try tool.run((["begin", "i"] + options).map { Array($0.utf8) })
    // The id alone, so that a script can take it as it is.
    #expect(run.status == 0 && run.lines.count == 1 && run.output.count == 17, "\(run)")
    return run.lines.first ?? ""
  }

  @Test("nobody sees a transaction before its commit, then everybody sees all of it")
  func commit() throws {
    let id = try begin()
    try tool.succeed("put", "i", "b/new", "--txn", id, input: [1, 2, 3])
    try tool.succeed("rm", "i", "b/old", "--txn", id)
    #expect(try tool.succeed("ls", "i", "b").lines == ["old"])
    #expect(try tool.succeed("ls", "i", "b", "--txn", id).lines == ["new"])
    #expect(try tool.succeed("get", "i", "b/new", "--txn", id).bytes == [1, 2, 3])
    try tool.fail("get", "i", "b/old", "--txn", id, status: 1, saying: ["old"])
    let open = try tool.succeed("txns", "i").lines
    #expect(open.count == 1 && open[0].hasPrefix(id + "  open") && open[0].contains("2 operations"))
    #expect(try tool.succeed("txns", "i", "--json").output.contains(#""state":"open","principal":null"#))
    try tool.succeed("commit", "i", id)
    #expect(try tool.succeed("ls", "i", "b").lines == ["new"])
    #expect(try tool.succeed("txns", "i").lines == [])
    // A client that lost the answer may ask again.
    try tool.succeed("commit", "i", id)
    try tool.succeed("check", "i", "--deep")
  }

  @Test("after a rollback nothing remains, and the blocks are back")
  func rollback() throws {
    let before = try tool.succeed("stat", "i", "--json").output
    let id = try begin()
    try tool.scratch.write("mb", [UInt8](repeating: 9, count: 1 << 20))
    for number in 0..<4 { try tool.succeed("put", "i", "other/\(number)", "mb", "--txn", id) }
    try tool.succeed("rm", "i", "--recursive", "b", "--txn", id)
    #expect(try tool.succeed("stat", "i", "--json").output != before)
    try tool.succeed("rollback", "i", id)
    #expect(try tool.succeed("stat", "i", "--json").output == before)
    #expect(try tool.succeed("ls", "i").lines == ["b"])
    try tool.succeed("rollback", "i", id)
    try tool.fail("commit", "i", id, status: 1, saying: [id])
    try tool.succeed("check", "i", "--deep")
  }

  @Test("two transactions that read and write each other's keys: the second gets the conflict")
  func conflict() throws {
    try tool.succeed("put", "i", "b/x", input: [1])
    try tool.succeed("put", "i", "b/y", input: [1])
    let first = try begin()
    let second = try begin()
    try tool.succeed("get", "i", "b/x", "--txn", first)
    try tool.succeed("put", "i", "b/y", "--txn", first, input: [2])
    try tool.succeed("get", "i", "b/y", "--txn", second)
    try tool.succeed("put", "i", "b/x", "--txn", second, input: [3])
    try tool.succeed("commit", "i", first)
    try tool.fail("commit", "i", second, status: 1, saying: ["objects", "y", "rolled back"])
    #expect(try tool.succeed("get", "i", "b/x").bytes == [1])
    #expect(try tool.succeed("txns", "i").lines == [])
  }

  @Test("a lease that ran out: rolled back, and the late commit is refused")
  func lease() throws {
    let id = try begin("--lease", "1ms")
    let run = try tool.shell("sleep 0.05; $CAIRN commit i \(id)")
    #expect(run.status == 1 && run.error.contains(id) && run.error.contains("lease"), "\(run)")
    try tool.fail("put", "i", "b/k", "--txn", id, status: 1, saying: [id])
    #expect(try tool.succeed("txns", "i").lines == [])
  }

  @Test("only the principal that began it may go on with it")
  func foreign() throws {
    for principal in ["alice", "bob"] { try tool.succeed("grant", "i", "add", principal, "write") }
    let id = try begin("--as", "alice")
    try tool.succeed("put", "i", "b/k", "--txn", id, "--as", "alice")
    try tool.fail("put", "i", "b/k", "--txn", id, "--as", "bob", status: 1, saying: [id, "another principal", "--as"])
    try tool.fail("commit", "i", id, "--as", "bob", status: 1, saying: [id, "another principal"])
    #expect(try tool.succeed("txns", "i", "--json").output.contains(#""principal":"alice""#))
    try tool.succeed("commit", "i", id, "--as", "alice")
    #expect(try tool.succeed("ls", "i", "b").lines == ["k", "old"])
  }

  @Test("ids that are unknown, or none")
  func badIDs() throws {
    try tool.fail("commit", "i", "0123456789abcdef", status: 1, saying: ["0123456789abcdef", "cairn txns"])
    try tool.fail("put", "i", "b/k", "--txn", "0123456789abcdef", status: 1, saying: ["0123456789abcdef"])
    try tool.fail("commit", "i", "nonsense", status: 2, saying: ["nonsense", "cairn commit --help"])
    try tool.fail("begin", "i", "--lease", "ten", status: 2, saying: ["ten", "--lease"])
    try tool.fail("begin", "i", "--lease", "30d", status: 1, saying: ["lease"])
  }

  @Test("an operation that fails leaves the transaction as it was")
  func failedOperation() throws {
    let id = try begin()
    try tool.succeed("put", "i", "b/k", "--txn", id, input: [1])
    try tool.fail("put", "i", "b/k", "--if-none-match", "*", "--txn", id, status: 1, saying: ["k"])
    try tool.fail("rm", "i", "b/none", "--txn", id, status: 1, saying: ["none"])
    try tool.succeed("commit", "i", id)
    #expect(try tool.succeed("get", "i", "b/k").bytes == [1])
  }

  @Test("the journal shows every step with its id and principal")
  func journal() throws {
    try tool.succeed("grant", "i", "add", "alice", "write")
    let id = try begin("--as", "alice")
    try tool.succeed("put", "i", "b/k", "--txn", id, "--as", "alice")
    try tool.succeed("rm", "i", "b/old", "--txn", id, "--as", "alice")
    try tool.succeed("commit", "i", id, "--as", "alice")
    let other = try begin()
    try tool.succeed("put", "i", "b/k", "--txn", other)
    try tool.succeed("rollback", "i", other)

    #expect(try events(of: id) == ["begin", "stage", "stage", "commit"])
    #expect(try events(of: other) == ["begin", "stage", "rollback"])
    let lines = try tool.succeed("journal", "i", "--txn", id).lines
    #expect(lines.allSatisfy { $0.contains(id) && $0.contains("alice") && $0.hasSuffix("CRC ok") })
  }

  private func events(of id: String) throws -> [String] {
    try tool.succeed("journal", "i", "--json", "--txn", id).lines.compactMap { line in
      line.split(separator: #""event":""#).last?.split(separator: "\"").first.map(String.init)
    }
  }
}
