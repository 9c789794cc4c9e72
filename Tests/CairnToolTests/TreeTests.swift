import Glibc
import Testing

@testable import CairnTool

@Suite("Folders on the way in and out")
struct TreeTests {
  /// Writes down what a walk finds.
  private final class Recorder: TreeReader.Visitor {
    var lines: [String] = []

    func visitFile(_ entry: TreeReader.Entry, contents: borrowing Descriptor) throws {
      lines.append("file \(Text.visible(entry.path)) \(entry.status.byteCount)")
    }
    func visitLink(_ entry: TreeReader.Entry, target: [UInt8]) throws {
      lines.append("link \(Text.visible(entry.path)) \(Text.visible(target))")
    }
    func enterFolder(_ entry: TreeReader.Entry) throws { lines.append("enter \(Text.visible(entry.path))") }
    func leaveFolder(_ entry: TreeReader.Entry) throws { lines.append("leave \(Text.visible(entry.path))") }
    func skip(_ entry: TreeReader.Entry) throws { lines.append("skip \(Text.visible(entry.path))") }
    func fail(_ failure: SystemFailure) throws { lines.append("fail \(failure.operation)") }
  }

  @Test("a walk finds everything, in the order of the bytes")
  func walk() throws {
    let scratch = try ScratchFolder()
    let folder = try Folder(scratch.path)
    try folder.makeFolder(Array("sub".utf8))
    try folder.makeFolder(Array("empty".utf8))
    try scratch.write("sub/inner", "12345")
    try scratch.write("a", "1")
    try folder.makeLink(Array("dangling".utf8), to: Array("/no/such".utf8))
    try folder.makeLink(Array("loop".utf8), to: Array(".".utf8))
    // A name that is no UTF-8, and one with a line end.
    _ = try folder.descriptor.open([0x7A, 0xFF, 0xFE], O_WRONLY | O_CREAT)
    _ = try folder.descriptor.open(Array("x\ny".utf8), O_WRONLY | O_CREAT)
    #expect(try ChildProcess.command(["mkfifo", scratch("pipe")].map { Array($0.utf8) }).wait() == .exited(0))

    let recorder = Recorder()
    try TreeReader.walk(folder, recorder)
    #expect(
      recorder.lines == [
        "file a 1", "link dangling /no/such", "enter empty", "leave empty", "link loop .", "skip pipe", "enter sub",
        "file sub/inner 5", "leave sub", "file x\\ny 0", "file z\\xff\\xfe 0",
      ])
  }

  @Test("what is written has its mode, time and links")
  func write() throws {
    let scratch = try ScratchFolder()
    let writer = try TreeWriter(Path(scratch("out")))
    let time = FileTime(seconds: 1_600_000_000, nanoseconds: 123_456_789)
    let attributes = TreeWriter.Attributes(permissions: 0o4640, modified: time)
    try writer.makeFolder([Array("d".utf8)], TreeWriter.Attributes(permissions: 0o2555, modified: time))
    try writer.writeFile([Array("d".utf8), [0xFF]], attributes) { file in
      try file.write(Array("hello".utf8))
    }
    try writer.makeLink([Array("d".utf8), Array("l".utf8)], to: [0xFE, 0x2F], attributes)
    try writer.finish()

    let out = try Folder(Path(scratch("out")))
    let folder = try out.folder(Array("d".utf8))
    let file = try folder.status([0xFF])
    // The set-user bit is gone: the image's maker does not hand out its reader's rights.
    #expect(file.permissions == 0o640 && file.modified == time && file.byteCount == 5)
    #expect(try folder.linkTarget(Array("l".utf8)) == [0xFE, 0x2F])
    #expect(try folder.status(Array("l".utf8)).modified == time)
    let status = try out.status(Array("d".utf8))
    #expect(status.permissions == 0o2555 && status.modified == time)
    #expect(try folder.names() == [Array("l".utf8), [0xFF]])
  }

  @Test(
    "keys that would leave the folder have no parts",
    arguments: [
      ("/etc/passwd", UnsafeKey.emptyPart), ("a//b", .emptyPart), ("", .emptyPart), ("a/", .emptyPart),
      ("..", .leavesFolder),
      ("a/../../b", .leavesFolder), (".", .leavesFolder), ("a/./b", .leavesFolder), ("a\0b", .zeroByte),
    ])
  func unsafeKeys(_ key: String, _ reason: UnsafeKey) {
    #expect(throws: reason) { try TreeWriter.parts(of: Array(key.utf8)) }
  }

  @Test("names that only look dangerous are fine")
  func safeKeys() throws {
    #expect(try TreeWriter.parts(of: Array("...a/..b/c..".utf8)).count == 3)
  }

  @Test("nothing is written through a link, whoever made it")
  func linkOnTheWay() throws {
    let scratch = try ScratchFolder()
    try scratch.write("secret", "old")
    let writer = try TreeWriter(Path(scratch("out")))
    try writer.makeLink([Array("way".utf8)], to: scratch.path.bytes, .init())
    #expect(throws: UnsafeKey.notFolder(Path(scratch("out/way")))) {
      try writer.writeFile([Array("way".utf8), Array("secret".utf8)], .init()) { _ in }
    }
    // A link in the place of the file itself is replaced, not followed.
    try writer.makeLink([Array("file".utf8)], to: Array(scratch("secret").utf8), .init())
    try writer.writeFile([Array("file".utf8)], .init()) { try $0.write(Array("new".utf8)) }
    #expect(try scratch.read("secret") == Array("old".utf8))
    #expect(try scratch.read("out/file") == Array("new".utf8))
  }

  @Test("a file where a folder must be, and the reverse")
  func fileAndFolder() throws {
    let scratch = try ScratchFolder()
    let writer = try TreeWriter(Path(scratch("out")))
    try writer.writeFile([Array("a".utf8)], .init()) { _ in }
    #expect(throws: UnsafeKey.notFolder(Path(scratch("out/a")))) {
      try writer.writeFile([Array("a".utf8), Array("b".utf8)], .init()) { _ in }
    }
    try writer.makeFolder([Array("d".utf8)], .init())
    #expect(throws: UnsafeKey.isFolder(Path(scratch("out/d")))) {
      try writer.writeFile([Array("d".utf8)], .init()) { _ in }
    }
    #expect(try Folder(Path(scratch("out"))).names() == [Array("a".utf8), Array("d".utf8)])
  }
}
