import CairnBytes
import CairnTestSupport

/// Every call of every trace fails: the n-th read, write, flush and growth, once and for ever, for all n.
struct FaultSuite: FaultLoops {
  let name = "faults"
  let summary = "the n-th read, write, flush or growth of a trace fails, once and for ever, for all n"
  let seconds = 90.0
  let floors = ["runs": 100_000]
  let kinds: [FaultKind] = [.read, .write, .flush, .grow]
}

/// Every allocation that the budget is asked for is refused.
struct BudgetSuite: FaultLoops {
  let name = "budget"
  let summary = "the n-th budgeted allocation of a trace is refused, once and for ever, for all n"
  let seconds = 20.0
  let floors = ["runs": 20_000]
  let kinds: [FaultKind] = [.allocation]
}

/// What the two have in common: a group is all runs of one trace.
protocol FaultLoops: IsolatedSuite {
  var kinds: [FaultKind] { get }
}

extension FaultLoops {
  var countName: String { "runs" }

  private static var fixedCount: Int {
    max(StoreFaultSubject.fixedTraces.count, DeviceFaultSubject.fixedTraces.count)
  }

  func groupCount(isDeep: Bool) -> Int { .max }

  /// Devices and stores in turn, each trace on every shape.
  func group(_ index: Int, seed: UInt64) -> ReplayString {
    let shape = FaultShape.all[index / 2 % FaultShape.all.count]
    let number = index / 2 / FaultShape.all.count
    let trace =
      index % 2 == 0
      ? Self.trace(number, seed, DeviceFaultSubject.self) : Self.trace(number, seed, StoreFaultSubject.self)
    return ReplayString(name).with("on", index % 2 == 0 ? DeviceFaultSubject.word : StoreFaultSubject.word)
      .with("shape", shape.word).with("trace", trace)
  }

  private static func trace<Subject: FaultSubject>(_ number: Int, _ seed: UInt64, _ subject: Subject.Type) -> String {
    if number < subject.fixedTraces.count { return subject.fixedTraces[number] }
    var random = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number))
    let letters = subject.letters + [FaultTrial<Subject>.reopening]
    return String((0..<5 + random.below(6)).map { _ in letters[random.below(letters.count)] })
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    let shape = try FaultShape.named(try group.text("shape"))
    let letters = try group.text("trace")
    switch try group.text("on") {
    case StoreFaultSubject.word: return try cases(StoreFaultSubject(shape: shape), letters, shape, group)
    case DeviceFaultSubject.word: return try cases(DeviceFaultSubject(shape: shape), letters, shape, group)
    default: throw LabError("\(group) is neither about a device nor about a store")
    }
  }

  private func cases<Subject: FaultSubject>(
    _ subject: Subject, _ letters: String, _ shape: FaultShape, _ group: ReplayString
  ) throws -> CaseGroup {
    guard letters.allSatisfy({ Subject.letters.contains($0) || $0 == FaultTrial<Subject>.reopening }) else {
      throw LabError("\(letters) is no trace")
    }
    let trial = try FaultTrial(subject, letters: letters, shape: shape)
    let chosen = kinds.flatMap { kind in (0..<trial.runCount(kind)).map { (kind, $0) } }
    let hash = XXHash64.digest(Array(group.description.utf8).span)
    return CaseGroup(count: chosen.count) { index in
      let (kind, number) = chosen[index]
      do { try trial.run(kind, number) } catch {
        throw Mismatch("\(kind.rawValue) \(number / 2) \(number % 2 == 0 ? "once" : "for ever"): \(error)")
      }
      return hash &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
    }
  }

  /// Traces with one letter less: the first run of theirs that fails is the smaller case.
  func shorter(_ replay: ReplayString) -> [ReplayString] {
    guard let trace = replay["trace"], trace.count > 1 else { return [] }
    return trace.indices.map { index in
      var shorter = replay
      var letters = trace
      letters.remove(at: index)
      shorter["trace"] = letters
      shorter["case"] = nil
      return shorter
    }
  }
}
