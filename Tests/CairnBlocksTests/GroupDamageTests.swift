import CairnBytes
import CairnMemory
import CairnTestSupport
import Foundation
import Testing

@testable import CairnBlocks

@Suite("Damage of a group of commits")
struct GroupDamageTests {
  /// Commits of several threads that share one flush: the first leads a flush of its own, and while it is under way the others
  /// enter the journal, each once the one before it is in it.
  private final class Group: @unchecked Sendable {
    private let device: BlockDevice
    private let threads = DispatchGroup()
    private let lock = SpinLock()
    private var error: StorageError?
    private var hasBegun = false

    init(_ device: BlockDevice) { self.device = device }

    func commit(_ blocks: [BlockNumber], on memory: SimulatedMemory) throws {
      memory.beforeFlush = { [self] in
        guard !hasBegun else { return }
        hasBegun = true
        for block in blocks.dropFirst() {
          let isInside = DispatchSemaphore(value: 0)
          threads.enter()
          Thread { [self] in
            change(block) { isInside.signal() }
            threads.leave()
          }.start()
          isInside.wait()
          // Whoever writes after it finds it in the journal.
          change(nil) {}
        }
      }
      change(blocks[0]) {}
      threads.wait()
      memory.beforeFlush = nil
      if let error = lock.with({ error }) { throw error }
    }

    private func change(_ block: BlockNumber?, whenInside: () -> Void) {
      do throws(StorageError) {
        try device.transaction { transaction throws(StorageError) in
          defer { whenInside() }
          if let block { try transaction.set(block, [9]) }
        }
      } catch { lock.with { self.error = error } }
    }
  }

  /// With a count of flushes in each record, a group's last commit could have been part of the flush behind it as well: rot of its
  /// records passed for a torn tail, and the opening dropped it and all later ones, although all were acknowledged. Now a
  /// record's flush bears the number of its first commit.
  @Test("is told for each of its commits, once a later flush has returned")
  func eachCommit() throws {
    let (memory, device) = try TestDevice.make(pageCount: 8, format: TestDevice.smallFormat(ringBlockCount: 64))
    let blocks = try (0..<5).map { try device.add([UInt8($0)]) }
    try Group(device).commit(Array(blocks[0..<4]), on: memory)
    try device.set(blocks[4], [9])
    let image = memory.durableImage
    let reader = try JournalReader(SimulatedMemory(image: image))
    var commits: [JournalCommit] = []
    while let commit = try reader.next() { commits.append(commit) }
    let sequences = commits.suffix(5).map { $0.sequence }
    #expect(
      commits.suffix(5).map { $0.flushNumber } == [
        sequences[0], sequences[1], sequences[1], sequences[1], sequences[4],
      ])

    var random = SeededGenerator(seed: 3)
    for commit in commits.suffix(5) {
      let noise = random.bytes(Int(commit.byteCount))
      let rotten = image.replacing(at: Int(commit.block.rawValue) * 512, with: noise)
      guard commit.sequence != sequences[4] else {
        // Nothing can tell rot of the last flush from a flush that never returned.
        #expect(try TestDevice.open(rotten).durableSequence == commit.sequence - 1)
        continue
      }
      #expect(
        damage { () throws(StorageError) in _ = try TestDevice.open(rotten) }
          == Damage(block: commit.block, reason: .journal(sequence: commit.sequence)))
      let readOnly = try TestDevice.open(rotten, isReadOnly: true)
      #expect(readOnly.durableSequence == commit.sequence - 1 && readOnly.journalDamage != nil)
    }
  }
}
