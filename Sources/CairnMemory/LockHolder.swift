#if !hasFeature(Embedded)
  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #elseif canImport(Darwin)
    import Darwin
  #endif

  /// Finds out who holds the lock of a file, for the message to those who want it too.
  ///
  /// Linux lists all locks in `/proc/locks`, one a line:
  ///
  ///     2: FLOCK  ADVISORY  WRITE 812 fe:01:131074 0 EOF
  ///
  /// with the process and `major:minor:inode` of the file, the device in hexadecimal digits. Where the list is not to
  /// be had, or the holder lives in another container, the answer is "another process".
  enum LockHolder {
    static let unknown = "another process"

    /// The holder's command and process id.
    static func name(of status: FileDescriptor.Status) -> String {
      guard let locks = contents(of: "/proc/locks", limit: 1 << 20),
        let process = process(holding: status, in: locks)
      else { return unknown }
      if process == getpid() { return "this process (pid \(process))" }
      guard let command = contents(of: "/proc/\(process)/comm", limit: 256) else { return "process \(process)" }
      return "\(printable(command)) (pid \(process))"
    }

    /// The first process in the list whose `flock` is on the file. File systems that span several devices report
    /// another device there than `fstat` does: then the inode alone decides.
    static func process(holding status: FileDescriptor.Status, in locks: [UInt8]) -> Int32? {
      var byInode: Int32?
      for line in locks.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 6, words[1] == "FLOCK", let process = Int32(words[4]), process > 0 else { continue }
        let place = words[5].split(separator: ":")
        guard place.count == 3, let inode = UInt64(place[2]), inode == status.inode else { continue }
        if UInt64(place[0], radix: 16) == major(status.device), UInt64(place[1], radix: 16) == minor(status.device) {
          return process
        }
        byInode = byInode ?? process
      }
      return byInode
    }

    /// Linux spreads both numbers over the 64 bits of a device number.
    private static func major(_ device: UInt64) -> UInt64 { device >> 8 & 0xFFF | device >> 32 & ~0xFFF }

    private static func minor(_ device: UInt64) -> UInt64 { device & 0xFF | device >> 12 & 0xFFFF_FF00 }

    private static func printable(_ bytes: [UInt8]) -> String {
      let visible = bytes.prefix { $0 != UInt8(ascii: "\n") }
        .map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }
      return String(decoding: visible, as: UTF8.self)
    }

    private static func contents(of path: String, limit: Int) -> [UInt8]? {
      guard let file = try? FileDescriptor(path: path, access: .readOnly) else { return nil }
      defer { file.close() }
      return try? file.readToEnd(limit: limit)
    }
  }
#endif
