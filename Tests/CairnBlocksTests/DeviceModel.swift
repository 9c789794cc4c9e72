import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// What a device should hold: written down the obvious way.
struct DeviceModel: Equatable {
  /// Metadata blocks, their bytes behind the header.
  var blocks: [UInt64: [UInt8]] = [:]
  /// Data extents by start, with what was written.
  var extents: [UInt64: DataExtent] = [:]

  struct DataExtent: Equatable {
    var count: UInt32
    var bytes: [UInt8]
    var digests: [UInt64]
  }
}

/// A difference between a device and its model, or anything else that must not happen.
struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ text: String) { description = text }
}

/// Drives a device on a simulated memory with random transactions, crashes and reopenings, in lockstep with a model that
/// remembers the state after each commit.
final class DeviceLockstep {
  struct Shape {
    var pageCount: UInt64 = 4
    var format = FormatOptions(
      blockByteCount: 512, journalByteCount: 16 * 512, imageSlotCount: 2, imageSlotBlockCount: 4)
    var memoryBudget = 1 << 20
    var isMessageAtomic = false
  }

  let shape: Shape
  var random: SeededGenerator
  var memory: SimulatedMemory
  var device: BlockDevice
  /// The last acknowledged state.
  var current = DeviceModel()
  /// What a commit would have made that failed: after a crash it may be there, whole, or not.
  var inFlight: DeviceModel?
  var acknowledged: UInt64 = 0
  let environment: Environment
  var log: [String] = []

  var crashes = 0
  var commits = 0
  private let salts: Counter

  final class Counter: @unchecked Sendable {
    var state: SeededGenerator
    init(_ seed: UInt64) { state = SeededGenerator(seed: seed) }
    func next() -> UInt64 { state.next() }
  }

  init(seed: UInt64, shape: Shape = Shape()) throws {
    self.shape = shape
    random = SeededGenerator(seed: seed)
    let salts = Counter(seed ^ 0x5A17)
    self.salts = salts
    environment = Environment(now: { 1_000 }, random: { salts.next() })
    memory = SimulatedMemory(
      pageCount: shape.pageCount, sectorByteCount: 512, isMessageAtomic: shape.isMessageAtomic)
    try BlockDevice.format(memory, options: shape.format, environment: environment)
    device = try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
    acknowledged = device.durableSequence
  }

  var blockByteCount: Int { shape.format.blockByteCount }

  // MARK: Operations

  /// A random transaction; what it does to the model is remembered only when it commits.
  func commitSomething() throws {
    var next = current
    let willThrow = random.below(12) == 0
    struct Abandoned: Error {}
    do {
      try device.transaction { transaction throws(StorageError) in
        let count = 1 + random.below(4)
        for _ in 0..<count { try self.change(&next, transaction) }
        if willThrow { throw .transactionFailed }
      }
      current = next
      commits += 1
      acknowledged = device.durableSequence
      log.append("commit \(acknowledged)")
    } catch {
      switch error {
      case .full, .transactionTooLarge, .transactionFailed: log.append("refused \(error)")
      default:
        inFlight = next
        throw error
      }
    }
  }

  private func change(_ model: inout DeviceModel, _ transaction: BlockTransaction) throws(StorageError) {
    let payload = blockByteCount - 32
    switch random.below(10) {
    case 0, 1:
      let block = try transaction.allocate(kind: BlockKind(rawValue: 0x80), owner: 7)
      var bytes = [UInt8](repeating: 0, count: payload)
      let some = random.bytes(1 + random.below(20))
      let offset = random.below(payload - some.count)
      try transaction.change(block, at: 32 + offset, some.span)
      bytes.replaceSubrange(offset..<offset + some.count, with: some)
      model.blocks[block.rawValue] = bytes
    case 2, 3, 4, 5:
      guard let block = pick(model.blocks.keys), var bytes = model.blocks[block] else { return }
      let some = random.bytes(1 + random.below(24))
      let offset = random.below(payload - some.count)
      try transaction.change(BlockNumber(block), at: 32 + offset, some.span)
      bytes.replaceSubrange(offset..<offset + some.count, with: some)
      model.blocks[block] = bytes
    case 6:
      guard let block = pick(model.blocks.keys) else { return }
      try transaction.free(BlockNumber(block))
      model.blocks[block] = nil
    case 7, 8:
      let extents = try transaction.allocateExtents(blockCount: UInt64(1 + random.below(6)))
      for extent in extents {
        let bytes = random.bytes(1 + random.below(Int(extent.count) * blockByteCount))
        let digests = try BulkCopy.withRawSpan(of: bytes) { span throws(StorageError) in
          try transaction.writeData(span, at: extent.start)
        }
        model.extents[extent.start.rawValue] = DeviceModel.DataExtent(
          count: extent.count, bytes: bytes, digests: digests)
      }
    default:
      guard let start = pick(model.extents.keys), let extent = model.extents[start] else { return }
      try transaction.free(Extent(start: BlockNumber(start), count: extent.count))
      model.extents[start] = nil
    }
  }

