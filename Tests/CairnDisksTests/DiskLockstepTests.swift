import CairnBlocks
import CairnTestSupport
import CairnVolumes
import Testing

@testable import CairnDisks

/// A disk against an array of blocks.
@Suite("Disks in lockstep with a model")
struct DiskLockstepTests {
  /// What is done to a disk.
  enum Step {
    case write(UInt64, [UInt8])
    case trim(Range<UInt64>)
    case resize(UInt64)
  }

  /// The disk as an array; a block is the byte that all of it has.
  struct Model: Equatable {
    var values: [UInt8]

    mutating func run(_ step: Step) {
      switch step {
      case .write(let first, let written):
        values.replaceSubrange(Int(first)..<Int(first) + written.count, with: written)
      case .trim(let range): for index in range { values[Int(index)] = 0 }
      case .resize(let count):
        let kept = values.prefix(Int(count))
        values = Array(kept) + [UInt8](repeating: 0, count: Int(count) - kept.count)
      }
    }
  }

  static let size = 512

  @Test("random sequences", arguments: TestSeeds.list(count: 10))
  func random(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try DiskFixture(
      blockCount: 40, blockByteCount: Self.size, pageCount: 24, deviceBlockByteCount: [512, 1024][Int(seed % 2)])
    var model = Model(values: [UInt8](repeating: 0, count: 40))
    for round in 0..<50 {
      do {
        try play(fixture, &model, &random)
        if round % 10 == 9 {
          let findings = try fixture.findings()
          if !findings.isEmpty { throw Mismatch(text: "check: \(findings)") }
        }
      } catch {
        Issue.record("round \(round): \(error). Replay: CAIRN_SEED=\(seed) swift test --filter DiskLockstepTests")
        return
      }
    }
  }

  struct Mismatch: Error { let text: String }

  private func play(_ fixture: DiskFixture, _ model: inout Model, _ random: inout SeededGenerator) throws {
    var working = model
    var calls: [[Step]] = []
    for _ in 0..<1 + random.below(3) {
      var steps: [Step] = []
      for _ in 0..<1 + random.below(4) {
        let step = makeStep(working, &random)
        working.run(step)
        steps.append(step)
      }
      calls.append(steps)
    }
    let isCommitted = random.below(4) > 0
    do {
      switch random.below(3) {
      case 0:
        try fixture.store.transaction { (transaction) throws(StorageError) in
          for step in calls.flatMap({ $0 }) { try Self.run(step, try transaction.disk("d")) }
          try Self.compare(try transaction.disk("d"), working)
          if !isCommitted { throw StorageError.closed }
        }
      default:
        let id = try fixture.store.begin()
        do {
          for steps in calls {
            try fixture.store.resume(id) { (transaction) throws(StorageError) in
              for step in steps { try Self.run(step, try transaction.disk("d")) }
            }
            if random.below(3) == 0 { try fixture.reopen(cleanly: random.below(2) == 0) }
          }
          if isCommitted { try fixture.store.commit(id) } else { try fixture.store.rollback(id) }
        } catch {
          try fixture.store.rollback(id)
          throw error
        }
      }
      if isCommitted { model = working }
    } catch let error as StorageError {
      switch error {
      case .full, .transactionTooLarge: break
      case .closed where !isCommitted: break
      default: throw error
      }
    }
    try fixture.read { (disk) throws(StorageError) in try Self.compare(disk, model) }
  }

  private func makeStep(_ model: Model, _ random: inout SeededGenerator) -> Step {
    let count = model.values.count
    let first = random.below(count)
    let length = 1 + random.below(min(12, count - first))
    switch random.below(10) {
    case 0: return .resize(UInt64(1 + random.below(60)))
    case 1, 2: return .trim(UInt64(first)..<UInt64(first + length))
    default: return .write(UInt64(first), (0..<length).map { _ in UInt8(1 + random.below(250)) })
    }
  }

  private static func run(_ step: Step, _ disk: Disk) throws(StorageError) {
    switch step {
    case .write(let first, let values):
      var bytes: [UInt8] = []
      for value in values { bytes += [UInt8](repeating: value, count: size) }
      try disk.write(first, bytes)
    case .trim(let range): try disk.trim(range)
    case .resize(let count): try disk.resize(to: count)
    }
  }

  private static func compare(_ disk: Disk, _ model: Model) throws(StorageError) {
    guard disk.geometry.blockCount == UInt64(model.values.count) else { throw .invalidArgument("another size") }
    let bytes = try disk.read(0, count: UInt64(model.values.count))
    for (index, value) in model.values.enumerated() {
      guard bytes[index * size..<(index + 1) * size].elementsEqual([UInt8](repeating: value, count: size)) else {
        throw .invalidArgument("block \(index) is not \(value)")
      }
    }
    let written = try disk.writtenBlockCount()
    guard written >= model.values.filter({ $0 != 0 }).count else { throw .invalidArgument("\(written) blocks written") }
  }
}
