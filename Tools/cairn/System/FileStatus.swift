internal import Glibc

/// What the system says of a file.
struct FileStatus: Equatable {
  /// The kinds of file that a tree holds.
  enum Kind: Equatable {
    case regular
    case folder
    case link
    /// A device, a pipe or a socket: nothing that can be stored.
    case special
  }

  /// The kind.
  let kind: Kind
  /// Permission bits, with the set-id and sticky bits: 0...0o7777.
  let permissions: UInt32
  /// Bytes of a regular file.
  let byteCount: UInt64
  /// When the contents last changed.
  let modified: FileTime

  /// Which file it is, whatever its name: the device and the number on it.
  let identity: FileIdentity

  /// From the system's own structure.
  init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .special
      }
    permissions = UInt32(status.st_mode) & 0o7777
    byteCount = UInt64(max(0, status.st_size))
    identity = FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    modified = FileTime(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: UInt32(status.st_mtim.tv_nsec))
  }
}

/// Which file it is, whatever its name.
struct FileIdentity: Hashable {
  /// The file system's number.
  let device: UInt64
  /// The file's number there.
  let number: UInt64
}

/// A file's time: seconds since 1970, before it negative, and the nanoseconds after that second.
struct FileTime: Hashable {
  /// Whole seconds, rounded down.
  let seconds: Int64
  /// The rest: 0...999_999_999.
  let nanoseconds: UInt32

  /// The system's form of it.
  var systemTime: timespec {
    timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
  }

  /// As decimal text: `1700000000.123456789`. Nine decimals, so that nothing is lost.
  var text: String {
    let fraction = String(nanoseconds)
    return "\(seconds)." + String(repeating: "0", count: 9 - fraction.count) + fraction
  }

  /// A time of its parts.
  init(seconds: Int64, nanoseconds: UInt32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// The time that `text` names; nil when it is not of that form.
  init?(_ text: String) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let seconds = Int64(first) else { return nil }
    self.seconds = seconds
    guard parts.count == 2 else {
      nanoseconds = 0
      return
    }
    let digits = parts[1].utf8.prefix(9)
    guard !digits.isEmpty, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let scale = (digits.count..<9).reduce(UInt32(1)) { scale, _ in scale * 10 }
    nanoseconds = digits.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) } * scale
  }
}
