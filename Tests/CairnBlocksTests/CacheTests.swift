import CairnTestSupport
import Synchronization
import Testing

@testable import CairnBlocks

@Suite("Frames")
struct FrameStoreTests {
  @Test("are reused only once nobody can be reading them")
  func reclaim() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let (first, second) = (try frames.allocate(block: 7), try frames.allocate(block: 8))
    #expect(first.bytes.number == 7 && second.bytes.number == 8 && frames.usedCount == 2)
    first.fill(0xAB, at: 0, count: 512)
    frames.retire(first.bytes, epoch: 5)
    frames.retire(second.bytes, epoch: 6)
    #expect(frames.hasRetired && frames.usedCount == 2)
    frames.reclaim(before: 5)
    #expect(frames.usedCount == 2 && first.bytes.u64(at: 504) == 0xABAB_ABAB_ABAB_ABAB)
    frames.reclaim(before: 6)
    #expect(frames.usedCount == 1 && frames.hasRetired)
    frames.reclaim(before: .max)
    #expect(frames.usedCount == 0 && !frames.hasRetired)
    frames.discard(try frames.allocate(block: 9).bytes)
    #expect(frames.usedCount == 0)
  }

  @Test("end at a hard limit, with an error")
  func limit() throws {
    let frames = FrameStore(blockByteCount: 65536, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    #expect(frames.frameCountSoft == 64)
    var held: [BlockBytes] = []
    for number in 0..<UInt64(128) { held.append(try frames.allocate(block: number).bytes) }
    #expect(frames.isFull)
    #expect(
      failure { () throws(StorageError) in _ = try frames.allocate(block: 128) }
        == .memoryBudgetExceeded(limit: frames.byteCountMax))
    for (number, frame) in held.enumerated() { #expect(frame.number == UInt64(number)) }
    frames.discard(held[3])
    #expect(try frames.allocate(block: 200).bytes.number == 200)
  }

  @Test("hold each byte for itself", arguments: [512, 4096])
  func separate(_ blockByteCount: Int) throws {
    let frames = FrameStore(blockByteCount: blockByteCount, memoryBudget: 1 << 20)
    defer { withExtendedLifetime(frames) {} }
    let held = try (0..<60).map { try frames.allocate(block: UInt64($0)) }
    for (number, frame) in held.enumerated() { frame.fill(UInt8(number), at: 0, count: blockByteCount) }
    for (number, frame) in held.enumerated() {
      #expect(frame.bytes.number == UInt64(number) && frame.bytes.older == nil)
      frame.withSpan(count: blockByteCount) { span in
        #expect(span[0] == UInt8(number) && span[blockByteCount - 1] == UInt8(number))
      }
    }
  }
}

@Suite("Block table")
struct BlockTableTests {
  @Test("finds the version that a view sees")
  func versions() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let table = BlockTable(blockCount: 10_000)
    defer { table.deallocate(retired: []) }
    var older: BlockBytes?
    for sequence in [UInt64(3), 8, .max] {
      let frame = try frames.allocate(block: 5000)
      frame.store(sequence, at: BlockHeader.Layout.sequence)
      frame.bytes.setOlder(older)
      table.set(5000, frame.bytes)
      older = frame.bytes
    }
    #expect(table.newest(5000)?.sequence == .max && table.newest(5001) == nil && table.newest(4) == nil)
    #expect(table.find(5000, sequence: .max)?.sequence == .max)
    #expect(table.find(5000, sequence: 100)?.sequence == 8 && table.find(5000, sequence: 8)?.sequence == 8)
    #expect(table.find(5000, sequence: 7)?.sequence == 3 && table.find(5000, sequence: 2) == nil)
    table.set(5000, nil)
    #expect(table.newest(5000) == nil)
  }

  @Test("answers for blocks that no device has", arguments: [10_001, 1 << 40, UInt64.max])
  func outside(_ block: UInt64) {
    let table = BlockTable(blockCount: 10_000)
    defer { table.deallocate(retired: []) }
    #expect(table.newest(block) == nil && table.find(block, sequence: .max) == nil && table.isChunkEmpty(block))
    table.set(block, nil)
    #expect(table.sweep(block).version == nil)
  }

  @Test("grows with what it holds")
  func growth() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let table = BlockTable(blockCount: 1)
    var retired: [UInt] = []
    defer { table.deallocate(retired: retired) }
    let frame = try frames.allocate(block: 3).bytes
    table.set(3, frame)
    #expect(table.grow(blockCount: 4096) == nil, "one chunk is enough")
    for blockCount in [UInt64(4097), 20_000, 1_000_000] {
      retired.append(try #require(table.grow(blockCount: blockCount)))
      let last = try frames.allocate(block: blockCount - 1).bytes
      table.set(blockCount - 1, last)
      #expect(table.newest(blockCount - 1)?.number == blockCount - 1 && table.newest(3)?.number == 3)
    }
  }

  @Test("marks what was looked at, for the clock hand")
  func marks() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let table = BlockTable(blockCount: 8192)
    defer { table.deallocate(retired: []) }
    for block in [UInt64(0), 63, 64, 4095] { table.set(block, try frames.allocate(block: block).bytes) }
    _ = table.newest(63)
    #expect(!table.sweep(0).wasUsed && !table.sweep(64).wasUsed && !table.sweep(4095).wasUsed)
    #expect(table.sweep(63).wasUsed)
    #expect(!table.sweep(63).wasUsed && table.sweep(63).version?.number == 63)
    #expect(!table.isChunkEmpty(0) && table.isChunkEmpty(4096))
  }
}

