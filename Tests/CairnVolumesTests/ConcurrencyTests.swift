import CairnBlocks
import Foundation
import Testing

@testable import CairnVolumes

@Suite("Many threads")
struct ConcurrencyTests {
  /// Runs `body` on so many threads at one time, and waits for all.
  static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for number in 0..<count {
      group.enter()
      Thread.detachNewThread {
        body(number)
        group.leave()
      }
    }
    group.wait()
  }

  static func add(_ notes: NotesVolume, _ name: String) throws(StorageError) {
    let count = try notes.text(of: name).map { Int($0[0]) | Int($0[1]) << 8 } ?? 0
    try notes.put([UInt8(truncatingIfNeeded: count + 1), UInt8((count + 1) >> 8)], under: name)
  }

  @Test("writers, readers and multi-call transactions beside each other: nothing is lost, every read is one moment")
  func mixed() throws {
    let fixture = try Fixture(pageCount: 256)
    let store = fixture.store
    try store.transaction { (transaction) throws(StorageError) in
      for name in ["left", "right"] { try Self.add(transaction.notes("notes"), name) }
    }
    Self.onThreads(6) { number in
      for _ in 0..<60 {
        do throws(StorageError) {
          switch number {
          case 0, 1:
            try store.transaction { (transaction) throws(StorageError) in
              for name in ["left", "right"] { try Self.add(transaction.notes("notes"), name) }
            }
          case 2, 3:
            try store.read { (transaction) throws(StorageError) in
              let notes = try transaction.notes("notes")
              #expect(try notes.text(of: "left") == notes.text(of: "right"))
            }
          default:
            // Until it goes through.
            while true {
              let id = try store.begin()
              do throws(StorageError) {
                for name in ["left", "right"] {
                  try store.resume(id) { (transaction) throws(StorageError) in
                    try Self.add(transaction.notes("notes"), name)
                  }
                }
                try store.commit(id)
                break
              } catch {
                guard case .conflict = error else { throw error }
              }
            }
          }
        } catch {
          Issue.record("\(error)")
        }
      }
    }
    let expected = 1 + 4 * 60
    let text = try fixture.text("left")
    #expect(text.map { Int($0[0]) | Int($0[1]) << 8 } == expected)
    #expect(try fixture.text("right") == text)
    try fixture.store.sweep()
    #expect(try fixture.findings() == [])
  }

  @Test("a transaction inside another one of the same thread is refused, not waited for")
  func nested() throws {
    let fixture = try Fixture()
    let store = fixture.store
    let id = try store.begin()
    let refused = StorageError.invalidArgument(
      "a transaction is running in this thread; end it before the next call that changes the store")
    func attempts(_: Transaction) throws(StorageError) {
      #expect(throws: refused) { try store.transaction { (_) throws(StorageError) in } }
      #expect(throws: refused) { try store.begin() }
      #expect(throws: refused) { try store.commit(id) }
      #expect(throws: refused) { try store.resume(id) { (_) throws(StorageError) in } }
      #expect(throws: refused) { try store.removeVolume("notes") }
      #expect(throws: refused) { try store.checkpoint() }
      #expect(throws: refused) { try store.close() }
      // Reading is fine; it sees what is committed.
      #expect(try fixture.names() == [])
    }
    try store.transaction(attempts)
    try store.resume(id, attempts)
    try store.commit(id)
  }
}
