import CairnBlocks
import CairnMaps
import CairnTestSupport
import CairnVolumes

/// A trace of a whole store, run once while the memory records what it does.
///
/// One letter is one operation, each but the last lines a transaction of one call:
///
///     p  put a small object        l  put a large one           o  overwrite all objects
///     d  delete an object          M  put four map entries      D  delete a range of the map
///     w  write two disk blocks     m  all kinds of volumes in one transaction
///     b  begin a multi-call transaction (at most three)         s  stage into one of them
///     q  prepare one               c  commit one                R  roll one back
///     v  create a volume           V  remove one                g  grow
///     k  checkpoint                x  close and open            r  open again without closing
///
/// Three more say how the operation behind them ends, at a call that the seed decides: `!` the power goes, `?` the process is
/// killed, `z` its flush fails.
final class StoreTrace {
  static let letters = Array("plodMDwmbsqcRvVgkxr!?z")

  private let shape: StoreShape
  private let subject: StoreSubject
  private let seed: UInt64
  let memory: SimulatedMemory
  private(set) var store: Store
  private(set) var state = StoreState()
  private(set) var recording: Recording<StoreState>
  private var opened: UInt64 = 0
  /// Behind each of as many operations what the store shows is compared with the model; 0: only where it is opened again.
  var comparisonInterval = 0

  /// Takes over a memory with a new store; the trace begins behind that.
  init(shape: StoreShape, seed: UInt64) throws {
    self.shape = shape
    self.seed = seed
    subject = StoreSubject(shape: shape)
    memory = try shape.makeMemory()
    recording = Recording(initial: CrashImage(memory.durableImage))
    memory.recordsEvents = true
    store = try Store.open(on: memory, options: shape.options(mix(seed)))
    recording.allow([state], from: 0)
  }

  /// Runs all letters.
  func run(_ letters: String) throws -> Recording<StoreState> {
    let operations = TraceLetters(letters: letters, seed: seed, isMessageAtomic: shape.isMessageAtomic)
    try operations.forEach { index, letter, random, ending in
      recording.operationStarts.append(memory.events.count)
      if let ending { try interrupt(letter, random, ending) } else { try perform(letter, random) }
      if comparisonInterval > 0, index % comparisonInterval == 0,
        let difference = try StoreContents(store).difference(from: state)
      {
        throw Mismatch("\(difference) instead of \(state.summary)")
      }
    }
    recording.events = memory.events
    return recording
  }

  private func perform(_ letter: Character, _ random: SeededGenerator) throws {
    let start = memory.events.count
    var next = state
    do {
      try change(letter, random, &next)
    } catch {
      guard error.isRefusal else { throw error }
      next = state
    }
    if "xr".contains(letter) {
      try open()
      guard try subject.find(store, in: [next]) == 0 else { return }
    }
    recording.allow([state, next], from: start)
    state = next
    recording.allow([state], from: memory.events.count)
  }

  private func open() throws {
    opened += 1
    store = try Store.open(on: memory, options: shape.options(mix(seed &+ opened)))
  }

  /// Does what a letter says; the state becomes what it is to be when the call returns, as far as that is known before.
  private func change(_ letter: Character, _ random: SeededGenerator, _ next: inout StoreState) throws(StorageError) {
    var operations = StoreOperations(random: random)
    if let changes = operations.changes(letter, state) {
      for change in changes { next.apply(change) }
      try store.transaction { (transaction) throws(StorageError) in
        for change in changes { try transaction.make(change) }
      }
      return
    }
    switch letter {
    case "b":
      guard state.open.count < 3 else { return }
      next.open.append(StoreState.OpenTransaction())
      next.open[next.open.count - 1].id = try store.begin()
    case "s":
      // What a prepared transaction will write is held for it.
      guard !state.open.contains(where: { $0.isPrepared }) else { return }
      guard let index = choose(&operations, where: { !$0.isPrepared }), let id = state.open[index].id else { return }
      let staged = operations.staged()
      next.open[index].staged.append(staged)
      try store.resume(id) { (transaction) throws(StorageError) in try transaction.make(staged) }
    case "q":
      guard let index = choose(&operations, where: { !$0.isPrepared }), let id = state.open[index].id else { return }
      // Two that are prepared must not write the same; all stage from the same few keys.
      guard !state.open.contains(where: { $0.isPrepared }) else { return }
      next.open[index].isPrepared = true
      try store.prepare(id)
    case "c":
      // While one is prepared, others may not write what it holds.
      let prepared = state.open.firstIndex { $0.isPrepared }
      guard let index = prepared ?? choose(&operations, where: { _ in true }), let id = state.open[index].id else {
        return
      }
      for change in state.open[index].staged { next.apply(change) }
      next.open.remove(at: index)
      try store.commit(id)
    case "R":
      guard let index = choose(&operations, where: { _ in true }), let id = state.open[index].id else { return }
      next.open.remove(at: index)
      try store.rollback(id)
    case "v":
      let name = "volume-\(operations.random.below(3))"
      guard next.volumes.insert(name).inserted else { return }
      try store.createMap(name)
    case "V":
      guard let name = state.volumes.min() else { return }
      next.volumes.remove(name)
      try store.removeVolume(name)
    case "g":
      next.grownByteCount += 65536
      try store.grow(byByteCount: 65536)
    case "k": try store.checkpoint()
    case "x": try store.close()
    case "r": break
    default: throw .invalidArgument("there is no operation \(letter)")
    }
  }

  private func choose(_ operations: inout StoreOperations, where suits: (StoreState.OpenTransaction) -> Bool) -> Int? {
    state.open.place(&operations.random, where: suits)
  }

  private func interrupt(_ letter: Character, _ random: SeededGenerator, _ ending: TraceEnding) throws {
    var random = random
    var next = state
    let start = memory.events.count
    ending.begin(on: memory, among: 8, &random)
    do {
      try change(letter, random, &next)
    } catch {
      guard error.isInterruption || error.isRefusal else { throw error }
      if error.isRefusal { next = state }
    }
    recording.allow([state, next], from: start)
    ending.end(on: memory, &random)
    try open()
    state = [state, next][try subject.find(store, in: [state, next])]
    try store.identifyNewest(of: &state.open)
    recording.allow([state], from: memory.events.count)
  }
}
