import CairnTestSupport

/// One trace in a run of a suite, or one that is replayed.
struct CrashCase {
  let replay: ReplayString
  init(_ replay: ReplayString) { self.replay = replay }

  /// Crashes a recording, all of it or where the string says, and hands the counts in.
  func verify<Subject: CrashSubject>(
    _ recording: Recording<Subject.State>, _ subject: Subject, in run: SuiteRun?
  ) throws {
    var counts = ["states": 0, "distinct": 0, "nested": 0]
    var name = replay
    name["at"] = nil
    var runner = CrashRunner(subject, name: name) { hash, level in
      let isNew = run?.isNew(hash) ?? true
      if level == 0 {
        counts["states", default: 0] += 1
        if isNew { counts["distinct", default: 0] += 1 }
      } else if isNew {
        counts["nested", default: 0] += 1
      }
      return isNew
    }
    if let place = replay["at"] { runner.only = try CrashPlace(parsing: place) }
    if let run { runner.isOver = { run.hasFailedEnough } }
    defer {
      counts["points"] = recording.events.count + 1
      counts["traces"] = 1
      run?.add(counts)
    }
    // An exhaustive sequence's earlier points were those of its beginnings, which are traces of their own.
    let first = replay["from"] == "last" ? recording.operationStarts.last ?? 0 : 0
    try runner.run(recording, from: first)
    if let place = runner.only, !runner.reached.value { throw LabError("there is no crash \(place) in \(name)") }
  }
}
