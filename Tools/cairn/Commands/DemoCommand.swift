internal import ArgumentParser

/// `cairn demo`: the main job, end to end.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Show the main job end to end, in a scratch folder.",
    discussion: "Each command that it prints is run as a process of its own, and what it prints is what came out."
  )

  @Flag(help: "Leave the scratch folder, to look around in it.")
  var keep = false

  /// Files of the import that is cut off, and keys that it may print before.
  private static let crowdCount = 500
  private static let cutCount = 40

  func run() throws {
    let stage = try DemoStage()
    do {
      try show(on: stage)
    } catch {
      try? stage.remove()
      throw error
    }
    if keep {
      try stage.print("The image is \(stage.path.appending("demo.cairn").text).\n")
    } else {
      try stage.remove()
    }
  }

  private func show(on stage: DemoStage) throws {
    try stage.say("An image: one file that holds everything.")
    try stage.run("init", "demo.cairn", "--size", "64MiB")

    try importTree(on: stage)
    try putAndGet(on: stage)
    try commitAcrossProcesses(on: stage)
    try rollBack(on: stage)
    try crash(on: stage)

    try stage.say("How full it is.")
    try stage.run("stat", "demo.cairn")
    try stage.print(
      "\nDone: stored, changed in transactions of several processes, cut off in the middle, and nothing was lost.\n")
  }

  private func importTree(on stage: DemoStage) throws {
    try stage.write("tree/README.txt", Array("A small tree.\n".utf8))
    try stage.write("tree/docs/guide.txt", Array("Stones show the way.\n".utf8))
    try stage.write("tree/pictures/cat.jpg", (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
    try stage.link("tree/latest", to: "docs/guide.txt")

    try stage.say("A folder goes in: each key is printed when it is durable.")
    try stage.run("import", "demo.cairn", "files", "tree")
    try stage.run("ls", "demo.cairn", "files", "--long")
    try stage.run("export", "demo.cairn", "files", "copy")
  }

  private func putAndGet(on stage: DemoStage) throws {
    try stage.say("One object in, and out again.")
    try stage.run("put", "demo.cairn", "notes/today", "--content-type", "text/plain", input: "Build a cairn.")
    let text = try stage.run("get", "demo.cairn", "notes/today")
    try require(text == ["Build a cairn."], "the object came out as it went in")
  }

  private func commitAcrossProcesses(on stage: DemoStage) throws {
    try stage.say("A transaction of several processes. Until it is committed nobody else sees anything of it.")
    let id = try begin(on: stage)
    try stage.run("put", "demo.cairn", "notes/tomorrow", "--txn", id, input: "Climb higher.")
    try stage.run("rm", "demo.cairn", "notes/today", "--txn", id)
    let before = try stage.run("ls", "demo.cairn", "notes")
    try stage.run("commit", "demo.cairn", id)
    let after = try stage.run("ls", "demo.cairn", "notes")
    try require(before == ["today"] && after == ["tomorrow"], "a transaction appears at once and whole")

    try stage.say("What the journal says of it.")
    try stage.run("journal", "demo.cairn", "--txn", id)
  }

  private func rollBack(on stage: DemoStage) throws {
    try stage.say("The same, thought better of.")
    let id = try begin(on: stage)
    try stage.run("rm", "demo.cairn", "--recursive", "files", "--txn", id)
    try stage.run("rollback", "demo.cairn", id)
    let keys = try stage.run("ls", "demo.cairn", "files", "--delimiter", "/")
    try require(keys == ["README.txt", "docs/", "latest", "pictures/"], "a rollback leaves everything as it was")
  }

  private func crash(on stage: DemoStage) throws {
    for number in 1...Self.crowdCount {
      try stage.write("crowd/\(1000 + number)", Array("stone \(number)\n".utf8))
    }
    try stage.say("\(Self.crowdCount) files on their way in, and the power goes.")
    let printed = try stage.cut("import", "demo.cairn", "crowd", "crowd", after: Self.cutCount)

    try stage.say("Every key that was printed is there, and everything is sound.")
    try stage.run("check", "demo.cairn", "--deep")
    try stage.run("journal", "demo.cairn", "--verify", showingLast: 5)
    let kept = Set(try stage.run("ls", "demo.cairn", "crowd", showingLast: 1))
    try require(printed.allSatisfy(kept.contains), "what was printed was durable")
  }

  private func begin(on stage: DemoStage) throws -> String {
    guard let id = try stage.run("begin", "demo.cairn").first else {
      throw Failure("the demonstration went wrong: no transaction began", .system)
    }
    return id
  }

  private func require(_ condition: Bool, _ rule: String) throws {
    if !condition { throw Failure("the demonstration went wrong: it must be that \(rule)", .damaged) }
  }
}
