/// What a stable memory can refuse or fail to do.
public enum MemoryError: Error, Equatable, Sendable {
  /// A read or write of `count` bytes at `offset` leaves the memory of `size` bytes.
  case outOfBounds(offset: UInt64, count: UInt64, size: UInt64)
  /// A system call failed: which one, with which `errno`, on which file.
  case io(operation: String, errno: Int32, path: String)
  /// The file ends at or before `offset`, which was inside it: somebody else has shortened it.
  case truncated(offset: UInt64, path: String)
  /// Another opener holds the file: who it is, as far as the system tells.
  case inUse(path: String, holder: String)
  /// There is no room to grow.
  case full
  /// The memory was opened for reading only.
  case readOnly
  /// The file was to be opened for writing, and its permissions or its file system forbid it.
  case notWritable(path: String)
  /// An earlier write or flush failed; the memory must be opened anew.
  case poisoned
  /// The memory has been closed.
  case closed
  /// There is no such file.
  case notFound(path: String)
  /// There is such a file already, and it is left alone.
  case alreadyExists(path: String)
  /// The path names something else than a regular file.
  case notAFile(path: String)
}

extension MemoryError: CustomStringConvertible {
  /// One line that says what happened and what to do.
  public var description: String {
    switch self {
    case .outOfBounds(let offset, let count, let size):
      "\(count) bytes at offset \(offset) leave the memory of \(size) bytes"
    case .io(let operation, let errno, let path):
      "\(path): \(operation) failed: \(SystemErrorText.describe(errno))"
    case .truncated(let offset, let path):
      "\(path): the file ends before offset \(offset): it was shortened while in use, or cut off by a copy"
    case .inUse(let path, let holder):
      "\(path) is in use by \(holder); close it there and try again"
    case .full:
      "no space is left to grow; free some, or make the limit larger"
    case .readOnly:
      "the memory is read-only; open it for writing"
    case .notWritable(let path):
      "\(path) may only be read; open it read-only, or change its permissions"
    case .poisoned:
      "an earlier write or flush failed, so nothing more is trusted to this memory; open it again"
    case .closed:
      "the memory has been closed"
    case .notFound(let path):
      "\(path): no such file"
    case .alreadyExists(let path):
      "\(path) exists already and is left alone; choose another name or remove it"
    case .notAFile(let path):
      "\(path) is not a regular file"
    }
  }
}
