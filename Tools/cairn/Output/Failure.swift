/// How the program ends.
enum ExitStatus: Int32, Sendable {
  /// Done.
  case done = 0
  /// The store says no: not found, conflict, precondition, full, in use, read-only, expired, foreign, newer format.
  case refused = 1
  /// The command is not written as it must be.
  case usage = 2
  /// The image is damaged, or is none.
  case damaged = 3
  /// The system could not read or write.
  case system = 4
}

/// A command that did not succeed: one line that names the thing and what to do, and the exit status.
struct Failure: Error, Equatable {
  /// The line, without the program's name.
  let message: String
  /// The status.
  let status: ExitStatus

  /// A failure of its parts.
  init(_ message: String, _ status: ExitStatus) {
    self.message = message
    self.status = status
  }

  /// A failure of a call to the system.
  init(_ failure: SystemFailure) {
    self.init("cannot \(failure.operation) \(failure.subject): \(failure.reason)", .system)
  }
}
