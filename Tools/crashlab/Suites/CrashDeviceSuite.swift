import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// Traces of the block device, crashed at every write and flush in every way of the enumerator.
struct CrashDeviceSuite: Suite {
  let name = "crash-device"
  let summary = "power loss at every point of traces of the block device"
  let seconds = 5.0
  let floors = ["distinct": 3_500]

  /// What the device must show after a number of commits: bytes of its blocks and data.
  private struct Expected: Equatable {
    var blocks: [BlockNumber: [UInt8]] = [:]
    var data: [BlockNumber: (bytes: [UInt8], digests: [UInt64])] = [:]

    static func == (left: Self, right: Self) -> Bool {
      left.blocks == right.blocks && left.data.mapValues { $0.bytes } == right.data.mapValues { $0.bytes }
    }
  }

  private static let kind = BlockKind(rawValue: 0x80)
  private static let environment: @Sendable (UInt64) -> Environment = { seed in
    let box = Salt(seed)
    return Environment(now: { 7 }, random: { box.next() })
  }

  private final class Salt: @unchecked Sendable {
    private var generator: SeededGenerator
    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
    func next() -> UInt64 { generator.next() }
  }

  /// One letter is one operation: a allocate, c change, f free, x data, d delete data, k checkpoint, o close and open.
  static let traces = ["acc", "acfa", "axcdx", "akckc", "acocc", "xxkdxk", "aaacfkca", "acccccck", "xdxdxd", "aoaoako"]

  func run(_ run: SuiteRun) throws {
    run.forEach(Self.traces.count * 2, replay: { Self.replayString($0) }) { index in
      try everyPoint(Self.replayString(index)) { run.isNewState($0) }
    }
  }

  private static func replayString(_ index: Int) -> ReplayString {
    ReplayString("crash-device").with("trace", traces[index / 2]).with("block", index % 2 == 0 ? 512 : 4096)
  }

  func replay(_ replay: ReplayString) throws { try everyPoint(replay) { _ in true } }

  private func everyPoint(_ replay: ReplayString, isNew: (UInt64) -> Bool) throws {
    let trace = try replay.text("trace")
    let blockByteCount = try replay.number("block")
    let memory = SimulatedMemory(pageCount: blockByteCount == 512 ? 2 : 6)
    try BlockDevice.format(
      memory,
      options: FormatOptions(
        blockByteCount: blockByteCount, journalByteCount: UInt64(16 * blockByteCount), imageSlotCount: 2,
        imageSlotBlockCount: 4), environment: Self.environment(1))
    let initial = memory.durableImage
    memory.recordsEvents = true

    // What is acknowledged after each event.
    var states = [Expected()]
    var acknowledged: [(event: Int, state: Int)] = [(0, 0)]
    var device = try BlockDevice.open(memory, environment: Self.environment(2))
    var number: UInt8 = 0
    for operation in trace {
      number += 1
      if operation == "o" {
        try device.close()
        device = try BlockDevice.open(memory, environment: Self.environment(UInt64(number) + 10))
        continue
      }
      if operation == "k" {
        try device.checkpoint()
        continue
      }
      var next = states[states.count - 1]
      try device.transaction { transaction throws(StorageError) in
        try Self.perform(operation, number, &next, transaction, blockByteCount)
      }
      states.append(next)
      acknowledged.append((memory.events.count, states.count - 1))
    }

    let events = memory.events
    try CrashEnumerator().forEachImage(initial: initial, events: events) { image, point, subset in
      let least = acknowledged.last { $0.event <= point }?.state ?? 0
      let most = min(least + 1, states.count - 1)
      guard isNew(XXHash64.digest(image.span, seed: UInt64(least) << 32 | UInt64(most))) else { return }
      do {
        try Self.verify(image, allowed: Array(states[least...most]))
      } catch {
        throw CaseFailure(replay: replay, message: "event \(point) of \(events.count), \(subset): \(error)")
      }
    }
  }

  private static func perform(
    _ operation: Character, _ number: UInt8, _ expected: inout Expected, _ transaction: BlockTransaction,
    _ blockByteCount: Int
  ) throws(StorageError) {
    let bytes = [UInt8](repeating: number, count: 24)
    switch operation {
    case "a":
      let block = try transaction.allocate(kind: kind, owner: 1)
      try transaction.change(block, at: 32, bytes.span)
      expected.blocks[block] = bytes
    case "c":
      for block in expected.blocks.keys.sorted() {
        try transaction.change(block, at: 32, bytes.span)
        expected.blocks[block] = bytes
      }
    case "f":
      guard let block = expected.blocks.keys.min() else { return }
      try transaction.free(block)
      expected.blocks[block] = nil
    case "x":
      let data = [UInt8](repeating: number, count: blockByteCount + 100)
      let extents = try transaction.allocateExtents(blockCount: 2)
      guard extents.count == 1 else { throw .invalidArgument("the space is in pieces") }
      let digests = try BulkCopy.withRawSpan(of: data) { span throws(StorageError) in
        try transaction.writeData(span, at: extents[0].start)
      }
      expected.data[extents[0].start] = (data, digests)
    case "d":
      guard let start = expected.data.keys.min() else { return }
      try transaction.free(Extent(start: start, count: 2))
      expected.data[start] = nil
    default: throw .invalidArgument("unknown letter \(operation)")
    }
  }

  /// Opens an image, compares it with the allowed states, uses it, and opens it again.
  private static func verify(_ image: [UInt8], allowed: [Expected]) throws {
    let memory = SimulatedMemory(image: image)
    var device = try BlockDevice.open(memory, environment: environment(99))
    let found = try allowed.first { try shows(device, $0) }
    guard var state = found else {
      throw StorageError.invalidArgument("none of the \(allowed.count) states that may be seen")
    }
    for number in [UInt8(200), 201, 202] {
      try device.transaction { transaction throws(StorageError) in
        try perform(number == 201 ? "c" : "a", number, &state, transaction, transaction.view.blockByteCount)
      }
    }
    try device.close()
    device = try BlockDevice.open(SimulatedMemory(image: memory.durableImage), environment: environment(98))
    guard try shows(device, state) else {
      throw StorageError.invalidArgument("three commits later it shows something else")
    }
  }

  private static func shows(_ device: BlockDevice, _ expected: Expected) throws(StorageError) -> Bool {
    let report = try device.checkDevice()
    guard report.findings.isEmpty,
      report.allocatedBlockCount == UInt64(expected.blocks.count + 2 * expected.data.count)
    else { return false }
    return try device.read { view throws(StorageError) in
      let map = try view.allocationMap()
      for (block, bytes) in expected.blocks {
        guard map.isAllocated(block) else { return false }
        let found = try view.withBlock(block, kind: kind) { span in (32..<56).map { span[$0] } }
        if found != bytes { return false }
      }
      for (start, data) in expected.data {
        guard map.isAllocated(start) else { return false }
        var bytes = [UInt8](repeating: 0, count: data.bytes.count)
        try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(StorageError) in
          try view.readData(at: start, digests: data.digests, into: &span)
        }
        if bytes != data.bytes { return false }
      }
      return true
    }
  }
}
