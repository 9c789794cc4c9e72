import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// Drives a device along a trace of letters, in lockstep with what it must show.
///
/// A trace is a list of steps. A step is a letter (see ``RigCommit``, and below), and after it, without a space, what goes
/// wrong in it:
///
///     k  forces a checkpoint          g  one commit, and while it is flushed four more     r  repeats the commit that was lost
///     o  closes and opens             s  takes a snapshot                                  e  ends snapshots
///     w  grows                        m  asks for all that is free, while it is held       v  compares
///
///     !  power loss at a random call, and up to two more during recovery          K  the process is killed: what is written
///     ?  the same, and the newest superblock has rotted                              stays in the page cache
///     P  power loss behind the commit's first sector, and data before it rotted
///     Z  a flush fails                E  a write fails
///
/// These steps change the image while nobody uses it; after all but R the trace ends:
///
///     R  rot of the newest superblock             Q  rot of a sector of the ring      J  of one bit of a record
///     U  of one bit of data                       W  of one bit of a block            N  a block becomes zeros
///     H  two blocks change places                 L  a block is as it was before the last checkpoint
final class DeviceRig {
  let shape: RigShape
  var random: SeededGenerator
  var memory: SimulatedMemory
  var device: BlockDevice
  /// What was acknowledged.
  var current: RigState
  /// What commits in flight would have made, in order: after a crash any of them may be there, with those before it.
  var inFlight: [(commit: RigCommit, state: RigState)] = []
  /// The commits that were in flight and that a crash dropped.
  var lost: [RigCommit] = []
  /// The states that damage of the last flush may bring back.
  var lastFlush: [RigState] = []
  var acknowledged: UInt64 = 0
  var snapshots: [(snapshot: Snapshot, state: RigState)] = []
  let environment: Environment
  /// Images that were opened.
  var stateCount = 0
  var hashes: Set<UInt64> = []

  /// A step in which something was made to fail, and did.
  struct Interrupted: Error {}

  init(_ shape: RigShape, seed: UInt64) throws {
    self.shape = shape
    random = SeededGenerator(seed: seed)
    let salts = RigSalts(seed ^ 0x5A17)
    environment = Environment(now: { 7 }, random: { salts.next() })
    memory = SimulatedMemory(pageCount: shape.pageCount)
    try BlockDevice.format(memory, options: shape.format, environment: environment)
    device = try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
    current = RigState()
    current.byteCount = device.space.capacity
    current.storeID = device.storeID.low
    acknowledged = device.durableSequence
  }

  // MARK: Traces

  /// Runs a trace; throws a ``Violation`` where the device does what it must not.
  func run(_ trace: String) throws {
    for step in trace.split(separator: "_") {
      let letters = Array(step)
      guard let letter = letters.first, letters.count <= 2 else { throw LabError("\(step) is no step of a trace") }
      let fault = letters.count == 2 ? letters[1] : nil
      if Self.restLetters.contains(letter) {
        if try changeAtRest(letter) { return }
      } else if fault == "P" {
        return try proveAndDamage(letter)
      } else {
        try perform(letter, fault: fault)
      }
    }
    try verify()
    try reopen()
    try perform("o", fault: nil)
  }

  /// A trace in the short form, steps without anything between them, in the form that `run` takes.
  static func steps(_ short: String) -> String {
    var steps: [String] = []
    for letter in short {
      if faultLetters.contains(letter), !steps.isEmpty {
        steps[steps.count - 1].append(letter)
      } else {
        steps.append(String(letter))
      }
    }
    return steps.joined(separator: "_")
  }

  /// A trace of letters by chance: four to twenty of them, a quarter with a fault.
  static func randomTrace(_ random: inout SeededGenerator) -> String {
    let letters = Array("aabccccCDyffxxddkkgorsew")
    let faults = Array("!!!?KKZE")
    var steps = ["a", "a", "x"]
    for _ in 0..<4 + random.below(16) {
      var step = String(letters[random.below(letters.count)])
      if random.below(4) == 0 { step.append(faults[random.below(faults.count)]) }
      steps.append(step)
    }
    if random.below(3) == 0 { steps.append(String(Array("RQJUWNH")[random.below(7)])) }
    return steps.joined(separator: "_")
  }

