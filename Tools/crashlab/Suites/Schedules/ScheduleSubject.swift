import CairnBlocks
import CairnVolumes

/// What the transactions of a schedule work on: a store's volumes, and the same without a store.
protocol ScheduleSubject: Sendable {
  /// What a transaction does in one call.
  associatedtype Call: Sendable, CaseIterable
  /// The contents, changed by one transaction at a time.
  associatedtype Model: Equatable

  /// How replay strings call it.
  static var name: String { get }
  /// How many patterns there are for each number of transactions.
  static var patternCount: Int { get }
  /// The first patterns of two transactions: what is known to go wrong elsewhere.
  static var classics: [[[Call]]] { get }
  /// What a transaction of a single call does that comes between: three.
  static var outsiders: [[Call]] { get }
  /// What each schedule begins with.
  static var initial: Model { get }

  static var filesystems: [any Filesystem] { get }
  /// Makes the volumes.
  static func create(in store: Store) throws(StorageError)
  /// Makes the contents what each schedule begins with.
  static func reset(_ transaction: Transaction) throws(StorageError)
  static func contents(_ transaction: Transaction) throws(StorageError) -> Model
  /// Makes a call on the store.
  static func run(
    _ call: Call, _ who: Int, _ transaction: Transaction, _ seen: inout ScheduleObservation
  ) throws(StorageError)
  /// Makes the same call on the model.
  static func run(_ call: Call, _ who: Int, on model: inout Model, _ seen: inout ScheduleObservation)
}
