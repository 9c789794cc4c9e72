import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Allocation group")
struct AllocationGroupTests {
  /// The first run of free blocks at or behind `lower` that is long enough, the obvious way.
  private static func naiveRun(_ busy: [Bool], from lower: Int, wanted: Int, least: Int) -> Range<Int>? {
    var index = lower
    while index < busy.count {
      if busy[index] {
        index += 1
        continue
      }
      var end = index
      while end < busy.count && !busy[end] && end - index < wanted { end += 1 }
      if end - index >= least { return index..<end }
      index = end
      while index < busy.count && !busy[index] { index += 1 }
    }
    return nil
  }

  @Test("finds the runs that a plain search finds", arguments: TestSeeds.list(count: 60))
  func runs(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let capacity = 64 * (1 + random.below(6)) - random.below(3) * 16
    let blockCount = 10 + random.below(capacity - 9)
    var group = AllocationGroup(capacity: capacity, blockCount: blockCount, overhead: 9)
    var busy = [Bool](repeating: false, count: (capacity + 63) / 64 * 64)
    for index in busy.indices where index < 9 || index >= blockCount { busy[index] = true }
    for _ in 0..<120 {
      let index = 9 + random.below(blockCount - 9)
      switch random.below(4) {
      case 0, 1:
        let wasFree = group.setBusy(index)
        #expect(wasFree == !busy[index])
        busy[index] = true
      case 2:
        // A whole stretch, so that words become full and empty.
        let isBusy = random.below(2) == 0
        for other in index..<min(blockCount, index + random.below(140)) {
          if isBusy { group.setBusy(other) } else { group.setFree(other) }
          busy[other] = isBusy
        }
      default:
        group.setFree(index)
        busy[index] = false
      }
      let (lower, wanted) = (random.below(busy.count), 1 + random.below(random.below(2) == 0 ? 8 : 300))
      let least = 1 + random.below(wanted)
      #expect(
        group.run(from: lower, wanted: wanted, least: least)
          == Self.naiveRun(busy, from: lower, wanted: wanted, least: least),
        "seed \(seed), from \(lower), wanted \(wanted), least \(least)")
      #expect(group.freeCount == busy.count { !$0 } && group.isBusy(index) == busy[index])
    }
  }

  @Test("reads a bitmap, and takes what lies behind its end for busy")
  func bitmap() throws {
    let frames = FrameStore(blockByteCount: 512, memoryBudget: 1)
    defer { withExtendedLifetime(frames) {} }
    let frame = try frames.allocate(block: 1)
    frame.fill(0, at: 0, count: 512)
    frame.store(UInt8(0b1000_0001), at: 32)
    frame.store(UInt8(0xFF), at: 33)
    let group = AllocationGroup(bitmap: frame.bytes, capacity: 3840, blockCount: 100)
    #expect(group.freeCount == 100 - 10)
    #expect(group.isBusy(0) && !group.isBusy(1) && group.isBusy(7) && group.isBusy(15) && !group.isBusy(16))
    #expect(!group.isBusy(99) && group.isBusy(100) && group.isBusy(3839))
    #expect(group.run(from: 0, wanted: 1000, least: 7) == 16..<100)
    #expect(group.run(from: 0, wanted: 1000, least: 85) == nil)
  }

  @Test("grows and shrinks with its device")
  func extent() {
    var group = AllocationGroup(capacity: 128, blockCount: 20, overhead: 9)
    #expect(group.freeCount == 11)
    group.extend(from: 20, to: 90)
    #expect(group.freeCount == 81 && group.run(from: 0, wanted: 200, least: 1) == 9..<90)
    group.cut(from: 20, to: 90)
    #expect(group.freeCount == 11 && group.run(from: 20, wanted: 1, least: 1) == nil)
  }
}
