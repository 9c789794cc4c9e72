import Testing

@testable import CairnTool

@Suite("Folders in and out of an image")
struct TreeCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.succeed("init", "i", "--size", "32MiB")
  }

  /// Everything of a tree that import keeps: names, kinds, modes, times with nanoseconds, targets, sizes.
  private static let listing = "find . -mindepth 1 -printf '%P %y %m %T@ %l %s\\n' | grep -av ' d ' | sort"
  private static let folders = "find . -mindepth 1 -type d -printf '%P %m %T@\\n' | sort"

  @Test("a tree comes back as it was: contents, names, modes, times, links, empty folders")
  func roundTrip() throws {
    let make = """
      mkdir -p t/docs/deep/er t/empty t/private && cd t
      printf 'hello' > a; : > nothing; head -c 300000 /dev/urandom > docs/big; echo x > docs/deep/er/x
      echo run > tool.sh; chmod 755 tool.sh; chmod 600 a; echo s > private/s; chmod 700 private
      ln -s docs/big link; ln -s /no/such dangling; ln -s . loop
      touch -d '2001-02-03 04:05:06.123456789' a; touch -h -d '1999-12-31 23:59:59.5' link
      printf 1 > "$(printf 'n\\377ame')"; printf 2 > "$(printf 'new\\nline')"; printf 3 > ' -spaces- '
      touch -d '2010-01-01' docs/deep empty private; mkfifo pipe
      """
    #expect(try tool.shell(make).status == 0)
    let imported = try tool("import", "i", "b/some/place", "t")
    #expect(imported.status == 0 && imported.error == "cairn: pipe is a device, a pipe or a socket: left out\n")
    #expect(try tool.shell("rm t/pipe").status == 0)
    try tool.succeed("export", "i", "b/some/place", "out")
    let compared = try tool.shell("diff -r --no-dereference t out")
    #expect(compared.status == 0, "\(compared)")
    for list in [Self.listing, Self.folders] {
      let run = try tool.shell("(cd t; \(list)) > one; (cd out; \(list)) > two; diff one two")
      #expect(run.status == 0, "\(run)")
    }
    // Once more, over what is there.
    try tool.succeed("export", "i", "b/some/place", "out")
    #expect(try tool.shell("diff -r --no-dereference t out").status == 0)
    try tool.succeed("check", "i", "--deep")
  }

  @Test("each key is printed once, and stored in one commit for each file")
  func commits() throws {
    #expect(try tool.shell("mkdir -p t/sub && for n in 1 2 3; do echo $n > t/sub/$n; done; mkdir t/void").status == 0)
    try tool.succeed("put", "i", "b/first")
    let before = try tool.succeed("journal", "i", "--json").lines.count
    let printed = try tool.succeed("import", "i", "b", "t").lines
    #expect(printed == ["sub/", "sub/1", "sub/2", "sub/3", "void/"])
    let after = try tool.succeed("journal", "i", "--json").lines
    #expect(after.dropFirst(before).filter { $0.contains(#""event":"auto""#) }.count == 4)
  }

  @Test("importing into a folder of a bucket, with or without the slash at its end")
  func prefixes() throws {
    #expect(try tool.shell("mkdir t && echo 1 > t/x").status == 0)
    #expect(try tool.succeed("import", "i", "b/p", "t").lines == ["p/x"])
    #expect(try tool.succeed("import", "i", "b/q/", "t").lines == ["q/x"])
    try tool.succeed("put", "i", "b/prefix")
    try tool.succeed("export", "i", "b/p", "out")
    // The folder p, not every key that begins with the letter.
    #expect(try tool.shell("cd out && find . -type f").lines == ["./x"])
    try tool.fail("export", "i", "b/none", "out2", status: 1, saying: ["none"])
  }

  @Test("an empty folder makes an empty bucket, and comes back")
  func empty() throws {
    #expect(try tool.shell("mkdir t").status == 0)
    try tool.succeed("import", "i", "b", "t")
    #expect(try tool.succeed("ls", "i").lines == ["b"])
    try tool.succeed("export", "i", "b", "out")
    #expect(try tool.shell("ls -A out").output.isEmpty)
  }

  @Test("what cannot be stored is named and left out, the rest is stored")
  func leftOut() throws {
    let long = String(repeating: "n", count: 200)
    let deep = Array(repeating: long, count: 6).joined(separator: "/")
    #expect(try tool.shell("mkdir -p t/\(deep) && echo 1 > t/\(deep)/x; echo 2 > t/z").status == 0)
    let run = try tool("import", "i", "b", "t")
    #expect(run.status == 1 && run.lines.last == "z" && run.error.contains("at most 1024"), "\(run)")
    try tool.fail("import", "i", "b", "nofolder", status: 4, saying: ["nofolder", "No such file"])
  }

  @Test("the image itself is not imported into itself")
  func itself() throws {
    let run = try tool("import", "i", "b", ".")
    #expect(run.status == 0 && run.error.contains("i is the image itself"))
    #expect(!run.lines.contains("i"))
  }

  @Test(
    "keys that would leave the folder are refused, the others written",
    arguments: ["../escape", "/absolute", "a/../../escape", "sub//double", "..", "good/./x"])
  func refused(_ key: String) throws {
    try tool.succeed("put", "i", "b/" + key, input: [6])
    try tool.succeed("put", "i", "b/ok", input: [1])
    let run = try tool("export", "i", "b", "out")
    #expect(
      run.status == 1 && run.error.contains("'\(key)' is not written") && run.error.contains("1 keys were not written"))
    #expect(try tool.scratch.read("out/ok") == [1])
    #expect(try tool.shell("ls escape ../escape /absolute").output.isEmpty)
  }

  @Test("a file where a folder must be, and a link on the way")
  func inTheWay() throws {
    try tool.succeed("put", "i", "b/a", input: [1])
    try tool.succeed("put", "i", "b/a/b", input: [2])
    let run = try tool("export", "i", "b", "out")
    #expect(run.status == 1 && run.error.contains("out/a is a file or a link, where a folder must be"))
    #expect(try tool.scratch.read("out/a") == [1])

    #expect(try tool.shell("mkdir victim out2 && ln -s ../victim out2/a").status == 0)
    try tool.succeed("rm", "i", "b/a")
    #expect(try tool("export", "i", "b", "out2").status == 1)
    #expect(try tool.shell("ls -A victim").output.isEmpty)
  }

  @Test("a link that the image brings is not followed by what it brings next")
  func broughtLink() throws {
    #expect(
      try tool.shell("mkdir victim t && ln -s ../victim t/way && mkdir t2 t2/way && echo 1 > t2/way/x").status == 0)
    try tool.succeed("import", "i", "b", "t")
    // The same name as a folder: first the link, then what is below it.
    let second = try tool("import", "i", "b", "t2")
    #expect(second.status == 0)
    #expect(try tool("export", "i", "b", "out").status == 1)
    #expect(try tool.shell("ls -A victim").output.isEmpty)
  }

  @Test("after kill -9 during an import every printed key is there", arguments: [1, 7, 30, 90])
  func killed(_ count: Int) throws {
    #expect(try tool.shell("mkdir t && cd t && for n in $(seq 1 400); do echo stone $n > $n; done").status == 0)
    let killed = try tool.shell(
      ": > printed; $CAIRN import i b t >> printed & while [ $(wc -l < printed) -lt \(count) ]; do :; done; kill -9 $!; wait $!; cat printed"
    )
    #expect(killed.lines.count >= count)
    // First as it is: reading changes nothing.
    let reading = try tool.shell(
      "sha256sum i > sum; $CAIRN ls i b > listed && $CAIRN journal i --verify > j && $CAIRN check i --deep && sha256sum -c sum"
    )
    #expect(reading.status == 0 && reading.output.contains("clean: "), "\(reading)")
    let kept = Set(try tool.succeed("ls", "i", "b").lines)
    for key in killed.lines where kept.contains(key) {
      #expect(try tool.succeed("get", "i", "b/" + key).output == "stone \(key)\n")
    }
    #expect(killed.lines.allSatisfy(kept.contains))
    // And it goes on working.
    try tool.succeed("put", "i", "b/after", input: [1])
    try tool.succeed("check", "i", "--deep")
  }
}
