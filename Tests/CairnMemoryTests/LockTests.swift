import CairnMemory
import Testing

@Suite("Lock and condition")
struct LockTests {
  /// Shared by the threads of one test; the lock guards the number.
  private final class Counter: @unchecked Sendable {
    let lock = Lock()
    let condition = Condition()
    var value = 0
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
