import CairnBytes
import Glibc
import Testing

@testable import CairnTool

@Suite("Images: making, growing, checking, copying, and what is none")
struct ImageCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "8MiB")
    try tool.succeed("put", "i", "b/k", input: Array("kept".utf8))
  }

  @Test("an image with a size is that large at once")
  func size() throws {
    #expect(try tool.shell("stat -c '%s %b' i").output.hasPrefix("8388608 "))
    try tool.succeed("init", "small", "--size", "4MiB", "--block-size", "512", "--journal", "256KiB")
    let stat = try tool.succeed("stat", "small", "--json").output
    #expect(
      stat.contains(#""capacity":4194304"#) && stat.contains(#""blockSize":512"#) && stat.contains(#""journal":262144"#)
    )
    try tool.succeed("put", "small", "b/k", input: [1])
    #expect(try tool.succeed("get", "small", "b/k").bytes == [1])
  }

  @Test("what is there already is left alone")
  func existing() throws {
    try tool.scratch.write("file", "mine")
    try tool.fail("init", "file", status: 1, saying: ["file", "exists"])
    try tool.fail("init", "i", status: 1, saying: ["i", "exists"])
    try tool.fail("backup", "i", "file", status: 1, saying: ["file", "exists"])
    #expect(try tool.scratch.read("file") == Array("mine".utf8))
    #expect(try tool.succeed("get", "i", "b/k").output == "kept")
  }

  @Test("options that make no image leave no file")
  func badOptions() throws {
    try tool.fail("init", "x", "--block-size", "1000", status: 2, saying: ["block"])
    try tool.fail("init", "x", "--size", "many", status: 2, saying: ["many", "--size"])
    try tool.fail("init", "nofolder/x", status: 3, saying: ["nofolder"])
    let tiny = try tool("init", "x", "--size", "64KiB")
    #expect(tiny.status == 1 || tiny.status == 2)
    #expect(throws: SystemFailure.self) { try tool.scratch.read("x") }
  }

  @Test("growing gives room")
  func grow() throws {
    try tool.succeed("grow", "i", "--by", "8MiB")
    #expect(try tool.succeed("stat", "i", "--json").output.contains(#""capacity":16777216"#))
    #expect(try tool.succeed("get", "i", "b/k").output == "kept")
    try tool.succeed("check", "i", "--deep")
  }

  @Test("an image without a size grows as it is filled, as far as the system lets it")
  func growsByItself() throws {
    let run = try tool.shell(
      """
      $CAIRN init g && head -c 80000000 /dev/zero | $CAIRN put g b/1 - && $CAIRN get g b/1 | wc -c && stat -c %s g
      ulimit -f 200000; head -c 120000000 /dev/zero | $CAIRN put g b/2 -; echo $?
      $CAIRN put g b/3 i; echo $?; $CAIRN ls g b; $CAIRN check g --deep
      """)
    #expect(run.lines.count == 7 && run.lines[0] == "80000000" && Int(run.lines[1]) ?? 0 > 80_000_000, "\(run)")
    #expect(
      run.lines[2...5] == ["4", "0", "1", "3"] && run.error.contains("File too large")
        && run.lines[6].hasPrefix("clean: "), "\(run)")
  }

  @Test("stat adds up")
  func stat() throws {
    let lines = try tool.succeed("stat", "i").lines
    #expect(
      lines.map { $0.split(separator: " ").first ?? "" } == [
        "capacity", "used", "free", "reserved", "journal", "blockSize", "volumes", "items", "transactions",
      ])
    let json = try tool.succeed("stat", "i", "--json").output
    #expect(
      json.hasPrefix(#"{"capacity":8388608,"used":"#) && json.contains(#""volumes":1,"items":1,"transactions":0"#))
  }

  @Test("a check finds a sound store clean, and a flipped byte")
  func check() throws {
    try tool.scratch.write("data", [UInt8](repeating: 0xA5, count: 500_000))
    try tool.succeed("put", "i", "b/data", "data")
    #expect(try tool.succeed("check", "i").output.hasPrefix("clean: 1 volumes"))
    #expect(
      try tool.succeed("check", "i", "--deep", "--json").output.hasPrefix(#"{"clean":true,"findings":0,"deep":true"#))
    var image = try tool.scratch.read("i")
    let place = try #require(position(of: [UInt8](repeating: 0xA5, count: 4096), in: image))
    image[place + 1000] ^= 1
    try tool.scratch.write("bad", image)
    let run = try tool("check", "bad", "--deep")
    #expect(run.status == 3 && run.error.hasPrefix("cairn: bad is damaged: ") && run.output.contains("data"), "\(run)")
    try tool.fail("get", "bad", "b/data", status: 3, saying: ["bad", "damaged"])
    #expect(try tool.succeed("get", "bad", "b/k").output == "kept")
  }

  @Test("a salvage brings over what verifies, and prints what is lost")
  func salvage() throws {
    try tool.scratch.write("data", [UInt8](repeating: 0xA5, count: 500_000))
    try tool.succeed("put", "i", "b/data", "data")
    #expect(try tool.succeed("check", "i", "--repair-to", "whole").output.hasPrefix("whole: 1 volumes, 2 items"))
    #expect(try tool.succeed("get", "whole", "b/k").output == "kept")
    try tool.fail("check", "i", "--repair-to", "whole", status: 1, saying: ["whole", "exists already"])
    var image = try tool.scratch.read("i")
    let place = try #require(position(of: [UInt8](repeating: 0xA5, count: 4096), in: image))
    image[place + 1000] ^= 1
    // The first superblock is no loss: the other one says the same.
    image[40] ^= 1
    try tool.scratch.write("bad", image)
    let run = try tool("check", "bad", "--repair-to", "copy", "--json")
    #expect(run.status == 3 && run.error.contains("1 things were lost"), "\(run)")
    #expect(run.lines.count == 2 && run.lines[0].hasPrefix(#"{"lost":true,"volume":"objects","block":"#), "\(run)")
    #expect(run.lines[0].contains(#""key":"b/data","text":"an object: its contents do not verify""#), "\(run)")
    #expect(run.lines[1] == #"{"whole":false,"losses":1,"volumes":1,"items":1,"bytes":4}"#, "\(run)")
    try tool.succeed("check", "copy", "--deep")
    #expect(try tool.succeed("ls", "copy", "b").lines == ["k"])
    // Nothing is repaired in place, and nothing is left of an attempt.
    #expect(try tool.scratch.read("bad") == image)
    #expect(try tool.shell("ls").lines.filter { $0.contains("part") } == [])
    try tool.scratch.write("none", [UInt8](repeating: 0, count: 1 << 20))
    try tool.fail("check", "none", "--repair-to", "copy2", status: 3, saying: ["none"])
    #expect(try tool.shell("ls").lines.filter { $0.hasPrefix("copy2") } == [])
  }

  private func position(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
    stride(from: 0, to: bytes.count - pattern.count, by: 4096).first {
      bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }

  @Test("a copy has everything")
  func backup() throws {
    let id = try tool.succeed("begin", "i").lines[0]
    try tool.succeed("put", "i", "b/staged", "--txn", id, input: [9])
    try tool.succeed("backup", "i", "copy")
    try tool.succeed("check", "copy", "--deep")
    #expect(try tool.succeed("get", "copy", "b/k").output == "kept")
    try tool.succeed("commit", "copy", id)
    #expect(try tool.succeed("ls", "copy", "b").lines == ["k", "staged"])
    #expect(try tool.succeed("ls", "i", "b").lines == ["k"])
  }

  @Test(
    "no image, no store",
    arguments: [["ls"], ["stat"], ["check"], ["journal"], ["txns"], ["begin"], ["get", "b/k"], ["volume", "ls"]])
  func noImage(_ command: [String]) throws {
    let noise = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    try tool.scratch.write("noise", noise)
    try tool.scratch.write("empty", [])
    let folder = tool.scratch.path.text
    for image in ["missing", "noise", "empty", folder] {
      let words = [command[0], image] + command.dropFirst()
      let run = try tool.run(words.map { Array($0.utf8) })
      #expect(run.status == 3 && run.error.contains(image) && run.bytes.isEmpty, "\(words): \(run)")
      #expect(run.error.filter { $0 == "\n" }.count == 1)
    }
    #expect(try tool.scratch.read("noise") == noise)
  }

  @Test("an image that was cut short", arguments: [100, 4096, 70_000, 4 << 20])
  func truncated(_ byteCount: Int) throws {
    let run = try tool.shell(
      "head -c \(byteCount) i > short; sha256sum short > sum; $CAIRN put short b/k i; s=$?; sha256sum -c --quiet sum; exit $s"
    )
    #expect(run.status == 3 && run.error.contains("short"), "\(run)")
  }

  @Test("an image of a newer format version")
  func newer() throws {
    var image = try tool.scratch.read("i")
    for start in [0, 63 * 4096] {
      // Format version and checksum of a superblock, as its table says.
      image[start + 12] = 9
      let checksum = CRC32.checksum(Array(image[start + 12..<start + 512]).span)
      for byte in 0..<4 { image[start + 8 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
    }
    try tool.scratch.write("newer", image)
    try tool.fail("ls", "newer", status: 1, saying: ["newer", "version 9"])
    try tool.fail("put", "newer", "b/k", status: 1, saying: ["version 9"])
    #expect(try tool.scratch.read("newer") == image)
  }

  @Test("an image in use: the second opener is told who holds it")
  func inUse() throws {
    // A put that waits for its input holds the image.
    let run = try tool.shell(
      """
      mkfifo pipe; $CAIRN put i b/slow - < pipe & exec 3> pipe
      while ! grep -q ":$(stat -c %i i) " /proc/locks; do :; done
      $CAIRN get i b/k; echo $?; $CAIRN journal i --live --json | wc -l
      exec 3>&-; wait
      """)
    #expect(run.error.contains("i is in use by ") && run.error.contains("cairn"), "\(run)")
    #expect(run.lines.first == "1" && run.lines.last != "0", "\(run)")
  }

  @Test("a file that may only be read: reading works, writing is refused")
  func readOnlyFile() throws {
    // As a user to whom the mode means something: the superuser may write everything.
    let user = getuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups " : ""
    let run = try tool.shell(
      """
      cp $CAIRN cairn; chmod 755 . cairn; chmod 444 i
      \(user)./cairn get i b/k && echo && \(user)./cairn put i b/new cairn; echo $?
      """)
    #expect(run.lines == ["kept", "1"] && run.error.contains("read-only"), "\(run)")
  }

  @Test("reading commands change no byte, also after a crash")
  func readingOnly() throws {
    let before = try tool.scratch.read("i")
    for command in [
      ["ls", "i"], ["ls", "i", "b"], ["get", "i", "b/k"], ["stat", "i"], ["check", "i", "--deep"], ["journal", "i"],
      ["txns", "i"], ["volume", "i", "ls"], ["grant", "i", "ls"], ["export", "i", "b", "out"],
    ] {
      let run = try tool.run(command.map { Array($0.utf8) })
      #expect(run.status == 0, "\(command): \(run)")
      #expect(try tool.scratch.read("i") == before, "\(command)")
    }
  }
}
