import Testing

@testable import CairnTool

@Suite("The journal from the command line")
struct JournalCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "8MiB")
    for number in 1...5 { try tool.succeed("put", "i", "b/\(number)", input: Array("stone \(number)".utf8)) }
  }

  @Test("one line for each commit, consecutive, across processes")
  func lines() throws {
    let lines = try tool.succeed("journal", "i").lines
    let sequences = lines.compactMap { $0.split(separator: " ").first.flatMap { UInt64($0) } }
    #expect(sequences.count == lines.count && lines.count >= 5)
    #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $0 + 1 == $1 })
    #expect(lines.allSatisfy { $0.hasSuffix("CRC ok") && $0.contains("Z  ") && $0.contains("owner") })
    #expect(Set(lines.map(\.count)).count == 1)
  }

  @Test("one object for each commit")
  func json() throws {
    for line in try tool.succeed("journal", "i", "--json").lines {
      let keys = line.split(separator: "\"").filter { $0.allSatisfy(\.isLetter) }
      for key in ["sequence", "time", "transaction", "event", "principal", "changes", "bytes", "data", "valid"] {
        #expect(keys.contains { $0 == key }, "\(line)")
      }
      #expect(line.hasSuffix(#","valid":true}"#))
    }
  }

  @Test("with its changes")
  func records() throws {
    let lines = try tool.succeed("journal", "i", "--records").lines
    let commits = lines.filter { $0.hasSuffix("CRC ok") }.count
    #expect(lines.count > commits && lines.contains { $0.contains("new, kind 0x") })
    let json = try tool.succeed("journal", "i", "--records", "--json").lines
    #expect(json.count == commits && json.allSatisfy { $0.contains(#""records":[{"block":"#) })
  }

  @Test("one flipped byte in any listed record is found and named")
  func flippedByte() throws {
    try tool.succeed("journal", "i", "--verify")
    let clean = try tool.scratch.read("i")
    let lines = try tool.succeed("journal", "i", "--json").lines
    let magic = Array("stone 3".utf8)
    let place = try #require((0..<clean.count - 7).first { clean[$0..<$0 + 7].elementsEqual(magic) })
    var image = clean
    image[place] ^= 0x10
    try tool.scratch.write("bad", image)
    let run = try tool("journal", "bad", "--verify")
    #expect(
      run.status == 3 && run.error.contains("the record of commit ") && run.error.contains("does not verify"), "\(run)")
    #expect(run.output.contains("CRC bad"))
    // Without --verify it only shows it.
    let plain = try tool("journal", "bad", "--json")
    #expect(plain.status == 0 && plain.output.contains(#""valid":false"#) && plain.lines.count <= lines.count)
    #expect(try tool.scratch.read("bad") == image)
  }

  @Test("a live image can be read, and it is said that it may change")
  func live() throws {
    let run = try tool("journal", "i", "--live")
    #expect(run.status == 0 && run.error.contains("may be changing") && run.lines.count >= 5)
  }

  @Test("an unknown transaction has no lines")
  func unknown() throws {
    #expect(try tool.succeed("journal", "i", "--txn", "00000000deadbeef").lines == [])
  }
}
