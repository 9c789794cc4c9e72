import CairnTestSupport

/// What some transactions do, call by call; a schedule says in which order the calls come.
struct SchedulePattern<Subject: ScheduleSubject>: Sendable {
  typealias Call = Subject.Call

  /// The calls of each transaction; its commit follows the last.
  var scripts: [[Call]]
  /// Whether a transaction is prepared before it is committed.
  var isPrepared: [Bool]
  /// A transaction of a single call that comes before this step; nil: none.
  var outsider: (step: Int, calls: [Call])?
  /// The first transaction's lease runs out before this step; nil: it does not.
  var expiry: Int?

  /// Steps of each transaction.
  var stepCounts: [Int] { scripts.indices.map { scripts[$0].count + (isPrepared[$0] ? 2 : 1) } }

  /// A pattern by its number. `callCountMax` bounds the calls of each transaction.
  init(_ number: Int, transactions: Int, callCountMax: Int) {
    var draws = SeededGenerator(seed: UInt64(number) &* 31 &+ UInt64(transactions))
    if transactions == 2, number < Subject.classics.count {
      scripts = Subject.classics[number]
    } else {
      let calls = Array(Call.allCases)
      scripts = (0..<transactions).map { _ in
        // Most with as many calls as there may be.
        let count = draws.below(4) == 0 ? 1 + draws.below(callCountMax) : callCountMax
        return (0..<count).map { _ in calls[draws.below(calls.count)] }
      }
    }
    isPrepared = scripts.map { _ in false }
    let steps = scripts.reduce(0) { $0 + $1.count + 1 }
    switch number % 8 {
    case 3: isPrepared[0] = true
    case 4: outsider = (draws.below(steps), Subject.outsiders[0])
    case 5: outsider = (draws.below(steps), Subject.outsiders[1])
    case 6: expiry = 1 + draws.below(steps - 1)
    case 7:
      isPrepared[scripts.count - 1] = true
      outsider = (draws.below(steps), Subject.outsiders[2])
    default: break
    }
  }

  /// How many schedules there are: the ways to merge the steps of all transactions.
  var scheduleCount: Int { Self.mergeCount(stepCounts) }

  private static func mergeCount(_ counts: [Int]) -> Int {
    var total = 1
    var placed = 0
    for count in counts {
      // Choose the places of this one's steps among all so far: n over k, built up so that each division is exact.
      for index in 1...count { total = total * (placed + index) / index }
      placed += count
    }
    return total
  }

  /// The schedule of a number below `scheduleCount`: whose step comes when.
  func schedule(_ number: Int) -> [Int] {
    var left = stepCounts
    var rest = number
    var order: [Int] = []
    for _ in 0..<left.reduce(0, +) {
      for who in left.indices where left[who] > 0 {
        left[who] -= 1
        let ways = Self.mergeCount(left.filter { $0 > 0 })
        if rest < ways {
          order.append(who)
          break
        }
        rest -= ways
        left[who] += 1
      }
    }
    return order
  }
}

/// What a transaction has seen, and what it writes therefore.
struct ScheduleObservation: Equatable {
  private(set) var answers: [UInt64] = []

  mutating func note(_ bytes: [UInt8]) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    answers.append(hash)
  }

  /// What the transaction writes next: it follows from everything that it has seen.
  func value(of transaction: Int) -> [UInt8] {
    let sum = answers.reduce(UInt64(17)) { $0 &* 31 &+ $1 }
    return [UInt8(transaction), UInt8(truncatingIfNeeded: answers.count)]
      + (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) }
  }
}
