import CairnTestSupport

/// Crashes a recorded trace at each of its points in each way of the policy, and inside the recoveries that follow.
///
/// Each image is opened, checked, compared with the legal states, used for three more transactions, closed, opened and
/// compared again. An image that was there before with the same legal states is not looked at again.
struct CrashRunner<Subject: CrashSubject> {
  let subject: Subject
  /// Whether a state is a new one; counts it.
  let isNew: (_ hash: UInt64, _ level: Int) -> Bool
  /// The case's name but for the place of the crash.
  let name: ReplayString
  var policy = CrashEnumerator()
  /// Inside recoveries fewer masks are taken.
  var nestedPolicy = CrashEnumerator()
  /// How deep crashes follow each other behind the first.
  private var depth: Int { subject.nestingIntervals.count }
  /// The one crash to look at; nil: all.
  var only: CrashPlace?
  /// Asked now and then; true breaks off.
  var isOver: () -> Bool = { false }
  /// Whether the one crash to look at was there.
  let reached = Mark()

  init(_ subject: Subject, name: ReplayString, isNew: @escaping (_ hash: UInt64, _ level: Int) -> Bool) {
    self.subject = subject
    self.name = name
    self.isNew = isNew
    nestedPolicy.exhaustiveSectorCount = 6
    nestedPolicy.exhaustiveWriteCount = 4
    nestedPolicy.randomMaskCount = 16
  }

  /// The name of the image that a killed process leaves in the page cache.
  private static var killed: String { "killed" }
  private static var whole: String { "whole" }

  /// Looks at all crashes of a recording behind `firstPoint` events.
  func run(_ recording: Recording<Subject.State>, from firstPoint: Int = 0) throws {
    var policy = policy
    policy.sectorByteCount = recording.initial.sectorByteCount
    let points = only.flatMap { $0.levels.first.map { $0.point..<$0.point + 1 } }
    let unflushed = Unflushed(recording.initial, garbageSeed: policy.seed)
    for point in 0...recording.events.count {
      if point >= firstPoint && (points?.contains(point) ?? true) {
        if isOver() { return }
        let legal = recording.legalStates(at: point)
        let legalHash = Self.hash(legal)
        if subject.isMessageAtomic {
          // What a message wrote is there as a whole, or not at all.
          if point == recording.events.count || recording.operationStarts.contains(point) {
            try lookAtWhole(unflushed, legal, legalHash, CrashPlace().adding(point, Self.whole))
          }
          if point < recording.events.count { unflushed.add(recording.events[point]) }
          continue
        }
        try policy.forEachCandidate(of: unflushed, at: point) { candidate in
          try look(
            at: candidate, legal, legalHash, CrashPlace().adding(point, "\(candidate.subset)"), level: 0)
        }
        try lookAtKilled(unflushed, legal, legalHash, CrashPlace().adding(point, Self.killed))
      }
      if point < recording.events.count { unflushed.add(recording.events[point]) }
    }
  }

  private static func hash(_ states: [Subject.State]) -> UInt64 {
    states.reduce(0x5EED) { mix($0 ^ $1.contentHash) }
  }

  /// One image that a loss of power left.
  private func look(
    at candidate: CrashEnumerator.Candidate, _ legal: [Subject.State], _ legalHash: UInt64,
    _ place: @autoclosure () -> CrashPlace,
    level: Int
  ) throws {
    let key = mix(candidate.hash &+ legalHash)
    if let only {
      guard place().isPrefix(of: only) else { return }
    } else if !isNew(key, level) {
      return
    }
    try verify(candidate.makeImage(), cached: [], legal, legalHash, place(), level: level, key: key)
  }

