import Glibc

@testable import CairnTool

/// A folder of its own for one test; removed with everything in it when the test ends.
final class ScratchFolder {
  /// Where it is.
  let path: Path

  /// Makes the folder.
  init() throws {
    path = try Folder.makeScratch("/tmp/cairn-tool-test-")
  }

  deinit {
    // rm takes any name and any depth; a folder may have been left without its rights.
    for command in [["chmod", "-R", "u+rwX"], ["rm", "-rf"]] {
      guard let words = try? ChildProcess.command(command.map { Array($0.utf8) } + [path.bytes]) else { continue }
      _ = try? words.wait()
    }
  }

  /// The path of an entry, as an argument.
  func callAsFunction(_ name: String) -> String {
    path.appending(name).text
  }

  /// Opens a file.
  func open(_ name: String, _ flags: CInt) throws -> Descriptor {
    try Descriptor.open(path.appending(name), flags)
  }

  /// Writes a file.
  @discardableResult
  func write(_ name: String, _ contents: [UInt8]) throws -> String {
    let file = try Descriptor.open(path.appending(name), O_WRONLY | O_CREAT | O_TRUNC)
    try file.write(contents)
    return self(name)
  }

  /// Writes a file.
  @discardableResult
  func write(_ name: String, _ contents: String) throws -> String {
    try write(name, Array(contents.utf8))
  }

  /// Reads a file.
  func read(_ name: String) throws -> [UInt8] {
    try Self.contents(path.appending(name))
  }

  /// Reads a file anywhere.
  static func contents(_ path: Path) throws -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var buffer = [UInt8](repeating: 0, count: Int(try file.status().byteCount))
    let count = try file.fill(&buffer)
    return Array(buffer.prefix(count))
  }
}

extension ChildProcess {
  /// A program of the system, found where programs are.
  static func command(_ words: [[UInt8]]) throws(SystemFailure) -> ChildProcess {
    try ChildProcess(Path("/usr/bin/env"), arguments: [Array("env".utf8)] + words)
  }
}
