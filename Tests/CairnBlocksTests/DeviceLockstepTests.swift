import CairnBlocks
import CairnMemory
import CairnTestSupport
import Testing

/// Random transactions with power loss at random calls, in lockstep with the model.
@Suite("Device in lockstep with its model")
struct DeviceLockstepTests {
  /// One seed: sixty steps, a fifth of them crashes, kills, clean closings and forced checkpoints.
  private func run(seed: UInt64, shape: DeviceLockstep.Shape) throws {
    let lockstep = try DeviceLockstep(seed: seed, shape: shape)
    do {
      for _ in 0..<60 { try step(lockstep) }
    } catch {
      throw Violation(
        "seed \(seed): \(error); replay with `CAIRN_SEED=\(seed) swift test --filter DeviceLockstepTests`; "
          + lockstep.log.suffix(12).joined(separator: " | "))
    }
  }

  private func step(_ lockstep: DeviceLockstep) throws {
    switch lockstep.random.below(20) {
    case 0..<12: try lockstep.commitSomething()
    case 12, 13: try lockstep.takeSnapshot()
    case 14: try lockstep.verifySnapshots()
    case 15: try lockstep.reopen(lockstep.memory.visibleImage)
    case 16:
      try lockstep.device.close()
      try lockstep.reopen(lockstep.memory.durableImage)
    case 17:
      try lockstep.device.checkpoint()
      try lockstep.verify()
    default: try powerLoss(lockstep)
    }
  }

  private func powerLoss(_ lockstep: DeviceLockstep) throws {
    lockstep.memory.failsAfter = lockstep.random.below(8)
    do {
      try lockstep.commitSomething()
      lockstep.memory.failsAfter = nil
    } catch let error as StorageError {
      switch error {
      case .memory, .poisoned: break
      default: throw error
      }
    }
    let mode = lockstep.random.below(4)
    var fates = SeededGenerator(seed: lockstep.random.next())
    try lockstep.reopen(
      lockstep.memory.crashImage { _, _ in
        switch mode {
        case 0: .old
        case 1: .new
        case 2: fates.below(2) == 0 ? .old : .new
        default: [.old, .new, .garbage][fates.below(3)]
        }
      }, recoveryCrashes: lockstep.random.below(3))
  }

  static let seeds: [UInt64] = TestSeeds.list(count: 60)

  @Test("with 512-byte blocks and a ring of 16 blocks", arguments: seeds)
  func small(seed: UInt64) throws {
    try run(seed: seed, shape: DeviceLockstep.Shape())
  }

  @Test("with blocks of 4096 bytes", arguments: seeds.prefix(max(12, seeds.count / 4)))
  func blocksOf4096(seed: UInt64) throws {
    var shape = DeviceLockstep.Shape()
    shape.pageCount = 6
    shape.format = FormatOptions(
      blockByteCount: 4096, journalByteCount: 16 * 4096, imageSlotCount: 2, imageSlotBlockCount: 2)
    try run(seed: seed, shape: shape)
  }

  @Test("with a cache of the smallest size", arguments: seeds.prefix(max(20, seeds.count / 4)))
  func smallCache(seed: UInt64) throws {
    var shape = DeviceLockstep.Shape()
    shape.memoryBudget = 1
    shape.pageCount = 8
    try run(seed: seed, shape: shape)
  }

  @Test("growing by itself", arguments: seeds.prefix(max(20, seeds.count / 4)))
  func growing(seed: UInt64) throws {
    var shape = DeviceLockstep.Shape()
    shape.pageCount = 1
    shape.format.journalByteCount = 24 * 512
    shape.format.growsByItself = true
    try run(seed: seed, shape: shape)
  }

  @Test("on a memory that tears no message", arguments: seeds.prefix(max(12, seeds.count / 4)))
  func messageAtomic(seed: UInt64) throws {
    var shape = DeviceLockstep.Shape()
    shape.isMessageAtomic = true
    shape.pageCount = 6
    let lockstep = try DeviceLockstep(seed: seed, shape: shape)
    for _ in 0..<80 {
      switch lockstep.random.below(10) {
      case 0: try lockstep.reopen(lockstep.memory.visibleImage)
      case 1: try lockstep.takeSnapshot()
      case 2: try lockstep.verifySnapshots()
      default: try lockstep.commitSomething()
      }
    }
    try lockstep.reopen(lockstep.memory.visibleImage)
  }
}
