import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnTables

/// A clock that a test turns, and numbers that a seed decides.
final class TestWorld: @unchecked Sendable {
  private let lock = SpinLock()
  private var time: UInt64 = 1_000_000_000_000
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  var environment: Environment {
    Environment(now: { [self] in lock.with { time } }, random: { [self] in lock.with { generator.next() } })
  }
}

/// A store with a volume `tables`, which can be opened again and again.
final class TableFixture {
  let world: TestWorld
  let memory: HeapMemory
  let options: StoreOptions
  private(set) var store: Store

  init(seed: UInt64 = 1, pageCount: UInt64 = 256, blockByteCount: Int = 4096) throws {
    world = TestWorld(seed: seed)
    memory = HeapMemory(pageCount: pageCount)
    options = StoreOptions(filesystems: [TableFilesystem()], environment: world.environment)
    store = try Store.create(on: memory, format: FormatOptions(blockByteCount: blockByteCount), options: options)
    try store.createTables()
  }

  /// Opens the image again; unless it is closed `cleanly` first, as after a crash.
  func reopen(cleanly: Bool = true) throws(StorageError) {
    if cleanly { try store.close() }
    store = try Store.open(on: memory, options: options)
  }

  /// Gives a principal rights on the volume.
  func grant(_ rights: Rights, to principal: Principal) throws(StorageError) {
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.grant(rights, to: principal, on: .volume(try transaction.information(of: "tables").id))
    }
  }

  /// A transaction of one call.
  @discardableResult
  func change<Result>(
    as principal: Principal? = nil, _ body: (TableVolume) throws -> Result
  ) throws -> Result {
    try Self.passing { (cause) throws(StorageError) in
      try store.acting(as: principal).transaction { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    }
  }

  /// A call of a multi-call transaction.
  @discardableResult
  func resume<Result>(_ id: TransactionID, _ body: (TableVolume) throws -> Result) throws -> Result {
    try Self.passing { (cause) throws(StorageError) in
      try store.resume(id) { (transaction) throws(StorageError) in try Self.run(body, on: transaction, &cause) }
    }
  }

  /// A read.
  @discardableResult
  func read<Result>(
    as principal: Principal? = nil, _ body: (TableVolume) throws -> Result
  ) throws -> Result {
    try Self.passing { (cause) throws(StorageError) in
      try store.acting(as: principal).read { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    }
  }

  /// Fails the test unless the image is sound, all data included.
  func requireSound(_ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let report = try store.check(deep: true)
    #expect(report.findings.map { $0.description } == [], comment, sourceLocation: sourceLocation)
  }

  private static func passing<Result>(
    _ body: (inout (any Error)?) throws(StorageError) -> Result
  ) throws -> Result {
    var cause: (any Error)?
    do { return try body(&cause) } catch { throw cause ?? error }
  }

  private static func run<Result>(
    _ body: (TableVolume) throws -> Result, on transaction: Transaction, _ cause: inout (any Error)?
  ) throws(StorageError) -> Result {
    do { return try body(try transaction.tables()) } catch let error as StorageError {
      throw error
    } catch {
      cause = error
      throw .invalidArgument("the closure of a test threw")
    }
  }
}

/// Takes the constraint out of an error.
func violation(_ body: () throws -> Void) -> ConstraintViolation? {
  do { try body() } catch StorageError.constraintViolated(let violation) { return violation } catch {
    Issue.record("another error: \(error)")
    return nil
  }
  Issue.record("no error")
  return nil
}

/// Short ways to write values.
func int(_ value: Int64) -> ColumnValue { .integer(value) }
func text(_ value: String) -> ColumnValue { .string(value) }

/// Users and posts, as in the documentation.
enum Blog {
  static let users = TableSchema(
    "users",
    columns: [
      ColumnDefinition("id", .int64, isAutoIncrement: true),
      ColumnDefinition("name", .string, sanitizers: [.trim]),
      ColumnDefinition("email", .string, sanitizers: [.lowercase], validators: [.email]),
      ColumnDefinition("age", .int32, isOptional: true),
    ],
    primaryKey: ["id"],
    indexes: [IndexDefinition("email", on: ["email"], isUnique: true), IndexDefinition("age", on: ["age"])],
    checks: [CheckDefinition("adult", .compare("age", .greaterOrEqual, .integer(0)))])

  static let posts = TableSchema(
    "posts",
    columns: [
      ColumnDefinition("id", .int64, isAutoIncrement: true),
      ColumnDefinition("author", .int64),
      ColumnDefinition("title", .string),
      ColumnDefinition("score", .double, default: .value(.double(0))),
    ],
    primaryKey: ["id"],
    references: [ReferenceDefinition("author", from: ["author"], to: "users", onDelete: .cascade, onUpdate: .cascade)])

  static func fixture(userCount: Int64 = 5) throws -> TableFixture {
    let fixture = try TableFixture()
    try fixture.change { tables in
      try tables.createTables([users, posts])
      for number in 0..<userCount {
        let age: ColumnValue = number % 4 == 3 ? .null : .integer(18 + number)
        try tables.table("users").insert([.null, text(" User\(number) "), text("U\(number)@Example.org"), age])
        try tables.table("posts").insert([.null, int(number + 1), text("Title \(number)"), .double(Double(number) / 2)])
      }
    }
    return fixture
  }
}
