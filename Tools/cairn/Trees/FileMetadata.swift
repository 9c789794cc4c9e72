internal import CairnObjects

/// What an object keeps of the file that it was: metadata `mode` and `mtime`.
///
/// `mode` is the system's mode in octal, kind of file included: `100644` a file, `120777` a symbolic link whose target is
/// the object's contents, `40755` a folder, whose key ends with `/`. `mtime` is seconds since 1970 with nine decimals.
struct FileMetadata: Equatable {
  /// The kind of file.
  var kind: FileStatus.Kind
  /// Permission bits, if they are known.
  var permissions: UInt32?
  /// When the contents last changed, if that is known.
  var modified: FileTime?

  /// The metadata of a file that is to be stored.
  init(_ status: FileStatus) {
    kind = status.kind
    permissions = status.permissions
    modified = status.modified
  }

  /// The metadata of an object, whoever stored it. What is not there or makes no sense is unknown; without a kind an
  /// object is a file, and a folder when its key ends with `/`.
  init(_ metadata: ObjectMetadata, of key: ObjectKey) {
    let mode = metadata["mode"].flatMap { UInt32($0, radix: 8) }
    kind =
      switch mode.map({ $0 & Self.kindMask }) {
      case Self.linkBits: .link
      case _ where key.bytes.last == UInt8(ascii: "/"): .folder
      default: .regular
      }
    permissions = mode.map { $0 & 0o7777 }
    modified = metadata["mtime"].flatMap(FileTime.init)
  }

  /// The options that keep it.
  var options: ObjectOptions {
    var options = ObjectOptions()
    var pairs: [(name: String, value: String)] = []
    if let permissions { pairs.append(("mode", String(kindBits | permissions, radix: 8))) }
    if let modified { pairs.append(("mtime", modified.text)) }
    options.metadata = ObjectMetadata(pairs)
    return options
  }

  private static let kindMask: UInt32 = 0o170000
  private static let linkBits: UInt32 = 0o120000

  private var kindBits: UInt32 {
    switch kind {
    case .regular, .special: 0o100000
    case .link: Self.linkBits
    case .folder: 0o040000
    }
  }
}
