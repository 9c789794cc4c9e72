import CairnMemory
import Foundation
import Testing

@Suite("Lock and condition")
struct LockTests {
  /// Shared by the threads of one test; the lock guards the number.
  private final class Counter: @unchecked Sendable {
    let lock = Lock()
    let condition = Condition()
    var value = 0

    /// Waits until the number is `turn`, and raises it.
    func step(_ turn: Int) {
      lock.withLock {
        while value != turn { condition.wait(for: lock) }
        value += 1
        condition.broadcast()
      }
    }
  }

  @Test("keeps increments of many threads apart")
  func exclusion() async {
    let counter = Counter()
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<1000 { counter.lock.withLock { counter.value += 1 } }
        }
      }
    }
    #expect(counter.lock.withLock { counter.value } == 8000)
  }

  @Test("lets threads wait for each other", .timeLimit(.minutes(10)))
  func condition() {
    let counter = Counter()
    // Odd and even numbers are counted by two threads in turn.
    let other = Thread {
      for turn in stride(from: 1, to: 200, by: 2) { counter.step(turn) }
    }
    other.start()
    for turn in stride(from: 0, to: 200, by: 2) { counter.step(turn) }
    counter.lock.withLock {
      while counter.value < 200 { counter.condition.wait(for: counter.lock) }
    }
    #expect(counter.value == 200)
  }

  @Test("is given back when the body throws")
  func throwing() {
    struct Failure: Error, Equatable {}
    let lock = Lock()
    #expect(throws: Failure()) {
      try lock.withLock { () throws(Failure) in throw Failure() }
    }
    lock.withLock {}
  }
}
