internal import Glibc

/// Walks a folder and everything below it, for import: in the order of the names' bytes, a folder before what is in it.
struct TreeReader {
  /// Something found on the way.
  struct Entry {
    /// The way from the folder where the walk began, parts joined by `/`.
    let path: [UInt8]
    /// What the system says of it.
    let status: FileStatus
  }

  /// What the walk does with what it finds.
  protocol Visitor: AnyObject {
    /// A file; `contents` is at its beginning.
    func visitFile(_ entry: Entry, contents: borrowing Descriptor) throws
    /// A symbolic link.
    func visitLink(_ entry: Entry, target: [UInt8]) throws
    /// A folder that was opened; what is in it follows.
    func enterFolder(_ entry: Entry) throws
    /// Everything in the folder was visited.
    func leaveFolder(_ entry: Entry) throws
    /// A device, a pipe or a socket.
    func skip(_ entry: Entry) throws
    /// Something that cannot be read. The walk goes on behind it.
    func fail(_ failure: SystemFailure) throws
  }

  /// The deepest folder, counted from where the walk began: deeper ones have paths longer than any key.
  static let depthMax = 512

  /// Walks everything below the folder.
  static func walk(_ root: borrowing Folder, _ visitor: any Visitor) throws {
    try walk(root, path: [], depth: 0, visitor)
  }

  private static func walk(_ folder: borrowing Folder, path: [UInt8], depth: Int, _ visitor: any Visitor) throws {
    guard depth <= depthMax else {
      return try visitor.fail(SystemFailure(operation: "enter", subject: folder.path.text, number: ENAMETOOLONG))
    }
    let names: [[UInt8]]
    do throws(SystemFailure) {
      names = try folder.names()
    } catch {
      return try visitor.fail(error)
    }
    for name in names {
      try visit(name, in: folder, path: path.isEmpty ? name : path + [UInt8(ascii: "/")] + name, depth, visitor)
    }
  }

  private static func visit(
    _ name: [UInt8], in folder: borrowing Folder, path: [UInt8], _ depth: Int, _ visitor: any Visitor
  ) throws {
    let entry: Entry
    do throws(SystemFailure) {
      entry = Entry(path: path, status: try folder.status(name))
    } catch {
      return try visitor.fail(error)
    }
    switch entry.status.kind {
    case .regular: try visitFile(name, in: folder, entry, visitor)
    case .link: try visitLink(name, in: folder, entry, visitor)
    case .folder: try visitFolder(name, in: folder, entry, depth, visitor)
    case .special: try visitor.skip(entry)
    }
  }

  private static func visitFile(
    _ name: [UInt8], in folder: borrowing Folder, _ entry: Entry, _ visitor: any Visitor
  ) throws {
    let contents: Descriptor
    do throws(SystemFailure) {
      contents = try folder.descriptor.open(name, O_RDONLY | O_NOFOLLOW)
    } catch {
      return try visitor.fail(error)
    }
    try visitor.visitFile(entry, contents: contents)
  }

  private static func visitLink(
    _ name: [UInt8], in folder: borrowing Folder, _ entry: Entry, _ visitor: any Visitor
  ) throws {
    let target: [UInt8]
    do throws(SystemFailure) {
      target = try folder.linkTarget(name)
    } catch {
      return try visitor.fail(error)
    }
    try visitor.visitLink(entry, target: target)
  }

  private static func visitFolder(
    _ name: [UInt8], in folder: borrowing Folder, _ entry: Entry, _ depth: Int, _ visitor: any Visitor
  ) throws {
    let inner: Folder
    do throws(SystemFailure) {
      inner = try folder.folder(name)
    } catch {
      return try visitor.fail(error)
    }
    try visitor.enterFolder(entry)
    try walk(inner, path: entry.path, depth: depth + 1, visitor)
    try visitor.leaveFolder(entry)
  }
}
