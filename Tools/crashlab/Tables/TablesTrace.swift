import CairnBlocks
import CairnTables
import CairnTestSupport
import CairnVolumes

/// A trace of a store with tables, run once while the memory records what it does.
///
/// One letter is one operation, each but the last lines a transaction of one call:
///
///     i  insert an owner           I  insert items              u  upsert an owner by its key
///     y  upsert one by its name    U  update items by rank      N  set the notes of all owners
///     K  change an owner's key,    D  delete an owner, and      d  delete items by rank
///        its items follow             its items with it
///     m  rows, an object and a map entry in one transaction
///     A  make an index over the rows, or drop it                 G  bring the tables to the next version: a migration in
///                                                                  steps, another schema, an index over the rows
///     b  begin a multi-call transaction (at most three)         s  stage into one of them
///     q  prepare one               c  commit one                R  roll one back
///     k  checkpoint                x  close and open            r  open again without closing
///
/// Three more say how the operation behind them ends, at a call that the seed decides: `!` the power goes, `?` the process is
/// killed, `z` its flush fails.
final class TablesTrace {
  static let letters = Array("iIuyUNKDdmAGbsqcRkxr!?z")

  private let shape: TablesShape
  private let subject: TablesSubject
  private let seed: UInt64
  let memory: SimulatedMemory
  private(set) var store: Store
  private(set) var state = TablesState()
  private(set) var recording: Recording<TablesState>
  private var opened: UInt64 = 0
  /// Behind each of as many operations what the store shows is compared with the model; 0: only where it is opened again.
  var comparisonInterval = 0

  /// Takes over a memory with a new store; the trace begins behind that.
  init(shape: TablesShape, seed: UInt64) throws {
    self.shape = shape
    self.seed = seed
    subject = TablesSubject(shape: shape)
    memory = try shape.makeMemory()
    recording = Recording(initial: CrashImage(memory.durableImage))
    memory.recordsEvents = true
    store = try Store.open(on: memory, options: shape.options(mix(seed)))
    recording.allow([state], from: 0)
  }

  /// Runs all letters.
  func run(_ letters: String) throws -> Recording<TablesState> {
    let operations = TraceLetters(letters: letters, seed: seed, isMessageAtomic: shape.store.isMessageAtomic)
    try operations.forEach { index, letter, random, ending in
      recording.operationStarts.append(memory.events.count)
      if let ending { try interrupt(letter, random, ending) } else { try perform(letter, random) }
      if comparisonInterval > 0, index % comparisonInterval == 0,
        let difference = try TablesContents(store).difference(from: state)
      {
        throw Mismatch("\(difference) instead of \(state.summary)")
      }
    }
    recording.events = memory.events
    return recording
  }

  private func perform(_ letter: Character, _ random: SeededGenerator) throws {
    let start = memory.events.count
    // What it goes through, the last one what it is to come to.
    var states = [state]
    do {
      try change(letter, random, &states)
    } catch {
      guard error.isRefusal else { throw error }
      // A transaction that was refused has changed nothing, but those before it of the same operation stay.
      if states.count > 2 {
        states = Array(states[...(try subject.find(store, in: states))])
      } else {
        states = [state]
      }
    }
    let last = states[states.count - 1]
    if "xr".contains(letter) {
      try open()
      guard try subject.find(store, in: [last]) == 0 else { return }
    }
    recording.allow(states, from: start)
    state = last
    recording.allow([state], from: memory.events.count)
  }

  private func open() throws {
    opened += 1
    store = try Store.open(on: memory, options: shape.options(mix(seed &+ opened)))
  }

