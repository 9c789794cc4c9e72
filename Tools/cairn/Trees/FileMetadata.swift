internal import CairnObjects

/// What an object keeps of the file that it was, as metadata of the object:
///
///     mode    the system's mode in octal, kind of file included: 100644 a file, 120777 a link, 40755 a folder
///     mtime   when it was last changed: seconds since 1970, with nine decimals
///     link    of a symbolic link, where it points; the object itself is empty
///
/// A folder is an empty object whose key ends with `/`.
struct FileMetadata: Equatable {
  /// What the object was.
  enum Kind: Equatable {
    case file
    case folder
    /// A symbolic link to this target.
    case link([UInt8])
  }

  /// What the object was.
  var kind: Kind
  /// Permission bits, if they are known.
  var permissions: UInt32?
  /// When the contents last changed, if that is known.
  var modified: FileTime?

  /// The metadata of something that is to be stored.
  init(_ kind: Kind, _ status: FileStatus) {
    self.kind = kind
    permissions = status.permissions
    modified = status.modified
  }

  /// The metadata of an object, whoever stored it. What is not there or makes no sense is unknown; an object that is no
  /// link and no folder is a file.
  init(_ metadata: ObjectMetadata, of key: ObjectKey) {
    if key.bytes.last == UInt8(ascii: "/") {
      kind = .folder
    } else if let target = metadata.bytes(for: Self.linkName), Self.isTarget(target) {
      kind = .link(target)
    } else {
      kind = .file
    }
    permissions = metadata["mode"].flatMap { UInt32($0, radix: 8) }.map { $0 & 0o7777 }
    modified = metadata["mtime"].flatMap(FileTime.init)
  }

  /// The options that keep it.
  var options: ObjectOptions {
    var options = ObjectOptions()
    options.metadata["mode"] = permissions.map { String(kindBits | $0, radix: 8) }
    options.metadata["mtime"] = modified?.text
    if case .link(let target) = kind { options.metadata.set(Self.linkName, to: target) }
    return options
  }

  private static let linkName = Array("link".utf8)
  /// Longest target of a symbolic link that the system takes, bytes.
  private static let targetByteCountMax = 4095

  private static func isTarget(_ target: [UInt8]) -> Bool {
    (1...targetByteCountMax).contains(target.count) && !target.contains(0)
  }

  private var kindBits: UInt32 {
    switch kind {
    case .file: 0o100000
    case .link: 0o120000
    case .folder: 0o040000
    }
  }
}
