internal import Glibc

/// Where the demonstration happens: a scratch folder, in which each command is a process of its own.
final class DemoStage {
  /// The scratch folder.
  let path: Path
  private let executable: Path

  /// Makes the scratch folder and goes there.
  init() throws {
    path = try Folder.makeScratch("/tmp/cairn-demo-")
    executable = try Program.executable()
    try Program.enter(path)
  }

  /// Says what comes next.
  func say(_ text: String) throws {
    try print("\n# \(text)\n")
  }

  /// Runs a command, shows it and what it prints (of a long text the last lines); fails when the command does.
  @discardableResult
  func run(_ words: String..., input: String? = nil, showingLast count: Int = .max) throws -> [String] {
    try show(words, input: input)
    let pipe = try Pipe()
    let child = try start(words, input: input, output: pipe.writing.number)
    let lines = try read(pipe, until: .max)
    if lines.count > count { try print("... (\(lines.count - count) lines)\n") }
    for line in lines.suffix(count) { try print(line + "\n") }
    guard try child.wait() == .exited(ExitStatus.done.rawValue) else {
      throw Failure("the demonstration went wrong: 'cairn \(words.joined(separator: " "))' failed", .system)
    }
    return lines
  }

  /// Runs a command and ends it, as a power cut would, when it has printed `count` lines. What it had printed.
  func cut(_ words: String..., after count: Int) throws -> [String] {
    try show(words, input: nil)
    let pipe = try Pipe()
    let child = try start(words, input: nil, output: pipe.writing.number)
    let printed = try read(pipe, until: count)
    child.kill()
    guard try child.wait() == .signaled(SIGKILL) else {
      throw Failure("the demonstration went wrong: the import was done before it could be ended", .system)
    }
    try print("\(printed[0])\n...\n(\(printed.count) keys printed, then kill -9)\n")
    return printed
  }

  /// Writes a file of the scratch folder; folders on its way are made.
  func write(_ name: String, _ contents: [UInt8]) throws {
    let writer = try TreeWriter(path)
    let parts = name.split(separator: "/").map { Array($0.utf8) }
    try writer.writeFile(parts, .init()) { file in try file.write(contents) }
  }

  /// Makes a symbolic link of the scratch folder.
  func link(_ name: String, to target: String) throws {
    let parts = name.split(separator: "/").map { Array($0.utf8) }
    try TreeWriter(path).makeLink(parts, to: Array(target.utf8), .init())
  }

  /// Removes the scratch folder.
  func remove() throws {
    let words = ["rm", "-rf", "--"].map { Array($0.utf8) } + [path.bytes]
    _ = try ChildProcess(Path("/bin/rm"), arguments: words).wait()
  }

  /// Prints text.
  func print(_ text: String) throws {
    try StandardOutput.write(Array(text.utf8), to: .standardOutput)
  }

  private func show(_ words: [String], input: String?) throws {
    let source = input.map { "echo '\($0)' | " } ?? ""
    try print("$ \(source)cairn \(words.joined(separator: " "))\n")
  }

  private func start(_ words: [String], input: String?, output: CInt) throws -> ChildProcess {
    try write(".input", input.map { Array($0.utf8) + [0x0A] } ?? [])
    let input = try Descriptor.open(path.appending(".input"), O_RDONLY)
    return try ChildProcess(
      executable, arguments: (["cairn"] + words).map { Array($0.utf8) }, input: input.number, output: output,
      error: output)
  }

  /// Reads whole lines until there are `count`, or to the end.
  private func read(_ pipe: consuming Pipe, until count: Int) throws -> [String] {
    let reading = pipe.takeReading()
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count(where: { $0 == 0x0A }) < count {
      let length = try reading.read(into: &buffer)
      if length == 0 { break }
      bytes.append(contentsOf: buffer.prefix(length))
    }
    let whole = bytes.prefix(through: bytes.lastIndex(of: 0x0A) ?? -1)
    return String(decoding: whole, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }
}
