internal import Foundation

/// A child process of the benchmark, from its parent's side.
final class WorkerProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var received: [UInt8] = []
  let name: String

  init(_ workload: WorkloadKind, _ engine: EngineKind, folder: String, scaleName: String, isOpened: Bool) throws {
    name = "\(workload.rawValue) \(engine.rawValue)"
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    process.arguments =
      ["worker", workload.rawValue, engine.rawValue, folder, scaleName] + (isOpened ? [] : ["--unopened"])
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  /// The next line of the answer, in words.
  func read() throws -> [String] {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(...end)
        let words = line.split(separator: " ").map(String.init)
        if words.first == "error" { throw EngineFailure(description: "\(name): \(line.dropFirst(6))") }
        return words
      }
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { throw EngineFailure(description: "\(name): the process ended") }
      received += data
    }
  }

  func send(_ line: String) {
    input.fileHandleForWriting.write(Data((line + "\n").utf8))
  }

  func ask(_ line: String) throws -> [String] {
    send(line)
    return try read()
  }

  /// Ends it in good order.
  func quit() throws {
    _ = try ask("quit")
    process.waitUntilExit()
  }

  /// Ends it at once, as `kill -9` does.
  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Ends it if it still runs.
  deinit { if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) } }
}
