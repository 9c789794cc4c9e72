internal import CairnBytes
internal import Glibc

/// A file through the system's calls and nothing else.
final class RawFile {
  private let descriptor: Int32

  /// Opens a file; with `zeros`, makes it new and fills so many bytes.
  init(_ path: String, zeros: UInt64?) throws {
    descriptor = unsafe Glibc.open(path, zeros == nil ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw EngineFailure(description: "\(path): error \(errno)") }
    guard let zeros, zeros > 0 else { return }
    let piece = [UInt8](repeating: 0, count: 1 << 20)
    try BulkCopy.withRawSpan(of: piece) { bytes in
      var offset: UInt64 = 0
      while offset < zeros {
        try write(bytes, at: offset)
        offset += UInt64(bytes.byteCount)
      }
    }
    guard fsync(descriptor) == 0 else { throw EngineFailure(description: "fsync: error \(errno)") }
    // As `FileMemory.create` does it: pages that came in large pieces make every small write to them dear.
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  deinit { _ = Glibc.close(descriptor) }

  func write(_ bytes: RawSpan, at offset: UInt64) throws {
    try unsafe bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        guard let start = buffer.baseAddress else { return }
        let count = unsafe pwrite(descriptor, start + done, buffer.count - done, off_t(offset) + off_t(done))
        guard count > 0 else { throw EngineFailure(description: "pwrite: error \(errno)") }
        done += count
      }
    }
  }

  func read(into buffer: ReadBuffer, count: Int, at offset: UInt64) throws {
    try unsafe buffer.withMutableBytes { target in
      var done = 0
      while done < count {
        guard let start = target.baseAddress else { return }
        let got = unsafe pread(descriptor, start + done, count - done, off_t(offset) + off_t(done))
        guard got > 0 else { throw EngineFailure(description: "pread: error \(errno)") }
        done += got
      }
    }
  }

  func flush() throws {
    guard fdatasync(descriptor) == 0 else { throw EngineFailure(description: "fdatasync: error \(errno)") }
  }

  /// Makes the names in a folder durable.
  static func flushFolder(_ path: String) throws {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY)
    defer { _ = Glibc.close(descriptor) }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw EngineFailure(description: "\(path): error \(errno)")
    }
  }

  /// Takes a file's clean pages out of the system's cache.
  static func dropCache(_ path: String) {
    let descriptor = unsafe Glibc.open(path, O_RDONLY)
    guard descriptor >= 0 else { return }
    _ = fdatasync(descriptor)
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    _ = Glibc.close(descriptor)
  }
}
