internal import Glibc

/// What is known of the terminal, if there is one.
enum Terminal {
  /// Whether standard error goes to a person.
  static var hasErrorStream: Bool {
    isatty(STDERR_FILENO) == 1
  }

  /// Whether standard output goes to a person.
  static var hasOutputStream: Bool {
    isatty(STDOUT_FILENO) == 1
  }

  /// Columns of the terminal behind standard error; 80 when it does not say.
  static var columnCount: Int {
    var size = winsize()
    guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

/// A clock that only moves forward, for progress and durations.
enum SteadyClock {
  /// Nanoseconds since some fixed moment.
  static var now: UInt64 {
    var time = timespec()
    guard unsafe clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { return 0 }
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
