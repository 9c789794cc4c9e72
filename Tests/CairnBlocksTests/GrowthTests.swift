import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Growth")
struct GrowthTests {
  private static func growing() -> FormatOptions {
    var format = TestDevice.smallFormat()
    format.growsByItself = true
    return format
  }

  /// A view said that the device was larger, after a growth that was taken back.
  @Test("that is taken back changes nothing that a view says")
  func takenBack() throws {
    let (_, device) = try TestDevice.make()
    let before = try device.read { view throws(StorageError) in view.blockCount }
    let error = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        try transaction.grow(byBlocks: 128)
        throw .transactionFailed
      }
    }
    #expect(error == .transactionFailed)
    #expect(try device.read { view throws(StorageError) in view.blockCount } == before)
  }

  @Test("makes room for what did not fit, in groups that were not there before")
  func manual() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    let first = try device.addData([UInt8](repeating: 1, count: Int(device.space.free)))
    #expect(device.space.free == 0)
    // A group has 3840 blocks: sixteen pages more are two groups.
    try device.grow(byBytes: 60 * 65536)
    #expect(memory.pageCount == 61 && device.space.capacity == 61 * 65536 && device.space.free > 58 * 65536)
    let second = try device.addData([UInt8](repeating: 2, count: Int(device.space.free)))
    for device in [device, try TestDevice.open(memory.durableImage)] {
      #expect(try device.bytes(of: first) == first.bytes && device.bytes(of: second) == second.bytes)
      let report = try device.checkDevice()
      #expect(report.findings == [] && report.formattedGroupCount == 3 && report.groupCount == 3)
    }
  }

  @Test("happens by itself where the format says so, and only there")
  func byItself() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1, format: Self.growing())
    let data = try device.addData([UInt8](repeating: 3, count: 500_000))
    #expect(memory.pageCount > 8)
    var blocks: [BlockNumber] = []
    for number in 0..<5000 where number % 50 == 0 {
      try device.transaction { transaction throws(StorageError) in
        for _ in 0..<4 { blocks.append(try transaction.add([UInt8(truncatingIfNeeded: number)])) }
      }
    }
    #expect(try TestDevice.open(memory.durableImage).bytes(of: data) == data.bytes)
    #expect(try TestDevice.open(memory.durableImage).allocatedBlocks().count == blocks.count + Int(data.blockCount))

    let (fixed, other) = try TestDevice.make(pageCount: 1)
    #expect(failure { () throws(StorageError) in _ = try other.addData([UInt8](repeating: 3, count: 500_000)) } != nil)
    #expect(fixed.pageCount == 1)
  }

  @Test("ends where the memory ends, with an error that leaves everything as it was")
  func memoryFull() throws {
    let memory = HeapMemory(pageCount: 1, maximumPageCount: 3)
    try BlockDevice.format(memory, options: Self.growing(), environment: TestDevice.environment())
    let device = try TestDevice.open(memory)
    let free = device.space.free
    guard
      case .full = failure({ () throws(StorageError) in _ = try device.addData([UInt8](repeating: 3, count: 500_000)) })
    else { return #expect(Bool(false), "it fits") }
    #expect(failure { () throws(StorageError) in try device.grow(byBytes: 500_000) } == .memory(.full))
    #expect(try device.space.free == free && device.allocatedBlocks() == [])
    try device.grow(byBytes: 65536)
    #expect(device.space.free == free + 65536)
  }

  @Test("in impossible amounts is refused", arguments: [UInt64.max, 1 << 60, 1 << 45])
  func huge(_ byteCount: UInt64) throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    #expect(
      failure { () throws(StorageError) in try device.grow(byBytes: byteCount) }
        == .limitExceeded(what: "blocks of a device", limit: DeviceLimits.blockCountMax))
    #expect(memory.pageCount == 1)
    _ = try device.add([1])
  }

  @Test("rolled back is used first the next time")
  func rolledBack() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    let space = device.space
    for _ in 0..<3 {
      let error = failure { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in
          try transaction.grow(byBlocks: 5000)
          _ = try transaction.addData([UInt8](repeating: 1, count: 2_400_000))
          throw .transactionFailed
        }
      }
      #expect(error == .transactionFailed)
      #expect(device.space == space && memory.pageCount == 41)
    }
    #expect(try TestDevice.open(memory.visibleImage).space == space)
    try device.grow(byBytes: 65536)
    #expect(memory.pageCount == 41 && device.space.capacity == 2 * 65536)
    #expect(try device.checkDevice().findings == [])
  }

  /// The device's end may cut a group so short that nothing of it can be used. The transaction that made it longer and was
  /// rolled back left the group in the allocator's memory; the next growth then handed out the group's own blocks.
  @Test("rolled back at the start of a group keeps the group's own blocks apart", arguments: [28, 29, 30, 31])
  func rolledBackAtGroupStart(_ imageSlotBlockCount: Int) throws {
    let format = TestDevice.smallFormat(imageSlotBlockCount: imageSlotBlockCount)
    let memory = SimulatedMemory(pageCount: 31)
    try BlockDevice.format(memory, options: format, environment: TestDevice.environment())
    let device = try TestDevice.open(memory)
    let overlap = Int(31 * 128) - Int(device.core.layout.groupStart + device.core.layout.groupBlockCount)
    #expect((1...8).contains(overlap))
    _ = try device.addData([UInt8](repeating: 1, count: Int(device.space.free)))
    _ = failure { () throws(StorageError) in
      try device.transaction { transaction throws(StorageError) in
        try transaction.grow(byBlocks: 128)
        _ = try transaction.addData([UInt8](repeating: 1, count: 40 * 512))
        throw .transactionFailed
      }
    }
    try device.grow(byBytes: 65536)
    let data = try device.addData([UInt8](repeating: 2, count: Int(device.space.free)))
    #expect(try device.bytes(of: data) == data.bytes && device.checkDevice().findings == [])
  }

  /// Staging tries operations, undoes them and keeps their data. When the data had made the device grow, the undoing took
  /// the space from under them.
  @Test("stays when a transaction is reset but keeps data there")
  func reset() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1, format: Self.growing())
    let kept = try device.transaction { transaction throws(StorageError) in
      _ = try transaction.add([1])
      let kept = try transaction.addData([UInt8](repeating: 3, count: 3_000_000))
      _ = try transaction.addData([UInt8](repeating: 4, count: 100_000))
      try transaction.reset(keeping: kept.extents)
      _ = try transaction.add([2])
      // Nothing that is kept is given away a second time.
      _ = try transaction.addData([UInt8](repeating: 5, count: 100_000))
      return kept
    }
    for device in [device, try TestDevice.open(memory.durableImage)] {
      #expect(try device.bytes(of: kept) == kept.bytes && device.checkDevice().findings == [])
    }
  }

  // The crash lab found that the commit of a growth could arrive before the file's new size: the image was then larger than its
  // memory, and never opened again. The memory is flushed ahead of the commit now.
  @Test("interrupted anywhere leaves the old size or the new one")
  func crashes() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    let block = try device.add([1])
    try device.checkpoint()
    let initial = memory.durableImage
    memory.recordsEvents = true
    try device.grow(byBytes: 65536)
    let data = try device.addData([UInt8](repeating: 2, count: Int(device.space.free - 4096)))
    try device.checkpoint()
    try device.set(block, [2])
    var enumerator = CrashEnumerator.quick
    enumerator.exhaustiveSectorCount = 3
    enumerator.randomMaskCount = 2
    // Between the write of the data, of a hundred sectors and more, and its flush only the ends are looked at.
    let events = memory.events
    let dataWrite = events.firstIndex { if case .write(_, let bytes) = $0 { bytes.count > 20_000 } else { false } }
    let start = try #require(dataWrite)
    let flush = try #require(events[start...].firstIndex(of: .flush))
    var sizes: Set<UInt64> = []
    for points in [0..<start + 1, flush + 1..<events.count + 1] {
      try enumerator.forEachImage(initial: initial, events: events, points: points) { image, _, subset in
        sizes.insert(try Self.requireOldOrNew(image, block, data, subset))
      }
    }
    #expect(sizes.sorted() == [65536, 2 * 65536])
  }

  private static func requireOldOrNew(
    _ image: [UInt8], _ block: BlockNumber, _ data: StoredData, _ subset: String
  ) throws(StorageError) -> UInt64 {
    let device = try TestDevice.open(image)
    let first = try device.bytes(of: block, count: 1)
    let capacity = device.space.capacity
    let holdsData = try device.allocatedBlocks().count > 1
    let stored = holdsData ? try device.bytes(of: data) : data.bytes
    guard first == [1] || first == [2] && holdsData, !holdsData || capacity == 2 * 65536, stored == data.bytes,
      try device.checkDevice().findings == []
    else { throw .invalidArgument("a mixture of states: \(subset)") }
    _ = try device.add([1])
    return capacity
  }
}
