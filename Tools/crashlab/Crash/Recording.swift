import CairnTestSupport

/// A trace that was run once: what it did to the memory, and what may be seen after a crash at each of its points.
struct Recording<State: ModelState> {
  /// The bytes, all flushed, before the first event.
  var initial: CrashImage
  var events: [SimulatedMemory.Event] = []
  /// From which event on which states are legal; ascending, the first at 0.
  private(set) var legal: [(event: Int, states: [State])] = []
  /// Where each operation of the trace began, as numbers of events.
  var operationStarts: [Int] = []

  init(initial: CrashImage) { self.initial = initial }

  /// From `event` on a crash may leave one of `states`.
  mutating func allow(_ states: [State], from event: Int) {
    if legal.last?.event == event { legal.removeLast() }
    legal.append((event, states))
  }

  /// What a crash at a point may leave.
  func legalStates(at point: Int) -> [State] {
    var (lower, upper) = (0, legal.count)
    while lower < upper {
      let middle = (lower + upper) / 2
      if legal[middle].event <= point { lower = middle + 1 } else { upper = middle }
    }
    return lower == 0 ? [] : legal[lower - 1].states
  }
}

/// What a model says may be seen, whole.
protocol ModelState: Sendable {
  /// The same for the same contents, different for others.
  var contentHash: UInt64 { get }
  /// A few words for messages.
  var summary: String { get }
}

/// What is crashed: how to open it, to compare it with the model, and to use it.
protocol CrashSubject: Sendable {
  associatedtype State: ModelState
  associatedtype Handle

  /// Whether the memory tears no message: then a crash takes back the operation that is under way, and nothing else.
  var isMessageAtomic: Bool { get }
  /// One of as many images is crashed again while it is recovered, by its depth: the first number is for images that a crash
  /// of the trace left. As many crashes follow each other behind the first as there are numbers.
  var nestingIntervals: [UInt64] { get }

  /// Opens what is on a memory. `life` tells apart the openings that follow each other on one image: each takes its salts
  /// from another seed, the same one each time.
  func open(_ memory: SimulatedMemory, life: UInt64) throws -> Handle
  /// Checks all invariants, and which of the legal states is there: its index. Throws when it is none of them.
  func find(_ handle: Handle, in legal: [State]) throws -> Int
  /// Changes it in three more transactions, closes it, opens it from what is durable, checks and compares again.
  func use(_ handle: Handle, on memory: SimulatedMemory, _ state: State) throws
}

/// Something is not as the model says.
struct Mismatch: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