@Suite("Memory that the program does not give")
struct RefusedAllocationTests {
  /// Counts what is asked for, and refuses on demand.
  private final class Gate: @unchecked Sendable {
    private let lock = SpinLock()
    private var isClosed = false
    private var count = 0
    func set(closed: Bool) { lock.with { isClosed = closed } }
    var askedCount: Int { lock.with { count } }
    func admits() -> Bool {
      lock.with {
        count += 1
        return !isClosed
      }
    }
  }

  @Test("is an error that changes nothing, and the device goes on")
  func refusal() throws {
    let memory = SimulatedMemory(pageCount: 4)
    try BlockDevice.format(memory, options: TestDevice.smallFormat(), environment: TestDevice.environment())
    let gate = Gate()
    var options = OpenOptions(memoryBudget: 1 << 20)
    options.admitsAllocation = { _ in gate.admits() }
    let device = try BlockDevice.open(memory, options: options, environment: TestDevice.environment(2))
    let block = try device.add([1])
    #expect(gate.askedCount > 3)
    gate.set(closed: true)
    func isRefused(_ body: () throws(StorageError) -> Void) -> Bool {
      if case .allocationRefused = failure(body) { return true }
      return false
    }
    #expect(isRefused { () throws(StorageError) in _ = try device.add([2]) })
    #expect(isRefused { () throws(StorageError) in try device.checkpoint() })
    #expect(isRefused { () throws(StorageError) in _ = try device.allocatedBlocks() })
    #expect(
      isRefused { () throws(StorageError) in
        _ = try BlockDevice.open(memory, options: options, environment: TestDevice.environment(3))
      })
    #expect(try device.bytes(of: block, count: 1) == [1], "what is cached needs no memory")
    gate.set(closed: false)
    let other = try device.add([2])
    try device.checkpoint()
    #expect(try device.allocatedBlocks() == [block.rawValue, other.rawValue])
    #expect(try device.checkDevice().findings == [])
  }
}

@Suite("Slots of views")
struct ViewSlotsTests {
  @Test("say which commits and which frames are needed")
  func announce() throws {
    let slots = ViewSlots()
    let writer = try slots.acquireForWriter()
    #expect(slots.activeSequences() == [] && slots.oldestPin() == .max)
    slots.durable.store(10, ordering: .sequentiallyConsistent)
    let (first, seen) = try slots.acquire()
    slots.durable.store(20, ordering: .sequentiallyConsistent)
    let (second, _) = try slots.acquire()
    #expect(seen == 10 && slots.activeSequences() == [10, 20] && slots.activeCount == 2)

    slots.pin(first)
    let epoch = slots.advanceEpoch()
    slots.pin(second)
    slots.pin(writer)
    #expect(slots.oldestPin() == epoch)
    slots.unpin(first)
    #expect(slots.oldestPin() == epoch + 1)
    slots.release(second)
    slots.unpin(writer)
    #expect(slots.oldestPin() == .max && slots.activeSequences() == [10])
    // A freed slot is taken again.
    #expect(try slots.acquire().index == second)
  }

  @Test("are bounded")
  func bounded() throws {
    let slots = ViewSlots()
    for _ in 0..<DeviceLimits.viewCountMax { _ = try slots.acquire() }
    #expect(
      failure { () throws(StorageError) in _ = try slots.acquire() } == .tooManyViews(limit: DeviceLimits.viewCountMax))
    slots.release(100)
    #expect(try slots.acquire().index == 100)
  }
}
