import CairnBlocks
import CairnMemory
import CairnTestSupport

/// What fails in a run of a trace.
enum FaultKind: String, CaseIterable, Sendable {
  case read, write, flush, grow
  /// An allocation that the budget does not admit.
  case allocation

  /// The call of the memory that fails; nil for an allocation.
  var call: MemoryFault.Call? {
    switch self {
    case .read: .read
    case .write: .write
    case .flush: .flush
    case .grow: .grow
    case .allocation: nil
    }
  }

  /// Whether the system takes no more calls behind the failure.
  var poisons: Bool { self == .write || self == .flush }

  /// Whether an error is what this failure must become.
  func explains(_ error: StorageError) -> Bool {
    switch (self, error) {
    case (.read, .memory(.io)), (.write, .memory(.io)), (.flush, .memory(.io)): true
    case (.write, .poisoned), (.flush, .poisoned): true
    case (.grow, .memory(.full)), (.grow, .full): true
    case (.allocation, .allocationRefused): true
    default: false
    }
  }
}

/// A trace of a subject: what it shows behind each letter when nothing fails, and how many calls it makes.
///
/// Nothing needs a model: each state is compared with what the same trace showed when nothing failed.
struct FaultTrial<Subject: FaultSubject>: Sendable {
  let subject: Subject
  let letters: [Character]
  /// Closes and opens again; the other letters are the subject's own.
  static var reopening: Character { "o" }
  private let initial: [UInt8]
  /// What is shown before the first letter and behind each.
  private let states: [FaultSight]
  /// How often each call is made from opening to closing.
  private let counts: [FaultKind: Int]

  /// Runs the trace without failures: once to look, once to count, since looking reads.
  init(_ subject: Subject, letters: String, shape: FaultShape) throws {
    self.subject = subject
    self.letters = Array(letters)
    let memory = SimulatedMemory(pageCount: shape.pageCount)
    try subject.make(on: memory)
    initial = memory.durableImage
    let gate = AllocationGate()
    let clean = SimulatedMemory(image: initial)
    var looked = try subject.open(clean, gate: gate, life: 1)
    var states = [try subject.look(at: looked)]
    for (index, letter) in self.letters.enumerated() {
      if letter == Self.reopening {
        try subject.close(looked)
        looked = try subject.open(clean, gate: gate, life: UInt64(index) + 2)
      } else {
        try subject.perform(letter, UInt8(index + 1), looked)
      }
      states.append(try subject.look(at: looked))
    }
    self.states = states
    counts = try Self.count(subject, self.letters, initial)
  }

  private static func count(
    _ subject: Subject, _ letters: [Character], _ initial: [UInt8]
  ) throws -> [FaultKind: Int] {
    let memory = SimulatedMemory(image: initial)
    memory.recordsEvents = true
    memory.recordsReads = true
    let gate = AllocationGate()
    var system = try subject.open(memory, gate: gate, life: 1)
    for (index, letter) in letters.enumerated() {
      if letter == reopening {
        try subject.close(system)
        system = try subject.open(memory, gate: gate, life: UInt64(index) + 2)
      } else {
        try subject.perform(letter, UInt8(index + 1), system)
      }
    }
    try subject.close(system)
    var counts: [FaultKind: Int] = [.allocation: gate.counts.asked]
    for event in memory.events {
      switch event {
      case .read: counts[.read, default: 0] += 1
      case .write: counts[.write, default: 0] += 1
      case .flush: counts[.flush, default: 0] += 1
      case .grow: counts[.grow, default: 0] += 1
      case .lost: break
      }
    }
    return counts
  }

  /// How many runs there are for a kind: each call fails once, and from it on for ever.
  func runCount(_ kind: FaultKind) -> Int { 2 * (counts[kind] ?? 0) }

  /// Run number `index`: throws what is wrong.
  func run(_ kind: FaultKind, _ index: Int) throws {
    var run = FaultRun(trial: self, kind: kind, initial: initial)
    try run.run(after: index / 2, lasts: index % 2 == 1)
  }

  func state(_ index: Int) -> FaultSight { states[index] }
}

/// One run of a trace in which one call fails, or all from one on.
struct FaultRun<Subject: FaultSubject> {
  let trial: FaultTrial<Subject>
  let kind: FaultKind
  private let memory: SimulatedMemory
  private let gate = AllocationGate()
  private var system: Subject.System?
  /// Letters that are done.
  private var done = 0
  private var life: UInt64 = 0

  init(trial: FaultTrial<Subject>, kind: FaultKind, initial: [UInt8]) {
    self.trial = trial
    self.kind = kind
    memory = SimulatedMemory(image: initial)
    memory.recordsEvents = true
  }

