import CairnTestSupport

/// How an operation of a trace ends other than by returning, at a call that the seed decides.
enum TraceEnding: Character {
  case powerLoss = "!"
  /// The process is killed.
  case kill = "?"
  case failedFlush = "z"

  /// Makes the memory fail in the operation that follows: its flush, or one of its first calls.
  ///
  /// - Parameter callCount: among how many calls the seed chooses.
  func begin(on memory: SimulatedMemory, among callCount: Int, _ random: inout SeededGenerator) {
    switch self {
    case .failedFlush:
      var fault = MemoryFault([.flush], after: 0)
      fault.survivors = random.next()
      memory.fault = fault
    case .powerLoss, .kill: memory.failsAfter = random.below(callCount)
    }
  }

  /// Decides what is left of what was not flushed. The memory works again.
  func end(on memory: SimulatedMemory, _ random: inout SeededGenerator) {
    var fates = SeededGenerator(seed: random.next())
    switch self {
    case .kill: memory.killProcess()
    case .powerLoss, .failedFlush: memory.losePower { _, _ in [.old, .new, .garbage][fates.below(3)] }
    }
  }
}

/// The operations that the letters of a trace stand for.
struct TraceLetters {
  let letters: String
  let seed: UInt64
  /// A message that is cut off was never there, which is what the points between messages show; so no operation is cut off.
  let isMessageAtomic: Bool

  /// Calls `body` for each operation: its number and letter, its random numbers, and how it ends when it does not return.
  func forEach(
    _ body: (_ index: Int, _ letter: Character, _ random: SeededGenerator, _ ending: TraceEnding?) throws -> Void
  ) throws {
    var ending: TraceEnding?
    for (index, letter) in letters.enumerated() {
      if let next = TraceEnding(rawValue: letter) {
        ending = isMessageAtomic ? nil : next
        continue
      }
      do {
        try body(index, letter, SeededGenerator(seed: mix(seed ^ UInt64(index) &* 0x10001)), ending)
      } catch {
        throw Mismatch("operation \(index) (\(letter)) of \(letters): \(error)")
      }
      ending = nil
    }
  }
}
