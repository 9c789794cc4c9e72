internal import CairnBytes
internal import Foundation

/// A file for each object: created, written, flushed, and its folder flushed.
final class FileEngine: Engine {
  private let folder: String

  init(folder: String) { self.folder = folder }

  func open() throws {}
  func close() throws {}

  func transaction(_ body: (any EngineWriter) throws -> Void) throws { throw Self.onlyObjects }
  func read(_ body: (any EngineReader) throws -> Void) throws { throw Self.onlyObjects }

  private static let onlyObjects = EngineFailure(description: "files hold objects only")

  private func path(_ number: Int) -> String { "\(folder)/\(number)" }

  func putObject(_ number: Int, _ bytes: RawSpan) throws {
    let file = try RawFile(path(number), zeros: 0)
    try file.write(bytes, at: 0)
    try file.flush()
    try RawFile.flushFolder(folder)
  }

  func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
    try RawFile(path(number), zeros: nil).read(into: buffer, count: buffer.capacity, at: 0)
    return buffer.capacity
  }
}
