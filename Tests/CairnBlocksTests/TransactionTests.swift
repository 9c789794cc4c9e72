import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Transactions")
struct TransactionTests {
  private struct State: Equatable {
    var allocated: [UInt64]
    var space: SpaceFigures
    var sequence: UInt64
    var root: BlockNumber?
    var image: [UInt8]
  }

  /// Everything that a device shows, but for bytes that lie in free blocks.
  private static func state(_ device: BlockDevice, _ memory: SimulatedMemory) throws(StorageError) -> State {
    let layout = device.core.layout
    let map = try device.read { view throws(StorageError) in try view.allocationMap() }
    var image = memory.visibleImage
    for block in layout.groupStart..<map.blockCount
    where !map.isAllocated(BlockNumber(block)) && !map.isReserved(BlockNumber(block)) {
      image = image.replacing(block: block, with: [UInt8](repeating: 0, count: 512))
    }
    return State(
      allocated: try device.allocatedBlocks(), space: device.space, sequence: device.durableSequence,
      root: try device.rootBlock(), image: image)
  }

  @Test("rolled back leave everything as it was")
  func rollback() throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<4).map { try device.add([UInt8($0)]) }
    let data = try device.addData([UInt8](repeating: 5, count: 3000))
    let before = try Self.state(device, memory)
    for stop in 0..<9 {
      let error = failure { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in
          for step in 0..<stop { try Self.perform(step, transaction, blocks, data) }
          throw .transactionFailed
        }
      }
      #expect(error == .transactionFailed)
      #expect(try Self.state(device, memory) == before, "after \(stop) steps")
    }
    for (index, block) in blocks.enumerated() { #expect(try device.bytes(of: block, count: 1) == [UInt8(index)]) }
    #expect(try device.bytes(of: data) == data.bytes)
    #expect(try device.checkDevice().findings == [])
  }

  /// One of everything that a transaction can do.
  private static func perform(
    _ step: Int, _ transaction: BlockTransaction, _ blocks: [BlockNumber], _ data: StoredData
  ) throws(StorageError) {
    switch step {
    case 0: try transaction.set(blocks[0], [99])
    case 1: _ = try transaction.add([98])
    case 2: try transaction.free(blocks[1])
    case 3: try transaction.free(data)
    case 4: _ = try transaction.addData([UInt8](repeating: 9, count: 5000))
    case 5: try transaction.setRoot(blocks[2])
    case 6: try transaction.free(try transaction.add([97]))
    default: try transaction.free(try transaction.addData([96]))
    }
  }

  @Test("that change nothing write nothing")
  func empty() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    memory.recordsEvents = true
    #expect(
      try device.transaction { transaction throws(StorageError) in try transaction.view.bytes(of: block, count: 1) }
        == [1])
    #expect(memory.events == [])
  }

  @Test("see their own changes, and others see them only when they are durable")
  func isolation() throws {
    let (_, device) = try TestDevice.make()
    let block = try device.add([1])
    let snapshot = try device.snapshot()
    try device.transaction { transaction throws(StorageError) in
      let added = try transaction.add([7])
      try transaction.set(block, [2])
      #expect(try transaction.view.bytes(of: block, count: 1) == [2])
      #expect(try transaction.view.bytes(of: added, count: 1) == [7])
      #expect(try device.bytes(of: block, count: 1) == [1])
      #expect(damage { () throws(StorageError) in _ = try device.bytes(of: added, count: 1) } != nil)
      #expect(transaction.blockDelta == 1)
    }
    #expect(try device.bytes(of: block, count: 1) == [2])
    #expect(try snapshot.view.bytes(of: block, count: 1) == [1])
    snapshot.end()
  }

  @Test("cost one flush each")
  func flushes() throws {
    let (memory, device) = try TestDevice.make(pageCount: 16, format: TestDevice.smallFormat(ringBlockCount: 128))
    let blocks = try (0..<8).map { try device.add([UInt8($0)]) }
    let before = memory.flushCount
    for number in 0..<300 { try device.set(blocks[number % 8], [UInt8(truncatingIfNeeded: number)]) }
    #expect(memory.flushCount - before <= 303)
  }

  @Test("that change more than the journal holds are told while they do, and can be rolled back")
  func tooLarge() throws {
    let (memory, device) = try TestDevice.make()
    let kept = try device.add([1])
    let before = try Self.state(device, memory)
    var random = SeededGenerator(seed: 1)
    var made = 0
    let error = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        for _ in 0..<1000 {
          _ = try transaction.add(random.bytes(400))
          made += 1
        }
      }
    }
    guard case .transactionTooLarge(let byteCount, let limit) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(byteCount > limit - limit / 16 && limit < 16 * 512 && made < 30)
    #expect(try Self.state(device, memory) == before)
    try device.set(kept, [2])
    #expect(try device.bytes(of: kept, count: 1) == [2])
  }

  @Test("as large as the limit fit whatever the ring holds")
  func asLargeAsTheLimit() throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<8).map { try device.add([UInt8($0)]) }
    var random = SeededGenerator(seed: 3)
    var expected: [[UInt8]] = blocks.map { _ in [] }
    for round in 0..<40 {
      // Six of eight blocks anew: just below what the ring of sixteen sectors takes.
      let count = round % 3 == 0 ? 6 : 1
      let contents = (0..<count).map { _ in random.bytes(440) }
      try device.transaction { transaction throws(StorageError) in
        for (index, bytes) in contents.enumerated() { try transaction.set(blocks[index], bytes) }
      }
      for (index, bytes) in contents.enumerated() { expected[index] = bytes }
    }
    for device in [device, try TestDevice.open(memory.durableImage)] {
      for (block, bytes) in zip(blocks, expected) where !bytes.isEmpty {
        #expect(try device.bytes(of: block, count: 440) == bytes)
      }
    }
  }

  @Test("that need more frames than the cache has are told, and the device goes on")
  func tooManyFrames() throws {
    let (_, device) = try TestDevice.make(
      pageCount: 16, format: TestDevice.smallFormat(ringBlockCount: 512), memoryBudget: 1)
    let error = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        for _ in 0..<200 { _ = try transaction.add([1]) }
      }
    }
    guard case .transactionTooLarge = error else { return #expect(Bool(false), "\(String(describing: error))") }
    for _ in 0..<20 {
      try device.transaction { transaction throws(StorageError) in
        for number in 0..<20 { _ = try transaction.add([UInt8(number)]) }
      }
    }
    #expect(try device.allocatedBlocks().count == 400 && device.checkDevice().findings == [])
  }

  @Test("refuse what does not belong to them")
  func arguments() throws {
    let (_, device) = try TestDevice.make()
    let block = try device.add([1])
    let data = try device.addData([UInt8](repeating: 1, count: 600))
    let far = BlockNumber(1 << 40)
    let bytes: [UInt8] = [1, 2]
    func refusal(_ body: (BlockTransaction) throws(StorageError) -> Void) -> StorageError? {
      failure { () throws(StorageError) in try device.transaction(body) }
    }
    for (offset, count) in [(31, 1), (0, 4), (511, 2), (513, 0), (-1, 1), (.max, 1), (.min, 1)] {
      let error = refusal { transaction throws(StorageError) in
        try transaction.change(block, at: offset, [UInt8](repeating: 0, count: count).span)
      }
      guard case .invalidRange = error else {
        Issue.record("\(count) bytes at \(offset): \(String(describing: error))")
        continue
      }
    }
    #expect(refusal { t throws(StorageError) in try t.set(far, bytes) } == .damaged(far.rawValue, .outOfRange))
    #expect(refusal { t throws(StorageError) in try t.free(far) } == .damaged(far.rawValue, .outOfRange))
    #expect(refusal { t throws(StorageError) in try t.free(BlockNumber(.max)) } == .damaged(.max, .outOfRange))
    #expect(refusal { t throws(StorageError) in try t.free(BlockNumber(3)) } == .damaged(3, .outOfRange))
    let wrapping = Extent(start: BlockNumber(.max - 1), count: .max)
    #expect(refusal { t throws(StorageError) in try t.free(wrapping) } == .damaged(.max - 1, .outOfRange))
    #expect(refusal { t throws(StorageError) in try t.free(Extent(start: block, count: 0)) } != nil)
    #expect(
      refusal { t throws(StorageError) in
        try t.free(block)
        try t.free(block)
      } == .damaged(block.rawValue, .allocation))
    // Data go to extents of the transaction alone, and stay in them.
    for start in [block, data.extents[0].start, far, BlockNumber(0)] {
      let error = refusal { t throws(StorageError) in
        _ = try BulkCopy.withRawSpan(of: bytes) { span throws(StorageError) in try t.writeData(span, at: start) }
      }
      guard case .invalidArgument = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
    let tooLong = refusal { t throws(StorageError) in
      let extents = try t.allocateExtents(blockCount: 2)
      _ = try BulkCopy.withRawSpan(of: [UInt8](repeating: 0, count: 1025)) { span throws(StorageError) in
        try t.writeData(span, at: extents[0].start)
      }
    }
    guard case .invalidArgument = tooLong else { return #expect(Bool(false), "\(String(describing: tooLong))") }
    #expect(try device.checkDevice().findings == [])
  }

  /// A damaged pointer of an upper layer must not take the device apart: blocks 34 (geometry), 63 (second superblock),
  /// 25 (bitmap) and 26 (generations) are in use, but nobody's to free or to change.
  @Test("never touch the device's own blocks", arguments: [0, 1, 17, 25, 26, 34, 63] as [UInt64])
  func ownBlocks(_ block: UInt64) throws {
    let (memory, device) = try TestDevice.make()
    let before = try Self.state(device, memory)
    let bytes: [UInt8] = [0xFF, 0xFF]
    #expect(
      damage { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in try transaction.free(BlockNumber(block)) }
      } != nil)
    #expect(
      damage { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in
          try transaction.free(Extent(start: BlockNumber(block), count: 1))
        }
      } != nil)
    #expect(
      damage { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in try transaction.set(BlockNumber(block), bytes) }
      } != nil)
    #expect(try Self.state(device, memory) == before)
  }

  /// A principal of more than 64 bytes was written to the journal, where no reader takes it: the commit was acknowledged
  /// and lost. One of more than 255 stopped the program.
  @Test("with a principal that is too long are refused", arguments: [65, 255, 256, 10_000])
  func longPrincipal(_ count: Int) throws {
    let (memory, device) = try TestDevice.make()
    let error = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        transaction.annotation.principal = [UInt8](repeating: 1, count: count)
        _ = try transaction.add([1])
      }
    }
    #expect(error == .limitExceeded(what: "bytes of a principal", limit: 64))
    try device.transaction { transaction throws(StorageError) in
      transaction.annotation.principal = [UInt8](repeating: 1, count: 64)
      _ = try transaction.add([1])
    }
    let reopened = try TestDevice.open(memory.durableImage)
    #expect(try reopened.durableSequence == 1 && reopened.allocatedBlocks().count == 1)
    #expect(try reopened.journalReader().next()?.annotation.principal.count == 64)
  }

  @Test("reset keep the data that they are told to, and nothing else")
  func reset() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    let old = try device.addData([UInt8](repeating: 1, count: 900))
    let free = device.space.free
    let (kept, marker) = try device.transaction { transaction throws(StorageError) -> (StoredData, BlockNumber) in
      let kept = try transaction.addData([UInt8](repeating: 3, count: 1500))
      _ = try transaction.addData([UInt8](repeating: 4, count: 2000))
      _ = try transaction.add([9])
      try transaction.set(block, [8])
      try transaction.free(old)
      try transaction.setRoot(block)
      try transaction.reset(keeping: kept.extents)
      #expect(transaction.blockDelta == 3 && transaction.root == nil)
      #expect(try transaction.view.bytes(of: block, count: 1) == [1])
      return (kept, try transaction.add([5]))
    }
    for device in [device, try TestDevice.open(memory.durableImage)] {
      #expect(try device.bytes(of: kept) == kept.bytes && device.bytes(of: old) == old.bytes)
      #expect(try device.bytes(of: block, count: 1) == [1] && device.bytes(of: marker, count: 1) == [5])
      #expect(free - device.space.free == 4 * 512 && device.space.blockByteCount == 512)
      #expect(try device.allocatedBlocks().count == 7 && device.checkDevice().findings == [])
    }
    // Digests of the kept data are in the commit: without the data it does not count.
    let home = Int(kept.extents[0].start.rawValue) * 4096
    #expect(try TestDevice.open(memory.durableImage.flipping(bit: home)).durableSequence == 2)
  }

  @Test("reset refuse to keep what is not theirs, and have changed nothing then")
  func resetRefusals() throws {
    let (_, device) = try TestDevice.make()
    let old = try device.addData([1])
    try device.transaction { transaction throws(StorageError) in
      let new = try transaction.addData([2])
      for extents in [
        old.extents, [Extent(start: BlockNumber(.max), count: .max)], [Extent(start: BlockNumber(0), count: 1)],
      ] {
        guard case .invalidArgument = failure({ () throws(StorageError) in try transaction.reset(keeping: extents) })
        else { return #expect(Bool(false), "it kept \(extents)") }
      }
      #expect(try transaction.view.bytes(of: new) == [2])
      try transaction.reset(keeping: [])
      #expect(transaction.blockDelta == 0)
    }
    #expect(try device.allocatedBlocks() == [old.extents[0].start.rawValue])
  }

  @Test("give a block that they made and freed to themselves again")
  func madeAndFreed() throws {
    let (_, device) = try TestDevice.make()
    try device.transaction { transaction throws(StorageError) in
      var seen: Set<BlockNumber> = []
      for number in 0..<2000 {
        let block = try transaction.add([UInt8(truncatingIfNeeded: number)])
        seen.insert(block)
        try transaction.free(block)
      }
      #expect(transaction.blockDelta == 0 && !seen.isEmpty)
    }
    #expect(try device.allocatedBlocks() == [] && device.checkDevice().findings == [])
  }
}
