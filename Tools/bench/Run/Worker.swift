internal import CairnBytes
internal import Foundation

/// The child process: one engine, one workload. It does what lines on its standard input say, and answers each with a
/// line.
///
///     begin P         what comes before phase P                    ok
///     run P C         chunk C of phase P                           done COUNT NANOSECONDS
///     end P           what phase P took since it began             figures SECONDS WRITTEN FLUSHES PEAK
///     fill            durable batches until it is killed           batch, for each
///     open            opens the store, gets one record             opened NANOSECONDS NANOSECONDS
///     verify N        N batches behind the first records are there, and no part of another    ok
///     quit            closes the store                             bye
///
/// Whatever fails is answered with `error` and a text.
struct Worker {
  let work: any Work

  func serve(isOpened: Bool) {
    answer {
      if isOpened { try work.prepare() }
      return "ready"
    }
    var start = ProcessFigures.now()
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      guard let command = words.first, command != "quit" else { break }
      let numbers = words.dropFirst().compactMap { Int($0) }
      answer {
        switch command {
        case "begin":
          try work.begin(phase: numbers[0])
          start = ProcessFigures.now()
          return "ok"
        case "run":
          work.prepare(phase: numbers[0], chunk: numbers[1])
          let before = monotonicNanoseconds()
          let count = try work.run(phase: numbers[0], chunk: numbers[1])
          return "done \(count) \(monotonicNanoseconds() - before)"
        case "end":
          let now = ProcessFigures.now()
          return
            "figures \(now.processorSeconds - start.processorSeconds) \(now.writtenByteCount - start.writtenByteCount) \(now.flushCount - start.flushCount) \(now.peakByteCount)"
        case "fill":
          let run = try maps()
          while true {
            try run.fill(space: 2, count: Scale.batchCount)
            say("batch")
          }
        case "open": return try maps().openAndGet()
        case "verify":
          try maps().verify(batchCount: numbers[0])
          return "ok"
        default: throw EngineFailure(description: "an unknown command: \(line)")
        }
      }
    }
    answer {
      try work.close()
      return "bye"
    }
  }

  /// The work of what only workloads of keys and values do.
  private func maps() throws -> WorkloadRun {
    guard let run = work as? WorkloadRun else { throw EngineFailure(description: "not a workload of keys and values") }
    return run
  }

  private func answer(_ body: () throws -> String) {
    do { say(try body()) } catch {
      say("error \(String(describing: error).split(separator: "\n").joined(separator: " "))")
    }
  }

  private func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}

extension WorkloadRun {
  /// Takes the store's files out of the system's cache.
  func dropCache() throws {
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) { RawFile.dropCache(folder + "/" + name) }
  }

  /// How long opening takes, and how long the first get.
  func openAndGet() throws -> String {
    let start = monotonicNanoseconds()
    try engine.open()
    let opened = monotonicNanoseconds()
    guard try hasRecord(0) else { throw EngineFailure(description: "the first record is missing") }
    return "opened \(opened - start) \(monotonicNanoseconds() - opened)"
  }

  private func hasRecord(_ index: Int) throws -> Bool {
    var count = -1
    try engine.read { reader in
      count = try BulkCopy.withRawSpan(of: Key.bytes(space: 2, index)) { key in try reader.get(key, into: buffer) }
    }
    return count == Scale.valueByteCount
  }

  /// Throws unless all acknowledged batches behind the first records are there, and the next three whole or not at all.
  func verify(batchCount: Int) throws {
    for batch in 0..<batchCount + 3 {
      var found = 0
      for index in 0..<Scale.batchCount
      where try hasRecord(scale.recordCount + batch * Scale.batchCount + index) { found += 1 }
      guard found == Scale.batchCount || (batch >= batchCount && found == 0) else {
        throw EngineFailure(description: "batch \(batch) of \(batchCount) has \(found) records")
      }
    }
  }
}