  private var subject: Subject { trial.subject }
  /// How often the failure was met.
  private var metCount: Int { kind == .allocation ? gate.counts.refused : memory.faultCount }

  mutating func run(after count: Int, lasts: Bool) throws {
    if let call = kind.call {
      memory.fault = MemoryFault([call], after: count, lasts: lasts)
    } else {
      gate.close(after: count, lasts: lasts)
    }
    do throws(StorageError) { try open() } catch {
      try requireExplained(error, "opening")
      try recover()
    }
    while done < trial.letters.count {
      if let error = attempt() { try handle(error) }
    }
    try finish()
  }

  private mutating func open() throws(StorageError) {
    life += 1
    system = try subject.open(memory, gate: gate, life: life)
  }

  /// Does the next letter; what it failed with.
  private mutating func attempt() -> StorageError? {
    guard let system else { return .closed }
    do throws(StorageError) {
      if trial.letters[done] == FaultTrial<Subject>.reopening {
        try subject.close(system)
        self.system = nil
        try open()
      } else {
        try subject.perform(trial.letters[done], UInt8(done + 1), system)
      }
      done += 1
      return nil
    } catch { return error }
  }

  // MARK: Behind a failure

  private mutating func handle(_ error: StorageError) throws {
    try requireExplained(error, "letter \(done)")
    if kind.poisons {
      try requirePoisoned()
      try recover()
      return
    }
    // Closing, or opening behind it, was refused: then it is opened again.
    if trial.letters[done] == FaultTrial<Subject>.reopening { return try recover() }
    repair()
    // Refused, and nothing has changed; the same call works now.
    guard let system else { throw Mismatch("nothing is open") }
    try require(subject.look(at: system), is: [done], "behind the refusal")
    if let again = attempt() {
      throw Mismatch("letter \(done) fails again, though nothing is wrong any more: \(again)")
    }
    if let system = self.system { try require(subject.look(at: system), is: [done], "behind the second attempt") }
  }

  /// The system was closed by the failure: it refuses everything, and leaves the memory alone.
  private func requirePoisoned() throws {
    guard let system else { return }
    let before = (memory.events.count, metCount)
    do throws(StorageError) { try subject.touch(system) } catch {
      guard error == .poisoned else { throw Mismatch("behind a failed \(kind) a call says \(error)") }
      guard before == (memory.events.count, metCount) else {
        throw Mismatch("behind a failed \(kind) it was tried again")
      }
      return
    }
    throw Mismatch("behind a failed \(kind) a call goes well")
  }

  /// Ends the failure.
  private func repair() {
    memory.fault = nil
    gate.open()
  }

  /// Opens again: first while the failure lasts, then on what the device has.
  private mutating func recover() throws {
    system = nil
    if memory.fault != nil {
      do throws(StorageError) { try open() } catch {
        try requireExplained(error, "opening while it lasts")
      }
    }
    repair()
    if kind.poisons { memory.losePower { _, index in index % 2 == done % 2 ? .new : .old } }
    try open()
    guard let system else { throw Mismatch("nothing is open") }
    let found = try subject.look(at: system)
    try require(found, is: [done, min(done + 1, trial.letters.count)], "opened again")
    if found != trial.state(done) { done += 1 }
  }

  private func require(_ found: FaultSight, is legal: [Int], _ what: String) throws {
    guard legal.contains(where: { trial.state($0) == found }) else {
      let states = legal.map { "\(trial.state($0))" }.joined(separator: " or ")
      throw Mismatch("\(what), with \(done) letters done: shows \(found) instead of \(states)")
    }
  }

  private func requireExplained(_ error: StorageError, _ what: String) throws {
    guard metCount > 0 else { throw Mismatch("\(what): \(error), though nothing failed") }
    guard kind.explains(error) else { throw Mismatch("\(what): a failed \(kind) becomes \(error)") }
    // Eight rounds of a checkpoint that gets nowhere, each with a few blocks: far from a loop without an end.
    guard metCount < 400 else { throw Mismatch("\(what): tried \(metCount) times") }
  }

  // MARK: The end

  private mutating func finish() throws {
    if let open = system {
      do throws(StorageError) {
        try subject.close(open)
      } catch {
        try requireExplained(error, "closing")
      }
    }
    repair()
    memory.losePower { _, _ in .old }
    try open()
    guard let system else { throw Mismatch("nothing is open") }
    try require(subject.look(at: system), is: [trial.letters.count], "at the end")
    let findings = try subject.findings(system)
    guard findings.isEmpty else { throw Mismatch("at the end the check finds \(findings)") }
  }
}
