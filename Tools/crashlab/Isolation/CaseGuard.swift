import Foundation

/// Keeps the name of the running case where a signal handler finds it, so that a case that traps, hangs or takes all memory
/// is known though the process ends. For processes with one worker.
enum CaseGuard {
  /// Seconds that a case may take.
  private static let secondsMax: UInt32 = 60
  /// Bytes of address space that the process may take.
  private static let byteCountMax: UInt = 4 << 30
  /// What the line of a case that ended the process begins with.
  static let mark = "trapped "

  private static let capacity = 1024
  nonisolated(unsafe) private static let text = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
  nonisolated(unsafe) private static var count = 0

  /// Installs the handlers and the limits.
  static func arm() {
    #if os(Linux)
      var limit = rlimit(rlim_cur: byteCountMax, rlim_max: byteCountMax)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    #endif
    for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM] {
      signal(number) { number in
        unsafe write(STDERR_FILENO, CaseGuard.text, CaseGuard.count)
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  /// A case begins.
  static func begin(_ replay: ReplayString) {
    var line = Array("\n\(mark)\(replay)\n".utf8)
    line.removeLast(max(0, line.count - capacity))
    unsafe count = 0
    for (index, byte) in line.enumerated() { unsafe text[index] = byte }
    unsafe count = line.count
    alarm(secondsMax)
  }

  /// No case is running.
  static func end() {
    alarm(0)
    unsafe count = 0
  }
}
