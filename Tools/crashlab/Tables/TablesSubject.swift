import CairnBlocks
import CairnTables
import CairnTestSupport
import CairnVolumes

/// A store with tables as what is crashed.
struct TablesSubject: CrashSubject {
  let shape: TablesShape
  var isMessageAtomic: Bool { shape.store.isMessageAtomic }
  var nestingIntervals: [UInt64] { [1024, 64] }

  func open(_ memory: SimulatedMemory, life: UInt64) throws -> Store {
    try Store.open(on: memory, options: shape.options(life &* 0xC0FFEE))
  }

  func find(_ store: Store, in legal: [TablesState]) throws -> Int {
    try store.requireSound()
    let contents = try TablesContents(store)
    return try place(in: legal) { contents.difference(from: $0) }
  }

  func use(_ store: Store, on memory: SimulatedMemory, _ state: TablesState) throws {
    var state = state
    // One of the open ones must still hold all that it staged; the others go.
    if let (chosen, id) = try store.rollbackAllButOne(of: state.open) {
      do {
        try store.commit(id)
        for change in chosen.staged where !state.apply(change) { throw Mismatch("\(change) breaks a rule") }
      } catch {
        guard let error = error as? StorageError, error.isRefusal || (error.isConflict && chosen.isStale) else {
          throw error
        }
        if error.isRefusal { try store.rollback(id) }
      }
    }
    state.open = []
    // A migration that was cut off goes on, and an index that was not ready is built.
    do {
      try store.openTables("tables", try TablesShape.schema(version: state.nextVersion))
      state = state.migrated(to: state.nextVersion).last ?? state
    } catch {
      // How far it came without room is not known.
      guard error.isRefusal else { throw error }
      return try store.close()
    }
    var operations = TablesOperations(random: SeededGenerator(seed: 78))
    for letters in ["iI", "UK", "Dm"] {
      var next = state
      do {
        let isAllowed = try store.make(letters, &operations, &next)
        if isAllowed { state = next }
      } catch {
        guard error.isRefusal else { throw error }
      }
    }
    try store.close()
    memory.losePower { _, _ in .old }
    _ = try find(try self.open(memory, life: 99), in: [state])
  }
}

extension TablesState {
  /// The version that the tables are to be brought to next.
  var nextVersion: UInt32 { schema.isRankIndexPending ? schema.version : schema.version + 1 }
}

extension Store {
  /// Does what letters say in one transaction; false: the model says that a rule forbids it, and the store said so, too.
  func make(
    _ letters: String, _ operations: inout TablesOperations, _ state: inout TablesState
  ) throws(StorageError) -> Bool {
    var next = state
    var changes: [TablesState.Change] = []
    var isAllowed = true
    for letter in letters where isAllowed {
      for change in operations.changes(letter, next) ?? [] where isAllowed {
        changes.append(change)
        isAllowed = next.apply(change)
      }
    }
    return try make(changes, &state, next, isAllowed: isAllowed)
  }

  /// Makes changes in one transaction. The last one is refused unless they are allowed.
  func make(
    _ changes: [TablesState.Change], _ state: inout TablesState, _ next: TablesState, isAllowed: Bool
  ) throws(StorageError) -> Bool {
    do throws(StorageError) {
      try transaction { (transaction) throws(StorageError) in
        for change in changes { try transaction.make(change) }
      }
    } catch {
      guard case .constraintViolated = error, !isAllowed else { throw error }
      return false
    }
    guard isAllowed else { throw .invalidArgument("\(changes) broke a rule, and were not refused") }
    state = next
    return true
  }
}

extension StorageError {
  /// Another transaction was in the way, and this one was rolled back.
  var isConflict: Bool {
    if case .conflict = self { true } else { false }
  }
}
