import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Reading the journal")
struct JournalReaderTests {
  private static func all(_ memory: any StableMemory) throws(StorageError) -> [JournalCommit] {
    let reader = try JournalReader(memory)
    var commits: [JournalCommit] = []
    while let commit = try reader.next() { commits.append(commit) }
    guard try reader.next() == nil else { throw .invalidArgument("it goes on behind the end") }
    return commits
  }

  private static func large() -> FormatOptions { TestDevice.smallFormat(ringBlockCount: 128) }

  @Test("shows each commit with what was said of it")
  func commits() throws {
    let (memory, device) = try TestDevice.make(format: Self.large())
    let block = try device.transaction { transaction throws(StorageError) in
      transaction.annotation = CommitAnnotation(
        event: .stage, transaction: 42, principal: Array("eve".utf8), time: 123_456)
      _ = try transaction.addData([UInt8](repeating: 1, count: 70_000))
      return try transaction.add([1, 2, 3])
    }
    try device.set(block, [9])
    for memory in [memory, SimulatedMemory(image: memory.durableImage)] {
      let commits = try Self.all(memory)
      #expect(commits.map { $0.sequence } == [1, 2] && commits.allSatisfy { $0.isValid })
      #expect(
        commits[0].annotation
          == CommitAnnotation(event: .stage, transaction: 42, principal: Array("eve".utf8), time: 123_456))
      #expect(commits[0].dataByteCount == 70_000 && commits[1].dataByteCount == 0)
      #expect(commits[1].annotation == CommitAnnotation(time: 7) && commits[1].changeCount == 1)
      #expect(commits.map { $0.flushNumber } == [1, 2] && commits[0].epoch == commits[1].epoch)
      #expect(commits[0].block == BlockNumber(64) && commits[1].byteCount == 512)
    }
  }

  @Test("shows the changes of a commit, byte for byte")
  func changes() throws {
    let (memory, device) = try TestDevice.make(format: Self.large())
    let (first, second) = try device.transaction { t throws(StorageError) in (try t.add([1, 2, 3]), try t.add([])) }
    try device.transaction { transaction throws(StorageError) in
      try transaction.change(first, at: 33, [7 as UInt8].span)
      try transaction.change(first, at: 511, [8 as UInt8].span)
      try transaction.free(second)
    }
    let reader = try JournalReader(memory)
    let made = try reader.changes(of: try #require(try reader.next()))
    let changed = try reader.changes(of: try #require(try reader.next()))
    #expect(
      made.filter { $0.block == first }
        == [JournalChange(block: first, offset: 32, bytes: [1, 2, 3], createdKind: TestDevice.kind)])
    #expect(
      made.filter { $0.block == second }
        == [JournalChange(block: second, offset: 32, bytes: [], createdKind: TestDevice.kind)])
    #expect(
      changed.filter { $0.block == first } == [
        JournalChange(block: first, offset: 33, bytes: [7], createdKind: nil),
        JournalChange(block: first, offset: 511, bytes: [8], createdKind: nil),
      ])
    // The bitmap and the free count.
    let layout = device.core.layout
    #expect(Set(changed.map { $0.block.rawValue }) == [first.rawValue, layout.groupStart, layout.geometryBlock])
  }

  @Test("goes on across openings and crashes", arguments: [true, false])
  func lives(closed: Bool) throws {
    var (memory, device) = try TestDevice.make(format: Self.large())
    var expected: [UInt64] = []
    let block = try device.add([0])
    expected.append(1)
    for life in 0..<20 {
      for _ in 0..<life % 3 {
        try device.set(block, [UInt8(life)])
        expected.append(device.durableSequence)
      }
      if closed { try device.close() }
      memory = SimulatedMemory(image: memory.durableImage)
      device = try TestDevice.open(memory, seed: UInt64(100 + life))
      let commits = try Self.all(memory)
      #expect(commits.map { $0.sequence } == expected && commits.allSatisfy { $0.isValid })
    }
    #expect(Set(try Self.all(memory).map { $0.epoch }).count > 10)
  }

  @Test("keeps history behind the tail, and gives it up from the oldest on")
  func history() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([0])
    var last: [UInt64] = []
    for number in 0..<100 {
      try device.set(block, [UInt8(number)])
      let commits = try Self.all(memory)
      let sequences = commits.map { $0.sequence }
      #expect(commits.allSatisfy { $0.isValid } && sequences.last == device.durableSequence)
      #expect(sequences == Array((sequences.first ?? 0)...(sequences.last ?? 0)) && sequences.count >= 2)
      #expect((last.first ?? 0) <= (sequences.first ?? 0))
      last = sequences
    }
  }

  /// A device with five commits, the sequence and the bytes of each known, closed or not.
  private static func fiveCommits(closed: Bool) throws -> (image: [UInt8], places: [Int]) {
    let (memory, device) = try TestDevice.make(format: large())
    let block = try device.add([0])
    for number in 1..<5 { try device.set(block, [UInt8(number)]) }
    if closed { try device.close() }
    let places = try all(memory).map { Int($0.block.rawValue) * 512 }
    return (memory.durableImage, places)
  }

  @Test("names the damaged commit of a closed image, whichever it is", arguments: 0..<5)
  func damagedClosed(_ index: Int) throws {
    let (image, places) = try Self.fiveCommits(closed: true)
    for bit in [3, 8 * 20, 8 * 45] {
      let damaged = image.flipping(bit: places[index] * 8 + bit)
      let reader = try JournalReader(SimulatedMemory(image: damaged))
      var found: [JournalCommit] = []
      while let commit = try reader.next() { found.append(commit) }
      #expect(found.map { $0.sequence } == Array(1...UInt64(index + 1)))
      #expect(found.map { $0.isValid } == (0...index).map { $0 < index })
      #expect(reader.damagedSequences == [UInt64(index + 1)])
      // A clean close makes even the last record's damage known for what it is.
      let expected = Damage(
        block: BlockNumber(UInt64(places[index] / 512)), reason: .journal(sequence: UInt64(index + 1)))
      let memory = SimulatedMemory(image: damaged)
      #expect(damage { () throws(StorageError) in _ = try TestDevice.open(memory) } == expected)
      #expect(memory.visibleImage == damaged)
      let readOnly = try TestDevice.open(damaged, isReadOnly: true)
      #expect(readOnly.journalDamage == expected && readOnly.durableSequence == UInt64(index))
      #expect(try readOnly.checkDevice().findings.contains { $0.block == expected.block })
    }
  }

  @Test("tells damage in the middle from a torn tail", arguments: 0..<5)
  func damagedOpen(_ index: Int) throws {
    let (image, places) = try Self.fiveCommits(closed: false)
    let damaged = image.flipping(bit: places[index] * 8 + 8 * 45)
    let found = try Self.all(SimulatedMemory(image: damaged))
    // The last flush may have been torn: then its record is none. The one before must have been durable when the last was
    // written.
    if index == 4 {
      #expect(found.map { $0.sequence } == [1, 2, 3, 4] && found.allSatisfy { $0.isValid })
      #expect(try TestDevice.open(damaged).durableSequence == 4)
    } else if index == 3 {
      // Only one flush follows: a torn flush 4 and a record of flush 5 that arrived early look alike for the flush
      // numbers alone, and no record of flush 5 was issued before flush 4 had returned.
      #expect(found.count == 3 || found.last?.isValid == false)
    } else {
      #expect(found.map { $0.isValid } == (0...index).map { $0 < index })
      let expected = Damage(
        block: BlockNumber(UInt64(places[index] / 512)), reason: .journal(sequence: UInt64(index + 1)))
      #expect(damage { () throws(StorageError) in _ = try TestDevice.open(damaged) } == expected)
    }
  }

  @Test("never traps on a flipped bit anywhere in the ring")
  func flippedBits() throws {
    let (image, places) = try Self.fiveCommits(closed: true)
    var random = SeededGenerator(seed: 1)
    let end = places[4] + 512
    for _ in 0..<300 {
      let bit = places[0] * 8 + random.below((end - places[0]) * 8)
      let reader = try JournalReader(SimulatedMemory(image: image.flipping(bit: bit)))
      while let commit = try reader.next() {
        guard commit.isValid else { continue }
        _ = try reader.changes(of: commit)
      }
      #expect(reader.damagedSequences.count <= 1)
    }
  }

  @Test("of a commit that the ring has overwritten meanwhile has no changes to show")
  func overwritten() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    let reader = try JournalReader(memory)
    let commit = try #require(try reader.next())
    for number in 0..<60 { try device.set(block, [UInt8(number)]) }
    let error = failure { () throws(StorageError) in _ = try reader.changes(of: commit) }
    guard case .damaged(let damage) = error, case .journal(1) = damage.reason else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
  }
}
