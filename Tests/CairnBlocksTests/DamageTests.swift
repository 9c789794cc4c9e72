import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Damage")
struct DamageTests {
  /// An image whose blocks are at home, with nothing of them in the ring any more and their generations in the tables.
  private static func settled() throws -> (image: [UInt8], blocks: [BlockNumber], device: BlockDevice) {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<6).map { try device.add([UInt8($0), 1]) }
    for _ in 0..<3 {
      try device.checkpoint()
      try device.transaction { t throws(StorageError) in
        for block in blocks { try t.set(block, [block.rawValue.low, 1]) }
      }
    }
    for (number, block) in blocks.enumerated() { try device.set(block, [UInt8(number), 1]) }
    try device.checkpoint()
    // A commit takes the table entries along, and its ring space is given up.
    try device.set(blocks[5], [5, 1, 1])
    try device.checkpoint()
    try device.close()
    return (memory.durableImage, blocks, device)
  }

  private static func reading(_ image: [UInt8], _ block: BlockNumber) -> Damage? {
    damage { () throws(StorageError) in _ = try TestDevice.open(image).bytes(of: block, count: 2) }
  }

  @Test("of a lost write is told: an old version of a block is put back")
  func lostWrite() throws {
    let (memory, device) = try TestDevice.make()
    let (block, other) = (try device.add([1]), try device.add([1]))
    try device.checkpoint()
    let old = memory.durableImage.block(block.rawValue)
    for number in UInt8(2)..<5 {
      try device.set(block, [number])
      try device.checkpoint()
    }
    try device.set(other, [2])
    try device.checkpoint()
    try device.close()
    let image = memory.durableImage
    #expect(try TestDevice.open(image).bytes(of: block, count: 1) == [4])
    let lost = image.replacing(block: block.rawValue, with: old)
    #expect(
      Self.reading(lost, block)
        == Damage(block: block, reason: .staleBlock(found: old[5], expected: image.block(block.rawValue)[5])))
    // The block can be freed and its place used again.
    let repaired = SimulatedMemory(image: lost)
    let again = try TestDevice.open(repaired)
    try again.transaction { transaction throws(StorageError) in try transaction.free(block) }
    #expect(try again.bytes(of: other, count: 1) == [2])
    for number in UInt8(0)..<20 { _ = try again.add([number]) }
    try again.checkpoint()
    #expect(try again.checkDevice().findings == [])
  }

  @Test("of a generation table that was lost is told", arguments: [0, 1, 2, 3] as [UInt8])
  func lostTable(_ behind: UInt8) throws {
    let (image, blocks, device) = try Self.settled()
    let block = blocks[2]
    let place = try #require(device.core.layout.generationPlace(of: block.rawValue))
    let table = image.block(place.block)
    let current = table[place.offset]
    let word = LittleEndian.uint64(table.span, at: place.offset & ~7)
    let shift = UInt64(place.offset % 8 * 8)
    let forged = image.forgingBlock(
      place.block, at: place.offset & ~7, word & ~(0xFF << shift) | UInt64(current &- behind) << shift)
    let found = image.block(block.rawValue)[5]
    // One behind is sound: the entry rides on a commit after the home write.
    let isSound = (found &- (current &- behind)) <= 1
    #expect(
      Self.reading(forged, block)
        == (isSound
          ? nil : Damage(block: block, reason: .staleGenerationTable(found: found, expected: current &- behind))))
  }

  /// Between a checkpoint and the next commit the table did not know of the home writes yet, and a lost one was not told:
  /// the tail had passed the changes in it. Now the tail waits for the table.
  @Test("of a home write that was lost is told, or made good, right behind a checkpoint", arguments: [true, false])
  func lostHomeWrite(isClosed: Bool) throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    try device.checkpoint()
    try device.transaction { transaction throws(StorageError) in try transaction.set(block, [2]) }
    let before = memory.durableImage.block(block.rawValue)
    try device.checkpoint()
    if isClosed { try device.close() }
    let image = memory.durableImage
    #expect(image.block(block.rawValue) != before)
    let lost = image.replacing(block: block.rawValue, with: before)
    for isReadOnly in [true, false] {
      let reopened = try TestDevice.open(lost, isReadOnly: isReadOnly)
      do {
        #expect(try reopened.bytes(of: block, count: 1) == [2])
      } catch StorageError.damaged(let damage) {
        guard case .staleBlock = damage.reason, damage.block == block else { throw StorageError.damaged(damage) }
      }
    }
  }

  /// Calls `body` with images that a crash left in a checkpoint of a block, behind each of its writes and flushes, where the block
  /// is home already.
  private static func forEachHalfCheckpoint(
    _ body: (_ memory: SimulatedMemory, _ block: BlockNumber, _ home: [UInt8]) throws -> Void
  ) throws -> Int {
    var count = 0
    for calls in 1..<24 {
      let (memory, device) = try TestDevice.make(format: TestDevice.smallFormat(ringBlockCount: 32))
      let block = try device.add([1])
      memory.failsAfter = calls
      try? device.checkpoint()
      memory.losePower { _, _ in .new }
      let home = memory.durableImage.block(block.rawValue)
      if home.contains(where: { $0 != 0 }) {
        count += 1
        try body(memory, block, home)
      }
    }
    return count
  }

  /// Puts an older home of a block back: it still shows `bytes`, or the loss is told.
  private static func requireLossTold(
    _ memory: SimulatedMemory, _ block: BlockNumber, _ bytes: [UInt8], old home: [UInt8]
  ) throws {
    let image = memory.durableImage
    #expect(image.block(block.rawValue) != home)
    let lost = image.replacing(block: block.rawValue, with: home)
    do {
      #expect(try TestDevice.open(lost, isReadOnly: true).bytes(of: block, count: bytes.count) == bytes)
    } catch StorageError.damaged(let damage) {
      guard case .staleBlock = damage.reason, damage.block == block else { throw StorageError.damaged(damage) }
    }
  }

  /// A block whose creation is still in the ring is rebuilt from zeros, and nobody saw that its home was one generation ahead of
  /// the table: the next home write got the same generation, and when it was lost, the old one passed for it.
  @Test("of a home write that was lost is told after a crash behind an earlier one that the table does not know")
  func lostHomeOfRebuilt() throws {
    let count = try Self.forEachHalfCheckpoint { memory, block, home in
      let device = try TestDevice.open(memory, seed: 9)
      try device.set(block, [2])
      for _ in 0..<3 { try device.checkpoint() }
      try Self.requireLossTold(memory, block, [2], old: home)
    }
    #expect(count > 2)
  }

  /// As above, but the block is freed, and another one takes its place: the earlier life's block passed for it.
  @Test("of the first home write of a block that was lost is told where a freed one lies")
  func lostHomeOverFreed() throws {
    let count = try Self.forEachHalfCheckpoint { memory, block, home in
      let device = try TestDevice.open(memory, seed: 9)
      try device.transaction { transaction throws(StorageError) in try transaction.free(block) }
      for _ in 0..<3 { try device.checkpoint() }
      var taken: [BlockNumber] = []
      while !taken.contains(block) && taken.count < 40 { taken.append(try device.add([2])) }
      try #require(taken.contains(block))
      for _ in 0..<3 { try device.checkpoint() }
      try Self.requireLossTold(memory, block, [2], old: home)
    }
    #expect(count > 2)
  }

  /// The check of a store looked behind the end of its own map for such a block, and the process ended.
  @Test("of a bitmap behind the end of the device is told")
  func strayBit() throws {
    let (image, _, device) = try Self.settled()
    let bitmap = device.core.layout.bitmapBlock(ofGroup: 0)
    let reopened = try TestDevice.open(image.forgingBlock(bitmap, at: 504, 1 << 63), isReadOnly: true)
    #expect(try reopened.checkDevice().findings.contains { $0.text.contains("ends before it") })
    #expect(try reopened.allocatedBlocks().allSatisfy { $0 < 512 })
  }

  @Test("of a misdirected write is told, for each pair of blocks")
  func misdirected() throws {
    let (image, blocks, _) = try Self.settled()
    for source in blocks {
      for target in blocks where target != source {
        let damaged = image.replacing(block: target.rawValue, with: image.block(source.rawValue))
        #expect(
          Self.reading(damaged, target) == Damage(block: target, reason: .misdirected(found: source.rawValue)))
        #expect(Self.reading(damaged, source) == nil)
      }
    }
  }

  @Test("by a block of another store is told")
  func foreign() throws {
    let (image, blocks, _) = try Self.settled()
    let (memory, device) = try TestDevice.make(seed: 44)
    for number in 0..<6 { _ = try device.add([UInt8(number)]) }
    try device.checkpoint()
    let foreign = memory.durableImage.block(blocks[3].rawValue)
    #expect(
      Self.reading(image.replacing(block: blocks[3].rawValue, with: foreign), blocks[3])
        == Damage(block: blocks[3], reason: .foreignStore))
  }

  @Test("by zeros is told", arguments: 0..<6)
  func zeros(_ index: Int) throws {
    let (image, blocks, _) = try Self.settled()
    let damaged = image.replacing(block: blocks[index].rawValue, with: [UInt8](repeating: 0, count: 512))
    #expect(Self.reading(damaged, blocks[index]) == Damage(block: blocks[index], reason: .checksum))
  }

  /// Data of the last flush are compared with their commit's digests, because that flush may never have returned. A commit that
  /// a recovery has kept is durable; nevertheless each opening before the next commit compared again, and rot then dropped an
  /// acknowledged commit, and wrote a superblock whose segments went backwards.
  @Test("of data whose commit an earlier opening kept does not drop the commit")
  func dataOfKeptCommit() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1, 2])
    let data = try device.addData([UInt8](repeating: 9, count: 700))
    _ = try TestDevice.open(memory, seed: 5)
    var image = memory.durableImage
    image[Int(data.extents[0].start.rawValue) * 512 + 3] ^= 1
    for seed in UInt64(6)...8 {
      let memory = SimulatedMemory(image: image)
      let reopened = try TestDevice.open(memory, seed: seed)
      #expect(reopened.durableSequence == device.durableSequence)
      #expect(try reopened.bytes(of: block, count: 2) == [1, 2])
      #expect(damage { () throws(StorageError) in _ = try reopened.bytes(of: data) }?.reason == .digest)
      #expect(try reopened.checkDevice().findings == [])
      image = memory.durableImage
    }
  }

  @Test("of data is told, with the block of the chunk")
  func data() throws {
    let (memory, device) = try TestDevice.make()
    let data = try device.addData((0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    #expect(data.extents.count == 1 && data.digests[0].count == 3)
    _ = try device.add([1])
    try device.close()
    let start = Int(data.extents[0].start.rawValue) * 512
    for (offset, chunk) in [(0, 0), (65535, 0), (65536, 1), (149_999, 2)] {
      let damaged = memory.durableImage.flipping(bit: (start + offset) * 8 + 3)
      let device = try TestDevice.open(damaged)
      #expect(
        damage { () throws(StorageError) in _ = try device.bytes(of: data) }
          == Damage(block: data.extents[0].start.advanced(by: UInt64(chunk * 128)), reason: .digest))
    }
    // The zeros behind the last byte are nobody's.
    #expect(
      try TestDevice.open(memory.durableImage.flipping(bit: (start + 150_000) * 8)).bytes(of: data) == data.bytes)
    var wrong = data
    wrong.digests[0].removeLast()
    #expect(damage { () throws(StorageError) in _ = try device.bytes(of: wrong) }?.reason == .digest)
    wrong.extents[0] = Extent(start: BlockNumber(.max), count: 300)
    #expect(damage { () throws(StorageError) in _ = try device.bytes(of: wrong) }?.reason == .outOfRange)
  }

  /// Which blocks of an image the device or a filesystem has a use for.
  private static func liveBlocks(_ image: [UInt8]) throws -> [UInt64] {
    let device = try TestDevice.open(image, isReadOnly: true)
    let layout = device.core.layout
    return try Array(0..<layout.geometryBlock + 1) + [63] + device.allocatedBlocks()
  }

  /// Whatever one flipped bit does: right contents or a typed error, never a trap.
  private static func requireRightOrError(
    _ image: [UInt8], _ blocks: [BlockNumber], _ data: StoredData, isReadOnly: Bool
  ) throws(StorageError) -> Bool {
    var wasTold = false
    func attempt(_ body: () throws(StorageError) -> Void) throws(StorageError) {
      do { try body() } catch {
        guard case .damaged = error else { throw error }
        wasTold = true
      }
    }
    try attempt { () throws(StorageError) in
      let device = try TestDevice.open(image, isReadOnly: isReadOnly)
      wasTold = device.journalDamage != nil
      // What a damaged journal keeps from being applied may be an older state, and it says so.
      let isCurrent = !wasTold
      for (number, block) in blocks.enumerated() {
        try attempt { () throws(StorageError) in
          let bytes = try device.bytes(of: block, count: 2)
          guard !isCurrent || bytes == [UInt8(number), 1] else {
            throw .invalidArgument("block \(block) shows \(bytes)")
          }
        }
      }
      try attempt { () throws(StorageError) in
        let isThere = try device.allocatedBlocks().contains(data.extents[0].start.rawValue)
        guard isCurrent || isThere else { return }
        let bytes = try device.bytes(of: data)
        guard bytes == data.bytes else { throw .invalidArgument("the data differ") }
      }
      try attempt { () throws(StorageError) in wasTold = try !device.checkDevice().findings.isEmpty || wasTold }
      if !isReadOnly {
        try attempt { () throws(StorageError) in
          let added = try device.add([9])
          try device.set(blocks[0], [0, 1])
          try device.checkpoint()
          guard try device.bytes(of: added, count: 1) == [9] else { throw .invalidArgument("a new block differs") }
        }
      }
    }
    return wasTold
  }

  @Test("by one flipped bit anywhere gives the right contents or a typed error", arguments: [true, false])
  func flippedBits(closed: Bool) throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<6).map { try device.add([UInt8($0), 1]) }
    let data = try device.addData([UInt8](repeating: 6, count: 2000))
    try device.checkpoint()
    for (number, block) in blocks.enumerated() { try device.set(block, [UInt8(number), 1, 7]) }
    if closed { try device.close() }
    let image = memory.durableImage
    var random = SeededGenerator(seed: 9)
    var told = 0
    for block in try Self.liveBlocks(image) {
      for round in 0..<4 {
        // The first bytes of a block weigh most.
        let bit = Int(block) * 4096 + (round < 2 ? random.below(40 * 8) : random.below(4096))
        do {
          let wasTold = try Self.requireRightOrError(
            image.flipping(bit: bit), blocks, data, isReadOnly: round % 2 == 0)
          told += wasTold ? 1 : 0
        } catch {
          Issue.record("bit \(bit) (block \(block)), closed \(closed), read-only \(round % 2 == 0): \(error)")
        }
      }
    }
    #expect(told > 40)
  }

  @Test("by a block that claims to come from a later commit is told, at once and again")
  func future() throws {
    let (image, blocks, _) = try Self.settled()
    for sequence in [UInt64(10_000), .max - 1, .max] {
      let device = try TestDevice.open(image.forgingBlock(blocks[1].rawValue, at: 24, sequence))
      for _ in 0..<2 {
        #expect(
          damage { () throws(StorageError) in _ = try device.bytes(of: blocks[1], count: 1) }
            == Damage(block: blocks[1], reason: .malformed))
      }
      #expect(damage { () throws(StorageError) in try device.set(blocks[1], [1]) }?.block == blocks[1])
    }
  }

  @Test(
    "of the geometry under a right checksum is told",
    arguments: [(32, .max), (32, 0), (40, .max), (48, .max), (48, 0), (56, .max)] as [(Int, UInt64)])
  func geometry(_ offset: Int, _ value: UInt64) throws {
    let (image, _, device) = try Self.settled()
    let block = device.core.layout.geometryBlock
    let forged = image.forgingBlock(block, at: offset, value)
    #expect(
      damage { () throws(StorageError) in _ = try TestDevice.open(forged) }
        == Damage(block: BlockNumber(block), reason: .malformed))
  }

  @Test("of a bitmap under a right checksum is found by the check", arguments: [false, true])
  func bitmap(sets: Bool) throws {
    let (image, blocks, device) = try Self.settled()
    let block = device.core.layout.groupStart
    let index = Int(blocks[0].rawValue - block)
    let word = LittleEndian.uint64(image.block(block).span, at: 32)
    let forged = image.forgingBlock(block, at: 32, sets ? word | 1 << 60 : word & ~(1 << UInt64(index)))
    let opened = try TestDevice.open(forged)
    #expect(try opened.checkDevice().findings.map { $0.block.rawValue } == [device.core.layout.geometryBlock])
  }

  @Test("of contents is told by the validator of their kind, whenever they enter the cache")
  func validator() throws {
    let (image, blocks, _) = try Self.settled()
    let options = OpenOptions { kind, bytes, byteCount in
      kind == TestDevice.kind && byteCount == 512 && bytes.u8(at: 32) != 3
    }
    let device = try BlockDevice.open(
      SimulatedMemory(image: image), options: options, environment: TestDevice.environment())
    #expect(try device.bytes(of: blocks[2], count: 1) == [2])
    for _ in 0..<2 {
      #expect(
        damage { () throws(StorageError) in _ = try device.bytes(of: blocks[3], count: 1) }
          == Damage(block: blocks[3], reason: .malformed))
    }
  }

  @Test("by random bytes in the place of any block never traps", arguments: TestSeeds.list(count: 4))
  func garbage(seed: UInt64) throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<6).map { try device.add([UInt8($0), 1]) }
    let data = try device.addData([UInt8](repeating: 6, count: 2000))
    if seed % 2 == 0 { try device.checkpoint() }
    if seed % 3 == 0 { try device.close() }
    let image = memory.durableImage
    var random = SeededGenerator(seed: seed)
    for block in try Self.liveBlocks(image) {
      // A torn last commit may be dropped: what it made is gone then, and nothing says so.
      let damaged = image.replacing(block: block, with: random.bytes(512))
      let error = failure { () throws(StorageError) in
        _ = try Self.requireRightOrError(damaged, blocks, data, isReadOnly: random.below(2) == 0)
      }
      if case .invalidArgument(let text) = error, seed % 2 == 0 || seed % 3 == 0 {
        Issue.record("block \(block): \(text)")
      }
    }
  }
}

extension UInt64 {
  fileprivate var low: UInt8 { UInt8(truncatingIfNeeded: self) }
}
