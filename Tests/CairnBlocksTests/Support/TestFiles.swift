#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files that tests leave behind.
enum TestFiles {
  static func remove(_ path: String) {
    _ = unsafe unlink(path)
  }
}
