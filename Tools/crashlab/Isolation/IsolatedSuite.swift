import Foundation

/// A suite whose cases run in child processes, group by group: one that traps, hangs or takes all memory is a failure with a
/// replay string like any other, and the rest of its group still runs.
///
/// A group is named by its replay string without `case`; the cases of a group are numbered from 0.
protocol IsolatedSuite: Suite {
  /// The name under which its cases are counted.
  var countName: String { get }

  /// How many groups there are; for an endless suite more than any run takes.
  func groupCount(isDeep: Bool) -> Int

  /// A group.
  func group(_ index: Int, seed: UInt64) -> ReplayString

  /// Gets ready for the cases of a group.
  func cases(of group: ReplayString) throws -> CaseGroup
}

/// The cases of a group, made ready.
struct CaseGroup {
  var count: Int
  /// Runs a case; a hash of all that makes it one. Throws what is wrong.
  var run: (Int) throws -> UInt64
}

extension IsolatedSuite {
  func run(_ run: SuiteRun) throws {
    let seed = run.seed
    run.forEach(groupCount(isDeep: run.isDeep), replay: { group($0, seed: seed) }) { index in
      try IsolatedGroup(suite: self, group: group(index, seed: seed)).run(run)
    }
  }

  func replay(_ replay: ReplayString) throws {
    if replay["child"] != nil { return try IsolatedGroup.runAsChild(replay, of: self) }
    var name = replay
    name["case"] = nil
    let cases = try cases(of: name)
    let chosen = replay["case"] == nil ? 0..<cases.count : try replay.number("case")..<(replay.number("case") + 1)
    guard chosen.upperBound <= cases.count, chosen.lowerBound >= 0 else {
      throw LabError("\(name) has \(cases.count) cases")
    }
    for index in chosen {
      do { _ = try cases.run(index) } catch let error as LabError { throw error } catch {
        throw error as? CaseFailure ?? CaseFailure(replay: name.with("case", index), message: "\(error)")
      }
    }
  }
}

/// One group of cases in a child process.
struct IsolatedGroup {
  let suite: any IsolatedSuite
  let group: ReplayString

  /// What the child writes before the hash of a case, and before a failure.
  private static let hashMark = "hash "
  private static let failureMark = "failure "

  // MARK: The parent

  /// Runs the group, as often as a case ends its child: each time from behind that case.
  func run(_ run: SuiteRun) throws {
    var first = 0
    while !run.isOver {
      let child = Process()
      child.executableURL = try Self.executable()
      child.arguments = ["--replay", "\(group.with("child", first))"]
      let (output, errors) = (Pipe(), Pipe())
      child.standardOutput = output
      child.standardError = errors
      try child.run()
      let last = Reader(errors.fileHandleForReading)
      try take(output.fileHandleForReading.readDataToEndOfFile(), run)
      child.waitUntilExit()
      if child.terminationReason == .exit && child.terminationStatus == 0 { return }
      let text = last.text
      guard let trapped = trappedCase(text) else {
        throw CaseFailure(replay: group, message: "the process ended before its first case: \(text.suffix(400))")
      }
      run.add(suite.countName)
      run.report(
        CaseFailure(
          replay: trapped, message: "the process ended (\(child.terminationStatus)): \(Self.cause(text))"))
      first = try trapped.number("case") + 1
    }
  }

  private static func executable() throws -> URL {
    guard let path = Bundle.main.executablePath else { throw LabError("the lab does not know its own file") }
    return URL(fileURLWithPath: path)
  }

  private func take(_ output: Data, _ run: SuiteRun) throws {
    var count = 0
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix(Self.hashMark), let hash = UInt64(line.dropFirst(Self.hashMark.count), radix: 16) {
        _ = run.isNewState(hash)
        count += 1
      } else if line.hasPrefix(Self.failureMark) {
        count += 1
        let parts = line.dropFirst(Self.failureMark.count).split(separator: " ", maxSplits: 1)
        guard let name = parts.first, let replay = ReplayString(parsing: String(name)) else { continue }
        run.report(CaseFailure(replay: replay, message: parts.count > 1 ? String(parts[1]) : "failed"))
      }
    }
    run.add(suite.countName, count)
  }

  private func trappedCase(_ text: String) -> ReplayString? {
    text.split(separator: "\n").last { $0.hasPrefix(CaseGuard.mark) }
      .flatMap { ReplayString(parsing: String($0.dropFirst(CaseGuard.mark.count))) }
  }

  /// What the runtime said last.
  private static func cause(_ text: String) -> String {
    text.split(separator: "\n").last { $0.contains("Fatal error") || $0.contains("rror:") }.map(String.init)
      ?? "a trap, more than a minute, or too much memory"
  }

  /// Reads a pipe to its end beside the other one.
  private final class Reader: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var data = Data()

    init(_ handle: FileHandle) {
      DispatchQueue.global().async { [self] in
        data = handle.readDataToEndOfFile()
        done.signal()
      }
    }

    var text: String {
      done.wait()
      done.signal()
      return String(decoding: data, as: UTF8.self)
    }
  }

  // MARK: The child

  /// Runs a group from the case that `child` says on, and writes what came of each.
  static func runAsChild(_ replay: ReplayString, of suite: any IsolatedSuite) throws {
    let first = try replay.number("child")
    var name = replay
    name["child"] = nil
    let cases = try suite.cases(of: name)
    CaseGuard.arm()
    var lines = ""
    for index in first..<max(first, cases.count) {
      let replay = name.with("case", index)
      CaseGuard.begin(replay)
      do {
        lines += "\(hashMark)\(String(try cases.run(index), radix: 16))\n"
      } catch {
        let failure = error as? CaseFailure ?? CaseFailure(replay: replay, message: "\(error)")
        lines += "\(failureMark)\(failure.replay) \(failure.message.split(separator: "\n").joined(separator: "; "))\n"
      }
      if lines.utf8.count > 1 << 15 {
        FileHandle.standardOutput.write(Data(lines.utf8))
        lines = ""
      }
    }
    CaseGuard.end()
    FileHandle.standardOutput.write(Data(lines.utf8))
  }
}
