internal import ArgumentParser
internal import Glibc

/// The whole of the program `cairn`.
package enum CairnProgram {
  /// Runs the command that the program was started with, and ends the process with its status.
  package static func main() { Cairn.main() }
}

/// The `cairn` command.
struct Cairn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "A crash-safe store in one file: objects, tables, disks, transactions, and a journal that one can read.",
    discussion: """
      Sizes are written 64KiB or 1GiB, lengths of time 500ms, 10m, 2h or 1d. --as PRINCIPAL goes with every command; \
      without it the caller is the owner.

      Exit status: 0 done, 1 the store says no, 2 usage, 3 damaged or no Cairn image, 4 input or output failed.
      """,
    version: "0.1.0",
    subcommands: commands
  )

  private static let commands: [any ParsableCommand.Type] = [
    InitCommand.self, GrowCommand.self, PutCommand.self, GetCommand.self, ListCommand.self, RemoveCommand.self,
    CopyCommand.self, ImportCommand.self, ExportCommand.self, BeginCommand.self, CommitCommand.self,
    RollbackCommand.self, TransactionsCommand.self, JournalCommand.self, CheckCommand.self, StatCommand.self,
    BackupCommand.self, VolumeCommand.self, DiskCommand.self, TableCommand.self, GrantCommand.self,
    DemoCommand.self,
  ]

  /// The names of the commands.
  static var commandNames: [String] { commands.map { $0._commandName } }

  func run() throws {
    throw ValidationError("A command is missing.")
  }

  static func main() {
    // A reader that goes away, or a file that may not grow, becomes an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    Descriptor.occupyStandardStreams()
    Glibc.exit(perform(Program.arguments.map(ArgumentBytes.escape)).rawValue)
  }

  /// Runs a command; everything that can go wrong ends here, as one line and a status.
  private static func perform(_ arguments: [String]) -> ExitStatus {
    var command: any ParsableCommand
    do {
      command = try parseAsRoot(arguments)
    } catch {
      return explain(error, arguments)
    }
    do {
      try command.run()
      return .done
    } catch is OutputClosed {
      return .done
    } catch let failure as Failure {
      return report(failure)
    } catch let failure as SystemFailure {
      return report(Failure(failure))
    } catch {
      return explain(error, arguments)
    }
  }

  private static func report(_ failure: Failure) -> ExitStatus {
    StandardError.line("cairn: " + failure.message)
    return failure.status
  }

  /// What the argument parser has to say: help and the version go to standard output, a mistake to standard error.
  private static func explain(_ error: any Error, _ arguments: [String]) -> ExitStatus {
    let message = Self.message(for: error)
    guard exitCode(for: error) != .success else {
      var output = StandardOutput()
      // Nobody is left to hear of a failure here.
      try? output.line(fullMessage(for: error))
      try? output.flush()
      return .done
    }
    let command = arguments.first.flatMap { name in commands.first { $0._commandName == name } }
    let help = "cairn \(command.map { $0._commandName + " " } ?? "")--help"
    StandardError.line("cairn: " + Text.visible(message) + " (see '\(help)')")
    return .usage
  }
}
