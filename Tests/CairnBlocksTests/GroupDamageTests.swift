import CairnBytes
import CairnMemory
import CairnTestSupport
import Foundation
import Testing

@testable import CairnBlocks

@Suite("Damage of a group of commits")
struct GroupDamageTests {
  /// What a commit does.
  private enum Step: Sendable {
    case nothing
    case change(BlockNumber)
    case addData(Box)
    /// For good.
    case freeData(Box)

    func perform(in transaction: BlockTransaction) throws(StorageError) {
      switch self {
      case .nothing: break
      case .change(let block): try transaction.set(block, [9])
      case .addData(let box): box.data = try transaction.addData([UInt8](repeating: 7, count: 700))
      case .freeData(let box):
        transaction.erasesFreed = true
        if let data = box.data { try transaction.free(data) }
      }
    }
  }

  /// What one thread hands to the next.
  private final class Box: @unchecked Sendable {
    var data: StoredData?
  }

  /// Commits of several threads that share one flush: the first leads a flush of its own, and while it is under way the others
  /// enter the journal, each once the one before it is in it.
  private final class Group: @unchecked Sendable {
    private let device: BlockDevice
    private let threads = DispatchGroup()
    private let lock = SpinLock()
    private var error: StorageError?
    private var hasBegun = false

    init(_ device: BlockDevice) { self.device = device }

    func commit(_ steps: [Step], on memory: SimulatedMemory) throws {
      memory.beforeFlush = { [self] in
        guard !hasBegun else { return }
        hasBegun = true
        for step in steps.dropFirst() {
          let isInside = DispatchSemaphore(value: 0)
          threads.enter()
          Thread { [self] in
            run(step) { isInside.signal() }
            threads.leave()
          }.start()
          isInside.wait()
          // Whoever writes after it finds it in the journal.
          run(.nothing) {}
        }
      }
      run(steps[0]) {}
      threads.wait()
      memory.beforeFlush = nil
      if let error = lock.with({ error }) { throw error }
    }

    private func run(_ step: Step, whenInside: () -> Void) {
      do throws(StorageError) {
        try device.transaction { transaction throws(StorageError) in
          defer { whenInside() }
          try step.perform(in: transaction)
        }
      } catch { lock.with { self.error = error } }
    }
  }

  /// Data that came and went with one flush became zeros at once, and after a power loss behind that the opening, which compares
  /// the data of the last flush with their digests, dropped the commit that had brought them, and all later ones.
  @Test("data that come and go with one flush keep nobody's commit from being recovered", arguments: [false, true])
  func erasedData(isClosed: Bool) throws {
    let (memory, device) = try TestDevice.make(pageCount: 8, format: TestDevice.smallFormat(ringBlockCount: 64))
    let block = try device.add([1])
    let box = Box()
    try Group(device).commit([.change(block), .addData(box), .freeData(box), .change(block)], on: memory)
    let sequence = device.durableSequence
    let place = try Int(#require(box.data).extents[0].start.rawValue) * 512
    if isClosed { try device.close() } else { memory.losePower { _, _ in .new } }
    var image = memory.durableImage
    #expect(image[place..<place + 700].contains(7) != isClosed)
    if isClosed {
      // The older superblock is closed, too.
      let newest = [0, 63 * 512].max { image[$0 + 56] < image[$1 + 56] } ?? 0
      image[newest + 100] ^= 1
    }
    let reopened = try TestDevice.open(image)
    #expect(reopened.durableSequence == sequence)
    #expect(try reopened.bytes(of: block, count: 1) == [9])
    #expect(try reopened.checkDevice().findings == [])

    guard !isClosed else { return }
    // The next flush proves the one before it: now they go.
    try device.set(block, [8])
    var bytes = [UInt8](repeating: 1, count: 700)
    try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(MemoryError) in
      try memory.read(at: UInt64(place), into: &span)
    }
    #expect(bytes.allSatisfy { $0 == 0 })
  }

  /// With a count of flushes in each record, a group's last commit could have been part of the flush behind it as well: rot of its
  /// records passed for a torn tail, and the opening dropped it and all later ones, although all were acknowledged. Now a
  /// record's flush bears the number of its first commit.
  @Test("is told for each of its commits, once a later flush has returned")
  func eachCommit() throws {
    let (memory, device) = try TestDevice.make(pageCount: 8, format: TestDevice.smallFormat(ringBlockCount: 64))
    let blocks = try (0..<5).map { try device.add([UInt8($0)]) }
    try Group(device).commit(blocks[0..<4].map { .change($0) }, on: memory)
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