  /// What a killed process left: all of its writes are seen, those that it did not flush are not on the device yet.
  private func lookAtKilled(
    _ unflushed: Unflushed, _ legal: [Subject.State], _ legalHash: UInt64, _ place: CrashPlace
  ) throws {
    let cached = unflushed.sectors.map { $0.version($0.versions.count) }
    guard !cached.isEmpty else { return }
    let key = mix(cached.reduce(unflushed.durable.hash) { mix($0 ^ $1.hash) } &+ legalHash)
    if let only {
      guard place.isPrefix(of: only) else { return }
    } else if !isNew(key, 0) {
      return
    }
    // What the dead process wrote is still on its way while it is recovered: one of four is crashed there.
    try verify(
      unflushed.durable, cached: cached, legal, legalHash, place, level: 0, key: key % 4 == 0 ? 0 : 1)
  }

  /// What is left behind a whole message, flushed or not.
  private func lookAtWhole(
    _ unflushed: Unflushed, _ legal: [Subject.State], _ legalHash: UInt64, _ place: CrashPlace
  ) throws {
    var image = unflushed.durable
    image.replace(unflushed.sectors.map { $0.version($0.versions.count) })
    let key = mix(image.hash &+ legalHash)
    if let only {
      guard place.isPrefix(of: only) else { return }
    } else if !isNew(key, 0) {
      return
    }
    try verify(image, cached: [], legal, legalHash, place, level: depth, key: key)
  }

  private func verify(
    _ image: CrashImage, cached: [SectorBytes], _ legal: [Subject.State], _ legalHash: UInt64, _ place: CrashPlace,
    level: Int, key: UInt64
  ) throws {
    let isNested =
      level < depth
      && (only.map { $0.levels.count > level + 1 } ?? (key % subject.nestingIntervals[level] == 0))
    if place == only { reached.value = true }
    let memory = SimulatedMemory(image, cached: cached, isMessageAtomic: subject.isMessageAtomic)
    var failure: CaseFailure
    do {
      memory.recordsEvents = isNested
      let handle = try subject.open(memory, life: UInt64(level) + 1)
      let recovery = memory.events
      memory.recordsEvents = false
      let state = legal[try subject.find(handle, in: legal)]
      if isNested {
        try crash(recovery, image, cached, legal, legalHash, shown: state, place, level: level + 1)
      }
      try subject.use(handle, on: memory, state)
      return
    } catch let found as CaseFailure {
      throw found
    } catch {
      failure = CaseFailure(replay: name.with("at", place), message: "after a crash at \(place): \(error)")
    }
    if legal.count > 0 { failure.message += "; legal: " + legal.map { $0.summary }.joined(separator: " or ") }
    throw failure
  }

  /// Crashes a recovery at each of its points. Until it is over all that was legal stays so; then only what it showed.
  private func crash(
    _ recovery: [SimulatedMemory.Event], _ image: CrashImage, _ cached: [SectorBytes], _ legal: [Subject.State],
    _ legalHash: UInt64, shown: Subject.State, _ place: CrashPlace, level: Int
  ) throws {
    var policy = nestedPolicy
    policy.sectorByteCount = image.sectorByteCount
    let unflushed = Unflushed(image, garbageSeed: policy.seed)
    for sector in cached {
      unflushed.add(.write(offset: sector.sector * image.sectorByteCount, bytes: sector.bytes))
    }
    let shownHash = Self.hash([shown])
    for point in 0...recovery.count {
      let isDone = point == recovery.count
      try policy.forEachCandidate(of: unflushed, at: point) { candidate in
        try look(
          at: candidate, isDone ? [shown] : legal, isDone ? shownHash : legalHash,
          place.adding(point, "\(candidate.subset)"), level: level)
      }
      if !isDone { unflushed.add(recovery[point]) }
    }
  }
}

/// Something that becomes true.
final class Mark {
  var value = false
}

/// Spreads the bits of a number (the finalizer of SplitMix64, S. Vigna).
func mix(_ value: UInt64) -> UInt64 {
  var mixed = value &+ 0x9E37_79B9_7F4A_7C15
  mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return mixed ^ (mixed >> 31)
}
