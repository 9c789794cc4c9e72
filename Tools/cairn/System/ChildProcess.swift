internal import Glibc

/// A program started by this one.
struct ChildProcess: ~Copyable {
  /// How a program ended.
  enum Outcome: Equatable {
    /// By itself, with this status.
    case exited(CInt)
    /// By this signal.
    case signaled(CInt)
  }

  /// The system's number of the process.
  let identifier: pid_t

  /// Starts `executable` with these arguments (the first is its name), with the given open files as its standard input,
  /// output and error.
  init(
    _ executable: Path, arguments: [[UInt8]], input: CInt = STDIN_FILENO, output: CInt = STDOUT_FILENO,
    error: CInt = STDERR_FILENO
  ) throws(SystemFailure) {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for (source, target) in [(input, STDIN_FILENO), (output, STDOUT_FILENO), (error, STDERR_FILENO)] {
      unsafe posix_spawn_file_actions_adddup2(&actions, source, target)
    }

    // A child begins with the signals as a shell leaves them, whatever this thread blocks and this program ignores.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var words = unsafe arguments.map { word in unsafe Path(word).withCString { unsafe strdup($0) } } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    var started = pid_t()
    let result = unsafe executable.withCString {
      unsafe posix_spawn(&started, $0, &actions, &attributes, &words, environ)
    }
    guard result == 0 else {
      throw SystemFailure(operation: "start", subject: executable.text, number: result)
    }
    identifier = started
  }

  /// Waits for the end.
  consuming func wait() throws(SystemFailure) -> Outcome {
    var status: CInt = 0
    guard withoutInterruption({ unsafe waitpid(identifier, &status, 0) }) != nil else {
      throw .latest("wait for", "process \(identifier)")
    }
    // The low seven bits name the signal; without one, the next eight are the exit status.
    let signal = status & 0x7F
    return signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal)
  }

  /// Ends the process as a power cut would: at once, without a chance to tidy up.
  func kill() {
    _ = Glibc.kill(identifier, SIGKILL)
  }
}

/// A pipe between two programs.
struct Pipe: ~Copyable {
  /// The end to read from.
  let reading: Descriptor
  /// The end to write to.
  let writing: Descriptor

  /// Makes a pipe; children inherit neither end unless it is given to them.
  init() throws(SystemFailure) {
    var numbers: [CInt] = [-1, -1]
    guard unsafe pipe(&numbers) == 0 else { throw .latest("make", "a pipe") }
    for number in numbers { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
    reading = Descriptor(numbers[0], path: Path("a pipe"))
    writing = Descriptor(numbers[1], path: Path("a pipe"))
  }

  /// Keeps the end to read from and closes the other: the end of the data comes when nobody can write any more.
  consuming func takeReading() -> Descriptor {
    reading
  }
}
