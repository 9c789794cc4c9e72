import CairnBlocks
import CairnTestSupport
import CairnVolumes

/// A whole store as what is crashed.
struct StoreSubject: CrashSubject {
  let shape: StoreShape
  var isMessageAtomic: Bool { shape.isMessageAtomic }
  /// A recovery of a store has some hundred crashes; with more of them there would be time for few traces.
  var nestingIntervals: [UInt64] { [2048, 64] }

  func open(_ memory: SimulatedMemory, life: UInt64) throws -> Store {
    try Store.open(on: memory, options: shape.options(life &* 0xC0FFEE))
  }

  func find(_ store: Store, in legal: [StoreState]) throws -> Int {
    try store.requireSound()
    let contents = try StoreContents(store)
    return try place(in: legal) { contents.difference(from: $0) }
  }

  func use(_ store: Store, on memory: SimulatedMemory, _ state: StoreState) throws {
    var state = state
    // One of the open ones must still hold all that it staged; the others go.
    if let (chosen, id) = try store.rollbackAllButOne(of: state.open) {
      do {
        try store.commit(id)
        for change in chosen.staged { state.apply(change) }
      } catch {
        guard error.isRefusal else { throw error }
        try store.rollback(id)
      }
    }
    state.open = []
    var operations = StoreOperations(random: SeededGenerator(seed: 78))
    for letters in ["pM", "dw", "lD"] {
      var next = state
      do {
        try store.transaction { (transaction) throws(StorageError) in
          for letter in letters {
            for change in operations.changes(letter, next) ?? [] {
              try transaction.make(change)
              next.apply(change)
            }
          }
        }
        state = next
      } catch {
        guard error.isRefusal else { throw error }
      }
    }
    try store.close()
    memory.losePower { _, _ in .old }
    _ = try find(try self.open(memory, life: 99), in: [state])
  }
}
