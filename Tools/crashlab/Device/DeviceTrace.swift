import CairnBlocks
import CairnTestSupport
import Foundation

/// A trace of the block device, run once while the memory records what it does.
///
/// One letter is one operation: those of ``DeviceOperations``, each a transaction, and
///
///     k  checkpoint                         o  close and open
///     G  three committers share a flush     r  open again without closing (a killed process)
///     s  take a snapshot                    e  compare the oldest snapshot, and end it
///
/// Three more say how the operation behind them ends, at a call that the seed decides:
///
///     !  the power goes                     ?  the process is killed
///     z  its flush fails
final class DeviceTrace {
  static let letters = Array("acCfxXdmgkGseor!?z")

  private let shape: DeviceShape
  private let subject: DeviceSubject
  private let seed: UInt64
  private let memory: SimulatedMemory
  private let environment: Environment
  private var device: BlockDevice
  private var state = DeviceState()
  private var snapshots: [(snapshot: Snapshot, state: DeviceState)] = []
  private(set) var recording: Recording<DeviceState>

  /// Makes a device; the trace begins behind that.
  init(shape: DeviceShape, seed: UInt64) throws {
    self.shape = shape
    self.seed = seed
    subject = DeviceSubject(shape: shape)
    environment = .seeded(seed)
    memory = SimulatedMemory(
      pageCount: shape.pageCount, sectorByteCount: shape.sectorByteCount, isMessageAtomic: shape.isMessageAtomic)
    try BlockDevice.format(memory, options: shape.format, environment: environment)
    recording = Recording(initial: CrashImage(memory.durableImage, sectorByteCount: shape.sectorByteCount))
    memory.recordsEvents = true
    device = try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
    recording.allow([state], from: 0)
  }

  /// Runs all letters.
  func run(_ letters: String) throws -> Recording<DeviceState> {
    let operations = TraceLetters(letters: letters, seed: seed, isMessageAtomic: shape.isMessageAtomic)
    try operations.forEach { _, letter, random, ending in
      recording.operationStarts.append(memory.events.count)
      if let ending { try interrupt(letter, random, ending) } else { try perform(letter, random) }
    }
    recording.events = memory.events
    return recording
  }

  // MARK: Operations that come to their end

  private func perform(_ letter: Character, _ random: SeededGenerator) throws {
    switch letter {
    case "k": try device.checkpoint()
    case "o":
      snapshots.removeAll()
      try device.close()
      try reopen()
    case "r":
      snapshots.removeAll()
      try reopen()
    case "s": snapshots.append((try device.snapshot(), state))
    case "e":
      guard !snapshots.isEmpty else { return }
      let (snapshot, expected) = snapshots.removeFirst()
      if let difference = try expected.difference(in: snapshot.view) { throw Mismatch("a snapshot: \(difference)") }
      snapshot.end()
    case "G": try commitTogether(random)
    default: try commit(letter, random)
    }
  }

  private func commit(_ letter: Character, _ random: SeededGenerator) throws {
    var next = state
    // What it will be is known only when it has run; until then both are marked.
    let start = memory.events.count
    do {
      var operations = DeviceOperations(random: random)
      try device.transaction { transaction throws(StorageError) in
        try operations.perform(letter, &next, transaction)
      }
    } catch {
      guard error.isRefusal else { throw error }
      return
    }
    recording.allow([state, next], from: start)
    state = next
    recording.allow([state], from: memory.events.count)
  }

  /// Three transactions: while the first one's flush is under way the others are appended, and share the next.
  private func commitTogether(_ random: SeededGenerator) throws {
    // Room for all of them: a forced checkpoint within the first would keep the others out.
    try device.checkpoint()
    let start = memory.events.count
    let group = GroupCommit(device: device, model: state, random: random)
    memory.beforeFlush = { [memory] in
      memory.beforeFlush = nil
      group.appendFollowers()
    }
    try group.commitFirst()
    try group.wait()
    memory.beforeFlush = nil
    recording.allow([state] + group.states, from: start)
    let flush = memory.events[start...].firstIndex(of: .flush).map { $0 + 1 } ?? memory.events.count
    recording.allow(group.states, from: flush)
    state = group.states[group.states.count - 1]
    recording.allow([state], from: memory.events.count)
  }

  private func reopen() throws {
    device = try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
    if let difference = try state.difference(in: device, report: try device.checkDevice()) {
      throw Mismatch(difference)
    }
  }

  // MARK: Operations that are cut off

  private func interrupt(_ letter: Character, _ random: SeededGenerator, _ ending: TraceEnding) throws {
    var random = random
    var next = state
    let start = memory.events.count
    ending.begin(on: memory, among: 6, &random)
    do {
      var operations = DeviceOperations(random: random)
      switch letter {
      case "k": try device.checkpoint()
      case "o", "r": try device.close()
      case "s", "e", "G": break
      default:
        try device.transaction { transaction throws(StorageError) in
          try operations.perform(letter, &next, transaction)
        }
      }
    } catch {
      guard error.isInterruption || error.isRefusal else { throw error }
      if error.isRefusal { next = state }
    }
    snapshots.removeAll()
    recording.allow([state, next], from: start)
    ending.end(on: memory, &random)
    device = try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
    state = [state, next][try subject.find(device, in: [state, next])]
    recording.allow([state], from: memory.events.count)
  }
}

extension StorageError {
  /// The operation was refused, and nothing changed.
  var isRefusal: Bool {
    switch self {
    case .full, .transactionTooLarge: true
    default: false
    }
  }

  /// The memory failed: nobody knows whether the operation took place.
  var isInterruption: Bool {
    switch self {
    case .memory, .poisoned: true
    default: false
    }
  }
}