  private static let restLetters: Set<Character> = ["R", "Q", "J", "U", "W", "N", "H", "L"]
  private static let faultLetters: Set<Character> = ["!", "?", "K", "P", "Z", "E"]

  func perform(_ letter: Character, fault: Character?) throws {
    // Room for all of a group: none may have to wait for a checkpoint, which would wait for the flush of the first.
    if letter == "g" { try checkpoint() }
    let faults = memory.faultCount
    switch fault {
    case "!", "?", "K": planDeath(in: letter)
    case "Z": memory.fault = MemoryFault([.flush], after: letter == "k" ? random.below(4) : 0)
    case "E": memory.fault = MemoryFault([.write], after: random.below(3))
    default: break
    }
    var wasInterrupted = false
    do { try operate(letter) } catch is Interrupted { wasInterrupted = true }
    memory.beforeFlush = nil
    memory.fault = nil
    switch fault {
    case nil:
      if wasInterrupted { throw Violation("step \(letter) fails although nothing went wrong") }
    case "!", "?": try losePower(rots: fault == "?")
    case "K": try reopen(recoveryCrashes: random.below(3))
    default:
      // What the step did not notice was acknowledged; later steps show whether it is there.
      guard memory.faultCount > faults, wasInterrupted else { return }
      try requirePoisoned()
      try reopen()
    }
  }

  func checkpoint() throws {
    try attempt { () throws(StorageError) in try device.checkpoint() }
  }

  func close() throws {
    snapshots.removeAll()
    try attempt { () throws(StorageError) in try device.close() }
  }

  /// Lets the memory fail in a step for good: at a flush, when most is in flight, or at any other call.
  private func planDeath(in letter: Character) {
    guard random.below(2) == 0 else {
      memory.failsAfter = random.below("kgD".contains(letter) ? 12 : "xyoX".contains(letter) ? 6 : 4)
      return
    }
    let first = memory.flushCount
    let flush =
      switch letter {
      // The flush that carries the others.
      case "g": first + 1
      case "k", "D": first + random.below(6)
      default: first + (random.below(2) == 0 ? 0 : random.below(4))
      }
    memory.beforeFlush = { [memory] in
      if memory.flushCount == flush { memory.failsAfter = 0 }
    }
  }

  func operate(_ letter: Character) throws {
    switch letter {
    case "k": try checkpoint()
    case "o":
      try close()
      // A write that failed may be one of those that erase.
      if memory.fault == nil { try requireErased() }
      try attempt { () throws(StorageError) in device = try open() }
      try settle()
    case "g": try commitGroup()
    case "r":
      guard !lost.isEmpty else { return }
      let again = lost.removeFirst()
      if again.letter == "w" { try grow() } else { try commit(again) }
    case "s": snapshots.append((try device.snapshot(), current))
    case "e": snapshots.removeAll()
    case "v": try verify()
    case "w": try grow()
    case "m": try askForAll()
    default: try commit(RigCommit(letter: letter, seed: random.next()))
    }
  }

  /// Runs a call in which a fault may come up.
  func attempt(_ body: () throws(StorageError) -> Void) throws {
    do { try body() } catch {
      switch error {
      case .memory, .poisoned: throw Interrupted()
      default: throw Violation("\(error)")
      }
    }
  }
}

extension BlockDevice {
  /// Throws where the last durable commit does not show a state.
  @discardableResult
  func show(_ state: RigState, toleratesDamage: Bool = false) throws -> Set<UInt64> {
    let snapshot = try snapshot()
    defer { snapshot.end() }
    return try state.requireShown(by: snapshot.view, toleratesDamage: toleratesDamage)
  }
}