  /// Does what a letter says; `states` get those that it is to go through, before it begins as far as they are known.
  private func change(
    _ letter: Character, _ random: SeededGenerator, _ states: inout [TablesState]
  ) throws(StorageError) {
    var operations = TablesOperations(random: random)
    var next = state
    if let changes = operations.changes(letter, state) {
      var made: [TablesState.Change] = []
      var isAllowed = true
      for change in changes where isAllowed {
        made.append(change)
        isAllowed = next.apply(change)
      }
      if isAllowed { states.append(next) }
      var ignored = state
      _ = try store.make(made, &ignored, next, isAllowed: isAllowed)
      return
    }
    switch letter {
    case "A":
      next.schema.hasNameIndex.toggle()
      next.schema.isRankIndexPending = false
      next = next.withStaleTransactions()
      states.append(next)
      let schema = TablesShape.itemSchema(
        hasRankIndex: next.schema.hasRankIndex, hasNameIndex: next.schema.hasNameIndex)
      do throws(StorageError) {
        try store.transaction { (transaction) throws(StorageError) in
          try transaction.tables().alterTable(schema)
        }
      } catch {
        guard error.isConflict, hasPrepared else { throw error }
        states.removeLast()
      }
    case "G":
      states += state.migrated(to: state.nextVersion).dropFirst()
      let schema = try TablesShape.schema(version: state.nextVersion)
      do throws(StorageError) { try store.openTables("tables", schema) } catch {
        // What a prepared transaction holds stays as it is; some steps may have been made before.
        guard error.isConflict, hasPrepared else { throw error }
        let place: Int
        do { place = try subject.find(store, in: states) } catch { throw .invalidArgument("\(error)") }
        states = Array(states[...place])
      }
    case "b":
      guard let number = (1...3).first(where: { number in !state.open.contains { $0.number == number } }) else {
        return
      }
      next.open.append(TablesState.OpenTransaction(number: Int64(number)))
      states.append(next)
      let id = try store.begin()
      states[1].open[next.open.count - 1].id = id
    case "s":
      guard let index = choose(&operations, where: { !$0.isPrepared && !$0.isStale }), let id = state.open[index].id
      else { return }
      // What the transaction sees: the state with all that it staged.
      var view = state
      for change in state.open[index].staged where !view.apply(change) {
        throw .invalidArgument("\(change) breaks a rule")
      }
      let staged = operations.staged(state.open[index], view)
      guard view.apply(staged) else { return }
      next.open[index].staged.append(staged)
      states.append(next)
      try store.resume(id) { (transaction) throws(StorageError) in try transaction.make(staged) }
    case "q":
      guard let index = choose(&operations, where: { !$0.isPrepared && !$0.isStale }), let id = state.open[index].id,
        !hasPrepared
      else { return }
      next.open[index].isPrepared = true
      states.append(next)
      try store.prepare(id)
    case "c":
      let prepared = state.open.firstIndex { $0.isPrepared }
      guard let index = prepared ?? choose(&operations, where: { _ in true }), let id = state.open[index].id else {
        return
      }
      let isStale = state.open[index].isStale
      next.open.remove(at: index)
      // Either it takes effect, or it is gone: that one is legal, too, when it is to end with a conflict.
      if isStale { states.append(next) }
      for change in state.open[index].staged where !next.apply(change) {
        throw .invalidArgument("\(change) breaks a rule")
      }
      states.append(next)
      do throws(StorageError) { try store.commit(id) } catch {
        guard error.isConflict, isStale else { throw error }
        states.removeLast()
      }
    case "R":
      guard let index = choose(&operations, where: { _ in true }), let id = state.open[index].id else { return }
      next.open.remove(at: index)
      states.append(next)
      try store.rollback(id)
    case "k": try store.checkpoint()
    case "x": try store.close()
    case "r": break
    default: throw .invalidArgument("there is no operation \(letter)")
    }
  }

  private var hasPrepared: Bool { state.open.contains { $0.isPrepared } }

  private func choose(
    _ operations: inout TablesOperations, where suits: (TablesState.OpenTransaction) -> Bool
  ) -> Int? {
    state.open.place(&operations.random, where: suits)
  }

  private func interrupt(_ letter: Character, _ random: SeededGenerator, _ ending: TraceEnding) throws {
    var random = random
    var states = [state]
    let start = memory.events.count
    ending.begin(on: memory, among: 8, &random)
    do {
      try change(letter, random, &states)
    } catch {
      guard error.isInterruption || error.isRefusal else { throw error }
    }
    recording.allow(states, from: start)
    ending.end(on: memory, &random)
    try open()
    state = states[try subject.find(store, in: states)]
    try store.identifyNewest(of: &state.open)
    recording.allow([state], from: memory.events.count)
  }
}
