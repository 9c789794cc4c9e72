import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Copying a live device")
struct DeviceCopyTests {
  /// A copy of a snapshot opens, is sound and shows what the snapshot shows.
  private static func expectEqual(_ target: SimulatedMemory, _ snapshot: Snapshot, _ data: [StoredData]) throws {
    #expect(target.visibleImage == target.durableImage)
    let copy = try TestDevice.open(SimulatedMemory(image: target.durableImage))
    let isData = Set(data.flatMap { $0.extents.flatMap { $0.start.rawValue..<$0.end } })
    let allocated = try snapshot.view.allocatedBlocks()
    #expect(try copy.allocatedBlocks() == allocated)
    #expect(try copy.checkDevice().findings == [] && copy.journalReader().next() == nil)
    #expect(try copy.rootBlock() == snapshot.view.rootBlock() && copy.durableSequence == snapshot.view.sequence)
    for block in allocated where !isData.contains(block) {
      let expected = try snapshot.view.bytes(of: BlockNumber(block), count: 480)
      #expect(try copy.bytes(of: BlockNumber(block), count: 480) == expected, "block \(block)")
    }
    for stored in data { #expect(try copy.bytes(of: stored) == stored.bytes) }
    // And it can be used.
    try copy.set(try copy.add([1]), [2])
    try copy.close()
  }

  @Test("gives an image of its own, whatever is written meanwhile", arguments: TestSeeds.list(count: 6))
  func live(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let (memory, device) = try TestDevice.make(
      pageCount: 8, memoryBudget: seed % 2 == 0 ? 1 << 17 : 1 << 20, seed: seed)
    var blocks = try (0..<90).map { try device.add([UInt8($0)]) }
    let data = try (0..<4).map { try device.addData(random.bytes(200 + 900 * $0)) }
    try device.transaction { transaction throws(StorageError) in try transaction.setRoot(blocks[3]) }
    for _ in 0..<random.below(60) { try device.set(blocks[random.below(90)], random.bytes(50)) }
    let snapshot = try device.snapshot()
    // Changes, frees and homes between the snapshot and the copy, and in the middle of it.
    func write() throws(StorageError) {
      for _ in 0..<30 { try device.set(blocks[random.below(blocks.count)], random.bytes(50)) }
      try device.transaction { transaction throws(StorageError) in
        transaction.usesReserve = true
        let victim = blocks.remove(at: 50 + random.below(blocks.count - 50))
        try transaction.free(victim)
        blocks.append(try transaction.add([255]))
      }
      if random.below(3) == 0 { try device.checkpoint() }
    }
    for _ in 0..<4 { try write() }
    let target = SimulatedMemory(image: random.bytes(8 * 65536))
    var steps = 0
    try device.copy(snapshot, to: target) { done, all in
      steps += 1
      if done < all { _ = failure { () throws(StorageError) in try write() } }
      return true
    }
    #expect(steps >= 1)
    try Self.expectEqual(target, snapshot, data)
    snapshot.end()
    #expect(try device.checkDevice().findings == [])
    withExtendedLifetime(memory) {}
  }

  /// What a snapshot sees as a block's generation may be behind the block's home by the time it is copied.
  @Test("keeps blocks and their generations together")
  func generations() throws {
    let (_, device) = try TestDevice.make(pageCount: 8, memoryBudget: 1)
    let blocks = try (0..<100).map { try device.add([UInt8($0)]) }
    for part in [50..<75, 75..<100] {
      try device.transaction { transaction throws(StorageError) in
        for number in part { try transaction.set(blocks[number], [UInt8(number), 1]) }
      }
    }
    try device.checkpoint()
    #expect(device.core.unproven.isEmpty, "a checkpoint leaves no table entry owed")
    try device.set(blocks[99], [98])
    let snapshot = try device.snapshot()
    let seen = try device.core.locked { () throws(StorageError) in
      try device.core.committedGeneration(of: blocks[99].rawValue)
    }
    // The block goes home once more, and the table says so; the snapshot sees the table of before.
    try device.checkpoint()
    let now = try device.core.locked { () throws(StorageError) in
      try device.core.committedGeneration(of: blocks[99].rawValue)
    }
    #expect(seen != now)
    // Out of the cache with it.
    for number in 0..<90 { _ = try device.bytes(of: blocks[number], count: 1) }
    let target = SimulatedMemory(pageCount: 8)
    try device.copy(snapshot, to: target)
    try Self.expectEqual(target, snapshot, [])
    snapshot.end()
  }

  @Test("leaves no superblock of what the target held before", arguments: [512, 1024, 2048, 4096, 8192])
  func oldTarget(_ blockByteCount: Int) throws {
    for ringBlockCount in [16, 100] {
      let (_, device) = try TestDevice.make(
        pageCount: 16, format: TestDevice.smallFormat(ringBlockCount: ringBlockCount))
      let block = try device.add([1])
      let target = SimulatedMemory(pageCount: 16)
      try BlockDevice.format(
        target, options: FormatOptions(blockByteCount: blockByteCount), environment: TestDevice.environment(55))
      let snapshot = try device.snapshot()
      try device.copy(snapshot, to: target)
      snapshot.end()
      // With the first copy gone, the second alone is found.
      let image = target.durableImage.replacing(at: 0, with: [UInt8](repeating: 0, count: 512))
      #expect(try TestDevice.open(image).bytes(of: block, count: 1) == [1])
    }
  }

  @Test("of an image after a crash, opened for reading, brings its torn homes along")
  func afterCrash() throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<6).map { try device.add([UInt8($0)]) }
    memory.recordsEvents = true
    try device.checkpoint()
    let events = memory.events
    var images: [[UInt8]] = []
    let (fresh, again) = try TestDevice.make()
    for number in 0..<6 { _ = try again.add([UInt8(number)]) }
    try CrashEnumerator.quick.forEachImage(initial: fresh.durableImage, events: events) { image, _, subset in
      if subset.hasPrefix("garbage") || subset == "all" { images.append(image) }
    }
    #expect(images.count > 10)
    for image in images {
      let device = try TestDevice.open(image, isReadOnly: true)
      let snapshot = try device.snapshot()
      let target = SimulatedMemory(pageCount: 4)
      try device.copy(snapshot, to: target)
      snapshot.end()
      for (number, block) in blocks.enumerated() {
        #expect(try TestDevice.open(target.durableImage).bytes(of: block, count: 1) == [UInt8(number)])
      }
    }
  }

  @Test("can be stopped, and needs a target that is large enough and of the same kind")
  func refusals() throws {
    let (_, device) = try TestDevice.make()
    _ = try device.addData([UInt8](repeating: 1, count: 512 * 300))
    let snapshot = try device.snapshot()
    let target = SimulatedMemory(pageCount: 4)
    guard
      case .limitExceeded = failure({ () throws(StorageError) in
        try device.copy(snapshot, to: target) { _, _ in false }
      })
    else { return #expect(Bool(false), "it was not stopped") }
    #expect(failure { () throws(StorageError) in _ = try TestDevice.open(target.durableImage) } == .notCairn)
    guard
      case .invalidArgument = failure({ () throws(StorageError) in
        try device.copy(snapshot, to: SimulatedMemory(pageCount: 3))
      })
    else { return #expect(Bool(false), "it fits") }
    target.isWritable = false
    #expect(failure { () throws(StorageError) in try device.copy(snapshot, to: target) } == .readOnly)
    snapshot.end()
  }
}
