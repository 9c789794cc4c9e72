import CairnBlocks
import CairnTestSupport

/// What faults meet: a device or a store, and the letters of its traces.
protocol FaultSubject: Sendable {
  associatedtype System
  /// The word for it in replay strings.
  static var word: String { get }
  /// The letters that traces are made of.
  static var letters: [Character] { get }
  /// Traces that every run takes before random ones.
  static var fixedTraces: [String] { get }

  /// Makes the image that traces begin with.
  func make(on memory: SimulatedMemory) throws(StorageError)
  /// Opens it for the `life`-th time: each life has random numbers of its own, as in reality.
  func open(_ memory: SimulatedMemory, gate: AllocationGate, life: UInt64) throws(StorageError) -> System
  func close(_ system: System) throws(StorageError)
  /// Does what a letter says; `number` makes what it writes its own.
  func perform(_ letter: Character, _ number: UInt8, _ system: System) throws(StorageError)
  /// Everything that is shown.
  func look(at system: System) throws(StorageError) -> FaultSight
  /// What a check finds.
  func findings(_ system: System) throws(StorageError) -> [String]
  /// A call that changes something, whatever the state: it must be refused by a poisoned system.
  func touch(_ system: System) throws(StorageError)
}

/// What a system shows.
struct FaultSight: Sendable, Equatable, CustomStringConvertible {
  /// Of all contents.
  var digest: UInt64
  /// In bytes; nil where it is not the same on every way to the same contents.
  var capacity: UInt64?
  var free: UInt64?

  var description: String {
    "\(String(digest, radix: 16)), \(capacity.map { "\($0)" } ?? "-") bytes, \(free.map { "\($0)" } ?? "-") free"
  }
}

/// How the memory and the device of a trace are made.
struct FaultShape: Sendable {
  let word: String
  let blockByteCount: Int
  let pageCount: UInt64
  let ringBlockCount: Int
  var growsByItself = false

  var format: FormatOptions {
    FormatOptions(
      blockByteCount: blockByteCount, journalByteCount: UInt64(ringBlockCount * blockByteCount), imageSlotCount: 2,
      imageSlotBlockCount: 4, growsByItself: growsByItself)
  }

  static let all = [
    FaultShape(word: "b512", blockByteCount: 512, pageCount: 2, ringBlockCount: 48),
    FaultShape(word: "b512grows", blockByteCount: 512, pageCount: 1, ringBlockCount: 48, growsByItself: true),
    FaultShape(word: "b4096", blockByteCount: 4096, pageCount: 8, ringBlockCount: 16),
  ]

  static func named(_ word: String) throws -> FaultShape {
    guard let shape = all.first(where: { $0.word == word }) else { throw LabError("there is no shape \(word)") }
    return shape
  }
}

/// Admits allocations, but for the n-th from now on, once or for ever.
final class AllocationGate: @unchecked Sendable {
  private let lock = SpinLock()
  private var refusesAfter: Int?
  private var lasts = false
  private var asked = 0
  private var refused = 0

  /// Refuses the allocation behind `count` more.
  func close(after count: Int, lasts: Bool) {
    lock.with {
      refusesAfter = count
      self.lasts = lasts
    }
  }

  func open() { lock.with { refusesAfter = nil } }

  /// How many allocations were asked for, and how many of them refused.
  var counts: (asked: Int, refused: Int) { lock.with { (asked, refused) } }

  var admits: @Sendable (UInt64) -> Bool {
    { [self] _ in
      lock.with {
        asked += 1
        guard let left = refusesAfter else { return true }
        if left > 0 {
          refusesAfter = left - 1
          return true
        }
        refused += 1
        if !lasts { refusesAfter = nil }
        return false
      }
    }
  }
}
