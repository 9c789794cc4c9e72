import Testing

@testable import CairnTool

@Suite("Volumes, disks and grants from the command line")
struct VolumeCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "16MiB")
  }

  @Test("volumes are made, listed, limited and removed")
  func volumes() throws {
    let before = try tool.succeed("stat", "i", "--json").output
    try tool.succeed("volume", "i", "create", "second", "--kind", "objects")
    try tool.succeed("volume", "i", "quota", "second", "4MiB")
    let lines = try tool.succeed("volume", "i", "ls").lines
    #expect(
      lines.count == 2 && lines[0].contains("objects") && lines[1].contains("second")
        && lines[1].contains("quota 4 MiB"))
    try tool.fail("volume", "i", "create", "second", "--kind", "objects", status: 1, saying: ["second", "already"])
    try tool.fail("volume", "i", "create", "x", "--kind", "k", status: 2, saying: ["k", "--kind"])
    try tool.succeed("volume", "i", "rm", "second")
    try tool.fail("volume", "i", "rm", "second", status: 1, saying: ["second"])
    #expect(try tool.succeed("stat", "i", "--json").output == before)
    try tool.fail("volume", "i", status: 2, saying: ["volume"])
  }

  @Test("objects in another volume")
  func otherVolume() throws {
    try tool.succeed("volume", "i", "create", "second", "--kind", "objects")
    try tool.succeed("put", "i", "b/k", "--volume", "second", input: [7])
    #expect(try tool.succeed("ls", "i").lines == [])
    #expect(try tool.succeed("ls", "i", "--volume", "second").lines == ["b"])
    #expect(try tool.succeed("get", "i", "b/k", "--volume", "second").bytes == [7])
    try tool.fail("get", "i", "b/k", status: 1, saying: ["b"])
    try tool.fail("ls", "i", "--volume", "third", status: 1, saying: ["third", "cairn volume"])
    #expect(try tool.shell("mkdir t; echo 1 > t/x; $CAIRN import i c t --volume second").lines == ["x"])
    try tool.succeed("cp", "i", "c/x", "b/x", "--volume", "second")
    try tool.succeed("export", "i", "b", "out", "--volume", "second")
    #expect(try tool.scratch.read("out/x") == Array("1\n".utf8))
    try tool.succeed("rm", "i", "--recursive", "b", "--volume", "second")
    #expect(try tool.succeed("ls", "i", "--volume", "second").lines == ["c"])
  }

  @Test("a quota holds")
  func quota() throws {
    try tool.succeed("volume", "i", "quota", "objects", "1MiB")
    try tool.scratch.write("data", [UInt8](repeating: 1, count: 2 << 20))
    try tool.fail("put", "i", "b/k", "data", status: 1, saying: ["quota", "objects"])
    try tool.succeed("volume", "i", "quota", "objects", "none")
    try tool.succeed("put", "i", "b/k", "data")
  }

  @Test("a disk: blocks by number, zeros where nothing was written")
  func disk() throws {
    try tool.succeed("disk", "i", "d", "create", "--size", "1MiB")
    let block = [UInt8](repeating: 0x42, count: 4096)
    try tool.succeed("disk", "i", "d", "write", "7", input: block)
    try tool.scratch.write("two", block + block)
    try tool.succeed("disk", "i", "d", "write", "9", "two")
    #expect(try tool.succeed("disk", "i", "d", "read", "7").bytes == block)
    #expect(try tool.succeed("disk", "i", "d", "read", "10").bytes == block)
    #expect(try tool.succeed("disk", "i", "d", "read", "8").bytes == [UInt8](repeating: 0, count: 4096))
    try tool.fail("disk", "i", "d", "read", "256", status: 1, saying: ["256"])
    let beyond = try tool.run(["disk", "i", "d", "write", "255", "two"].map { Array($0.utf8) })
    #expect(beyond.status == 1, "\(beyond)")
    let odd = try tool.run(["disk", "i", "d", "write", "1"].map { Array($0.utf8) }, input: [1, 2, 3])
    #expect(odd.status == 2 && odd.error.contains("4096"), "\(odd)")
    try tool.fail("disk", "i", "none", "read", "0", status: 1, saying: ["none"])
    try tool.fail("disk", "i", "objects", "read", "0", status: 1, saying: ["objects"])
    try tool.fail("disk", "i", "e", "create", "--size", "1000", status: 2, saying: ["4096"])
    try tool.succeed("check", "i", "--deep")
  }

  @Test("a disk in and out, with holes")
  func diskImage() throws {
    try tool.succeed("disk", "i", "d", "create", "--size", "20MiB")
    let run = try tool.shell(
      """
      head -c 3000000 /dev/urandom > raw; truncate -s 18M raw; printf end >> raw; $CAIRN disk i d import raw && $CAIRN disk i d export back
      truncate -s 20M raw; cmp raw back && [ $(stat -c %b back) -lt 20000 ] && $CAIRN disk i d export - | cmp - raw && $CAIRN check i --deep
      """)
    #expect(run.status == 0, "\(run)")
    let tooLarge = try tool.shell("head -c 21M /dev/zero | tr '\\0' x > raw; $CAIRN disk i d import raw")
    #expect(tooLarge.status == 1, "\(tooLarge)")
  }

  @Test("a disk in a transaction")
  func diskTransaction() throws {
    try tool.succeed("disk", "i", "d", "create", "--size", "1MiB")
    let block = [UInt8](repeating: 0x42, count: 4096)
    let id = try tool.succeed("begin", "i").lines[0]
    try tool.succeed("disk", "i", "d", "write", "0", "--txn", id, input: block)
    try tool.succeed("put", "i", "b/k", "--txn", id, input: [1])
    #expect(try tool.succeed("disk", "i", "d", "read", "0", "--txn", id).bytes == block)
    #expect(try tool.succeed("disk", "i", "d", "read", "0").bytes == [UInt8](repeating: 0, count: 4096))
    try tool.succeed("commit", "i", id)
    #expect(try tool.succeed("disk", "i", "d", "read", "0").bytes == block)
    #expect(try tool.succeed("get", "i", "b/k").bytes == [1])
  }

  @Test("rights are given, listed, enforced and taken")
  func grants() throws {
    try tool.succeed("put", "i", "b/k", input: [1])
    try tool.fail("get", "i", "b/k", "--as", "alice", status: 1, saying: ["alice", "read", "cairn grant"])
    try tool.succeed("grant", "i", "add", "alice", "read", "objects")
    #expect(try tool.succeed("get", "i", "b/k", "--as", "alice").bytes == [1])
    try tool.fail("put", "i", "b/k", "--as", "alice", status: 1, saying: ["alice", "write"])
    try tool.succeed("grant", "i", "add", "0xff00", "admin")
    let lines = try tool.succeed("grant", "i", "ls").lines
    #expect(
      lines.count == 2
        && lines.contains { $0.hasPrefix("0xff00") && $0.contains("admin") && $0.hasSuffix("the whole store") })
    #expect(lines.contains { $0.hasPrefix("alice") && $0.contains("read") && $0.hasSuffix("volume objects") })
    try tool.succeed("grant", "i", "rm", "alice", "objects")
    try tool.fail("get", "i", "b/k", "--as", "alice", status: 1, saying: ["alice"])
    try tool.fail("grant", "i", "add", "alice", "everything", status: 2, saying: ["everything"])
    try tool.fail("grant", "i", "add", "alice", "read", "novolume", status: 1, saying: ["novolume"])
    try tool.fail("grant", "i", "add", "bob", "read", "--as", "alice", status: 1, saying: ["alice"])
    try tool.fail("ls", "i", "--as", String(repeating: "p", count: 65), status: 2, saying: ["--as"])
  }
}
