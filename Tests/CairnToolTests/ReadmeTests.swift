import Testing

@testable import CairnTool

@Suite("What the README shows")
struct ReadmeTests {
  /// The folder of the package.
  private static let package = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }

  private static func text(_ name: String) throws -> String {
    String(decoding: try ScratchFolder.contents(Path(package + "/" + name)), as: UTF8.self)
  }

  @Test("the first program is the one that the tests run")
  func firstProgram() throws {
    let source = try Self.text("Tests/CairnTests/FirstProgram.swift")
    let program = try #require(source.split(separator: "// begin\n").last?.split(separator: "// end").first)
    #expect(try Self.text("README.md").contains("```swift\n\(program)```"))
  }

  @Test("the programs with tables are the ones that the tests run", arguments: ["TableProgram", "AudioRecorder"])
  func tablePrograms(name: String) throws {
    let source = try Self.text("Tests/CairnTests/Tables/\(name).swift")
    let program = try #require(source.split(separator: "// begin\n").last?.split(separator: "// end").first)
    #expect(try Self.text("README.md").contains("```swift\n\(program)```"))
  }

  @Test("the filesystem is the one that the tests use")
  func filesystem() throws {
    let source = try Self.text("Tests/CairnVolumesTests/Support/Notes.swift")
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).drop {
      $0.isEmpty || $0.hasPrefix("import")
    }
    #expect(try Self.text("README.md").contains("```swift\nimport Cairn\n\n" + lines.joined(separator: "\n") + "```"))
  }

  @Test("every command is named")
  func commands() throws {
    let readme = try Self.text("README.md")
    for name in Cairn.commandNames { #expect(readme.contains("`\(name)`")) }
  }

  @Test("every file that it links to is there")
  func links() throws {
    for part in try Self.text("README.md").split(separator: "](").dropFirst() {
      let target = String(part.prefix { $0 != ")" })
      #expect(throws: Never.self) { _ = try Self.text(target) }
    }
  }
}
