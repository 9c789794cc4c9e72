internal import Glibc

/// Why a key is not written into a folder.
enum UnsafeKey: Error, Equatable {
  /// A part of the key is empty: it begins with `/`, or has two in a row.
  case emptyPart
  /// A part of the key is `.` or `..`.
  case leavesFolder
  /// A part holds a zero byte, which no file's name can.
  case zeroByte
  /// A file or a link stands where a folder must be.
  case notFolder(Path)
  /// A folder stands where a file must be.
  case isFolder(Path)

  /// The reason in words.
  var text: String {
    switch self {
    case .emptyPart: "it is absolute or has an empty part"
    case .leavesFolder: "it has the part '.' or '..' and would leave the folder"
    case .zeroByte: "it has a zero byte"
    case .notFolder(let path): "\(path.text) is a file or a link, where a folder must be"
    case .isFolder(let path): "\(path.text) is a folder, where a file must be"
    }
  }
}

/// Writes keys into a folder, for export, and never outside of it: each part of a key is opened by itself, and a
/// symbolic link is never followed, whoever made it.
///
/// A file appears under its name when it is complete. The modes and times of folders are set by `finish`, when nothing
/// more is written into them.
final class TreeWriter {
  /// What is restored of a file beside its contents.
  struct Attributes {
    /// Permission bits; nil leaves the system's choice.
    var permissions: UInt32?
    /// When it was last changed; nil leaves now.
    var modified: FileTime?
  }

  /// A folder of the way to the current key.
  private final class OpenFolder {
    let name: [UInt8]
    let folder: Folder

    init(_ name: [UInt8], _ folder: consuming Folder) {
      self.name = name
      self.folder = folder
    }
  }

  private let root: OpenFolder
  private var way: [OpenFolder] = []
  private var folders: [(parts: [[UInt8]], attributes: Attributes)] = []
  private let temporaryName = Array(".cairn-export-\(getpid())".utf8)

  /// Writes into the folder at `path`, which is made if it is not there.
  init(_ path: Path) throws(SystemFailure) {
    try Folder.make(path)
    root = OpenFolder([], try Folder(path))
  }

  /// The parts of a key, each fit to be a file's name.
  static func parts(of key: some Collection<UInt8>) throws(UnsafeKey) -> [[UInt8]] {
    var parts: [[UInt8]] = []
    for part in key.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if part.isEmpty { throw .emptyPart }
      if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) { throw .leavesFolder }
      if part.contains(0) { throw .zeroByte }
      parts.append(Array(part))
    }
    return parts
  }

  /// Writes a file. `write` is called with the open, empty file.
  func writeFile(
    _ parts: [[UInt8]], _ attributes: Attributes, _ write: (borrowing Descriptor) throws -> Void
  ) throws {
    let (parent, name) = try open(parts)
    do {
      parent.folder.remove(temporaryName)
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
      let file = try parent.folder.descriptor.open(temporaryName, flags)
      try write(file)
      // Whoever made the image does not get to hand out its reader's rights: a file loses its set-id bits.
      if let permissions = attributes.permissions { try file.setPermissions(permissions & 0o777) }
      if let modified = attributes.modified { try file.setModified(modified) }
      try replace(name, in: parent)
    } catch {
      parent.folder.remove(temporaryName)
      throw error
    }
  }

  /// Makes a symbolic link. It may point anywhere: nothing is ever written through it.
  func makeLink(_ parts: [[UInt8]], to target: [UInt8], _ attributes: Attributes) throws {
    let (parent, name) = try open(parts)
    do {
      parent.folder.remove(temporaryName)
      try parent.folder.makeLink(temporaryName, to: target)
      if let modified = attributes.modified { try parent.folder.setModified(temporaryName, modified) }
      try replace(name, in: parent)
    } catch {
      parent.folder.remove(temporaryName)
      throw error
    }
  }

  /// Makes a folder.
  func makeFolder(_ parts: [[UInt8]], _ attributes: Attributes) throws {
    _ = try openFolder(parts[...])
    folders.append((parts, attributes))
  }

  /// Sets the modes and times of the folders, inner ones first.
  func finish() throws {
    for (parts, attributes) in folders.sorted(by: { $0.parts.count > $1.parts.count }) {
      let opened = try openFolder(parts[...])
      // Times first: a mode may take away the right to set them. The set-group bit of a folder only passes its group on.
      if let modified = attributes.modified { try opened.folder.descriptor.setModified(modified) }
      if let permissions = attributes.permissions { try opened.folder.descriptor.setPermissions(permissions & 0o3777) }
    }
    folders = []
    way = []
  }

  private func replace(_ name: [UInt8], in parent: OpenFolder) throws {
    do throws(SystemFailure) {
      try parent.folder.rename(temporaryName, to: name)
    } catch {
      if error.number == EISDIR || error.number == EEXIST || error.number == ENOTEMPTY {
        throw UnsafeKey.isFolder(parent.folder.path.appending(name))
      }
      throw error
    }
  }

  /// The folder that holds the last part, open, and the last part.
  private func open(_ parts: [[UInt8]]) throws -> (OpenFolder, [UInt8]) {
    guard let name = parts.last else { throw UnsafeKey.emptyPart }
    return (try openFolder(parts.dropLast()), name)
  }

  /// Opens a folder part by part, making what is missing. What the last call opened on the same way is used again.
  private func openFolder(_ parts: ArraySlice<[UInt8]>) throws -> OpenFolder {
    let shared = zip(way, parts).prefix { $0.name == $1 }.count
    way.removeLast(way.count - shared)
    for part in parts.dropFirst(shared) {
      way.append(OpenFolder(part, try Self.enter(part, in: (way.last ?? root).folder)))
    }
    return way.last ?? root
  }

  private static func enter(_ name: [UInt8], in folder: borrowing Folder) throws -> Folder {
    try folder.makeFolder(name)
    do throws(SystemFailure) {
      return try folder.folder(name)
    } catch {
      if error.number == ENOTDIR || error.number == ELOOP {
        throw UnsafeKey.notFolder(folder.path.appending(name))
      }
      throw error
    }
  }
}
