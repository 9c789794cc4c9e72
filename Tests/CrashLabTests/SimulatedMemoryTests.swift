import CairnMemory
import CairnTestSupport
import Testing

/// The simulated memory, which everything else here relies on.
@Suite("Simulated memory")
struct SimulatedMemoryTests {
  /// What it should do, written down the obvious way.
  private struct Model {
    var visible: [UInt8]
    var durable: [UInt8]
    var pending: Set<Int> = []
  }

  @Test("in lockstep with two arrays", arguments: TestSeeds.list(count: 10))
  func lockstep(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let memory = SimulatedMemory(pageCount: 1)
    var model = Model(visible: memory.visibleImage, durable: memory.durableImage)
    for step in 0..<100 {
      let comment = Comment(rawValue: "seed \(seed), step \(step)")
      switch random.below(10) {
      case 0:
        try memory.flush()
        model.durable = model.visible
        model.pending = []
      case 1 where model.visible.count < 200_000:
        try memory.grow(by: 1)
        model.visible += [UInt8](repeating: 0, count: 65536)
        model.durable += [UInt8](repeating: 0, count: 65536)
      case 2:
        // The power goes: even sectors arrive, odd ones do not.
        #expect(memory.pendingSectors == model.pending.sorted(), comment)
        memory.losePower { sector, _ in sector % 2 == 0 ? .new : .old }
        for sector in model.pending where sector % 2 == 0 {
          model.durable.replaceSubrange(
            sector * 512..<(sector + 1) * 512, with: model.visible[sector * 512..<(sector + 1) * 512])
        }
        model.visible = model.durable
        model.pending = []
      case 3:
        // A failed flush: the cache goes on showing what the device does not have, until it is dropped.
        memory.fault = MemoryFault([.flush], after: 0)
        #expect(throws: MemoryError.self) { try memory.flush() }
        #expect(memory.visibleImage == model.visible && memory.durableImage == model.durable, comment)
        try memory.discardCache()
        model.visible = model.durable
        model.pending = []
      default:
        let bytes = random.bytes(1 + random.below(1500))
        let offset = random.below(model.visible.count - bytes.count)
        try memory.write(bytes, at: offset)
        model.visible.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        for sector in offset / 512...(offset + bytes.count - 1) / 512 { model.pending.insert(sector) }
      }
      #expect(memory.visibleImage == model.visible && memory.durableImage == model.durable, comment)
    }
  }

  private static func memory(_ fault: MemoryFault) throws -> SimulatedMemory {
    let memory = SimulatedMemory(pageCount: 1)
    try memory.write([UInt8](repeating: 1, count: 2048), at: 0)
    try memory.flush()
    memory.fault = fault
    return memory
  }

  @Test("makes one write or flush go wrong in each way")
  func writes() throws {
    let new = [UInt8](repeating: 2, count: 1024)
    func sectors(_ effect: MemoryFault.Effect, _ call: MemoryFault.Call = .write) throws -> (
      seen: [UInt8], kept: [UInt8]
    ) {
      let memory = try Self.memory(MemoryFault([call], after: 0, effect: effect))
      try memory.write(new, at: 0)
      try memory.flush()
      #expect(memory.faultCount == 1)
      return ((0..<4).map { memory.visibleImage[$0 * 512] }, (0..<4).map { memory.durableImage[$0 * 512] })
    }
    #expect(try sectors(.lost).kept == [1, 1, 1, 1])
    #expect(try sectors(.torn(1)).kept == [2, 1, 1, 1])
    #expect(try sectors(.misdirected(1024)).kept == [1, 1, 2, 2])
    #expect(try sectors(.delayed).seen == [2, 2, 1, 1] && sectors(.delayed).kept == [1, 1, 1, 1])
    #expect(try sectors(.garbled(5)).kept != [2, 2, 1, 1])
    #expect(try sectors(.lost, .flush).seen == [2, 2, 1, 1] && sectors(.lost, .flush).kept == [1, 1, 1, 1])
    #expect(try sectors(.torn(1), .flush).kept == [2, 1, 1, 1])
    #expect(try sectors(.delayed, .flush).kept == [1, 1, 1, 1])
    #expect(throws: MemoryError.self) { try sectors(.error) }
  }

  @Test("makes one read or growth go wrong in each way")
  func reads() throws {
    func read(_ effect: MemoryFault.Effect) throws -> [UInt8] {
      let memory = try Self.memory(MemoryFault([.read], after: 0, effect: effect))
      try memory.write([UInt8](repeating: 2, count: 512), at: 0)
      var bytes = [UInt8](repeating: 9, count: 1024)
      try memory.read(into: &bytes, at: 0)
      return [bytes[0], bytes[512]]
    }
    #expect(try read(.lost) == [9, 9] && read(.torn(1)) == [2, 9])
    #expect(try read(.misdirected(1024)) == [1, 1] && read(.delayed) == [1, 1])
    let memory = try Self.memory(MemoryFault([.grow], after: 0, effect: .torn(1)))
    try memory.grow(by: 3)
    #expect(memory.pageCount == 2)
  }
}