  private func pick(_ keys: some Collection<UInt64>) -> UInt64? {
    guard !keys.isEmpty else { return nil }
    return keys.sorted()[random.below(keys.count)]
  }

  // MARK: Crashes

  /// Opens an image as after a crash and requires one of the states that may be seen.
  ///
  /// With `recoveryCrashes` the power fails that many times while it is being recovered.
  func reopen(_ image: [UInt8], recoveryCrashes: Int = 0) throws {
    crashes += 1
    snapshots.removeAll()
    memory = SimulatedMemory(image: image, sectorByteCount: 512, isMessageAtomic: shape.isMessageAtomic)
    for _ in 0..<recoveryCrashes {
      memory.failsAfter = random.below(5)
      do {
        device = try BlockDevice.open(memory, options: options, environment: environment)
        memory.failsAfter = nil
        break
      } catch {
        switch error {
        case .memory, .poisoned: break
        default: throw error
        }
        var fates = SeededGenerator(seed: random.next())
        let image = memory.crashImage { _, _ in [.old, .new, .garbage][fates.below(3)] }
        memory = SimulatedMemory(image: image, sectorByteCount: 512, isMessageAtomic: shape.isMessageAtomic)
      }
    }
    memory.failsAfter = nil
    device = try BlockDevice.open(memory, options: options, environment: environment)
    try settle()
  }

  var options: OpenOptions { OpenOptions(memoryBudget: shape.memoryBudget) }

  // MARK: Snapshots

  /// Snapshots that are held, each with what it must show until it ends.
  var snapshots: [(snapshot: Snapshot, model: DeviceModel)] = []

  func takeSnapshot() throws {
    if snapshots.count >= 3 { snapshots.remove(at: random.below(3)) }
    snapshots.append((try device.snapshot(), current))
  }

  func verifySnapshots() throws {
    for (snapshot, model) in snapshots { try verify(snapshot.view, model) }
  }

  /// The device was opened: it must show an acknowledged or a later committed state.
  func settle() throws {
    let sequence = device.durableSequence
    guard sequence >= acknowledged else {
      throw Violation("lost: recovered commit \(sequence), acknowledged \(acknowledged)")
    }
    acknowledged = sequence
    let other = inFlight
    inFlight = nil
    do {
      try verify()
    } catch {
      guard let other else { throw error }
      let expected = current
      current = other
      do {
        try verify()
      } catch let second {
        current = expected
        throw Violation("neither the state before (\(error)) nor the one after (\(second)) the commit in flight")
      }
    }
  }

  /// Everything that the device shows equals the model.
  func verify() throws {
    try device.read { view throws(StorageError) in try verify(view, current) }
    try verifyAllocation()
  }

  /// What a view shows equals a model.
  func verify(_ view: BlockView, _ model: DeviceModel) throws(StorageError) {
    for (block, expected) in model.blocks {
      let found = try view.withBlock(BlockNumber(block), kind: BlockKind(rawValue: 0x80)) { span in
        (32..<span.count).map { span[$0] }
      }
      if found != expected {
        let first = expected.indices.first { expected[$0] != found[$0] } ?? 0
        let count = expected.indices.count { expected[$0] != found[$0] }
        throw .invalidArgument("block \(block) differs in \(count) bytes from \(first) on")
      }
    }
    for (start, extent) in model.extents {
      var bytes = [UInt8](repeating: 0, count: extent.bytes.count)
      try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(StorageError) in
        try view.readData(at: BlockNumber(start), digests: extent.digests, into: &span)
      }
      if bytes != extent.bytes { throw .invalidArgument("extent \(start) differs") }
    }
  }

  /// The bitmaps say that exactly the model's blocks are in use, and the device's own check finds nothing.
  func verifyAllocation() throws {
    var expected = Set(current.blocks.keys)
    for (start, extent) in current.extents { expected.formUnion(start..<start + UInt64(extent.count)) }
    var allocated: Set<UInt64> = []
    try device.read { view throws(StorageError) in
      try view.allocationMap().forEachAllocated { allocated.insert($0.rawValue) }
    }
    guard allocated == expected else {
      throw Violation(
        "leaked \(allocated.subtracting(expected).sorted()), in use but free \(expected.subtracting(allocated).sorted())"
      )
    }
    let report = try device.checkDevice()
    if !report.findings.isEmpty { throw Violation("check: \(report.findings)") }
  }
}
