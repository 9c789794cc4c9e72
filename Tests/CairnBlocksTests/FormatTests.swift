import CairnBlocks
import CairnMemory
import CairnTestSupport
import Testing

@Suite("Formatting")
struct FormatTests {
  private static func format(
    _ memory: any StableMemory, _ options: FormatOptions = TestDevice.smallFormat(), seed: UInt64 = 1
  ) throws(StorageError) {
    try BlockDevice.format(memory, options: options, environment: TestDevice.environment(seed))
  }

  private static func isInvalid(_ error: StorageError?) -> Bool {
    if case .invalidArgument = error { return true }
    return false
  }

  @Test("makes an empty device of every block size", arguments: DeviceLayoutTests.blockByteCounts)
  func sizes(_ blockByteCount: Int) throws {
    let memory = SimulatedMemory(pageCount: UInt64(max(4, 128 * blockByteCount / 65536)))
    try Self.format(memory, FormatOptions(blockByteCount: blockByteCount))
    #expect(memory.visibleImage == memory.durableImage, "everything is flushed")
    let device = try TestDevice.open(memory)
    #expect(device.space.blockByteCount == blockByteCount && device.space.capacity == memory.byteCount)
    #expect(try device.allocatedBlocks() == [] && device.rootBlock() == nil && device.durableSequence == 0)
    #expect(try device.checkDevice().findings == [])
    let block = try device.add([1, 2, 3])
    try device.close()
    #expect(try TestDevice.open(memory).bytes(of: block, count: 3) == [1, 2, 3])
  }

  /// Where ring and images ended a few blocks before the second superblock, group 0's bitmap and table lay across it:
  /// images of 12 and 13 pages, for example, were damaged by their own superblock.
  @Test("makes a sound device of every size", arguments: [512, 1024, 4096])
  func everySize(_ blockByteCount: Int) throws {
    for pageCount in UInt64(1)...40 where pageCount * 65536 / UInt64(blockByteCount) >= 112 {
      let memory = SimulatedMemory(pageCount: pageCount)
      try Self.format(memory, FormatOptions(blockByteCount: blockByteCount))
      let device = try TestDevice.open(memory)
      let block = try device.add([1, 2, 3])
      try device.checkpoint()
      try device.close()
      let again = try TestDevice.open(memory)
      #expect(try again.bytes(of: block, count: 3) == [1, 2, 3], "\(pageCount) pages")
      #expect(try again.checkDevice().findings == [], "\(pageCount) pages")
    }
  }

  @Test("refuses what cannot be a device, and writes nothing")
  func refusals() throws {
    var options = FormatOptions()
    let memory = SimulatedMemory(pageCount: 16)
    memory.recordsEvents = true
    for blockByteCount in [0, -512, 256, 513, 131072, .max, .min] {
      options.blockByteCount = blockByteCount
      #expect(Self.isInvalid(failure { () throws(StorageError) in try Self.format(memory, options) }))
    }
    options = FormatOptions()
    for journalByteCount in [UInt64.max, 1 << 20, 1 << 40] {
      options.journalByteCount = journalByteCount
      #expect(Self.isInvalid(failure { () throws(StorageError) in try Self.format(memory, options) }))
    }
    options = FormatOptions()
    for (slots, blocks) in [(-1, 1), (65, 1), (1, -1), (1, 4097), (.max, .max), (64, 4096)] {
      (options.imageSlotCount, options.imageSlotBlockCount) = (slots, blocks)
      #expect(Self.isInvalid(failure { () throws(StorageError) in try Self.format(memory, options) }))
    }
    #expect(memory.events == [])
  }

  @Test("needs 64 blocks and more", arguments: [0, 1, 2] as [UInt64])
  func tooSmall(_ pageCount: UInt64) {
    let memory = SimulatedMemory(pageCount: pageCount)
    #expect(Self.isInvalid(failure { () throws(StorageError) in try Self.format(memory, FormatOptions()) }))
  }

