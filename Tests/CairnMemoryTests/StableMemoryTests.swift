import CairnMemory
import CairnTestSupport
import Testing

/// The contract, over every implementation.
@Suite("Stable memory")
struct StableMemoryTests {
  enum Implementation: CaseIterable {
    case heap
    case file
  }

  /// A memory with 3 pages that can grow to at least 100.
  private static func memory(_ implementation: Implementation, in folder: ScratchFolder) throws -> any StableMemory {
    switch implementation {
    case .heap: HeapMemory(pageCount: 3)
    case .file: try FileMemory.create(path: folder.image, byteCount: 3 * MemoryPage.byteCount)
    }
  }

  @Test("starts with the pages asked for, all zero", arguments: Implementation.allCases)
  func zeroed(implementation: Implementation) throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    #expect(memory.pageCount == 3)
    #expect(memory.byteCount == 196_608)
    #expect(memory.isWritable)
    #expect(try memory.bytes(at: 0, count: 196_608).allSatisfy { $0 == 0 })
  }

  @Test(
    "reads back what was written, at any offset and length",
    arguments: Implementation.allCases, TestSeeds.list(count: 3)
  )
  func roundTrip(implementation: Implementation, seed: UInt64) throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    try memory.grow(by: 30)
    var generator = SeededGenerator(seed: seed)
    var model = [UInt8](repeating: 0, count: Int(memory.byteCount))
    for _ in 0..<30 {
      let bytes = generator.bytes(generator.below(Bool.random(using: &generator) ? 100 : 40_000))
      let offset = generator.below(model.count - bytes.count + 1)
      try memory.put(bytes, at: UInt64(offset))
      model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    try memory.flush()
    try memory.discardCache()
    let found = try memory.bytes(at: 0, count: model.count)
    #expect(found == model)
  }

  @Test("grows by zeroed pages and keeps what it has", arguments: Implementation.allCases)
  func growth(implementation: Implementation) throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    let bytes = pattern(100_000, seed: 7)
    try memory.put(bytes, at: 96_608)
    try memory.grow(by: 0)
    #expect(memory.pageCount == 3)
    try memory.grow(by: 20)
    #expect(memory.pageCount == 23)
    #expect(try memory.bytes(at: 96_608, count: 100_000) == bytes)
    #expect(try memory.bytes(at: 196_608, count: 20 * 65_536).allSatisfy { $0 == 0 })
    try memory.put(bytes, at: 23 * 65_536 - 100_000)
    #expect(try memory.bytes(at: 23 * 65_536 - 100_000, count: 100_000) == bytes)
  }

  @Test("refuses what lies outside, and changes nothing", arguments: Implementation.allCases)
  func bounds(implementation: Implementation) throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    let size = memory.byteCount
    let cases: [(offset: UInt64, count: Int)] = [
      (size, 1), (size - 1, 2), (0, Int(size) + 1), (.max, 1), (.max - 7, 8), (1 << 63, 4096), (size + 1, 0),
    ]
    for (offset, count) in cases {
      let expected = MemoryError.outOfBounds(offset: offset, count: UInt64(count), size: size)
      #expect(throws: expected) { try memory.bytes(at: offset, count: count) }
      #expect(throws: expected) { try memory.put([UInt8](repeating: 1, count: count), at: offset) }
    }
    #expect(try memory.bytes(at: size, count: 0) == [])
    try memory.put([], at: size)
    #expect(try memory.bytes(at: 0, count: Int(size)).allSatisfy { $0 == 0 })
  }

  @Test("grows all or nothing", arguments: Implementation.allCases)
  func growthBeyondEverything(implementation: Implementation) throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    for pages in [UInt64.max, UInt64.max / 65_536, UInt64(1) << 47] {
      #expect(throws: MemoryError.full) { try memory.grow(by: pages) }
    }
    #expect(memory.pageCount == 3)
    try memory.put([1, 2, 3], at: 0)
    try memory.grow(by: 1)
    #expect(memory.pageCount == 4)
  }

  @Test("serves readers and a writer of different places at once", arguments: Implementation.allCases)
  func concurrency(implementation: Implementation) async throws {
    let folder = try ScratchFolder()
    let memory = try Self.memory(implementation, in: folder)
    try memory.grow(by: 5)
    try await withThrowingTaskGroup { group in
      for place in 0..<8 {
        group.addTask {
          for round in 0..<40 {
            let bytes = pattern(8192, seed: UInt64(place * 1000 + round))
            try memory.put(bytes, at: UInt64(place) * 65_536)
            #expect(try memory.bytes(at: UInt64(place) * 65_536, count: 8192) == bytes)
          }
        }
      }
      group.addTask { for _ in 0..<20 { try memory.grow(by: 1) } }
      try await group.waitForAll()
    }
    #expect(memory.pageCount == 28)
  }
}

@Suite("Heap memory")
struct HeapMemoryTests {
  @Test("stops growing at its limit")
  func limit() throws {
    let memory = HeapMemory(pageCount: 2, maximumPageCount: 5)
    #expect(throws: MemoryError.full) { try memory.grow(by: 4) }
    try memory.grow(by: 3)
    #expect(memory.pageCount == 5)
    #expect(memory.guarantees == .messageAtomic)
    #expect(throws: MemoryError.full) { try memory.grow(by: 1) }
  }
}
