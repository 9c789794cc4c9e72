import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnTables

/// A short history of tables with references and indexes, with the power lost at points all along it: what was acknowledged
/// is there, what was under way is there whole or not at all, rows and indexes agree, and the store goes on working.
@Suite("Tables and power loss")
struct TableCrashTests {
  /// A change, made ready for both.
  private struct Step {
    let engine: (TableVolume) throws(StorageError) -> Void
    let model: TableModel
  }

  private static let parents = TableSchema(
    "parents",
    columns: [
      ColumnDefinition("id", .int64), ColumnDefinition("name", .string),
      ColumnDefinition("note", .string, isOptional: true),
    ], primaryKey: ["id"], indexes: [IndexDefinition("name", on: ["name"], isUnique: true)])
  private static let children = TableSchema(
    "children",
    columns: [ColumnDefinition("id", .int64), ColumnDefinition("parent", .int64, isOptional: true)], primaryKey: ["id"],
    references: [ReferenceDefinition("parent", from: ["parent"], to: "parents", onDelete: .cascade, onUpdate: .cascade)]
  )

  /// Transactions of some steps each; with every step the model as it is after it.
  private static func history(_ seed: UInt64) -> [[Step]] {
    var random = SeededGenerator(seed: seed)
    var model = TableModel(tables: [parents, children].map { TableModel.Table(schema: $0) })
    var history: [[Step]] = []
    while history.count < 9 {
      var steps: [Step] = []
      while steps.count < 4 {
        let id = Int64(random.below(12))
        var next = model
        let engine: (TableVolume) throws(StorageError) -> Void
        do {
          switch random.below(6) {
          case 0, 1:
            let note: ColumnValue =
              random.below(3) == 0 ? .string(String(repeating: "n", count: random.below(1500))) : .null
            let row: [ColumnValue] = [.integer(id), .string("name \(random.below(20))"), note]
            try next.insert(0, row)
            engine = { (tables) throws(StorageError) in try tables.table("parents").insert(row) }
          case 2, 3:
            let row: [ColumnValue] = [.integer(Int64(random.below(40))), .integer(id)]
            try next.insert(1, row)
            engine = { (tables) throws(StorageError) in try tables.table("children").insert(row) }
          case 4:
            let other = Int64(random.below(24))
            let count = try next.change(0, { $0[0] == .integer(id) }, { [.integer(other), $0[1], $0[2]] })
            guard count > 0 else { continue }
            engine = { (tables) throws(StorageError) in
              try tables.table("parents").update([.integer(id)], [("id", .integer(other))])
            }
          default:
            guard try next.change(0, { $0[0] == .integer(id) }, { _ in nil }) > 0 else { continue }
            engine = { (tables) throws(StorageError) in try tables.table("parents").delete([.integer(id)]) }
          }
        } catch { continue }
        model = next
        steps.append(Step(engine: engine, model: model))
      }
      history.append(steps)
    }
    return history
  }

  private static func start() -> TableModel {
    TableModel(tables: [parents, children].map { TableModel.Table(schema: $0) })
  }

  /// Plays the history until the memory fails; the states that may be found then: that of the last acknowledged commit,
  /// and that of the one under way.
  private static func play(
    _ history: [[Step]], on memory: SimulatedMemory, options: StoreOptions
  ) -> [TableModel] {
    var model = start()
    var working = model
    do throws(StorageError) {
      let store = try Store.open(on: memory, options: options)
      for (index, steps) in history.enumerated() {
        working = steps.last?.model ?? model
        if index % 3 == 2 {
          let id = try store.begin()
          for step in steps {
            try store.resume(id) { (transaction) throws(StorageError) in try step.engine(try transaction.tables()) }
          }
          try store.commit(id)
        } else {
          try store.transaction { (transaction) throws(StorageError) in
            for step in steps { try step.engine(try transaction.tables()) }
          }
        }
        model = working
      }
      try store.close()
      return [model]
    } catch {
      return [model, working]
    }
  }

  @Test("leaves the last state or the next one", arguments: TestSeeds.list(count: 3))
  func powerLoss(seed: UInt64) throws {
    let history = Self.history(seed)
    let options = StoreOptions(filesystems: [TableFilesystem()], environment: TestWorld(seed: seed).environment)
    let fresh = SimulatedMemory(pageCount: 48)
    let store = try Store.create(on: fresh, format: FormatOptions(blockByteCount: 512), options: options)
    try store.createTables()
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.tables().createTables([Self.parents, Self.children])
    }
    try store.close()
    let image = fresh.crashImage { _, _ in .new }
    let whole = SimulatedMemory(image: image)
    whole.recordsEvents = true
    #expect(Self.play(history, on: whole, options: options).count == 1)
    let callCount = whole.events.count
    #expect(callCount > 40)
    for point in stride(from: Int(seed % 5), to: callCount, by: 5) {
      let memory = SimulatedMemory(image: image)
      memory.failsAfter = point
      let states = Self.play(history, on: memory, options: options)
      for fate in 0..<3 {
        var random = SeededGenerator(seed: UInt64(point))
        let after = memory.crashImage { _, _ in
          switch fate {
          case 0: .old
          case 1: .new
          default: [.old, .new, .garbage][random.below(3)]
          }
        }
        do {
          try Self.verify(SimulatedMemory(image: after), states, options)
        } catch {
          Issue.record(
            "point \(point) of \(callCount), fate \(fate): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter TableCrashTests"
          )
          return
        }
      }
    }
  }

  private struct Mismatch: Error { let text: String }

  private static func verify(
    _ memory: SimulatedMemory, _ states: [TableModel], _ options: StoreOptions
  ) throws {
    let store = try Store.open(on: memory, options: options)
    let found = try store.read { (transaction) throws(StorageError) in
      let tables = try transaction.tables()
      var all: [[[ColumnValue]]] = []
      for name in ["parents", "children"] {
        all.append(try tables.table(name).select(Query(order: [OrderTerm("id")])).all())
      }
      return all
    }
    let expected = states.map { state in state.tables.map { $0.sorted } }
    guard expected.contains(found) else { throw Mismatch(text: "a state that never was: \(found)") }
    // What a multi-call transaction had staged is there to be rolled back, and nothing is lost or held by nobody.
    for transaction in try store.transactions() { try store.rollback(transaction.id) }
    try store.transaction { (transaction) throws(StorageError) in
      let tables = try transaction.tables()
      try tables.table("parents").upsert([.integer(99), .string("after"), .null])
      try tables.table("children").delete(where: .always)
    }
    let findings = try store.check(deep: true).findings
    guard findings.isEmpty else { throw Mismatch(text: "\(findings)") }
    try store.close()
  }
}
