import Glibc
import Testing

@testable import CairnTool

/// The built executable, run as a person runs it: as a program of its own.
struct Tool {
  /// What a run left behind.
  struct Run {
    let status: CInt
    /// Standard output, as bytes.
    let bytes: [UInt8]
    /// Standard error.
    let error: String

    /// Standard output, as text.
    var output: String { String(decoding: bytes, as: UTF8.self) }
    /// The lines of standard output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// Where the runs happen: relative paths mean files in it.
  let scratch: ScratchFolder

  /// A tool with a scratch folder of its own.
  init() throws {
    scratch = try ScratchFolder()
  }

  /// The executable stands beside the program that runs the tests.
  static let executable: String = {
    // The program that runs the tests is the bundle itself on Linux, and a helper that names the bundle elsewhere.
    let programs = [try? Program.executable().text].compactMap(\.self) + CommandLine.arguments
    let candidates = programs.compactMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) + "/cairn" } }
    return candidates.first { (try? Descriptor.open(Path($0), O_RDONLY)) != nil } ?? "cairn"
  }()

  /// Runs `cairn` with these arguments.
  func callAsFunction(_ arguments: String..., input: [UInt8] = []) throws -> Run {
    try run(arguments.map { Array($0.utf8) }, input: input)
  }

  /// Runs `cairn` with arguments of any bytes.
  func run(_ arguments: [[UInt8]], input: [UInt8] = []) throws -> Run {
    try start([Array(Self.executable.utf8)] + arguments, input: input)
  }

  /// Runs a line of shell; `$CAIRN` is the executable.
  func shell(_ line: String) throws -> Run {
    let prepared = "CAIRN='\(Self.executable)'; cd '\(scratch.path.text)'; " + line
    return try start(["sh", "-c", prepared].map { Array($0.utf8) })
  }

  /// Runs a command that must succeed; its standard output.
  @discardableResult
  func succeed(
    _ arguments: String..., input: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let run = try run(arguments.map { Array($0.utf8) }, input: input)
    #expect(
      run.status == 0 && run.error.isEmpty, "\(arguments): \(run.status) \(run.error)", sourceLocation: sourceLocation)
    return run
  }

  /// Runs a command that must fail: with this status, one line on standard error that has these words, and nothing on
  /// standard output.
  func fail(
    _ arguments: String..., status: CInt, saying words: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let run = try run(arguments.map { Array($0.utf8) })
    #expect(run.status == status, "\(arguments): \(run.error)", sourceLocation: sourceLocation)
    #expect(run.bytes.isEmpty, sourceLocation: sourceLocation)
    let isOneLine = run.error.hasPrefix("cairn: ") && run.error.filter { $0 == "\n" }.count == 1
    #expect(isOneLine, "\(run.error)", sourceLocation: sourceLocation)
    for word in words { #expect(run.error.contains(word), sourceLocation: sourceLocation) }
  }

  private func start(_ words: [[UInt8]], input: [UInt8] = []) throws -> Run {
    // Streams go through files, so that no amount of output or input can block either side.
    let input = try Descriptor.open(Path(try scratch.write(".input", input)), O_RDONLY)
    let flags = O_RDWR | O_CREAT | O_TRUNC
    let output = try scratch.open(".output", flags)
    let error = try scratch.open(".error", flags)
    let child = try ChildProcess(
      Path("/usr/bin/env"), arguments: [Array("env".utf8), Array("-C".utf8), scratch.path.bytes] + words,
      input: input.number, output: output.number, error: error.number)
    let outcome = try child.wait()
    let status: CInt =
      switch outcome {
      case .exited(let status): status
      case .signaled(let signal): -signal
      }
    return Run(
      status: status, bytes: try scratch.read(".output"),
      error: String(decoding: try scratch.read(".error"), as: UTF8.self))
  }
}