  @Test("fits the smallest image of 512-byte blocks")
  func smallest() throws {
    let memory = SimulatedMemory(pageCount: 1)
    try Self.format(memory)
    let device = try TestDevice.open(memory)
    #expect(device.space.free > 0)
    #expect(try device.bytes(of: device.add([9]), count: 1) == [9])
  }

  @Test("leaves an image alone unless told to overwrite it")
  func alreadyFormatted() throws {
    let (memory, device) = try TestDevice.make()
    try device.close()
    let before = memory.visibleImage
    #expect(failure { () throws(StorageError) in try Self.format(memory) } == .alreadyFormatted)
    #expect(memory.visibleImage == before)
    // A damaged one, one of a newer version and one with a single copy are images too.
    let images = [
      before.flipping(bit: 600).flipping(bit: 63 * 4096 + 600),
      before.forgingSuperblock(at: 0, field: 12, 99),
      before.replacing(block: 0, with: [UInt8](repeating: 0, count: 512)),
    ]
    for image in images {
      let other = SimulatedMemory(image: image)
      #expect(failure { () throws(StorageError) in try Self.format(other) } == .alreadyFormatted)
      #expect(other.visibleImage == image)
    }
  }

  @Test("over another block size leaves no copy of the old image", arguments: [512, 1024, 2048, 4096, 8192])
  func overwrite(_ blockByteCount: Int) throws {
    let memory = SimulatedMemory(pageCount: 16)
    for old in [512, 1024, 2048, 4096, 8192] {
      try Self.format(memory, FormatOptions(blockByteCount: old, overwrites: true), seed: UInt64(old))
      try Self.format(memory, FormatOptions(blockByteCount: blockByteCount, overwrites: true), seed: 7)
      // With its first copy gone, the second alone is found.
      let image = memory.visibleImage.replacing(at: 0, with: [UInt8](repeating: 0, count: 512))
      let device = try TestDevice.open(image)
      #expect(device.space.blockByteCount == blockByteCount)
      #expect(device.storeID == (try TestDevice.open(memory.visibleImage).storeID))
    }
  }

  @Test("over an old image shows nothing of its blocks and journal")
  func overwriteContents() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    try device.checkpoint()
    _ = try device.add([2])
    var options = TestDevice.smallFormat()
    options.overwrites = true
    try Self.format(memory, options, seed: 9)
    let fresh = try TestDevice.open(memory)
    #expect(fresh.durableSequence == 0 && fresh.storeID != device.storeID)
    #expect(try fresh.allocatedBlocks() == [])
    #expect(damage { () throws(StorageError) in _ = try fresh.bytes(of: block, count: 1) }?.reason == .foreignStore)
    #expect(try fresh.journalReader().next() == nil)
  }

  @Test("interrupted anywhere leaves the old image, none, or the new one")
  func interrupted() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    try device.close()
    let initial = memory.durableImage
    memory.recordsEvents = true
    var options = TestDevice.smallFormat()
    options.overwrites = true
    try Self.format(memory, options, seed: 9)
    var enumerator = CrashEnumerator.quick
    enumerator.randomMaskCount = 4
    try enumerator.forEachImage(initial: initial, events: memory.events) { image, _, _ in
      try Self.requireOldNoneOrNew(image)
    }
  }

  private static func requireOldNoneOrNew(_ image: [UInt8]) throws(StorageError) {
    let device: BlockDevice
    do {
      device = try TestDevice.open(image)
    } catch {
      // A torn superblock has its magic, so the memory says that there was something.
      if error == .notCairn || error == .damaged(0, .superblocks) { return }
      throw error
    }
    guard try device.allocatedBlocks() == [], try device.checkDevice().findings.count <= 1 else {
      throw .invalidArgument("half of a device")
    }
  }

  @Test("fills the ring of a file with zeros, and needs a writable memory")
  func zeros() throws {
    let memory = SimulatedMemory(image: [UInt8](repeating: 0xEE, count: 65536))
    memory.isWritable = false
    #expect(failure { () throws(StorageError) in try Self.format(memory) } == .readOnly)
    memory.isWritable = true
    try Self.format(memory)
    #expect(memory.visibleImage[512..<25 * 512].allSatisfy { $0 == 0 })
  }
}
