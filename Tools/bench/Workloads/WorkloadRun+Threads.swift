internal import CairnBytes
internal import Foundation
internal import Synchronization

// What several threads do at one time.

extension WorkloadRun {
  /// Runs a body on so many threads; throws what one of them threw.
  private func onThreads(_ count: Int, _ body: @escaping (Int) throws -> Void) throws {
    let crew = Crew(run: self, body: body)
    let threads = (0..<count).map { number in
      let thread = Thread { crew.work(number) }
      thread.stackSize = 8 << 20
      return thread
    }
    for thread in threads { thread.start() }
    for _ in threads { crew.finished.wait() }
    if let failure = crew.failure.withLock({ $0 }) { throw EngineFailure(description: failure) }
  }

  /// Durable puts of 1 KiB, several for each thread.
  func putFromThreads(_ count: Int) throws -> Int {
    let each = count == 1 ? Scale.commitsPerChunk : 8
    let start = written
    written += each * count
    try onThreads(count) { number in
      for index in 0..<each { try self.put(start + number * each + index) }
    }
    return each * count
  }

  /// Gets by several threads for a while, while one commits batches.
  func getBesideWriter(_ readerCount: Int) throws -> Int {
    let end = monotonicNanoseconds() + 150_000_000
    let total = Mutex(0)
    let start = written
    let seed = UInt64(start)
    try onThreads(readerCount + 1) { number in
      if number == 0 {
        while monotonicNanoseconds() < end { try self.fill(space: 3, count: 100) }
        return
      }
      let buffer = ReadBuffer(capacity: 256)
      var random = RandomNumbers(seed: seed &+ UInt64(number))
      var key = [UInt8](repeating: 0, count: 16)
      var count = 0
      while monotonicNanoseconds() < end {
        try self.engine.read { reader in
          for _ in 0..<100 {
            Key.write(space: 2, random.next(below: self.scale.recordCount), to: &key)
            let found = try BulkCopy.withRawSpan(of: key) { key in try reader.get(key, into: buffer) }
            guard found == Scale.valueByteCount else { throw EngineFailure(description: "a record is missing") }
          }
        }
        count += 100
      }
      total.withLock { $0 += count }
    }
    return total.withLock { $0 }
  }
}

/// What threads share. The engine may be used by several at one time; the run's own state, by the first alone.
private final class Crew: @unchecked Sendable {
  let body: (Int) throws -> Void
  let finished = DispatchSemaphore(value: 0)
  let failure = Mutex<String?>(nil)
  private let run: WorkloadRun

  init(run: WorkloadRun, body: @escaping (Int) throws -> Void) {
    self.run = run
    self.body = body
  }

  func work(_ number: Int) {
    do { try body(number) } catch { failure.withLock { $0 = "\(error)" } }
    finished.signal()
  }
}
